"""Figures of confidence over time."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from fer import emotions
from fer.media.streaming import HISTORY_SECONDS, Moment
from fer.ui.shared.charts import arrange
from fer.ui.shared.text import _

# In the emotions' order; those that are seen most are the easiest to tell apart.
DASHES = ("dash", "2px,6px", "dashdot", "solid", "dot", "longdashdot", "12px,3px")
# Pixels of a line in the legend in which its dashes can be recognised.
SAMPLE = 46


def minute(moments: Sequence[Moment], model: str, number: int, now: float) -> go.Figure:
    """Return a model's confidence in each emotion for one face over the last minute.

    Args:
        number: the face.
        now: `time.monotonic` seconds; the axis counts back from it.
    """
    figure = _lines(moments, model, number, now)
    figure.update_xaxes(range=[-HISTORY_SECONDS, 0])
    return arrange(figure, x=_("Seconds before now"), y=_("Confidence (%)"), height=260)


def timeline(moments: Sequence[Moment], model: str, number: int, seconds: float) -> go.Figure:
    """Return a model's confidence in each emotion for one face over a video of that many
    seconds."""
    figure = _lines(moments, model, number, 0.0)
    figure.update_xaxes(range=[0, seconds])
    return arrange(figure, x=_("Time (s)"), y=_("Confidence (%)"), height=260)


def _lines(moments: Sequence[Moment], model: str, number: int, origin: float) -> go.Figure:
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
    figure.update_yaxes(range=[0, 100])
    figure.update_layout(legend={"itemwidth": SAMPLE})
    return figure
