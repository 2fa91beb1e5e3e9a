"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import plotly.colors
import plotly.graph_objects as go

from fer.artifacts.runs import Row
from fer.scenarios import SCENARIOS
from fer.training import learning_curves
from fer.ui.shared.charts import arrange
from fer.ui.shared.text import _

Quantity = Literal["accuracy", "loss", "learning_rate", "gap", "seconds"]


def curves(
    histories: Mapping[str, Sequence[Row]],
    quantity: Quantity,
    *,
    smoothing: float = 0.0,
    is_log: bool = False,
) -> go.Figure:
    """Return a quantity of each run by epoch; the best epoch is a star, a change of image size a
    line.

    Accuracy and loss have a dotted training and a solid validation curve. Smoothed curves leave
    the measured one faint behind them.

    Args:
        smoothing: weight of earlier epochs, 0 to below 1.
    """
    titles = {
        "accuracy": _("Accuracy (%)"),
        "loss": _("Loss (cross-entropy, nats)"),
        "learning_rate": _("Learning rate at the epoch's end"),
        "gap": _("Training minus validation accuracy (points)"),
        "seconds": _("Minutes for an epoch"),
    }
    # By the prefix of its columns, what a curve is of.
    parts = {"": ""}
    if quantity in ("accuracy", "loss"):
        parts = {"": _("training"), "val_": _("validation")}
    figure = go.Figure()
    for name, history in histories.items():
        colour = _colour(name, list(histories))
        epochs = [row["epoch"] for row in history]
        for prefix, label in parts.items():
            values = [_value(row, quantity, prefix) for row in history]
            curve = {
                "x": epochs,
                "mode": "lines+markers" if len(epochs) < 3 else "lines",
                "name": name,
                "hovertemplate": "%{x}: %{y:.4g}<extra>" + f"{name} {label}" + "</extra>",
            }
            if smoothing:
                line = {"color": colour, "width": 2}
                figure.add_scatter(**curve, y=values, line=line, opacity=0.25, showlegend=False)
            is_solid = prefix == "val_" or not label
            figure.add_scatter(
                **curve,
                y=learning_curves.smoothed(values, smoothing),
                line={"color": colour, "width": 2, "dash": "solid" if is_solid else "dot"},
                # One entry a run: `marks` names the dots.
                showlegend=is_solid,
            )
        if quantity in ("accuracy", "loss"):
            _mark_best(figure, name, history, quantity, colour)
        # Where the curves are not: accuracy grows, the others fall.
        _mark_phases(figure, history, colour, at_top=quantity != "accuracy")
    if is_log:
        figure.update_yaxes(type="log")
    # An epoch is a whole number, even where only one has passed.
    figure.update_xaxes(rangemode="tozero", tickformat="d")
    return arrange(figure, x=_("Epoch"), y=titles[quantity])


def marks() -> str:
    """Return a legend of the curves' dashes, stars and upright lines."""
    return _(
        "Dotted: training; solid: validation on PublicTest; star: best epoch; dashed upright line: "
        "the image size changes. `baseline` trains only its head, so its epochs take seconds once "
        "the features are computed."
    )


def _mark_best(
    figure: go.Figure, name: str, history: Sequence[Row], quantity: Quantity, colour: str
) -> None:
    """Draw a star on the validation curve where the run was best."""
    reading = learning_curves.read(history)
    if reading is None:
        return
    row = next(r for r in history if r["epoch"] == reading.best.epoch)
    figure.add_scatter(
        x=[reading.best.epoch],
        y=[_value(row, quantity, "val_")],
        mode="markers",
        marker={"symbol": "star", "size": 13, "color": colour},
        name=name,
        showlegend=False,
        hovertemplate=_("Best epoch") + " %{x}: %{y:.3g}<extra>" + name + "</extra>",
    )


def _mark_phases(figure: go.Figure, history: Sequence[Row], colour: str, *, at_top: bool) -> None:
    """Draw a line where each phase begins, if there are several."""
    spans = learning_curves.phases(history)
    if len(spans) < 2:
        return
    # Each by itself, as `add_vline` would, takes longer than the curves.
    shapes = [
        {
            "type": "line",
            "yref": "paper",
            "x0": span.first - 0.5,
            "x1": span.first - 0.5,
            "y0": 0,
            "y1": 1,
            "line": {"color": colour, "width": 1, "dash": "dash"},
        }
        for span in spans
    ]
    # Upright, since the last sizes last for a few epochs only.
    words = [
        {
            "text": f"{span.image_size} px",
            "x": span.first - 0.5,
            "xanchor": "left",
            "yref": "paper",
            "y": 1 if at_top else 0,
            "yanchor": "top" if at_top else "bottom",
            "textangle": -90,
            "showarrow": False,
            "font": {"color": colour},
        }
        for span in spans
    ]
    figure.update_layout(
        shapes=[*figure.layout.shapes, *shapes], annotations=[*figure.layout.annotations, *words]
    )


def _colour(name: str, names: Sequence[str]) -> str:
    """Return the scenario's colour for its published model, else one of Plotly's qualitative
    ones."""
    if name in SCENARIOS:
        return SCENARIOS[name].colour
    others = [other for other in names if other not in SCENARIOS]
    palette: list[str] = plotly.colors.qualitative.Safe
    return palette[others.index(name) % len(palette)]


def _value(row: Row, quantity: Quantity, prefix: str) -> float:
    if quantity == "gap":
        return 100 * (row["accuracy"] - row["val_accuracy"])
    if quantity == "seconds":
        return row["seconds"] / 60
    return row[prefix + quantity] * (100 if quantity == "accuracy" else 1)
