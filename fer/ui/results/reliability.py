"""How far answers can be trusted: calibration before and after the temperature, and abstaining."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from fer import emotions
from fer.evaluation import calibration
from fer.evaluation.calibration import Coverage, Labels, Probabilities
from fer.evaluation.measured import MeasuredModel
from fer.ui import widgets
from fer.ui.results import result_charts, result_tables
from fer.ui.results.shown import Shown
from fer.ui.studies import study_charts
from fer.ui.text import _


def calibrated(shown: Shown) -> None:
    """Whether confidences can be believed, before and after the temperature, and what abstaining
    gains."""
    st.write(_("On the dotted line, answers given with 70% confidence are right 70% of the time."))
    is_raw = _asks_for_raw()
    models = shown.with_probabilities
    found = {key: _probabilities(model, is_raw) for key, model in models.items()}
    labels = {key: model.predictions.labels for key, model in models.items()}
    widgets.chart(
        result_charts.reliability(
            {key: calibration.reliability(labels[key], p) for key, p in found.items()},
            {
                key: calibration.expected_calibration_error(labels[key], p)
                for key, p in found.items()
            },
        ),
        key="reliability",
        alt=_("Accuracy against confidence for both models"),
    )
    st.subheader(_("How confident the models are"))
    widgets.chart(
        study_charts.confidences(
            {key: calibration.histogram(labels[key], p) for key, p in found.items()}
        ),
        key="confidence_histogram",
        alt=_("Lines: number of images by confidence for both models"),
    )
    curves = {key: calibration.selective(labels[key], p) for key, p in found.items()}
    _abstaining(curves, found, labels)
    with st.expander(_("Tables and downloads"), key="calibration_details"):
        _tables(curves, shown)


def _asks_for_raw() -> bool:
    """Whether the visitor wants confidences as they were before the temperature."""
    return (
        widgets.choice(
            _("Confidences"),
            {"calibrated": _("calibrated"), "raw": _("before calibration")},
            "calibration_state",
            help=_("One temperature for each model, fitted on PublicTest (Guo et al. 2017)."),
        )
        == "raw"
    )


def _abstaining(
    curves: dict[str, Coverage], found: dict[str, Probabilities], labels: dict[str, Labels]
) -> None:
    """What answering only the surest images gains: of both models as many, so that they compare."""
    st.subheader(_("Answer only when sure"))
    share = (
        st.slider(
            _("Answer only the surest images (% of all)"), 5, 100, 50, 5, key="coverage", width=320
        )
        / 100
    )
    surest = {key: calibration.surest(labels[key], p, share) for key, p in found.items()}
    widgets.metrics(
        {
            _("{model} accuracy", model=key): (
                _.percent(of.accuracy),
                _("answers from {confidence} confidence on", confidence=_.percent(of.confidence)),
            )
            for key, of in surest.items()
        },
        "coverage_metrics",
    )
    widgets.chart(
        study_charts.coverage(curves, {key: (share, of.accuracy) for key, of in surest.items()}),
        key="coverage_chart",
        alt=_("Lines: accuracy of the answers given against the share of images answered"),
    )


def _tables(curves: dict[str, Coverage], shown: Shown) -> None:
    widgets.table(
        result_tables.reliability_table(shown.with_probabilities),
        f"reliability_{shown.name}",
        _("Confidence bins with accuracy"),
    )
    widgets.table(
        classwise_table(shown.with_probabilities),
        f"classwise_{shown.name}",
        _("Calibration error of each emotion's probability"),
    )
    widgets.table(
        coverage_table(curves), f"coverage_{shown.name}", _("Coverage and accuracy by threshold")
    )


def _probabilities(model: MeasuredModel, is_raw: bool) -> Probabilities:
    return model.raw if is_raw else model.predictions.probabilities


def classwise_table(models: Mapping[str, MeasuredModel]) -> pd.DataFrame:
    """For each emotion and model, the class-wise calibration error before and after the
    temperature, in percent."""
    columns: dict[str, list[object]] = {_("Emotion"): [_(key) for key in emotions.KEYS]}
    for key, model in models.items():
        for is_raw, state in ((True, _("before calibration")), (False, _("calibrated"))):
            errors = calibration.classwise_error(
                model.predictions.labels, _probabilities(model, is_raw)
            )
            columns[f"{key}, {state} (%)"] = [round(100 * errors[e], 2) for e in emotions.KEYS]
    return pd.DataFrame(columns)


def coverage_table(curves: dict[str, Coverage]) -> pd.DataFrame:
    """Every fifth threshold with coverage and accuracy of each model, in percent."""
    first = next(iter(curves.values()))
    chosen = slice(None, None, 5)
    columns: dict[str, list[float]] = {
        _("From confidence (%)"): [round(100 * float(t)) for t in first.threshold[chosen]]
    }
    for key, curve in curves.items():
        columns[f"{key}: {_('coverage (%)')}"] = [
            round(100 * float(v), 2) for v in curve.coverage[chosen]
        ]
        columns[f"{key}: {_('accuracy (%)')}"] = [
            round(100 * float(v), 2) for v in curve.accuracy[chosen]
        ]
    return pd.DataFrame(columns)
