"""Figures of the classification results: speed, confusion, curves, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from fer import emotions
from fer.evaluation.calibration import AccuracyBin
from fer.evaluation.roc_pr import Curve
from fer.inference.benchmark import Benchmark
from fer.scenarios import BASELINE, PROPOSED
from fer.ui.charts import BOTH, INK, arrange, colour, dash, heat_map
from fer.ui.text import _

SQUARE = 360


def speed(record: Benchmark, ways: Mapping[str, str]) -> go.Figure:
    """A bar for each way of asking both models about one face: its median in milliseconds.

    Args:
        record: what `fer benchmark` wrote.
        ways: what each way is called.
    """
    shown = {way: by_count["1"]["p50_ms"] for way, by_count in record["ways"].items()}
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=[ways[way] for way in shown],
        x=list(shown.values()),
        text=[_.number(value, 1) for value in shown.values()],
        textposition="outside",
        cliponaxis=False,
        marker={"color": BOTH},
        hovertemplate="%{y}: %{text} ms<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed")
    return arrange(figure, x=_("Median time (ms)"), height=220, right=48)


def confusion(
    counts: Sequence[Sequence[int]],
    model: str,
    is_normalised: bool,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """A model's confusion matrix, a row for each true class; counts or percent of the row.

    Args:
        chosen: row and column of a cell to frame.
    """
    shown = _shares(counts) if is_normalised else [[float(n) for n in row] for row in counts]
    texts = [
        [_.number(value, 0) if not is_normalised else _.number(value, 1) for value in row]
        for row in shown
    ]
    unit = _("Share of the row (%)") if is_normalised else _("Images")
    top = 100.0 if is_normalised else max(max(row) for row in shown)
    return _matrix(shown, texts, unit, colour(model), top, None, chosen)


def confusion_difference(
    baseline: Sequence[Sequence[int]], proposed: Sequence[Sequence[int]]
) -> go.Figure:
    """How many percentage points of each true class `proposed` moves into each cell."""
    before, after = _shares(baseline), _shares(proposed)
    change = [
        [b - a for a, b in zip(*rows, strict=True)] for rows in zip(before, after, strict=True)
    ]
    limit = max(abs(value) for row in change for value in row) or 1.0
    texts = [[("+" if v > 0 else "") + _.number(v, 1) for v in row] for row in change]
    unit = _("Percentage points")
    return _matrix(change, texts, unit, PROPOSED.colour, limit, BASELINE.colour, None)


def _shares(counts: Sequence[Sequence[int]]) -> list[list[float]]:
    return [[100.0 * n / max(sum(row), 1) for n in row] for row in counts]


def _matrix(
    values: list[list[float]],
    texts: list[list[str]],
    unit: str,
    colour: str,
    limit: float,
    below: str | None,
    chosen: tuple[int, int] | None,
) -> go.Figure:
    names = [_(key) for key in emotions.KEYS]
    figure = heat_map(values, texts, names, names, colour, limit, below=below)
    # A heat map reports no clicks; one unseen marker on each cell does.
    cells = [(row, column) for row in range(len(names)) for column in range(len(names))]
    figure.add_scatter(
        x=[names[column] for _row, column in cells],
        y=[names[row] for row, _column in cells],
        customdata=[[row, column, texts[row][column]] for row, column in cells],
        mode="markers",
        marker={"symbol": "square", "size": 34, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate="%{y} → %{x}: %{customdata[2]}<extra>" + unit + "</extra>",
        showlegend=False,
    )
    if chosen is not None:
        row, column = chosen
        figure.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"color": INK, "width": 2},
        )
    figure.update_xaxes(tickangle=-45)
    return arrange(figure, x=_("Predicted"), y=_("True"), height=SQUARE)


def receiver_operating(curves: Mapping[str, Curve]) -> go.Figure:
    """Both models' ROC curve of one class, with the diagonal of a guess."""
    figure = _lines(curves, "AUC")
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        name=_("Random guessing"),
        line={"dash": "dot", "width": 1, "color": emotions.EMOTIONS[-1].colour},
        hoverinfo="skip",
    )
    return arrange(figure, x=_("False-positive rate (%)"), y=_("True-positive rate (%)"))


def precision_recall(curves: Mapping[str, Curve]) -> go.Figure:
    """Both models' precision-recall curve of one class."""
    figure = _lines(curves, "AP")
    return arrange(figure, x=_("Recall (%)"), y=_("Precision (%)"))


def _lines(curves: Mapping[str, Curve], score: str) -> go.Figure:
    figure = go.Figure()
    for key, curve in curves.items():
        figure.add_scatter(
            x=100 * curve.x,
            y=100 * curve.y,
            mode="lines",
            name=f"{key} · {score} {_.number(curve.score, 3)}",
            line={"color": colour(key), "dash": dash(key), "width": 2},
            hovertemplate="%{x:.1f} → %{y:.1f}<extra>" + key + "</extra>",
        )
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(range=[0, 100])
    return figure


def reliability(bins: Mapping[str, Sequence[AccuracyBin]], ece: Mapping[str, float]) -> go.Figure:
    """Accuracy against confidence for each model; on the diagonal, confidence is honest."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        name=_("Perfectly calibrated"),
        line={"dash": "dot", "width": 1, "color": emotions.EMOTIONS[-1].colour},
        hoverinfo="skip",
    )
    for key, rows in bins.items():
        figure.add_scatter(
            x=[100 * row["confidence"] for row in rows],
            y=[100 * row["accuracy"] for row in rows],
            customdata=[[_.number(row["count"])] for row in rows],
            mode="lines+markers",
            name=f"{key} · ECE {_.percent(ece[key])}",
            line={"color": colour(key), "dash": dash(key), "width": 2},
            marker={"size": 8},
            hovertemplate="%{x:.1f}% → %{y:.1f}%, n = %{customdata[0]}<extra>" + key + "</extra>",
        )
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(range=[0, 100])
    return arrange(figure, x=_("Mean confidence (%)"), y=_("Accuracy (%)"))
