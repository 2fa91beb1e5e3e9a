"""Plotly figures: data in, figure out. Margins, fonts and colours are set here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from fer import emotions
from fer.inference import Prediction
from fer.scenarios import SCENARIOS
from fer.ui.text import Translator

HEIGHT = 320
# Markdown's own names for the models' colours; `.streamlit/config.toml` gives them their values.
MARKDOWN_COLOUR = {"baseline": "orange", "proposed": "violet"}


def confidence_bars(predictions: Mapping[str, Prediction], _: Translator) -> go.Figure:
    """Each model's confidence for each emotion, a pair of bars an emotion, 0-100 %."""
    names = [_(key) for key in emotions.KEYS]
    figure = go.Figure()
    for key, prediction in predictions.items():
        scenario = SCENARIOS[key]
        figure.add_bar(
            name=key,
            orientation="h",
            y=names,
            x=[100 * float(p) for p in prediction.probabilities],
            text=[_.percent(float(p)) for p in prediction.probabilities],
            textposition="outside",
            cliponaxis=False,
            marker={"color": scenario.colour, "pattern": {"shape": scenario.pattern}},
            hovertemplate="%{y}: %{text}<extra>" + key + "</extra>",
        )
    figure.update_layout(
        barmode="group",
        bargap=0.25,
        height=HEIGHT,
        margin={"l": 0, "r": 48, "t": 8, "b": 0},
        separators=",." if _.language == "id" else ".,",
        legend={"orientation": "h", "y": -0.28, "x": 0, "traceorder": "normal"},
        xaxis={"title": _("Confidence (%)"), "range": [0, 100], "fixedrange": True},
        yaxis={"title": _("Emotion"), "autorange": "reversed", "fixedrange": True},
    )
    return figure
