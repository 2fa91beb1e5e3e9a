"""Finding one's way through the data set: filtered, shuffled, page by page; twins of an image."""

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
    """Row numbers of a split and of some classes, in an order that the seed alone decides.

    Args:
        split: None means all.
        emotions: keys; none means all.
        seed: 0 keeps the data set's own order.
    """
    if emotions:
        rows = np.sort(np.concatenate([data.rows(split, emotion) for emotion in emotions]))
    else:
        rows = data.rows(split)
    return rows if seed == 0 else np.random.default_rng(seed).permutation(rows)


def pages(rows: NDArray[np.int64], per_page: int = PAGE) -> int:
    """How many pages the rows fill, at least one."""
    return max(1, -(-len(rows) // per_page))


def page(rows: NDArray[np.int64], number: int, per_page: int = PAGE) -> NDArray[np.int64]:
    """The rows of a page, counted from 1; the nearest page if there is no such one."""
    at = min(max(number, 1), pages(rows, per_page)) - 1
    return rows[at * per_page : (at + 1) * per_page]


def twins(data: Dataset) -> dict[int, list[int]]:
    """For each row whose pixels occur more than once, the other rows that have them."""
    found: dict[int, list[int]] = {}
    for a, b in exact_pairs(data.images):
        found.setdefault(int(a), []).append(int(b))
        found.setdefault(int(b), []).append(int(a))
    return found
