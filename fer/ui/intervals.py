"""A 95% interval in a table: two columns of numbers to download, one of words on a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fer.ui.text import _

# What shows a table imports pandas, a quarter of a second that Home's bars need not wait for.
if TYPE_CHECKING:
    import pandas as pd


def columns(ends: Sequence[float] | None) -> dict[str, float]:
    """Return the ends of a share's interval, in percent, by column; NaN where there is none."""
    low, high = (float("nan"),) * 2 if ends is None else ends
    return {_("95% from (%)"): round(100 * low, 2), _("95% to (%)"): round(100 * high, 2)}


def of_points(ends: Sequence[float]) -> dict[str, float]:
    """Return the ends of a difference's interval, in percentage points, by column."""
    low, high = ends
    return {
        _("95% from (points)"): round(100 * low, 2),
        _("95% to (points)"): round(100 * high, 2),
    }


def in_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the two columns of `columns`, if it has them, as one of words."""
    low, high = _("95% from (%)"), _("95% to (%)")
    if not {low, high} <= {*frame.columns}:
        return frame
    # What is no number differs from itself.
    words = [
        "–" if start != start else _.interval((start / 100, end / 100))
        for start, end in zip(frame[low], frame[high], strict=True)
    ]
    shown = frame.drop(columns=[high]).rename(columns={low: _("95% interval")})
    return shown.assign(**{_("95% interval"): words})
