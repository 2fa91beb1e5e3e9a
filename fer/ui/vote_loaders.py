"""FER+ votes for all pages, and which row of the data set each belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer import FerError
from fer.data.dataset import Dataset
from fer.data.votes import Votes, open_votes
from fer.ui import loaders


@loaders.follows
def votes() -> Votes:
    """The FER+ votes; read-only.

    Raises:
        FerError: if they are missing or damaged.
    """
    return open_votes(loaders.DATA)


def votes_of(sources: Sequence[str]) -> list[NDArray[np.uint8] | None]:
    """The votes (10,) on images of FER-2013 by the names they have in a data set or in stored
    predictions; None for one that has none."""
    try:
        found = votes()
    except FerError:
        # Where the votes are the matter itself, the page says so.
        return [None] * len(sources)
    rows = found.find(np.array(sources, dtype=np.str_))
    of_table = _vote_rows() if (rows < 0).any() else {}
    return [
        None if at < 0 else found.counts[at]
        for source, row in zip(sources, rows.tolist(), strict=True)
        for at in [row if row >= 0 else of_table.get(source, -1)]
    ]


def rows_by_vote() -> NDArray[np.int64] | None:
    """The imported data set's row of each row of the votes, -1 where it has no such image; None if
    none is imported.

    Raises:
        FerError: if the votes or the data set are damaged.
    """
    imported = loaders.data()
    return None if imported is None else _rows_by_vote(imported.digest, votes().digest, imported)


@st.cache_resource(show_spinner=False, max_entries=2)
def _rows_by_vote(digest: str, of_votes: str, _data: Dataset) -> NDArray[np.int64]:
    rows = votes().of(_data)
    found = np.full(len(votes()), -1, dtype=np.int64)
    known = np.flatnonzero(rows >= 0)
    found[rows[known]] = known
    return found


def _vote_rows() -> dict[str, int]:
    """The votes' row of each image of an imported table, whose names are row numbers."""
    imported = loaders.data()
    return {} if imported is None else _vote_rows_of(imported.digest, imported)


@st.cache_resource(show_spinner=False, max_entries=2)
def _vote_rows_of(digest: str, _data: Dataset) -> dict[str, int]:
    if not str(_data.sources[0]).startswith("row "):
        return {}
    rows = votes().of(_data)
    return {
        source: int(row)
        for source, row in zip(_data.sources.tolist(), rows, strict=True)
        if row >= 0
    }
