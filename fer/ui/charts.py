"""Plotly figures: data in, figure out. Margins, fonts and colours are set here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from fer import emotions
from fer.inference.classification import Prediction
from fer.scenarios import SCENARIOS
from fer.ui.text import Translator

HEIGHT = 320
TRANSPARENT = "rgba(0, 0, 0, 0)"
INK = "white"
# What belongs to both models together.
BOTH = "#94A3B8"
# What a voter can say besides the seven emotions.
OTHER_CHOICE = "#64748B"
# Lines of the models differ by more than colour: by the dash that goes with their bars' pattern.
DASHES = {"": "solid", "/": "dash", "x": "dot"}
# In text, what stands for a bar's pattern.
MARKS = {"": "■", "/": "▨"}
# Markdown's own names for the scenarios' colours; `.streamlit/config.toml` gives them their values.
MARKDOWN_COLOURS = {"#F59E0B": "orange", "#818CF8": "violet"}


def dash(key: str) -> str:
    """How a model's line is dashed."""
    return DASHES.get(SCENARIOS[key].pattern, "dashdot")


def swatch(key: str) -> str:
    """A small square in the model's colour, filled or hatched like its bars, as Markdown.

    It is gray where the theme has no such colour's name.
    """
    scenario = SCENARIOS[key]
    mark = MARKS.get(scenario.pattern, "▩")
    return f":{MARKDOWN_COLOURS.get(scenario.colour, 'gray')}[{mark}]"


def confidence_bars(predictions: Mapping[str, Prediction], _: Translator) -> go.Figure:
    """Each model's confidence for each emotion, a pair of bars an emotion, 0-100%."""
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
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(autorange="reversed")
    return arrange(figure, _, x=_("Confidence (%)"), y=_("Emotion"), right=48)


def arrange(
    figure: go.Figure, _: Translator, *, x: str, y: str, height: int = HEIGHT, right: int = 8
) -> go.Figure:
    """The figure with axis titles, the language's decimal mark, no zoom and narrow margins.

    The legend lies above the plot, where it stays clear of the axis at any width.
    """
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": right, "t": 8, "b": 0},
        separators=",." if _.language == "id" else ".,",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
    )
    figure.update_xaxes(title=x, fixedrange=True)
    figure.update_yaxes(title=y, fixedrange=True)
    return figure
