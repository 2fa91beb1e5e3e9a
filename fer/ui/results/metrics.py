"""Page 3's views "Metrics" and "Classes": the verdict, and every figure of both models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer.artifacts.records import SplitScores
from fer.evaluation.records import PairedGain
from fer.scenarios import BASELINE, PROPOSED
from fer.ui.faces import confidence_bars
from fer.ui.results.measured_models import MeasuredModels
from fer.ui.shared import charts, presentation, widgets
from fer.ui.shared.text import _, plain
from fer.ui.studies import model_comparison, verdict

ClassScore = Literal["f1", "precision", "recall"]


def draw_chips(measured: MeasuredModels) -> None:
    """Draw the verdict's chips, above every view where there is room for them, and the accuracies
    of other models."""
    verdict.draw_chips()
    for key, scores in measured.scores.items():
        if key not in (BASELINE.key, PROPOSED.key):
            st.markdown(f"{charts.swatch(key)} {plain(key)} **{_.percent(scores['accuracy'])}**")


def draw_metrics(measured: MeasuredModels, split: str) -> None:
    """Draw the verdict in sentences, and the metrics."""
    if presentation.is_phone():
        draw_chips(measured)
    st.markdown(model_comparison.gain_in_words(split))
    verdict.draw_sentences()
    draw_metric_tables(measured)


def draw_metric_tables(measured: MeasuredModels) -> None:
    """Draw every metric of the models, and how often only one of the scenarios is right."""
    widgets.table(
        metric_numbers(measured.scores),
        f"metrics_{measured.name}",
        _("Both models' metrics"),
        shown=metric_table(measured.scores),
    )
    st.caption(
        _(
            "Ranges are 95% bootstrap intervals over images. One crop, no test-time augmentation; "
            "confidences calibrated by a temperature fitted on PublicTest."
        )
    )
    if measured.gain is not None:
        st.subheader(_("Where one model is right and the other wrong"))
        widgets.table(
            disagreement_table(measured.gain),
            f"mcnemar_{measured.name}",
            _("Counts of images that both, one or none of the models gets right"),
        )


def draw_classes(measured: MeasuredModels) -> None:
    """Draw precision, recall or F1 of each class, and all three in a table."""
    names: dict[ClassScore, str] = {
        "f1": "F1",
        "precision": _("Precision"),
        "recall": _("Recall"),
    }
    score = widgets.choice(_("Metric"), names, "class_score")
    widgets.chart(
        class_chart(measured.scores, score, names[score]),
        key="class_scores",
        alt=_("Bars of {metric} for each emotion and model", metric=names[score]),
    )
    widgets.table(
        class_table(measured.scores), f"classes_{measured.name}", _("Metrics of each class")
    )


def metric_table(scores: Mapping[str, SplitScores]) -> pd.DataFrame:
    """A row for each metric and a column for each model, in words."""
    rows: dict[str, Callable[[SplitScores], str]] = {
        _("Top-1 accuracy"): lambda m: _.percent(m["accuracy"]),
        _("95% interval"): lambda m: _.interval(m["accuracy_interval"]),
        _("Balanced accuracy"): lambda m: _.percent(m["balanced_accuracy"]),
        _("Macro F1"): lambda m: _.number(m["macro_f1"], 3),
        _("Log loss"): lambda m: _.number(m["log_loss"], 3),
        _("Brier score"): lambda m: _.number(m["brier_score"], 3),
        _("ECE, calibrated"): lambda m: _.percent(m["ece"]),
        _("ECE, uncalibrated"): lambda m: _.percent(m["ece_uncalibrated"]),
    }
    columns = {key: [in_words(m) for in_words in rows.values()] for key, m in scores.items()}
    # A model without probabilities has no losses.
    dashes = {key: ["–" if "NaN" in cell else cell for cell in c] for key, c in columns.items()}
    return pd.DataFrame({_("Metric"): list(rows), **dashes})


def metric_numbers(scores: Mapping[str, SplitScores]) -> pd.DataFrame:
    """The rows of `metric_table` as numbers, in percent where they are shares."""
    rows: dict[str, Callable[[SplitScores], float]] = {
        _("Top-1 accuracy (%)"): lambda m: round(100 * m["accuracy"], 2),
        _("95% from (%)"): lambda m: round(100 * m["accuracy_interval"][0], 2),
        _("95% to (%)"): lambda m: round(100 * m["accuracy_interval"][1], 2),
        _("Balanced accuracy (%)"): lambda m: round(100 * m["balanced_accuracy"], 2),
        _("Macro F1"): lambda m: round(m["macro_f1"], 4),
        _("Log loss"): lambda m: round(m["log_loss"], 4),
        _("Brier score"): lambda m: round(m["brier_score"], 4),
        _("ECE, calibrated (%)"): lambda m: round(100 * m["ece"], 2),
        _("ECE, uncalibrated (%)"): lambda m: round(100 * m["ece_uncalibrated"], 2),
    }
    columns = {key: [number(m) for number in rows.values()] for key, m in scores.items()}
    return pd.DataFrame({_("Metric"): list(rows), **columns})


def class_chart(scores: Mapping[str, SplitScores], score: ClassScore, name: str) -> go.Figure:
    """Bars of a score in percent for each emotion and model; none for a class without images."""
    bars = {
        key: [row[score] if row["support"] else None for row in metrics["per_class"].values()]
        for key, metrics in scores.items()
    }
    return confidence_bars.emotion_bars(bars, f"{name} (%)")


def class_table(scores: Mapping[str, SplitScores]) -> pd.DataFrame:
    """Precision, recall, F1 in percent and support for each model and emotion, a row each."""
    columns: dict[ClassScore, str] = {
        "precision": _("Precision (%)"),
        "recall": _("Recall (%)"),
        "f1": "F1 (%)",
    }
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("Emotion"): _(emotion),
                **{
                    name: round(100 * row[score], 2) if row["support"] else None
                    for score, name in columns.items()
                },
                _("Images"): row["support"],
            }
            for key, metrics in scores.items()
            for emotion, row in metrics["per_class"].items()
        ]
    )


def disagreement_table(pairs: PairedGain) -> pd.DataFrame:
    """McNemar's table: how often both, one or none of the models is right."""
    return pd.DataFrame(
        {
            "": [_("baseline right"), _("baseline wrong")],
            _("proposed right"): [pairs["both_right"], pairs["only_proposed_right"]],
            _("proposed wrong"): [pairs["only_baseline_right"], pairs["both_wrong"]],
        }
    )
