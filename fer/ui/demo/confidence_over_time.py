"""Confidence over time, as lines."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from fer import emotions
from fer.media.streaming import Moment
from fer.ui.shared.charts import arrange
from fer.ui.shared.text import _

# In the emotions' order; those that are seen most are the easiest to tell apart.
DASHES = ("dash", "2px,6px", "dashdot", "solid", "dot", "longdashdot", "12px,3px")
# Pixels of a line in the legend in which its dashes can be recognised.
SAMPLE = 46


def lines(
    moments: Sequence[Moment],
    model: str,
    number: int,
    x: str,
    span: tuple[float, float],
    origin: float = 0.0,
) -> go.Figure:
    """Return a model's confidence in each emotion for the face of that number over time, whose axis
    has the title `x` and the ends `span`, in seconds after `origin`."""
    own = [moment for moment in moments if moment.number == number]
    figure = go.Figure()
    for position, (emotion, dash) in enumerate(zip(emotions.EMOTIONS, DASHES, strict=True)):
        figure.add_scatter(
            name=_(emotion.key),
            x=[moment.at - origin for moment in own],
            y=[100 * float(moment.probabilities[model][position]) for moment in own],
            mode="lines",
            line={"color": emotion.colour, "dash": dash, "width": 2},
            hovertemplate="%{y:.1f}%<extra>" + _(emotion.key) + "</extra>",
        )
    figure.update_xaxes(range=span)
    figure.update_yaxes(range=[0, 100])
    figure.update_layout(legend={"itemwidth": SAMPLE})
    return arrange(figure, x=x, y=_("Confidence (%)"), height=260)
