"""What each ingredient of `proposed` gives: trainings without it."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer.evaluation.records import Difference
from fer.studies import contributions
from fer.studies.records import ABLATION, Ablation, AblationRun
from fer.ui import intervals, loaders, widgets
from fer.ui.studies import records, study_charts, verdict
from fer.ui.text import Language, _, in_language


def ablation() -> None:
    """What each ingredient of `proposed` gives, under one small budget."""
    record = records.record(ABLATION)
    if record is None:
        return
    verdict.show("fine_tuning", "se", "augmentation")
    widgets.chart(
        _chart(_.language),
        key="ablation",
        alt=_(
            "Bars: percentage points of accuracy and of macro F1 that each ingredient of proposed "
            "gives"
        ),
    )
    st.caption(budget(record))
    for said in sentences(record):
        st.write(said)
    se = contributions.squeeze_excitation(record)
    if se is not None:
        st.write(
            _(
                "Between the {n} seeds, what the SE block gives has a standard deviation of "
                "{deviation} points.",
                n=se.seeds,
                deviation=_.number(100 * se.standard_deviation, 1),
            )
        )
    gained = gain_table(record)
    widgets.table(
        gained, "ablation_gains", _("What each ingredient gives"), shown=narrow_gains(gained)
    )
    widgets.table(
        run_table(record),
        "ablation_runs",
        _("Every run of the ablation"),
        hidden=(_("Training (%)"), "ECE"),
    )
    records.made_with(record, "fer ablate")


def sentences(record: Ablation) -> list[str]:
    """What the runs say beside their gains in accuracy."""
    return [
        seeds_alone(record),
        regularisation(record),
        rare_emotion(record),
        smoothing(record),
    ]


def seeds_alone(record: Ablation) -> str:
    """How far trainings with all ingredients differ."""
    whole = [run for run in record["runs"] if run["without"] == "full"]
    found = [
        _(
            "{accuracy} (seed {seed})",
            accuracy=_.percent(run["private"]["accuracy"], 1),
            seed=run["seed"],
        )
        for run in whole
    ]
    return _(
        "With all ingredients, trainings with different seeds are right in {found} of "
        "PrivateTest; a gain no larger than their difference may be chance.",
        found=", ".join(found),
    )


def regularisation(record: Ablation) -> str:
    """What augmentation does to overfitting."""
    found = contributions.regularisation(record)
    plain, augmented = found.plain, found.augmented
    said = _(
        "Augmentation is meant against overfitting. Without it the run is right in "
        "**{training_without}** of the Training images as it learns them and in "
        "**{private_without}** of PrivateTest (gap {gap_without} points), and its best epoch is "
        "{epoch_without} of {epochs}. With all ingredients it is right in **{training_with}** of "
        "the augmented images and in **{private_with}** of PrivateTest (gap {gap_with}), and its "
        "best epoch is {epoch_with} of {epochs}.",
        training_without=_.percent(plain.training, 1),
        private_without=_.percent(plain.private, 1),
        gap_without=_.difference(plain.training, plain.private),
        epoch_without=plain.best_epoch,
        epochs=record["budget"]["epochs"],
        training_with=_.percent(augmented.training, 1),
        private_with=_.percent(augmented.private, 1),
        gap_with=_.difference(augmented.training, augmented.private),
        epoch_with=augmented.best_epoch,
    )
    apart = {
        "without_twins": _.signed(100 * found.gain_without_twins, 1),
        "gain": _.signed(100 * found.gain, 1),
    }
    if found.gain_without_twins > found.gain:
        return f"{said} " + _(
            "On images without a duplicate in Training, augmentation gives {without_twins} instead "
            "of {gain} points: some of the duplicates were learnt by heart.",
            **apart,
        )
    return f"{said} " + _(
        "On images without a duplicate in Training, augmentation gives {without_twins} instead of "
        "{gain} points.",
        **apart,
    )


def rare_emotion(record: Ablation) -> str:
    """What class weights do for the rarest emotion."""
    found = contributions.rare_emotion(record)
    return _(
        "Class weights are meant for rare emotions, which accuracy hardly counts and macro F1 "
        "counts as much as the others. Of the {images} images of **{emotion}** in PrivateTest, "
        "the run with all ingredients recognises **{found_with}** and the one without class "
        "weights **{found_without}**; of their answers “{emotion}”, {right_with} and "
        "{right_without} are right.",
        images=found.images,
        emotion=_(found.emotion),
        found_with=found.found_with,
        found_without=found.found_without,
        right_with=_.percent(found.right_with, 0),
        right_without=_.percent(found.right_without, 0),
    )


def smoothing(record: Ablation) -> str:
    """What label smoothing does to confidence."""
    found = contributions.smoothing(record)
    return _(
        "Label smoothing is meant to keep a network from being certain, which accuracy does not "
        "show. Before calibration the run with all ingredients is right in **{right_with}** of "
        "PrivateTest at a mean confidence of **{confidence_with}** (ECE {ece_with}), the one "
        "without label smoothing in **{right_without}** at **{confidence_without}** (ECE "
        "{ece_without}). The published models are calibrated by temperature scaling, so their "
        "confidences do not differ in this way.",
        right_with=_.percent(found.smoothed.accuracy, 1),
        confidence_with=_.percent(found.smoothed.mean, 1),
        ece_with=_.number(found.smoothed.ece, 3),
        right_without=_.percent(found.without.accuracy, 1),
        confidence_without=_.percent(found.without.mean, 1),
        ece_without=_.number(found.without.ece, 3),
    )


def precisions(record: Ablation) -> str:
    """Which seeds were trained in which precision, empty where all were in the same."""
    seeds: dict[str, list[str]] = {}
    for run in record["runs"]:
        if run["without"] == "full":
            seeds.setdefault(run["compute_dtype"], []).append(str(run["seed"]))
    if len(seeds) < 2:
        return ""
    return _(
        "Precision of the convolutions: {found}. Both runs of a pair have the same one, so it is "
        "no part of a gain.",
        found=", ".join(
            _("{dtype} with seed {seeds}", dtype=f"`{dtype}`", seeds=", ".join(of_dtype))
            for dtype, of_dtype in seeds.items()
        ),
    )


def budget(record: Ablation) -> str:
    """What all runs have in common, and what that means for the gains."""
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
    return f"{common} {precisions(record)}".strip()


@loaders.follows
def _chart(language: Language) -> go.Figure:
    record = loaders.record(ABLATION)
    with in_language(language):
        return study_charts.ablation({} if record is None else gains(record))


def gains(record: Ablation) -> dict[str, dict[str, Difference]]:
    """What each pair of runs gives: by metric, and by ingredient with the seed where several
    pairs lack the same one."""
    called, found = verdict.ingredients(), pairs(record)
    times = Counter(run["without"] for run in found)

    def name(run: AblationRun) -> str:
        ingredient = called[run["without"]]
        if times[run["without"]] == 1:
            return ingredient
        return _("{ingredient}<br>seed {seed}", ingredient=ingredient, seed=run["seed"])

    return {
        _("Accuracy"): {name(run): run["gain"] for run in found},
        _("Macro F1"): {name(run): run["macro_f1_gain"] for run in found},
    }


def pairs(record: Ablation) -> list[AblationRun]:
    """The runs whose gain says what an ingredient gives; those that lack the same one stand
    together, so that the spread between seeds is seen."""
    found = contributions.comparable(record)
    order = list(dict.fromkeys(run["without"] for run in found))
    return sorted(found, key=lambda run: order.index(run["without"]))


def gain_table(record: Ablation) -> pd.DataFrame:
    """A row for each pair of runs: the ingredient, seed, gains in accuracy and macro F1 with their
    intervals, McNemar's p."""
    called = verdict.ingredients()
    whole = {run["seed"]: run["private"] for run in record["runs"] if run["without"] == "full"}

    def gain(run: AblationRun, metric: Literal["accuracy", "macro_f1"]) -> float:
        return _.points(whole[run["seed"]][metric], run["private"][metric], 2)

    return pd.DataFrame(
        [
            {
                _("Ingredient"): called[run["without"]],
                _("Seed"): str(run["seed"]),
                _("Accuracy (points)"): gain(run, "accuracy"),
                **intervals.of_points(run["gain"]["gain_interval"]),
                _("McNemar's exact p"): round(run["gain"]["mcnemar_p"], 4),
                _("Macro F1 (points)"): gain(run, "macro_f1"),
                **{
                    f"{name} (F1)": end
                    for name, end in intervals.of_points(
                        run["macro_f1_gain"]["gain_interval"]
                    ).items()
                },
            }
            for run in pairs(record)
        ]
    )


def narrow_gains(table: pd.DataFrame) -> pd.DataFrame:
    """`gain_table` for a phone: each gain with its interval in one cell."""

    low, high = _("95% from (points)"), _("95% to (points)")

    def with_interval(points: str, of: str) -> list[str]:
        return [
            f"{_.signed(gain, 1)} ({_.gain_interval((start / 100, end / 100))})"
            for gain, start, end in zip(
                table[points], table[low + of], table[high + of], strict=True
            )
        ]

    return pd.DataFrame(
        {
            _("Ingredient"): [
                f"{name} ({seed})"
                for name, seed in zip(table[_("Ingredient")], table[_("Seed")], strict=True)
            ],
            _("Accuracy (points)"): with_interval(_("Accuracy (points)"), ""),
            "p": [_.p_value(p) for p in table[_("McNemar's exact p")]],
            _("Macro F1 (points)"): with_interval(_("Macro F1 (points)"), " (F1)"),
        }
    )


def run_table(record: Ablation) -> pd.DataFrame:
    """A row for each run: what was left out, seed, accuracies (in training, too: how far the run
    overfits), macro F1, and how far its confidence is from its accuracy."""
    called = verdict.ingredients()
    return pd.DataFrame(
        [
            {
                _("Left out"): called[run["without"]],
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
