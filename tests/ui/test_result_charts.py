"""Costs, curves and figures of the comparison, against Keras and by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.colors import hex_to_rgb

from fer.evaluation import roc_pr
from fer.inference import complexity
from fer.scenarios import BASELINE, PROPOSED
from fer.ui.results import confusions, report
from fer.ui.shared import charts
from fer.ui.shared.text import in_language
from fer.ui.studies import attention


def test_vgg16_costs_what_the_literature_says() -> None:
    # 15.3 G multiply-adds of the convolutions at 224 pixels.
    assert complexity.multiply_adds(BASELINE) == pytest.approx(15.35e9, rel=0.01)
    half = complexity.multiply_adds(replace(BASELINE, input_size=112))
    assert complexity.multiply_adds(BASELINE) / half == pytest.approx(4, rel=0.01)


def test_curves_of_a_perfect_and_a_guessing_model() -> None:
    labels = np.arange(7000) % 7
    perfect = np.eye(7)[labels]
    assert all(c.score == 1.0 for c in roc_pr.roc(labels, perfect).values())
    assert all(c.score == 1.0 for c in roc_pr.precision_recall(labels, perfect).values())
    guess = np.random.default_rng(0).dirichlet(np.ones(7), 7000)
    for curve in roc_pr.roc(labels, guess).values():
        assert 0.4 < curve.score < 0.6
        assert len(curve.x) <= roc_pr.POINTS
        assert (np.diff(curve.x) >= 0).all()
        assert (np.diff(curve.y) >= 0).all()
        assert (curve.x[0], curve.y[-1]) == (0, 1)


def cells(figure: go.Figure) -> tuple[np.ndarray, np.ndarray]:
    """Values and texts of a heat map, whose cells lie in one trace for each colour of the text."""
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    values = np.array([np.array(trace.z, dtype=float) for trace in maps])
    assert (np.isfinite(values).sum(axis=0) == 1).all(), "each cell is drawn once"
    texts = np.array([trace.text for trace in maps])
    assert ((texts != "") == np.isfinite(values)).all(), "a text stands on its own cell"
    return np.nansum(values, axis=0), texts.max(axis=0)


def test_confusion_shows_shares_of_the_true_class_and_their_differences() -> None:
    counts = np.diag([10] * 7)
    counts[2, 4] = 30
    with in_language("id"):
        figure = confusions.confusion_chart(counts.tolist(), "baseline", True)
    shown, texts = cells(figure)
    assert shown[2, 4] == 75
    assert shown.sum(axis=1) == pytest.approx(np.full(7, 100))
    assert texts[2][4] == "75,0"
    assert figure.layout.xaxis.title.text == "Prediksi"
    # Proposed minus baseline.
    figure = confusions.difference_chart(np.full((7, 7), 10).tolist(), counts.tolist())
    assert cells(figure)[0][0][0] == pytest.approx(100 - 100 / 7)
    assert figure.data[0].zmax == -figure.data[0].zmin


def test_numbers_can_be_read_on_every_cell() -> None:
    def light(colour: np.ndarray) -> float:
        """WCAG 2.2's relative luminance."""
        parts = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in colour / 255]
        return float(np.dot([0.2126, 0.7152, 0.0722], parts))

    values, names = np.linspace(-1.5, 1.5, 301)[None], [str(at) for at in range(301)]
    above, below = PROPOSED.colour, attention.CLOSED
    figure = charts.heat_map(values, [names], names, ["all"], above, 1, below=below)
    assert cells(figure)[1].tolist() == [names]
    back = np.array(hex_to_rgb(charts.BACKGROUND))
    for trace in figure.data:
        for value in np.array(trace.z)[np.isfinite(np.array(trace.z))]:
            end = np.array(hex_to_rgb(below if value < 0 else above))
            share = min(abs(value), 1)
            drawn = light(share * end + (1 - share) * back) + 0.05
            ratio = 1.05 / drawn if trace.textfont.color == "white" else drawn / 0.05
            assert ratio >= 4.5


def test_axes_end_with_their_last_tick_and_bars_begin_at_zero() -> None:
    for values, ends, step in (
        ([12.3, 61.0], (10, 70), 10),
        ([-0.6, 5.4], (-2, 6), 2),
        ([0.00021, 0.0009], (0.0002, 0.001), 0.0002),
    ):
        figure = charts.arrange(go.Figure().add_scatter(x=[1, 2], y=values), x="x", y="y")
        assert figure.layout.yaxis.range == pytest.approx(ends)
        assert figure.layout.yaxis.dtick == pytest.approx(step)
    error = {"array": [4.0], "arrayminus": [4.0]}
    figure = go.Figure().add_bar(orientation="h", y=["a"], x=[3.0], error_x=error)
    assert charts.arrange(figure, x="x").layout.xaxis.range == (-2, 8)


def test_intervals_are_white_on_the_dark_page_and_black_in_the_white_report() -> None:
    interval = charts.error_bars([0.5], [(0.4, 0.6)])
    assert (interval["color"], interval["array"]) == ("white", pytest.approx([10.0]))
    for figure in (
        go.Figure().add_bar(x=["a"], y=[50.0], error_y=interval),
        go.Figure().add_scatter(x=[1], y=[50.0], error_y=interval),
    ):
        printed = report._chart_html(figure, "Intervals")
        assert re.findall(r'"error_[xy]":{[^}]*"color":"(\w+)"', printed) == ["black"]
