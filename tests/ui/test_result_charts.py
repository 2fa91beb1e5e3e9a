"""Costs, curves and figures of the comparison, against Keras and by hand."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.colors import hex_to_rgb
from skimage import color

from fer import emotions
from fer.evaluation import roc_pr
from fer.inference import complexity
from fer.media.streaming import Moment
from fer.scenarios import BASELINE, PROPOSED
from fer.ui.demo import confidence_over_time
from fer.ui.faces import confidence_bars, vote_bars
from fer.ui.results import confusions, curves, reliability, report
from fer.ui.shared import charts
from fer.ui.shared.text import Language, _, in_language
from fer.ui.studies import ablation, attention
from tests.support.making import ROOT

# Of the emotions' colours: CIEDE2000 of the closest two in any kind of vision, and CIELAB's chroma.
LEAST_APART, MOST_CHROMA = 11, 50


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
    with in_language("id"):
        figure = confusions.confusion_chart(counts.tolist(), "baseline", True)
    shown, texts = cells(figure)
    assert shown[2, 4] == 75
    assert shown.sum(axis=1) == pytest.approx(np.full(7, 100))
    assert texts[2][4] == "75,0"
    assert figure.layout.xaxis.title.text == "Prediksi"


def test_confusion_click_reports_row_and_column() -> None:
    counts = np.eye(7, dtype=int).tolist()
    figure = confusions.confusion_chart(counts, "proposed", False, (2, 4))
    markers = figure.data[-1]
    at = [tuple(data[:2]) for data in markers.customdata].index((2, 4))
    assert (markers.y[at], markers.x[at]) == ("fear", "sad")
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (3.5, 4.5, 1.5, 2.5)


def test_difference_is_proposed_minus_baseline() -> None:
    before, after = np.full((7, 7), 10), np.full((7, 7), 10)
    after[0] = 0
    after[0, 0] = 70
    figure = confusions.difference_chart(before.tolist(), after.tolist())
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
        (PROPOSED.colour, attention.CLOSED),
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


@pytest.mark.parametrize("language", ["en", "id"], indirect=True)
def test_figures_have_axis_titles_and_model_colours(language: Language) -> None:
    scores = {"baseline": [0.5] * 7, "proposed": [0.6] * 7}
    figure = confidence_bars.emotion_bars(scores, "F1 (%)")
    assert [bar.marker.color for bar in figure.data] == [BASELINE.colour, PROPOSED.colour]
    bins = {"proposed": [{"confidence": 0.7, "agreement": 0.6, "count": 9}]}
    # What the names of emotions are needs no words.
    assert figure.layout.xaxis.title.text == "F1 (%)"
    for made in (
        reliability.reliability_chart(bins, {"proposed": 0.1}),
        curves.roc_chart({"baseline": roc_pr.Curve(np.array([0, 1.0]), np.array([0, 1.0]), 0.5)}),
    ):
        assert made.layout.xaxis.title.text
        assert made.layout.title.text, "the upright axis' title lies flat above it"
        assert made.layout.height <= charts.HEIGHT
        assert made.layout.xaxis.tickfont.size == made.layout.yaxis.tickfont.size == 13


@pytest.mark.parametrize(
    ("values", "ends", "step"),
    [
        ([0.0, 83.2], (0, 100), 20),
        ([12.3, 61.0], (10, 70), 10),
        ([-0.6, 5.4], (-2, 6), 2),
        ([0.00021, 0.0009], (0.0002, 0.001), 0.0002),
    ],
)
def test_axes_end_with_their_last_tick(
    values: list[float], ends: tuple[float, float], step: float
) -> None:
    figure = charts.arrange(go.Figure().add_scatter(x=[1, 2], y=values), x="x", y="y")
    assert figure.layout.yaxis.range == pytest.approx(ends)
    assert figure.layout.yaxis.dtick == pytest.approx(step)
    first, last = figure.layout.yaxis.range
    assert (last - first) / step == pytest.approx(round((last - first) / step))


def test_bars_begin_at_zero_and_hold_their_intervals() -> None:
    figure = go.Figure().add_bar(
        orientation="h", y=["a"], x=[3.0], error_x={"array": [4.0], "arrayminus": [4.0]}
    )
    charts.arrange(figure, x="x")
    assert figure.layout.xaxis.range == (-2, 8)
    assert figure.layout.yaxis.range is None
    assert charts.last_tick(41) == 50


def test_names_at_the_ends_of_lines_do_not_lie_on_each_other() -> None:
    figure = go.Figure()
    for key, last in (("baseline", 69.0), ("proposed", 70.0)):
        figure.add_scatter(x=[0, 100], y=[40.0, last], name=key, line={"color": "red"})
    charts.name_lines(charts.arrange(figure, x="x", y="y"))
    assert [(note.text, note.yshift) for note in figure.layout.annotations] == [
        ("baseline", -8),
        ("proposed", 8),
    ]
    assert figure.layout.showlegend is False


@pytest.mark.parametrize("vision", [None, "protanopia", "deuteranopia", "tritanopia"])
def test_emotions_are_told_apart_by_everyone(vision: str | None) -> None:
    # Machado et al. 2009, severity 1, on linear RGB; CIEDE2000 between the closest two.
    matrix = {
        None: np.eye(3),
        "protanopia": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deuteranopia": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        "tritanopia": [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    }[vision]
    rgb = np.array([hex_to_rgb(one.colour) for one in emotions.EMOTIONS]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(matrix), 0, 1)
    seen = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = color.rgb2lab(seen[None])[0]
    first, second = np.triu_indices(emotions.COUNT, 1)
    assert color.deltaE_ciede2000(lab[first], lab[second]).min() >= LEAST_APART


def test_emotions_are_muted_and_stand_out_from_the_page() -> None:
    page = contrast("black", *hex_to_rgb(charts.BACKGROUND))
    for emotion in emotions.EMOTIONS:
        rgb = hex_to_rgb(emotion.colour)
        assert contrast("black", *rgb) / page >= 4
        lab = color.rgb2lab(np.array(rgb)[None, None] / 255)[0, 0]
        assert np.hypot(*lab[1:]) <= MOST_CHROMA


def test_every_emotion_stands_in_the_order_of_the_challenge() -> None:
    figure = confidence_bars.emotion_bars({"baseline": [0.1] * 7}, "F1 (%)")
    assert tuple(figure.data[0].y) == emotions.KEYS
    assert figure.layout.yaxis.autorange == "reversed"


def test_intervals_are_white_on_the_dark_page_and_black_in_the_white_report() -> None:
    upright = go.Figure().add_bar(x=["a"], y=[50.0], error_y=charts.error_bars([0.5], [(0.4, 0.6)]))
    (bar,) = upright.data
    assert (bar.error_y.color, bar.error_y.array) == ("white", pytest.approx((10.0,)))
    lying = ablation.gain_chart(
        {"Accuracy": {"SE": {"gain": -0.006, "gain_interval": [-0.015, 0.003]}}}
    )
    assert lying.data[0].error_x.color == "white"
    points = go.Figure().add_scatter(
        x=[1], y=[50.0], error_y=charts.error_bars([0.5], [(0.4, 0.6)])
    )
    for figure in (upright, lying, points):
        printed = report._chart_html(figure, "Intervals")
        assert re.findall(r'"error_[xy]":{[^}]*"color":"(\w+)"', printed) == ["black"]


def test_both_gains_of_an_ingredient_stand_at_one_label() -> None:
    accuracy = {"gain": 0.003, "gain_interval": [-0.006, 0.013]}
    macro_f1 = {"gain": 0.051, "gain_interval": [0.028, 0.074]}
    figure = ablation.gain_chart(
        {"Accuracy": {"Weights": accuracy, "SE": accuracy}, "Macro F1": {"Weights": macro_f1}}
    )
    assert [trace.name for trace in figure.data] == ["Accuracy", "Macro F1"]
    both, alone = "Weights<br>Accuracy +0.3<br>Macro F1 +5.1", "SE<br>Accuracy +0.3"
    assert [tuple(trace.y) for trace in figure.data] == [(both, alone), (both,)]
    assert [tuple(trace.x) for trace in figure.data] == [
        pytest.approx((0.3, 0.3)),
        pytest.approx((5.1,)),
    ]


@pytest.mark.parametrize("language", ["en", "id"], indirect=True)
def test_emotions_over_time_differ_by_more_than_colour(language: Language) -> None:
    moments = [Moment(at, 1, {"proposed": np.full(7, 1 / 7)}) for at in (0.0, 1.0)]
    figure = confidence_over_time.lines(moments, "proposed", 1, "", (0, 1))
    assert [trace.name for trace in figure.data] == [_(key) for key in emotions.KEYS]
    assert len({trace.line.dash for trace in figure.data}) == emotions.COUNT


@pytest.mark.parametrize("language", ["en", "id"], indirect=True)
def test_votes_have_a_named_axis(language: Language) -> None:
    figure = vote_bars.figure(np.array([7, 0, 0, 3, 0, 0, 0, 0, 0, 0], np.uint8))
    assert figure.layout.xaxis.title.text == _("Votes of ten people")
