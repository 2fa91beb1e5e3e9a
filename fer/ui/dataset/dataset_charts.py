"""Figures about the data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fer import emotions
from fer.scenarios import PROPOSED
from fer.ui import charts
from fer.ui.charts import BOTH, arrange
from fer.ui.text import _

BIN = 8


def distribution(counts: Mapping[str, Mapping[str, int]], is_share: bool) -> go.Figure:
    """A bar for each emotion and split: images, or percent of the split.

    The bars of one emotion have its colour; the splits differ by pattern.
    """
    figure = go.Figure()
    for (split, by_class), pattern in zip(counts.items(), ("", "/", "."), strict=False):
        total = sum(by_class.values())
        values = [
            100 * by_class[key] / max(total, 1) if is_share else float(by_class[key])
            for key in emotions.KEYS
        ]
        figure.add_bar(
            name=split,
            x=[_(key) for key in emotions.KEYS],
            y=values,
            customdata=[_.number(value, 1 if is_share else 0) for value in values],
            marker={
                "color": [emotion.colour for emotion in emotions.EMOTIONS],
                "pattern": {"shape": pattern},
            },
            hovertemplate="%{x}: %{customdata}<extra>" + split + "</extra>",
        )
    figure.update_layout(barmode="group")
    unit = _("Share of the split (%)") if is_share else _("Images")
    return arrange(figure, x=_("Emotion"), y=unit)


def class_histogram(histograms: Mapping[str, Sequence[int]], emotion: str) -> go.Figure:
    """How often each gray value occurs in the Training faces of an emotion, a line, and of all,
    bars, both in percent. The axis fits all emotions, so that they can be compared.

    Args:
        histograms: pixels of each emotion in bins of `BIN` gray values.
    """
    counts = np.array([histograms[key] for key in emotions.KEYS], dtype=np.float64)
    shares = 100 * counts / counts.sum(axis=1, keepdims=True)
    every = 100 * counts.sum(axis=0) / counts.sum()
    middles = np.arange(counts.shape[1]) * BIN + BIN / 2
    hover = "%{x:.0f}: %{y:.2f}%<extra>"
    figure = go.Figure()
    figure.add_bar(
        name=_("all faces"),
        x=middles,
        y=every,
        # Faint, so that the lightest and the darkest line stand out from it.
        marker={"color": BOTH, "opacity": 0.35},
        hovertemplate=hover + _("all faces") + "</extra>",
    )
    figure.add_scatter(
        name=_(emotion),
        x=middles,
        y=shares[emotions.LABEL_OF[emotion]],
        mode="lines",
        line={
            "color": emotions.EMOTIONS[emotions.LABEL_OF[emotion]].colour,
            "width": 3,
            "shape": "hvh",
        },
        hovertemplate=hover + _(emotion) + "</extra>",
    )
    figure.update_layout(bargap=0.1)
    figure.update_yaxes(range=[0, charts.last_tick(float(shares.max()))])
    return _gray_axis(
        arrange(figure, x=_("Gray value (0–255)"), y=_("Share of the pixels (%)"), height=280)
    )


def _gray_axis(figure: go.Figure) -> go.Figure:
    """The figure whose horizontal axis runs from black to white, marked at quarters."""
    return figure.update_xaxes(range=[0, 256], tickvals=[0, 64, 128, 192, 255])


def image_histogram(image: NDArray[np.uint8]) -> go.Figure:
    """How often each gray value occurs in one image, in bins of eight values."""
    counts = np.bincount(image.ravel() // BIN, minlength=256 // BIN)
    figure = go.Figure()
    figure.add_bar(
        x=[BIN * at + BIN / 2 for at in range(len(counts))],
        y=counts,
        marker={"color": PROPOSED.colour},
        hovertemplate="%{x:.0f}: %{y}<extra></extra>",
    )
    figure.update_layout(bargap=0.1)
    # In a dark or overexposed image one bar would leave nothing of the others.
    top = charts.last_tick(1.3 * float(np.sort(counts)[-2]))
    if counts.max() > top > 0:
        at = int(counts.argmax())
        figure.update_yaxes(range=[0, top])
        figure.add_annotation(
            x=BIN * at + BIN / 2,
            y=top,
            text=f"↑ {_.number(int(counts.max()))}",
            showarrow=False,
            yanchor="top",
            xanchor="left" if at < len(counts) / 2 else "right",
        )
    return _gray_axis(arrange(figure, x=_("Gray value (0–255)"), y=_("Pixels"), height=240))
