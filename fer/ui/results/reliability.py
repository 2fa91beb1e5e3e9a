"""Page 3's view "Calibration": confidences before and after the temperature, and abstaining."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer import emotions
from fer.evaluation import calibration
from fer.evaluation.calibration import Bin, Coverage, Labels, Probabilities, RightAndWrong
from fer.evaluation.measured import MeasuredModel
from fer.ui.results.measured_models import MeasuredModels
from fer.ui.shared import charts, widgets
from fer.ui.shared.text import _


def draw_calibration(measured: MeasuredModels) -> None:
    """Draw accuracy by confidence, how frequent each confidence is, and what abstaining gains."""
    st.write(_("On the dotted line, answers given with 70% confidence are right 70% of the time."))
    states = {"calibrated": _("calibrated"), "raw": _("before calibration")}
    state = widgets.choice(
        _("Confidences"),
        states,
        "calibration_state",
        help=_("One temperature for each model, fitted on PublicTest (Guo et al. 2017)."),
    )
    models = measured.with_probabilities
    probabilities = {key: _probabilities(model, state == "raw") for key, model in models.items()}
    labels = {key: model.predictions.labels for key, model in models.items()}
    widgets.chart(
        reliability_chart(
            {key: calibration.reliability(labels[key], p) for key, p in probabilities.items()},
            {
                key: calibration.expected_calibration_error(labels[key], p)
                for key, p in probabilities.items()
            },
        ),
        key="reliability",
        alt=_("Accuracy against confidence for both models"),
    )
    st.subheader(_("How confident the models are"))
    widgets.chart(
        confidence_chart(
            {key: calibration.histogram(labels[key], p) for key, p in probabilities.items()}
        ),
        key="confidence_histogram",
        alt=_("Lines: number of images by confidence for both models"),
    )
    curves = {key: calibration.selective(labels[key], p) for key, p in probabilities.items()}
    _draw_abstaining(curves, probabilities, labels)
    with st.expander(_("Tables and downloads"), key="calibration_details"):
        widgets.table(
            reliability_table(models),
            f"reliability_{measured.name}",
            _("Confidence bins with accuracy"),
        )
        widgets.table(
            classwise_table(models),
            f"classwise_{measured.name}",
            _("Calibration error of each emotion's probability"),
        )
        widgets.table(
            coverage_table(curves),
            f"coverage_{measured.name}",
            _("Coverage and accuracy by threshold"),
        )


def _draw_abstaining(
    curves: dict[str, Coverage], probabilities: dict[str, Probabilities], labels: dict[str, Labels]
) -> None:
    """Draw the accuracy of the surest answers: of both models as many, so that they compare."""
    st.subheader(_("Answer only when sure"))
    percent = st.slider(
        _("Answer only the surest images (% of all)"), 5, 100, 50, 5, key="coverage", width=320
    )
    share = percent / 100
    surest = {key: calibration.surest(labels[key], p, share) for key, p in probabilities.items()}
    widgets.metrics(
        {
            _("{model} accuracy", model=key): (
                _.percent(answers.accuracy),
                _(
                    "answers from {confidence} confidence on",
                    confidence=_.percent(answers.confidence),
                ),
            )
            for key, answers in surest.items()
        },
        "coverage_metrics",
    )
    widgets.chart(
        coverage_chart(curves, share, {key: answers.accuracy for key, answers in surest.items()}),
        key="coverage_chart",
        alt=_("Lines: accuracy of the answers given against the share of images answered"),
    )


def _probabilities(model: MeasuredModel, is_raw: bool) -> Probabilities:
    return model.raw if is_raw else model.predictions.probabilities


def reliability_chart(bins: Mapping[str, Sequence[Bin]], ece: Mapping[str, float]) -> go.Figure:
    """Accuracy against confidence for each model; on the diagonal, confidence is honest."""
    figure = go.Figure()
    charts.add_diagonal(figure, _("Perfectly calibrated"))
    for key, rows in bins.items():
        charts.add_line(
            figure,
            key,
            [100 * row["confidence"] for row in rows],
            [100 * row["agreement"] for row in rows],
            "%{x:.1f}% → %{y:.1f}%, n = %{customdata[0]}",
            customdata=[[_.number(row["count"])] for row in rows],
            mode="lines+markers",
            name=f"{key} · ECE {_.percent(ece[key])}",
            marker={"size": 8},
        )
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(range=[0, 100])
    return charts.arrange(figure, x=_("Mean confidence (%)"), y=_("Accuracy (%)"))


def confidence_chart(bins: Mapping[str, Sequence[RightAndWrong]]) -> go.Figure:
    """How many images are answered with each confidence, a line for each model."""
    figure = go.Figure()
    for key, rows in bins.items():
        charts.add_line(
            figure,
            key,
            [100 * (row["low"] + row["high"]) / 2 for row in rows],
            [row["right"] + row["wrong"] for row in rows],
            "%{x:.0f}%: %{y} (%{customdata[0]} ✓, %{customdata[1]} ✗)",
            customdata=[[row["right"], row["wrong"]] for row in rows],
            line_shape="hvh",
        )
    figure.update_xaxes(range=[0, 100])
    return charts.arrange(figure, x=_("Confidence (%)"), y=_("Images"), height=240)


def coverage_chart(
    curves: Mapping[str, Coverage], share: float, accuracies: Mapping[str, float]
) -> go.Figure:
    """Accuracy of the answers that are given against how many are; a mark at that share (0-1)."""
    figure = go.Figure()
    for key, curve in curves.items():
        is_answered = curve.coverage > 0
        charts.add_line(
            figure,
            key,
            100 * curve.coverage[is_answered],
            100 * curve.accuracy[is_answered],
            "%{x:.1f}% → %{y:.1f}% (≥ %{customdata:.0f}%)",
            customdata=100 * curve.threshold[is_answered],
        )
        figure.add_scatter(
            x=[100 * share],
            y=[100 * accuracies[key]],
            mode="markers",
            marker={"color": charts.colour(key), "size": 12, "symbol": "diamond"},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(range=[0, 100])
    charts.arrange(figure, x=_("Coverage (% of images)"), y=_("Accuracy (%)"))
    return charts.name_lines(figure)


def reliability_table(models: Mapping[str, MeasuredModel]) -> pd.DataFrame:
    """Confidence bins in percent with count, mean confidence and accuracy for each model."""
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("From (%)"): round(100 * row["low"], 1),
                _("To (%)"): round(100 * row["high"], 1),
                _("Images"): row["count"],
                _("Mean confidence (%)"): round(100 * row["confidence"], 2),
                _("Accuracy (%)"): round(100 * row["agreement"], 2),
            }
            for key, model in models.items()
            for row in model.reliability
        ]
    )


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
    columns = {_("From confidence (%)"): (100 * first.threshold[::5]).round().astype(int)}
    for key, curve in curves.items():
        columns[f"{key}: {_('coverage (%)')}"] = (100 * curve.coverage[::5]).round(2)
        columns[f"{key}: {_('accuracy (%)')}"] = (100 * curve.accuracy[::5]).round(2)
    return pd.DataFrame(columns)
