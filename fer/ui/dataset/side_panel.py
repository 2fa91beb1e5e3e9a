"""A panel at the side of the page for the face that was pressed: seen wherever it was pressed.

There is one for the whole page: a face that is pressed takes the place of the one before.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from fer import FerError
from fer.ui.text import Translator

WIDTH = 720
# Of which faces the chosen one is, and its row among them.
CHOSEN = "dataset_panel"


def choose(faces: str, row: int) -> None:
    """Make a row of these faces the one that the panel shows."""
    st.session_state[CHOSEN] = (faces, row)


def chosen(faces: str) -> int | None:
    """Return the row that the panel shows, None unless it is one of these faces."""
    of, row = st.session_state.get(CHOSEN, ("", 0))
    return row if of == faces else None


def show(title: str, draw: Callable[[], None], _: Translator) -> None:
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
