"""Figures of confidence over time."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from fer import emotions
from fer.ui.charts import arrange
from fer.ui.text import Translator
from fer.watching import HISTORY_SECONDS, Moment


def minute(
    moments: Sequence[Moment], model: str, number: int, now: float, _: Translator
) -> go.Figure:
    """A model's confidence in each emotion for one face over the last minute.

    Args:
        number: the face.
        now: `time.monotonic` seconds; the axis counts back from it.
    """
    own = [moment for moment in moments if moment.number == number]
    figure = go.Figure()
    for position, emotion in enumerate(emotions.EMOTIONS):
        figure.add_scatter(
            name=_(emotion.key),
            x=[moment.at - now for moment in own],
            y=[100 * float(moment.probabilities[model][position]) for moment in own],
            mode="lines",
            line={"color": emotion.colour, "width": 2},
            hovertemplate="%{y:.1f} %<extra>" + _(emotion.key) + "</extra>",
        )
    figure.update_xaxes(range=[-HISTORY_SECONDS, 0])
    figure.update_yaxes(range=[0, 100])
    return arrange(figure, _, x=_("Seconds before now"), y=_("Confidence (%)"), height=260)
