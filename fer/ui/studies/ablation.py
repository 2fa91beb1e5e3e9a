"""Page 3's view "Ingredients": the gain of each ingredient of `proposed`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer.evaluation.records import Difference
from fer.scenarios import PROPOSED
from fer.studies import contributions
from fer.studies.records import ABLATION, Ablation, AblationRun
from fer.ui.shared import charts, widgets
from fer.ui.shared.text import _
from fer.ui.studies import records, verdict


def draw_ablation() -> None:
    """Draw the gain of each ingredient of `proposed`, under one small budget."""
    record = records.record(ABLATION)
    if record is None:
        return
    verdict.draw_sentences("fine_tuning", "se", "augmentation")
    widgets.chart(
        gain_chart(gains(record)),
        key="ablation",
        alt=_(
            "Bars: percentage points of accuracy and of macro F1 that each ingredient of proposed "
            "gives"
        ),
    )
    st.caption(budget(record))
    for sentence in sentences(record):
        st.write(sentence)
    if (se := contributions.squeeze_excitation(record)) is not None:
        st.write(
            _(
                "Between the {n} seeds, what the SE block gives has a standard deviation of "
                "{deviation} points.",
                n=se.seeds,
                deviation=_.number(100 * se.standard_deviation, 1),
            )
        )
    widgets.table(
        gain_table(record),
        "ablation_gains",
        _("What each ingredient gives"),
        shown=narrow_gain_table(record),
    )
    widgets.table(
        run_table(record),
        "ablation_runs",
        _("Every run of the ablation"),
        hidden=(_("Training (%)"), "ECE"),
    )
    records.made_with(record, "fer ablate")


def sentences(record: Ablation) -> list[str]:
    """Return the findings beside the gains in accuracy."""
    return [seeds_alone(record), regularisation(record), rare_emotion(record), smoothing(record)]


def seeds_alone(record: Ablation) -> str:
    """Return how far trainings with all ingredients differ."""
    accuracies = [
        _(
            "{accuracy} (seed {seed})",
            accuracy=_.percent(run["private"]["accuracy"], 1),
            seed=run["seed"],
        )
        for run in record["runs"]
        if run["without"] == "full"
    ]
    return _(
        "With all ingredients, trainings with different seeds are right in {found} of "
        "PrivateTest; a gain no larger than their difference may be chance.",
        found=", ".join(accuracies),
    )


def regularisation(record: Ablation) -> str:
    """Return the effect of augmentation on overfitting."""
    augmented, plain = contributions.runs_with_and_without(record, "augmentation")
    gain, without_twins = plain["gain"]["gain"], plain["gain_without_twins"]["gain"]
    fits = _(
        "Augmentation is meant against overfitting. Without it the run is right in "
        "**{training_without}** of the Training images as it learns them and in "
        "**{private_without}** of PrivateTest (gap {gap_without} points), and its best epoch is "
        "{epoch_without} of {epochs}. With all ingredients it is right in **{training_with}** of "
        "the augmented images and in **{private_with}** of PrivateTest (gap {gap_with}), and its "
        "best epoch is {epoch_with} of {epochs}.",
        training_without=_.percent(plain["training_accuracy"], 1),
        private_without=_.percent(plain["private"]["accuracy"], 1),
        gap_without=_.difference(plain["training_accuracy"], plain["private"]["accuracy"]),
        epoch_without=plain["best_epoch"],
        epochs=record["budget"]["epochs"],
        training_with=_.percent(augmented["training_accuracy"], 1),
        private_with=_.percent(augmented["private"]["accuracy"], 1),
        gap_with=_.difference(augmented["training_accuracy"], augmented["private"]["accuracy"]),
        epoch_with=augmented["best_epoch"],
    )
    sentence = (
        _(
            "On images without a duplicate in Training, augmentation gives {without_twins} instead "
            "of {gain} points: some of the duplicates were learnt by heart."
        )
        if without_twins > gain
        else _(
            "On images without a duplicate in Training, augmentation gives {without_twins} instead "
            "of {gain} points."
        )
    )
    points = {"without_twins": _.signed(100 * without_twins, 1), "gain": _.signed(100 * gain, 1)}
    return f"{fits} {sentence.format(**points)}"


def rare_emotion(record: Ablation) -> str:
    """Return the effect of class weights on the rarest emotion."""
    full, without = (
        run["private"]["per_class"]
        for run in contributions.runs_with_and_without(record, "class_weights")
    )
    emotion = min(full, key=lambda key: full[key]["support"])
    images = full[emotion]["support"]
    return _(
        "Class weights are meant for rare emotions, which accuracy hardly counts and macro F1 "
        "counts as much as the others. Of the {images} images of **{emotion}** in PrivateTest, "
        "the run with all ingredients recognises **{found_with}** and the one without class "
        "weights **{found_without}**; of their answers “{emotion}”, {right_with} and "
        "{right_without} are right.",
        images=images,
        emotion=_(emotion),
        found_with=round(images * full[emotion]["recall"]),
        found_without=round(images * without[emotion]["recall"]),
        right_with=_.percent(full[emotion]["precision"], 0),
        right_without=_.percent(without[emotion]["precision"], 0),
    )


def smoothing(record: Ablation) -> str:
    """Return the effect of label smoothing on confidence."""
    smoothed, without = (
        run["private"] for run in contributions.runs_with_and_without(record, "label_smoothing")
    )
    return _(
        "Label smoothing is meant to keep a network from being certain, which accuracy does not "
        "show. Before calibration the run with all ingredients is right in **{right_with}** of "
        "PrivateTest at a mean confidence of **{confidence_with}** (ECE {ece_with}), the one "
        "without label smoothing in **{right_without}** at **{confidence_without}** (ECE "
        "{ece_without}). The published models are calibrated by temperature scaling, so their "
        "confidences do not differ in this way.",
        right_with=_.percent(smoothed["accuracy"], 1),
        confidence_with=_.percent(smoothed["mean_confidence"], 1),
        ece_with=_.number(smoothed["ece"], 3),
        right_without=_.percent(without["accuracy"], 1),
        confidence_without=_.percent(without["mean_confidence"], 1),
        ece_without=_.number(without["ece"], 3),
    )


def budget(record: Ablation) -> str:
    """Return what all runs have in common, and what that means for the gains."""
    common = _(
        "`proposed` trained with one ingredient left out at a time: the same {epochs} epochs "
        "({passes} passes over Training) at {size} px, the same learning rate and the same seed, "
        "measured on PrivateTest, 95% intervals over images. The published model was trained far "
        "longer; what pays off late, such as augmentation against overfitting, shows least here. "
        "The learning rate is the one for fine-tuning: under a frozen backbone the head does not "
        "finish learning at it, so no gain is computed for fine-tuning.",
        epochs=record["budget"]["epochs"],
        passes=_.number(record["passes"], 1),
        size=record["budget"]["image_size"],
    )
    seeds: dict[str, list[str]] = {}
    for run in record["runs"]:
        if run["without"] == "full":
            seeds.setdefault(run["compute_dtype"], []).append(str(run["seed"]))
    if len(seeds) < 2:
        return common
    return f"{common} " + _(
        "Precision of the convolutions: {found}. Both runs of a pair have the same one, so it is "
        "no part of a gain.",
        found=", ".join(
            _("{dtype} with seed {seeds}", dtype=f"`{dtype}`", seeds=", ".join(with_dtype))
            for dtype, with_dtype in seeds.items()
        ),
    )


def pairs(record: Ablation) -> list[AblationRun]:
    """Return the runs whose gain is that of the ingredient which they lack, by ingredient, so that
    the spread between seeds is seen."""
    runs = contributions.comparable(record)
    order = list(dict.fromkeys(run["without"] for run in runs))
    return sorted(runs, key=lambda run: order.index(run["without"]))


def gains(record: Ablation) -> dict[str, dict[str, Difference]]:
    """Return the gain of each pair of runs by metric and ingredient, with the seed where several
    pairs lack the same one."""
    names, runs = verdict.ingredients(), pairs(record)
    times = Counter(run["without"] for run in runs)

    def name(run: AblationRun) -> str:
        ingredient = names[run["without"]]
        if times[run["without"]] == 1:
            return ingredient
        return _("{ingredient}<br>seed {seed}", ingredient=ingredient, seed=run["seed"])

    return {
        _("Accuracy"): {name(run): run["gain"] for run in runs},
        _("Macro F1"): {name(run): run["macro_f1_gain"] for run in runs},
    }


def gain_chart(measures: Mapping[str, Mapping[str, Difference]]) -> go.Figure:
    """A bar for each metric and ingredient of the first metric: its gain in percentage points, with
    the interval."""
    # The values stand in the label: on a bar its interval would cross them out.
    labels = {name: name for name in next(iter(measures.values()))}
    for metric, rows in measures.items():
        for name, row in rows.items():
            labels[name] += f"<br>{metric} {_.signed(100 * row['gain'], 1)}"
    figure = go.Figure()
    for number, (metric, rows) in enumerate(measures.items()):
        values = [row["gain"] for row in rows.values()]
        figure.add_bar(
            orientation="h",
            name=metric,
            y=[labels[name] for name in rows],
            x=[100 * value for value in values],
            error_x=charts.error_bars(values, [row["gain_interval"] for row in rows.values()]),
            # Hollow, since both are of the same model, whose colour stays its own.
            marker={
                "color": PROPOSED.colour if number == 0 else "rgba(0, 0, 0, 0)",
                "line": {"color": PROPOSED.colour, "width": 1.5},
            },
            hovertemplate="%{y}<extra></extra>",
        )
    figure.add_vline(x=0, line={"width": 1, "color": charts.BOTH})
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_yaxes(autorange="reversed")
    return charts.arrange(
        figure,
        x=_("Gain (percentage points)"),
        height=110 + sum(20 + 14 * len(label.split("<br>")) for label in labels.values()),
    )


def _points(record: Ablation, run: AblationRun, metric: Literal["accuracy", "macro_f1"]) -> float:
    """Return by how many points the run with all ingredients and the same seed is better."""
    full = {run["seed"]: run["private"] for run in record["runs"] if run["without"] == "full"}
    return _.points(full[run["seed"]][metric], run["private"][metric], 2)


def gain_table(record: Ablation) -> pd.DataFrame:
    """A row for each pair of runs: the ingredient, seed, gains in accuracy and macro F1 with their
    intervals, McNemar's p."""
    names = verdict.ingredients()
    return pd.DataFrame(
        [
            {
                _("Ingredient"): names[run["without"]],
                _("Seed"): str(run["seed"]),
                _("Accuracy (points)"): _points(record, run, "accuracy"),
                **widgets.points_interval_columns(run["gain"]["gain_interval"]),
                _("McNemar's exact p"): round(run["gain"]["mcnemar_p"], 4),
                _("Macro F1 (points)"): _points(record, run, "macro_f1"),
                **{
                    f"{name} (F1)": end
                    for name, end in widgets.points_interval_columns(
                        run["macro_f1_gain"]["gain_interval"]
                    ).items()
                },
            }
            for run in pairs(record)
        ]
    )


def narrow_gain_table(record: Ablation) -> pd.DataFrame:
    """`gain_table` for a phone: each gain with its interval in one cell."""
    names = verdict.ingredients()

    def with_interval(points: float, gain: Difference) -> str:
        return f"{_.signed(points, 1)} ({_.gain_interval(gain['gain_interval'])})"

    return pd.DataFrame(
        [
            {
                _("Ingredient"): f"{names[run['without']]} ({run['seed']})",
                _("Accuracy (points)"): with_interval(
                    _points(record, run, "accuracy"), run["gain"]
                ),
                "p": _.p_value(run["gain"]["mcnemar_p"]),
                _("Macro F1 (points)"): with_interval(
                    _points(record, run, "macro_f1"), run["macro_f1_gain"]
                ),
            }
            for run in pairs(record)
        ]
    )


def run_table(record: Ablation) -> pd.DataFrame:
    """A row for each run: what was left out, seed, accuracies (in training, too: how far the run
    overfits), macro F1, and how far its confidence is from its accuracy."""
    names = verdict.ingredients()
    return pd.DataFrame(
        [
            {
                _("Left out"): names[run["without"]],
                _("Seed"): str(run["seed"]),
                _("Training (%)"): round(100 * run["training_accuracy"], 2),
                _("PublicTest (%)"): round(100 * run["public_accuracy"], 2),
                _("PrivateTest (%)"): round(100 * run["private"]["accuracy"], 2),
                _("Macro F1"): round(run["private"]["macro_f1"], 4),
                "ECE": round(run["private"]["ece"], 4),
            }
            for run in record["runs"]
        ]
    )
