"""A panel at the side of the page for the face that was pressed; there is one for the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from fer import FerError
from fer.inference.classification import Prediction
from fer.ui.faces import explanations, named_faces, vote_bars
from fer.ui.faces.answers import confidences
from fer.ui.shared import presentation
from fer.ui.shared.text import _
from fer.vision.preprocessing import Gray

WIDTH = 720
# Sides of the enlarged face; on a phone what is said of it fits the screen, too.
FACE, PHONE_FACE = 240, 144
# Session state: which faces the chosen one belongs to, and its row among them.
CHOSEN = "side_panel"


@dataclass(frozen=True)
class PressableFace:
    """A face of a grid: what it is chosen by among these faces, its pixels and votes, the words on
    the button below it, and what it says to those who cannot see it."""

    row: int
    pixels: Gray
    counts: vote_bars.Counts | None
    caption: str
    alt: str


def choose(faces: str, row: int) -> None:
    """Make a row of these faces the one that the panel shows."""
    st.session_state[CHOSEN] = (faces, row)


def chosen(faces: str) -> int | None:
    """Return the row that the panel shows, None unless it is one of these faces."""
    chosen_faces, row = st.session_state.get(CHOSEN, ("", 0))
    return row if chosen_faces == faces else None


def open_panel(title: str, draw: Callable[[], None]) -> None:
    """Open the panel with what `draw` draws; when it is closed, the choice is forgotten."""

    def content() -> None:
        # What is pressed in the panel draws it alone, outside of what the page catches.
        try:
            draw()
        except FerError as error:
            st.error(_.error(error))

    def forget() -> None:
        st.session_state.pop(CHOSEN, None)

    st.dialog(title, width=WIDTH, position="right", on_dismiss=forget)(content)()


def grid(faces: str, shown: Sequence[PressableFace], *, narrowest: int = 76) -> None:
    """Draw faces in rows, each with its votes and a button that opens the panel.

    Args:
        faces: which faces these are, for `chosen`.
        narrowest: pixels that the longest word on a button needs.
    """
    with st.grid("auto", min_column_width=narrowest, gap="xsmall"):
        for face in shown:
            with st.container(gap="xxsmall"):
                vote_bars.image(face.pixels, face.counts, None, face.alt)
                st.button(
                    face.caption,
                    type="tertiary",
                    width="stretch",
                    key=f"{faces}_face_{face.row}",
                    on_click=choose,
                    args=(faces, face.row),
                )


def draw_face(
    pixels: Gray | None,
    counts: vote_bars.Counts | None,
    title: str,
    key: str,
    *,
    below: Callable[[], object],
    answer: Callable[[], tuple[dict[str, Prediction], str] | None],
) -> None:
    """Draw one face in the panel: enlarged, with the votes for it, what the models say, and why.

    Args:
        pixels: None where the image is not here.
        title: what is known of the face, in a line; empty where it stands below.
        key: what the keys of the widgets begin with.
        below: draws what stands below the picture.
        answer: returns each model's prediction and where it comes from, or draws what stands for it
            and returns None.
    """
    if title:
        st.subheader(title)
    picture, side = st.columns([1, 2])
    with picture:
        if pixels is None:
            named_faces.offer_import()
        else:
            width = PHONE_FACE if presentation.is_phone() else FACE
            named_faces.enlarged(pixels, _("The face enlarged, pixel by pixel"), width=width)
        below()
    with side:
        if counts is not None:
            vote_bars.chart(counts, f"{key}_votes")
        answered = answer()
    if answered is None:
        return
    predictions, note = answered
    with side:
        confidences(predictions, key)
        st.caption(note)
    if pixels is not None:
        explanations.offer(pixels, predictions, key)
