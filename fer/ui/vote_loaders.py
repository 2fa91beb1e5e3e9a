"""FER+ votes for all pages, and which row of the data set each belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer import FerError
from fer.crowd import study
from fer.crowd.records import CrowdSplit
from fer.data.dataset import Dataset, Split
from fer.data.votes import Votes, open_votes
from fer.ui import loaders


@loaders.follows
def votes() -> Votes:
    """The FER+ votes; read-only.

    Raises:
        FerError: if they are missing or damaged.
    """
    return open_votes(loaders.DATA)


@loaders.follows
def crowd(split: str) -> CrowdSplit | None:
    """How the evaluated models, labels and single voters agree with the crowd on a test split; None
    if none of its images has votes.

    Raises:
        FerError: if votes or stored predictions are missing or damaged.
    """
    predictions = {
        key: loaders.predictions(key)
        for key, model in loaders.models().items()
        if model.metrics is not None
    }
    return study.study(predictions, votes(), Split(split))


def votes_of(sources: Sequence[str]) -> list[NDArray[np.uint8] | None]:
    """The votes (10,) on images of FER-2013 by the names they have in a data set or in stored
    predictions; None for one that has none."""
    try:
        found = votes()
    except FerError:
        # Where the votes are the matter itself, the page says so.
        return [None] * len(sources)
    rows = found.find(np.array(sources, dtype=np.str_))
    data = loaders.data()
    # A table's images have numbers for names, which count if the whole table is FER-2013's.
    numbered = [at for at, source in enumerate(sources) if source.startswith("row ")]
    if data is not None and numbered:
        of_data = _rows_of_votes(data.digest, found.digest, data)
        for at in numbered:
            rows[at] = of_data[data.row_of[sources[at]]] if sources[at] in data.row_of else -1
    return [None if row < 0 else found.counts[row] for row in rows.tolist()]


def data_rows() -> NDArray[np.int64] | None:
    """The imported data set's row of each row of the votes, -1 where it has no such image; None if
    none is imported.

    Raises:
        FerError: if the votes or the data set are damaged.
    """
    data = loaders.data()
    if data is None:
        return None
    rows = _rows_of_votes(data.digest, votes().digest, data)
    found = np.full(len(votes()), -1, dtype=np.int64)
    known = np.flatnonzero(rows >= 0)
    found[rows[known]] = known
    return found


@st.cache_resource(show_spinner=False, max_entries=2)
def _rows_of_votes(digest: str, of_votes: str, _data: Dataset) -> NDArray[np.int64]:
    """The votes' row of each image of the data set, -1 where it has none; read-only."""
    return votes().rows_for(_data)
