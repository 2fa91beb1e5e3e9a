"""Costs, curves and figures of the comparison, against Keras and by hand."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.colors import hex_to_rgb

from fer import emotions
from fer.evaluation import roc_pr
from fer.inference import complexity
from fer.media.streaming import Moment
from fer.scenarios import BASELINE, PROPOSED
from fer.ui import charts, vote_bars
from fer.ui.demo import confidence_charts
from fer.ui.results import report, result_charts
from fer.ui.studies import study_charts
from fer.ui.text import Translator
from tests.support.making import ROOT

EN, ID = Translator("en"), Translator("id")


def test_vgg16_costs_what_the_literature_says() -> None:
    # 15.3 G multiply-adds of the convolutions at 224 pixels.
    assert complexity.multiply_adds(BASELINE) == pytest.approx(15.35e9, rel=0.01)
    half = replace(BASELINE, input_size=112)
    ratio = complexity.multiply_adds(BASELINE) / complexity.multiply_adds(half)
    assert ratio == pytest.approx(4, rel=0.01)


def test_curves_of_a_perfect_and_a_guessing_model() -> None:
    labels = np.arange(700) % 7
    perfect = np.eye(7)[labels]
    assert all(c.score == 1.0 for c in roc_pr.roc(labels, perfect).values())
    assert all(c.score == 1.0 for c in roc_pr.precision_recall(labels, perfect).values())
    guess = np.random.default_rng(0).dirichlet(np.ones(7), 700)
    assert all(0.4 < c.score < 0.6 for c in roc_pr.roc(labels, guess).values())


def test_curves_are_monotone_and_short() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 7, 5000)
    found = roc_pr.roc(labels, rng.dirichlet(np.ones(7), 5000))
    for curve in found.values():
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


def test_confusion_shows_shares_of_the_true_class() -> None:
    counts = np.diag([10] * 7)
    counts[2, 4] = 30
    figure = result_charts.confusion(counts.tolist(), "baseline", True, ID)
    shown, texts = cells(figure)
    assert shown[2, 4] == 75
    assert shown.sum(axis=1) == pytest.approx(np.full(7, 100))
    assert texts[2][4] == "75,0"
    assert figure.layout.xaxis.title.text == "Prediksi"


def test_confusion_click_reports_row_and_column() -> None:
    counts = np.eye(7, dtype=int).tolist()
    figure = result_charts.confusion(counts, "proposed", False, EN, (2, 4))
    markers = figure.data[-1]
    at = [tuple(data[:2]) for data in markers.customdata].index((2, 4))
    assert (markers.y[at], markers.x[at]) == ("fear", "sad")
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (3.5, 4.5, 1.5, 2.5)


def test_difference_is_proposed_minus_baseline() -> None:
    before, after = np.full((7, 7), 10), np.full((7, 7), 10)
    after[0] = 0
    after[0, 0] = 70
    figure = result_charts.confusion_difference(before.tolist(), after.tolist(), EN)
    assert cells(figure)[0][0][0] == pytest.approx(100 - 100 / 7)
    assert figure.data[0].zmax == -figure.data[0].zmin


def test_the_pages_background_is_the_themes() -> None:
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))
    assert config["theme"]["backgroundColor"] == charts.BACKGROUND


def contrast(ink: str, red: float, green: float, blue: float) -> float:
    """WCAG 2.2's contrast of black or white on a colour, 1 to 21."""
    parts = [v / 255 for v in (red, green, blue)]
    parts = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    light = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    return (1.05 / (light + 0.05)) if ink == "white" else (light + 0.05) / 0.05


@pytest.mark.parametrize(
    ("colour", "below"),
    [
        (BASELINE.colour, None),
        (PROPOSED.colour, BASELINE.colour),
        (PROPOSED.colour, study_charts.CLOSED),
        (emotions.EMOTIONS[2].colour, None),
    ],
)
def test_numbers_can_be_read_on_every_cell(colour: str, below: str | None) -> None:
    values = np.linspace(0 if below is None else -1.5, 1.5, 301)[None]
    names = [str(at) for at in range(301)]
    figure = charts.heat_map(values, [names], names, ["all"], colour, 1, below=below)
    assert cells(figure)[1].tolist() == [names]
    back = np.array(hex_to_rgb(charts.BACKGROUND))
    for trace in figure.data:
        for value in np.array(trace.z)[np.isfinite(np.array(trace.z))]:
            end = np.array(hex_to_rgb(below if value < 0 and below else colour))
            share = min(abs(value), 1)
            drawn = share * end + (1 - share) * back
            assert contrast(trace.textfont.color, *drawn) >= 4.5


@pytest.mark.parametrize("language", [EN, ID], ids=["en", "id"])
def test_figures_have_axis_titles_and_model_colours(language: Translator) -> None:
    scores = {"baseline": [0.5] * 7, "proposed": [0.6] * 7}
    figure = charts.emotion_bars(scores, "F1 (%)", language)
    assert [bar.marker.color for bar in figure.data] == [BASELINE.colour, PROPOSED.colour]
    bins = {"proposed": [{"confidence": 0.7, "accuracy": 0.6, "count": 9}]}
    for made in (
        figure,
        result_charts.reliability(bins, {"proposed": 0.1}, language),
        result_charts.receiver_operating(
            {"baseline": roc_pr.Curve(np.array([0, 1.0]), np.array([0, 1.0]), 0.5)}, language
        ),
    ):
        assert made.layout.xaxis.title.text
        assert made.layout.yaxis.title.text
        assert made.layout.height <= charts.HEIGHT


def test_every_emotion_stands_in_the_order_of_the_challenge() -> None:
    figure = charts.emotion_bars({"baseline": [0.1] * 7}, "F1 (%)", EN)
    assert tuple(figure.data[0].y) == emotions.KEYS
    assert figure.layout.yaxis.autorange == "reversed"


def test_intervals_are_white_on_the_dark_page_and_black_in_the_white_report() -> None:
    upright = go.Figure().add_bar(
        x=["a"], y=[50.0], error_y=study_charts.error_bars([0.5], [(0.4, 0.6)])
    )
    (bar,) = upright.data
    assert (bar.error_y.color, bar.error_y.array) == ("white", pytest.approx((10.0,)))
    lying = study_charts.ablation(
        {"Accuracy": {"SE": {"gain": -0.006, "gain_interval": [-0.015, 0.003]}}}, EN
    )
    assert lying.data[0].error_x.color == "white"
    points = go.Figure().add_scatter(
        x=[1], y=[50.0], error_y=study_charts.error_bars([0.5], [(0.4, 0.6)])
    )
    for figure in (upright, lying, points):
        printed = report._plot(figure, "Intervals")
        assert re.findall(r'"error_[xy]":{[^}]*"color":"(\w+)"', printed) == ["black"]


def test_both_gains_of_an_ingredient_stand_at_one_label() -> None:
    accuracy = {"gain": 0.003, "gain_interval": [-0.006, 0.013]}
    macro_f1 = {"gain": 0.051, "gain_interval": [0.028, 0.074]}
    figure = study_charts.ablation(
        {"Accuracy": {"Weights": accuracy, "SE": accuracy}, "Macro F1": {"Weights": macro_f1}}, EN
    )
    assert [trace.name for trace in figure.data] == ["Accuracy", "Macro F1"]
    both, alone = "Weights<br>Accuracy +0.3<br>Macro F1 +5.1", "SE<br>Accuracy +0.3"
    assert [tuple(trace.y) for trace in figure.data] == [(both, alone), (both,)]
    assert [tuple(trace.x) for trace in figure.data] == [
        pytest.approx((0.3, 0.3)),
        pytest.approx((5.1,)),
    ]


@pytest.mark.parametrize("language", [EN, ID], ids=["en", "id"])
def test_emotions_over_time_differ_by_more_than_colour(language: Translator) -> None:
    moments = [Moment(at, 1, {"proposed": np.full(7, 1 / 7)}) for at in (0.0, 1.0)]
    for figure in (
        confidence_charts.minute(moments, "proposed", 1, 1.0, language),
        confidence_charts.timeline(moments, "proposed", 1, 1.0, language),
    ):
        assert [trace.name for trace in figure.data] == [language(key) for key in emotions.KEYS]
        assert len({trace.line.dash for trace in figure.data}) == emotions.COUNT


@pytest.mark.parametrize("language", [EN, ID], ids=["en", "id"])
def test_votes_have_two_named_axes(language: Translator) -> None:
    figure = vote_bars.figure(np.array([7, 0, 0, 3, 0, 0, 0, 0, 0, 0], np.uint8), language)
    titles = (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text)
    assert titles == (language("Votes of ten people"), language("Answer"))
    assert all(titles)
