"""An image of FER-2013 by its name: pixels, votes, and the models' stored answers.

Names are those of a data set or of stored predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer import FerError
from fer.data.dataset import Dataset
from fer.inference.classification import Prediction
from fer.ui.shared import loaders
from fer.ui.shared.text import _

ENLARGEMENT = 6


def pixels(source: str) -> NDArray[np.uint8] | None:
    """Return the image (48, 48) of that name, None where it is not imported."""
    data = loaders.data()
    if data is None or source not in data.row_of:
        return None
    return np.asarray(data.images[data.row_of[source]])


def answers(source: str) -> dict[str, Prediction]:
    """Return each evaluated model's stored prediction of a test image; empty for other images."""
    parts = {key: loaders.predictions(key) for key in loaders.evaluated()}
    return {
        key: Prediction(key, part.probabilities[part.row_of[source]])
        for key, part in parts.items()
        if source in part.row_of
    }


def votes_for(sources: Sequence[str]) -> list[NDArray[np.uint8] | None]:
    """Return the FER+ votes (10,) on each image of these names, None where there are none."""
    try:
        votes = loaders.votes()
    except FerError:
        # Where the votes are the matter itself, the page says so.
        return [None] * len(sources)
    rows = votes.find(np.array(sources, dtype=np.str_))
    data = loaders.data()
    # A table's images have numbers for names, which count if the whole table is FER-2013's.
    numbered = [at for at, source in enumerate(sources) if source.startswith("row ")]
    if data is not None and numbered:
        vote_row = _vote_row_of_image(data.digest, votes.digest, data)
        for at in numbered:
            rows[at] = vote_row[data.row_of[sources[at]]] if sources[at] in data.row_of else -1
    return [None if row < 0 else votes.counts[row] for row in rows.tolist()]


def dataset_row_of_vote() -> NDArray[np.int64] | None:
    """Return the imported data set's row of each row of the votes, -1 where it has no such image;
    None if none is imported.

    Raises:
        FerError: if the votes or the data set are damaged.
    """
    data = loaders.data()
    if data is None:
        return None
    votes = loaders.votes()
    vote_row = _vote_row_of_image(data.digest, votes.digest, data)
    dataset_row = np.full(len(votes), -1, dtype=np.int64)
    voted = np.flatnonzero(vote_row >= 0)
    dataset_row[vote_row[voted]] = voted
    return dataset_row


@st.cache_resource(show_spinner=False, max_entries=2)
def _vote_row_of_image(digest: str, votes_digest: str, _data: Dataset) -> NDArray[np.int64]:
    """Return the votes' row of each image of the data set, -1 where it has none; read-only."""
    return loaders.votes().find(_data.sources, _data.labels)


def enlarged(
    face: NDArray[np.uint8], alt: str, *, width: int | Literal["stretch"] = "stretch"
) -> None:
    """Draw an image of FER-2013 with its pixels as squares."""
    crisp = face.repeat(ENLARGEMENT, axis=0).repeat(ENLARGEMENT, axis=1)
    st.image(crisp, width=width, alt=alt)


def offer_import() -> None:
    """Say how to see images that are not here."""
    st.caption(_("FER-2013's faces are shown once it is imported, on page 1."))
