"""Figures about the data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fer import emotions
from fer.scenarios import PROPOSED
from fer.ui.charts import arrange
from fer.ui.text import Translator

BIN = 8


def distribution(
    counts: Mapping[str, Mapping[str, int]], is_share: bool, _: Translator
) -> go.Figure:
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
    return arrange(figure, _, x=_("Emotion"), y=unit)


def class_histograms(histograms: Mapping[str, Sequence[int]], _: Translator) -> go.Figure:
    """For each emotion, how often each gray value occurs in its Training faces, in percent."""
    figure = go.Figure()
    for emotion in emotions.EMOTIONS:
        if emotion.key not in histograms:
            continue
        counts = histograms[emotion.key]
        total = sum(counts)
        figure.add_scatter(
            name=_(emotion.key),
            x=[BIN * at + BIN / 2 for at in range(len(counts))],
            y=[100 * count / total for count in counts],
            mode="lines",
            line={"color": emotion.colour, "width": 2},
            hovertemplate="%{x:.0f}: %{y:.2f}%<extra>" + _(emotion.key) + "</extra>",
        )
    figure.update_yaxes(rangemode="tozero")
    return arrange(figure, _, x=_("Gray value (0–255)"), y=_("Share of the pixels (%)"))


def image_histogram(image: NDArray[np.uint8], _: Translator) -> go.Figure:
    """How often each gray value occurs in one image, in bins of eight values."""
    counts = np.bincount(image.ravel() // BIN, minlength=256 // BIN)
    figure = go.Figure()
    figure.add_bar(
        x=[BIN * at + BIN / 2 for at in range(len(counts))],
        y=counts,
        marker={"color": PROPOSED.colour},
        hovertemplate="%{x:.0f}: %{y}<extra></extra>",
    )
    figure.update_layout(bargap=0)
    return arrange(figure, _, x=_("Gray value (0–255)"), y=_("Pixels"), height=200)
