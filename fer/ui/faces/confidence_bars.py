"""The pairs of bars: a figure of each model for each emotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from fer import emotions
from fer.ui.shared import charts
from fer.ui.shared.text import _

# It brings what reads artifacts and images, which empty axes need not wait for.
if TYPE_CHECKING:
    from fer.inference.classification import Prediction


def confidence_bars(predictions: Mapping[str, Prediction]) -> go.Figure:
    """Draw each model's confidence for each emotion, a pair of bars an emotion, 0-100%."""
    confidences = {key: [float(p) for p in one.probabilities] for key, one in predictions.items()}
    return emotion_bars(confidences, _("Confidence (%)"))


def emotion_bars(values: Mapping[str, Sequence[float | None]], x: str) -> go.Figure:
    """Draw a pair of bars an emotion: one figure of each model, 0-100%.

    Args:
        values: for each model, the figure (0-1) in the order of `emotions.EMOTIONS`; None where
            there is none.
        x: title of their axis.
    """
    figure = model_bars(values, [_(emotion) for emotion in emotions.KEYS], 100)
    return charts.arrange(figure, x=x, right=48)


def model_bars(
    values: Mapping[str, Sequence[float | None]], labels: Sequence[str], most: float
) -> go.Figure:
    """Draw a horizontal bar of each model for each label, the first at the top.

    Args:
        values: for each model, a figure (0-1) a label; None where there is none.
        most: where the axis ends, in percent.
    """
    figure = go.Figure()
    for key, shares in values.items():
        figure.add_bar(
            name=key,
            orientation="h",
            y=list(labels),
            x=[None if share is None else 100 * share for share in shares],
            text=["–" if share is None else _.percent(share) for share in shares],
            textposition="outside",
            # Else Plotly shrinks it to the bar, to nine pixels.
            constraintext="none",
            cliponaxis=False,
            marker={"color": charts.colour(key), "pattern": {"shape": charts.pattern(key)}},
            hovertemplate="%{y}: %{text}<extra>" + key + "</extra>",
        )
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(range=[0, most])
    figure.update_yaxes(autorange="reversed")
    return figure
