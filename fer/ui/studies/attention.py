"""Where both models look: Grad-CAM by region, the check that maps can be trusted, the SE gates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from fer import emotions
from fer.studies.records import GATES, REGION_SHARES, SANITY, Gates, Regions, RegionShare, Sanity
from fer.ui import intervals, loaders, named_faces, widgets
from fer.ui.studies import records, study_charts
from fer.ui.text import _
from fer.vision.preprocessing import FER_SIZE, Gray

# How much of an image around a channel's strongest cell is marked, as a share of its side.
PATCH = 1 / 3
# Channels of an emotion in the map of gates, as many as are still legible on a phone.
EACH = 3


def looking() -> None:
    """Where each model's Grad-CAM lies, whether the maps can be trusted, and the SE gates."""
    record = records.record(REGION_SHARES)
    if record is not None:
        _regions(record)
    checked = loaders.record(SANITY)
    if checked is not None:
        _sanity(checked)
    gates = loaders.record(GATES)
    if gates is not None:
        _gates(gates)


def _regions(record: Regions) -> None:
    st.subheader(_("Eyes, mouth and the rest"))
    names = region_names()
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
        st.write(_claim(change))
    widgets.chart(
        study_charts.region_shares(shown, record["area"], names),
        key="region_shares",
        alt=_("Bars: share of Grad-CAM of each model on eyes, mouth and the rest of the face"),
    )
    st.caption(measured(record))
    with st.expander(_("Table and download"), key="region_details"):
        widgets.table(
            region_table(record, names), "regions", _("Share of Grad-CAM by class and region")
        )
    records.made_with(record, "fer analyse --only regions")


def measured(record: Regions) -> str:
    """What the maps are of, and how the regions were found."""
    return _(
        "Grad-CAM (Selvaraju et al. 2017) of each model's own answer on {n} PrivateTest images; "
        "error bars: 95% intervals. Regions lie around YuNet's landmarks, found in {share} of the "
        "images; elsewhere their median stands in. Gray: what a map without preference would have. "
        "The maps have {cells} cells a side; a coarser one blurs over the borders of regions.",
        cells=" / ".join(
            f"{model.scenario.input_size // 16} ({key})" for key, model in loaders.models().items()
        ),
        n=_.number(record["images"]),
        share=_.percent(record["landmarks_detected"], 0),
    )


def mismatch() -> str:
    """How the row of open gates is to be read."""
    return _(
        "With all gates at 1 the features are about twice as strong as the classifier has ever "
        "seen them; that row tells of this mismatch more than of the gates."
    )


def region_names() -> dict[str, str]:
    """What each region of the face is called."""
    return {"eyes": _("Eyes and brows"), "mouth": _("Mouth"), "rest": _("Rest")}


def _claim(change: Mapping[str, RegionShare]) -> str:
    """What the record says of the claim that the SE block sees eyes and mouth better."""
    told = []
    for region, name in (("eyes", _("eyes and brows")), ("mouth", _("mouth"))):
        low, high = change[region]["interval"]
        if low > 0:
            sentence = _("larger on {region} ({low} to {high} points)")
        elif high < 0:
            sentence = _("smaller on {region} ({low} to {high} points)")
        else:
            sentence = _("not measurably different on {region} ({low} to {high} points)")
        told.append(
            sentence.format(region=name, low=_.signed(100 * low, 1), high=_.signed(100 * high, 1))
        )
    return _(
        "The thesis expects `proposed` to look at eyes and mouth more. Compared with `baseline` "
        "on the same images, its share of Grad-CAM is {first}, and {second}.",
        first=told[0],
        second=told[1],
    )


def region_table(record: Regions, names: Mapping[str, str]) -> pd.DataFrame:
    """A row for each model, class and region: share in percent, interval, ratio to the area."""
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("True"): _("all images") if emotion == "all" else _(emotion),
                _("Region of the face"): names[region],
                _("Share of Grad-CAM (%)"): round(100 * row["share"], 2),
                _("95% from (%)"): round(100 * row["interval"][0], 2),
                _("95% to (%)"): round(100 * row["interval"][1], 2),
                _("Times its share of the area"): round(row["ratio"], 3),
            }
            for key, found in record["models"].items()
            for emotion, by_region in {"all": found["all"], **found["per_class"]}.items()
            for region, row in by_region.items()
        ]
    )


def _sanity(record: Sanity) -> None:
    st.subheader(_("Do the maps depend on what was learnt?"))
    widgets.chart(
        study_charts.randomisation(record),
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
        )


def _gates(record: Gates) -> None:
    st.subheader(_("Gates of the SE block"))
    st.write(what_gates_give(record))
    widgets.table(gate_ablation_table(record), "gate_ablation", _("Accuracy by kind of gate"))
    st.caption(mismatch())
    channels = opening_channels(record)
    widgets.chart(
        study_charts.gate_map(record, channels),
        key="gate_map",
        alt=_("Heat map: mean gate of the channels that react most to an emotion, by emotion"),
    )
    st.caption(
        _(
            "For each emotion the {each} channels whose gate opens most for it. Numbers: standard "
            "deviations (σ) from the mean of all {n} PrivateTest images, violet above it, white "
            "below. Colours end at ±{limit} σ, beyond which one cell in twenty lies.",
            each=EACH,
            n=_.number(record["images"]),
            limit=_.number(study_charts.gate_limit(record, list(channels)), 1),
        )
    )
    with st.expander(_("Table and download"), key="gate_details"):
        widgets.table(gate_table(record), "gates", _("Mean gate of a channel by emotion, in σ"))
    _patches(record)
    records.made_with(record, "fer analyse --only gates")


def what_gates_give(record: Gates) -> str:
    """How much of the gates the emotion explains, and what accuracy their own values give."""
    ablation = record["ablation"]
    return _(
        "Of the gates' variance between images, the emotion explains {explained} on average. "
        "With every gate fixed to its mean, accuracy is {fixed} instead of {own} (the gates' "
        "own values give {gain} points, 95% {low} to {high}).",
        explained=_.percent(float(np.mean(record["explained"]))),
        fixed=_.percent(ablation["mean"]["accuracy"], 2),
        own=_.percent(ablation["own"]["accuracy"], 2),
        gain=_.difference(ablation["own"]["accuracy"], ablation["mean"]["accuracy"], 2),
        low=_.signed(100 * ablation["mean"]["gain"]["gain_interval"][0], 2),
        high=_.signed(100 * ablation["mean"]["gain"]["gain_interval"][1], 2),
    )


def opening_channels(record: Gates, each: int = EACH) -> dict[int, str]:
    """The channels whose gates open most for an emotion, with that emotion, in the emotions'
    order; one that opens for two stands with the first."""
    found: dict[int, str] = {}
    for emotion in emotions.KEYS:
        for row in record["channels"][emotion][:each]:
            found.setdefault(row["channel"], emotion)
    return found


def gate_table(record: Gates) -> pd.DataFrame:
    """A row for each channel of the record: for which emotion it opens, and how far its mean gate
    lies from the overall one in each class, in standard deviations."""
    channels = opening_channels(record, each=len(record["channels"][emotions.KEYS[0]]))
    contrasts = study_charts.gate_contrasts(record, list(channels)).round(3)
    return pd.DataFrame(
        {
            _("Channel of block5_pool"): [str(channel) for channel in channels],
            _("Opens most for"): [_(emotion) for emotion in channels.values()],
            **{_(key): contrasts[:, at] for at, key in enumerate(emotions.KEYS)},
        }
    )


def gate_ablation_table(record: Gates) -> pd.DataFrame:
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
                **intervals.columns(row["accuracy_interval"]),
                _("Macro F1"): round(row["macro_f1"], 4),
                "ECE (%)": round(100 * row["ece"], 2),
            }
            for name, row in record["ablation"].items()
        ]
    )


def _patches(record: Gates) -> None:
    """Images that drive a channel hardest, the place in them marked."""
    if loaders.data() is None:
        return
    emotion = widgets.emotion(_("Channels that open most for"), "gate_emotion", "happy")
    for row in record["channels"][emotion]:
        faces = [(patch, named_faces.pixels(patch["source"])) for patch in row["patches"]]
        known = [(patch, face) for patch, face in faces if face is not None]
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
            for patch, face in known:
                st.image(
                    _marked(face, patch["top"], patch["left"]),
                    caption=_(patch["label"]),
                    width="stretch",
                    alt=_("Face: {emotion}", emotion=_(patch["label"])),
                )


def _marked(image: Gray, top: float, left: float) -> Gray:
    """The face with all but the patch darkened."""
    shown = np.array(image, dtype=np.float32) * 0.35
    side = round(PATCH * FER_SIZE)
    row, column = round(top * FER_SIZE), round(left * FER_SIZE)
    row, column = min(row, FER_SIZE - side), min(column, FER_SIZE - side)
    area = np.s_[row : row + side, column : column + side]
    shown[area] = np.asarray(image)[area]
    return shown.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
