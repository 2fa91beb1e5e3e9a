"""What the pages show of `fer analyse` and `fer ablate`: views of their records, with tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from fer import emotions
from fer.data import dataset
from fer.ui import loaders, widgets
from fer.ui.studies import study_charts
from fer.ui.text import Translator
from fer.vision.preprocessing import FER_SIZE

# How much of an image around a channel's strongest cell is marked, as a share of its side.
PATCH = 1 / 3


def _record(study: str, _: Translator) -> dict[str, Any] | None:
    """A study's record; without one, a sentence that says which command makes it."""
    record = loaders.study(study)
    if record is None:
        st.caption(
            _(
                "Not made yet. Run `{command}`.",
                command="fer ablate" if study == "ablation" else f"fer analyse --only {study}",
            )
        )
    return record


def made_with(record: Mapping[str, Any], command: str, _: Translator) -> None:
    """Which command made a record, from which commit, seed, data and weights."""
    stale = [
        key
        for key, digest in record["weights_sha256"].items()
        if key not in loaders.models() or loaders.models()[key].digest != digest
    ]
    st.caption(
        _(
            "Made with `{command}` at commit {commit}, seed {seed}, data {data}.",
            command=command,
            commit=record["commit"][:12],
            seed=record["seed"],
            data=record["data_sha256"][:12],
        )
    )
    if not dataset.is_official(record["data_sha256"]):
        st.caption(_("Made of other images than FER-2013's, so it is not FER-2013's result."))
    if stale:
        st.warning(_("Made with other weights of {models}; run it again.", models=", ".join(stale)))


def looking(_: Translator) -> None:
    """Where each model's Grad-CAM lies, whether the maps can be trusted, and the SE gates."""
    record = _record("regions", _)
    if record is not None:
        _regions(record, _)
    checked = loaders.study("sanity")
    if checked is not None:
        _sanity(checked, _)
    gates = loaders.study("gates")
    if gates is not None:
        _gates(gates, _)


def _regions(record: Mapping[str, Any], _: Translator) -> None:
    st.subheader(_("Eyes, mouth and the rest"))
    names = region_names(_)
    options = ["all", *emotions.KEYS]
    emotion = st.pills(
        _("True emotion"),
        options,
        default="all",
        format_func=lambda key: _("all images") if key == "all" else _(key),
        required=True,
        key="region_emotion",
    )
    shown = {
        key: found["all"] if emotion == "all" else found["per_class"][emotion]
        for key, found in record["models"].items()
    }
    change = record.get("proposed_minus_baseline")
    if change is not None and emotion == "all":
        st.write(_claim(change, _))
    widgets.chart(
        study_charts.region_shares(shown, record["area"], names, _),
        key="region_shares",
        alt=_("Bars: share of Grad-CAM of each model on eyes, mouth and the rest of the face"),
    )
    st.caption(
        _(
            "Grad-CAM (Selvaraju et al. 2017) of each model's own answer on {n} PrivateTest "
            "images; bars with 95 % intervals. Regions lie around YuNet's landmarks, found in "
            "{share} of the images; elsewhere their median stands in. Gray: what a map without "
            "preference would have. The maps have {cells} cells a side; a coarser one blurs over "
            "the borders of regions.",
            cells=" / ".join(
                f"{model.scenario.input_size // 16} ({key})"
                for key, model in loaders.models().items()
            ),
            n=_.number(record["images"]),
            share=_.percent(record["landmarks_detected"], 0),
        )
    )
    with st.expander(_("Table and download"), key="region_details"):
        widgets.table(
            region_table(record, names, _), "regions", _("Share of Grad-CAM by class and region"), _
        )
    made_with(record, "fer analyse --only regions", _)


def region_names(_: Translator) -> dict[str, str]:
    """What each region of the face is called."""
    return {"eyes": _("Eyes and brows"), "mouth": _("Mouth"), "rest": _("Rest")}


def _claim(change: Mapping[str, Any], _: Translator) -> str:
    """What the record says of the claim that the SE block sees eyes and mouth better."""
    told = []
    for region, name in (("eyes", _("eyes and brows")), ("mouth", _("mouth"))):
        low, high = change[region]["interval"]
        if low > 0:
            sentence = _("more on {region} ({low} to {high} points)")
        elif high < 0:
            sentence = _("less on {region} ({low} to {high} points)")
        else:
            sentence = _("no different on {region} ({low} to {high} points)")
        told.append(
            sentence.format(region=name, low=_.signed(100 * low, 1), high=_.signed(100 * high, 1))
        )
    return _(
        "The thesis expects `proposed` to look at eyes and mouth more. Compared with `baseline` on "
        "the same images, it looks {first}, and {second}.",
        first=told[0],
        second=told[1],
    )


def region_table(
    record: Mapping[str, Any], names: Mapping[str, str], _: Translator
) -> pd.DataFrame:
    """A row for each model, class and region: share in percent, interval, ratio to the area."""
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("True"): _("all images") if emotion == "all" else _(emotion),
                _("Region of the face"): names[region],
                _("Share of Grad-CAM (%)"): round(100 * row["share"], 2),
                _("95 % from (%)"): round(100 * row["interval"][0], 2),
                _("95 % to (%)"): round(100 * row["interval"][1], 2),
                _("Times its share of the area"): round(row["ratio"], 3),
            }
            for key, found in record["models"].items()
            for emotion, by_region in {"all": found["all"], **found["per_class"]}.items()
            for region, row in by_region.items()
        ]
    )


def _sanity(record: Mapping[str, Any], _: Translator) -> None:
    st.subheader(_("Do the maps depend on what was learnt?"))
    widgets.chart(
        study_charts.randomisation(record, _),
        key="sanity",
        alt=_("Lines: rank correlation of the maps as more of each network is randomised"),
    )
    st.caption(
        _(
            "Sanity check of Adebayo et al. (2018) on {n} images: layers are given random values "
            "from the output down, in {stages} stages; a map that explains the model must lose its "
            "likeness to the trained one's.",
            n=_.number(record["images"]),
            stages=len(record["stages"]),
        )
    )
    with st.expander(_("Table and download"), key="sanity_details"):
        widgets.table(
            pd.DataFrame(
                {
                    _("Randomised so far"): record["stages"],
                    **{
                        key: [round(value, 4) for value in found["mean"]]
                        for key, found in record["models"].items()
                    },
                }
            ),
            "sanity_table",
            _("Rank correlation by stage and model"),
            _,
        )


def _gates(record: Mapping[str, Any], _: Translator) -> None:
    st.subheader(_("Gates of the SE block"))
    ablation = record["ablation"]
    st.write(
        _(
            "Of the gates' variance between images, the emotion explains {explained} on average. "
            "With every gate fixed to its mean, accuracy is {fixed} instead of {own} (the gates' "
            "own values give {gain} points, 95 % {low} to {high}).",
            explained=_.percent(float(np.mean(record["explained"]))),
            fixed=_.percent(ablation["mean"]["accuracy"]),
            own=_.percent(ablation["own"]["accuracy"]),
            gain=_.difference(ablation["own"]["accuracy"], ablation["mean"]["accuracy"]),
            low=_.signed(100 * ablation["mean"]["gain"]["gain_interval"][0], 1),
            high=_.signed(100 * ablation["mean"]["gain"]["gain_interval"][1], 1),
        )
    )
    widgets.table(gate_ablation_table(record, _), "gate_ablation", _("Accuracy by kind of gate"), _)
    st.caption(
        _(
            "With all gates at 1 the features are about twice as strong as the classifier has ever "
            "seen them; that row tells of this mismatch more than of the gates."
        )
    )
    channels = list(
        dict.fromkeys(row["channel"] for key in emotions.KEYS for row in record["channels"][key])
    )
    widgets.chart(
        study_charts.gate_map(record, channels, _),
        key="gate_map",
        alt=_("Heat map: mean gate of the channels that react most to an emotion, by emotion"),
    )
    st.caption(
        _(
            "For each emotion the channels whose gate opens most for it, in standard deviations "
            "from the mean of all {n} PrivateTest images. Colours end at ±{limit} σ, beyond which "
            "one cell in twenty lies.",
            n=_.number(record["images"]),
            limit=_.number(study_charts.gate_limit(record, channels), 1),
        )
    )
    _patches(record, _)
    made_with(record, "fer analyse --only gates", _)


def gate_ablation_table(record: Mapping[str, Any], _: Translator) -> pd.DataFrame:
    """Accuracy, interval, macro F1 and ECE with the gates as they are, at their mean, and at 1."""
    called = {
        "own": _("as computed for each image"),
        "mean": _("fixed to their mean over PublicTest"),
        "ones": _("fixed to 1"),
    }
    return pd.DataFrame(
        [
            {
                _("Gates"): called[name],
                _("Accuracy (%)"): round(100 * row["accuracy"], 2),
                _("95 % interval"): _.interval(row["accuracy_interval"]),
                _("Macro F1"): round(row["macro_f1"], 4),
                "ECE (%)": round(100 * row["ece"], 2),
            }
            for name, row in record["ablation"].items()
        ]
    )


def _patches(record: Mapping[str, Any], _: Translator) -> None:
    """Images that drive a channel hardest, the place in them marked."""
    data = loaders.data()
    if data is None:
        return
    emotion = st.pills(
        _("Channels that open most for"),
        emotions.KEYS,
        default="happy",
        format_func=_,
        required=True,
        key="gate_emotion",
    )
    row_of = loaders.rows_by_source()
    for row in record["channels"][emotion]:
        known = [patch for patch in row["patches"] if patch["source"] in row_of]
        if not known:
            # Another data set is imported than the one that was studied.
            continue
        st.markdown(
            _(
                "Channel {channel}, {contrast} σ above the mean:",
                channel=row["channel"],
                contrast=_.number(row["contrast"], 2),
            )
        )
        with st.grid("auto", min_column_width=84, gap="xsmall"):
            for patch in known:
                st.image(
                    _marked(data.images[row_of[patch["source"]]], patch["top"], patch["left"]),
                    caption=_(patch["label"]),
                    width="stretch",
                    alt=_("Face: {emotion}", emotion=_(patch["label"])),
                )


def _marked(image: Any, top: float, left: float) -> Any:
    """The face with all but the patch darkened."""
    shown = np.array(image, dtype=np.float32) * 0.35
    side = round(PATCH * FER_SIZE)
    row, column = round(top * FER_SIZE), round(left * FER_SIZE)
    row, column = min(row, FER_SIZE - side), min(column, FER_SIZE - side)
    area = np.s_[row : row + side, column : column + side]
    shown[area] = np.asarray(image)[area]
    return shown.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)


def robustness(_: Translator) -> None:
    """Accuracy of both models on spoilt faces."""
    record = _record("robustness", _)
    if record is None:
        return
    called = corruptions(_)
    key = st.pills(
        _("What is done to the face"),
        list(record["corruptions"]),
        default="blur",
        format_func=lambda name: called[name][0],
        required=True,
        key="corruption",
    )
    name, unit = called[key]
    widgets.chart(
        study_charts.corruption(record, key, f"{name} ({unit})", _),
        key="robustness",
        alt=_("Lines: accuracy of both models as the faces are spoilt more and more"),
    )
    st.caption(
        _(
            "{n} PrivateTest images, the same for every point, with 95 % intervals; answers of the "
            "backend `{backend}` ({precision}).",
            n=_.number(record["images"]),
            backend=record["backend"],
            precision="int8" if record["backend"] == "fast" else "float32",
        )
    )
    with st.expander(_("Table and download"), key="robustness_details"):
        widgets.table(
            robustness_table(record, called, _), "robustness_table", _("Accuracy when spoilt"), _
        )
    made_with(record, "fer analyse --only robustness", _)


def corruptions(_: Translator) -> dict[str, tuple[str, str]]:
    """What each corruption is called, and the unit of its strength."""
    return {
        "rotation": (_("Rotation"), "°"),
        "blur": (_("Blur"), _("σ in pixels")),
        "noise": (_("Noise"), _("σ in gray levels")),
        "brightness": (_("Brightness"), _("± gray levels")),
        "contrast": (_("Contrast"), _("factor")),
        "resolution": (_("Low resolution"), _("pixels a side")),
        "eyes_covered": (_("Eyes covered"), _("share of their height")),
        "mouth_covered": (_("Mouth covered"), _("share of its height")),
    }


def robustness_table(
    record: Mapping[str, Any], called: Mapping[str, tuple[str, str]], _: Translator
) -> pd.DataFrame:
    """A row for each corruption, strength and model; the clean images first."""
    clean = [
        {
            _("Model"): model,
            _("What is done to the face"): _("none"),
            _("Strength"): 0.0,
            _("Accuracy (%)"): round(100 * row["accuracy"], 2),
        }
        for model, row in record["clean"].items()
    ]
    return pd.DataFrame(
        clean
        + [
            {
                _("Model"): model,
                _("What is done to the face"): called[key][0],
                _("Strength"): float(result["strength"]),
                _("Accuracy (%)"): round(100 * row["accuracy"], 2),
            }
            for key, found in record["corruptions"].items()
            for result in found["results"]
            for model, row in result["models"].items()
        ]
    )


def ablation(_: Translator) -> None:
    """What each ingredient of `proposed` gives, under one small budget."""
    record = _record("ablation", _)
    if record is None:
        return
    called = ingredients(_)
    budget, repeated = record["budget"], record["repeated"].get("se")
    rows = [
        (called[run["without"]], run["gain"]["gain"], run["gain"]["gain_interval"])
        for run in record["runs"]
        if "gain" in run and run["seed"] == record["seed"]
    ]
    widgets.chart(
        study_charts.ablation(rows, _),
        key="ablation",
        alt=_("Bars: percentage points of accuracy that each ingredient of proposed gives"),
    )
    st.caption(
        _(
            "`proposed` trained without each ingredient: the same {epochs} epochs "
            "({passes} passes over Training) at {size} px and the same seed, measured on "
            "PrivateTest, 95 % intervals over images. The published model was trained far longer; "
            "what pays off late, such as augmentation against overfitting, shows least here.",
            epochs=budget["epochs"],
            passes=_.number(record["passes"], 1),
            size=budget["image_size"],
        )
    )
    if repeated is not None and repeated["standard_deviation"] is not None:
        st.write(
            _(
                "Over {n} seeds the SE block gives {mean} points on average, with a standard "
                "deviation of {deviation} between seeds.",
                n=len(repeated["seeds"]),
                mean=_.signed(100 * repeated["mean_gain"], 1),
                deviation=_.number(100 * repeated["standard_deviation"], 1),
            )
        )
    widgets.table(ablation_table(record, _), "ablation_table", _("Every run of the ablation"), _)
    made_with(record, "fer ablate", _)


def ingredients(_: Translator) -> dict[str, str]:
    """What each ingredient of `proposed` is called; "full" leaves none out."""
    return {
        "full": _("nothing left out"),
        "se": _("Squeeze-and-Excitation block"),
        "fine_tuning": _("Fine-tuning"),
        "augmentation": _("Augmentation"),
        "class_weights": _("Class weights"),
        "label_smoothing": _("Label smoothing"),
    }


def ablation_table(record: Mapping[str, Any], _: Translator) -> pd.DataFrame:
    """A row for each run: what was left out, seed, accuracies, macro F1, gain, McNemar's p."""
    called = ingredients(_)
    whole = {
        run["seed"]: run["private"]["accuracy"]
        for run in record["runs"]
        if run["without"] == "full"
    }
    return pd.DataFrame(
        [
            {
                _("Left out"): called[run["without"]],
                _("Seed"): str(run["seed"]),
                _("PublicTest (%)"): round(100 * run["public_accuracy"], 2),
                _("PrivateTest (%)"): round(100 * run["private"]["accuracy"], 2),
                _("Macro F1"): round(run["private"]["macro_f1"], 4),
                _("Gain of the ingredient (points)"): (
                    _.points(whole[run["seed"]], run["private"]["accuracy"], 2)
                    if "gain" in run
                    else None
                ),
                _("McNemar's exact p"): (
                    _.p_value(run["gain"]["mcnemar_p"]) if "gain" in run else ""
                ),
            }
            for run in record["runs"]
        ]
    )


def report_tables(_: Translator) -> dict[str, pd.DataFrame]:
    """The studies' tables that the report shows, by heading; only of studies that were made."""
    makers: dict[str, tuple[str, Callable[[Mapping[str, Any]], pd.DataFrame]]] = {
        "ablation": (_("What each ingredient gives"), lambda r: ablation_table(r, _)),
        "gates": (_("Gates of the SE block"), lambda r: gate_ablation_table(r, _)),
        "robustness": (
            _("Accuracy when spoilt"),
            lambda r: robustness_table(r, corruptions(_), _),
        ),
        "regions": (
            _("Share of Grad-CAM by class and region"),
            lambda r: region_table(r, region_names(_), _),
        ),
    }
    found = {}
    for study, (heading, make) in makers.items():
        record = loaders.study(study)
        if record is not None:
            found[heading] = make(record)
    return found
