"""Page 5's mode "Photo": one image and both models' answers for it."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer.ui.faces import answers, image_sources
from fer.ui.shared import presentation
from fer.ui.shared.text import _

KEY = "demo"


def draw_photo(row: DeltaGenerator) -> None:
    """Draw the choice of an image, and both models' answers for it.

    On a phone, the answers for a visitor's own image stand above what it was chosen with.

    Args:
        row: the container of the choice on a stage.

    Raises:
        FerError: if the image cannot be read or no model is installed.
    """
    is_own = st.session_state.get(f"{KEY}_source") != "sample"
    above = st.container() if presentation.is_phone() and is_own else None
    with presentation.aside(row, _("Choose a photo"), "stage_photo"):
        chosen = image_sources.choose(KEY, default="upload")
    if chosen is None:
        return
    with above or st.container():
        answers.answer_photo(*chosen, KEY)
        if not presentation.is_on():
            image_sources.votes(KEY, chosen[1])
