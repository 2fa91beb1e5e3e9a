"""What is known of an image of FER-2013 by its name: its pixels where the data set is imported, and
both models' stored answers if it is a test image."""

from __future__ import annotations

from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer.inference.classification import Prediction
from fer.ui import loaders, model_comparison
from fer.ui.text import _

ENLARGEMENT = 6


def pixels(source: str) -> NDArray[np.uint8] | None:
    """Return the image (48, 48) of that name, None where it is not imported."""
    data = loaders.data()
    if data is None or source not in data.row_of:
        return None
    return np.asarray(data.images[data.row_of[source]])


def answers(source: str) -> dict[str, Prediction]:
    """Return each evaluated model's stored prediction of a test image; empty for other images."""
    parts = {key: loaders.predictions(key) for key in model_comparison.evaluated()}
    return {
        key: Prediction(key, part.probabilities[part.row_of[source]])
        for key, part in parts.items()
        if source in part.row_of
    }


def enlarged(
    face: NDArray[np.uint8], alt: str, *, width: int | Literal["stretch"] = "stretch"
) -> None:
    """Show an image of FER-2013 with its pixels as squares."""
    crisp = face.repeat(ENLARGEMENT, axis=0).repeat(ENLARGEMENT, axis=1)
    st.image(crisp, width=width, alt=alt)


def offer_import() -> None:
    """Say how to see images that are not here."""
    st.caption(_("FER-2013's faces are shown once it is imported, on page 1."))
