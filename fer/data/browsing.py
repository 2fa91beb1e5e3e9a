"""Browsing the data set: filter, shuffle, cut into pages; find the twins of an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer.data.aggregates import exact_pairs
from fer.data.dataset import Dataset, Split

PAGE = 24


def chosen_rows(
    data: Dataset, split: Split | None, emotions: Sequence[str], seed: int
) -> NDArray[np.int64]:
    """Return row numbers of a split and of some classes (None and () mean all), in an order set by
    the seed alone; 0 keeps the data set's own."""
    if emotions:
        rows = np.sort(np.concatenate([data.rows(split, emotion) for emotion in emotions]))
    else:
        rows = data.rows(split)
    return rows if seed == 0 else np.random.default_rng(seed).permutation(rows)


def pages(rows: NDArray[np.int64]) -> int:
    """Return the number of pages that the rows fill, at least one."""
    return max(1, -(-len(rows) // PAGE))


def page(rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Return the rows of a page, counted from 1; of the nearest if there is no such page."""
    index = min(max(number, 1), pages(rows)) - 1
    return rows[index * PAGE : (index + 1) * PAGE]


def twins(data: Dataset) -> dict[int, list[int]]:
    """Return, for each row whose pixels occur more than once, the other rows with these pixels."""
    twin_rows: dict[int, list[int]] = {}
    for a, b in exact_pairs(data.images):
        twin_rows.setdefault(int(a), []).append(int(b))
        twin_rows.setdefault(int(b), []).append(int(a))
    return twin_rows
