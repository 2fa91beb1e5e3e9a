"""A 95% interval: error bars in a chart; in a table numbers to download, words on a page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fer.ui.charts import INK
from fer.ui.text import _


def columns(ends: Sequence[float] | None) -> dict[str, float]:
    """Return the ends of a share's interval, in percent, by column; NaN where there is none."""
    low, high = (float("nan"),) * 2 if ends is None else ends
    return {_("95% from (%)"): round(100 * low, 2), _("95% to (%)"): round(100 * high, 2)}


def of_points(ends: Sequence[float]) -> dict[str, float]:
    """Return the ends of a difference's interval, in percentage points, by column."""
    low, high = (round(100 * end, 2) for end in ends)
    return {_("95% from (points)"): low, _("95% to (points)"): high}


def in_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the two columns of `columns`, if it has them, as one of words."""
    low, high = _("95% from (%)"), _("95% to (%)")
    if not {low, high} <= {*frame.columns}:
        return frame
    words = [
        "–" if pd.isna(start) else _.interval((start / 100, end / 100))
        for start, end in zip(frame[low], frame[high], strict=True)
    ]
    in_words = _("95% interval")
    return frame.drop(columns=high).rename(columns={low: in_words}).assign(**{in_words: words})


def error_bars(values: Sequence[float], intervals: Sequence[Sequence[float]]) -> dict[str, object]:
    """Return Plotly's error bars in percent, from shares and the ends of their intervals."""
    return {
        # Half of each interval lies beside its bar, on the dark page, where Plotly's gray is lost.
        "color": INK,
        "type": "data",
        "symmetric": False,
        "array": [100 * (high - v) for v, (_low, high) in zip(values, intervals, strict=True)],
        "arrayminus": [100 * (v - low) for v, (low, _high) in zip(values, intervals, strict=True)],
        "thickness": 1,
        "width": 3,
    }
