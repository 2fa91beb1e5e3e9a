"""Page 3's view "ROC": each class's ROC and precision-recall curves, and the areas below them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer import emotions
from fer.evaluation.measured import MeasuredModel
from fer.evaluation.roc_pr import Curve
from fer.ui.results.measured_models import MeasuredModels
from fer.ui.shared import widgets
from fer.ui.shared.charts import add_diagonal, add_line, arrange
from fer.ui.shared.text import _


def draw_curves(measured: MeasuredModels) -> None:
    """Draw ROC and precision-recall of a class, and the areas of all classes."""
    models = measured.with_probabilities
    with st.spinner(_("Computing the curves…")):
        areas = curve_table(models)
    emotion = widgets.emotion(_("Emotion"), "curve_emotion", "happy")
    left, right = st.columns(2)
    with left:
        st.subheader("ROC")
        widgets.chart(
            roc_chart({key: model.roc[emotion] for key, model in models.items()}),
            key="roc",
            alt=_("ROC curves of both models for {emotion}", emotion=_(emotion)),
        )
    with right:
        st.subheader(_("Precision and recall"))
        widgets.chart(
            precision_recall_chart(
                {key: model.precision_recall[emotion] for key, model in models.items()}
            ),
            key="precision_recall",
            alt=_("Precision-recall curves of both models for {emotion}", emotion=_(emotion)),
        )
    widgets.table(
        areas, f"curves_{measured.name}", _("Area under ROC and average precision of each class")
    )


def roc_chart(curves: Mapping[str, Curve]) -> go.Figure:
    """Each model's ROC curve of one class, with the diagonal of a guess."""
    figure = _lines(curves, "AUC")
    add_diagonal(figure, _("Random guessing"))
    return arrange(figure, x=_("False-positive rate (%)"), y=_("True-positive rate (%)"))


def precision_recall_chart(curves: Mapping[str, Curve]) -> go.Figure:
    """Each model's precision-recall curve of one class."""
    return arrange(_lines(curves, "AP"), x=_("Recall (%)"), y=_("Precision (%)"))


def _lines(curves: Mapping[str, Curve], score: str) -> go.Figure:
    figure = go.Figure()
    for key, curve in curves.items():
        name = f"{key} · {score} {_.number(curve.score, 3)}"
        add_line(figure, key, 100 * curve.x, 100 * curve.y, "%{x:.1f} → %{y:.1f}", name=name)
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(range=[0, 100])
    return figure


def curve_table(models: Mapping[str, MeasuredModel]) -> pd.DataFrame:
    """Area under ROC and average precision for each emotion and model."""
    curves = {f"AUC {key}": model.roc for key, model in models.items()}
    curves |= {f"AP {key}": model.precision_recall for key, model in models.items()}
    return pd.DataFrame(
        {
            _("Emotion"): [_(emotion) for emotion in emotions.KEYS],
            **{
                name: [round(by_class[emotion].score, 4) for emotion in emotions.KEYS]
                for name, by_class in curves.items()
            },
        }
    )
