"""A view for the projector: only the page's main thing, without title, sidebar and question, large
enough for the back row."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer.ui.shared.text import _

PARAMETER, VALUE = "view", "presentation"
SIDEBAR_WIDTH = 220
# Streamlit's texts and images have no size of their own that a page could set.
STYLE = Path(__file__).with_suffix(".css")
# Widths of what is shown and of what is said of it.
COLUMNS = [3, 2]


def is_on() -> bool:
    """Return whether the address asks for it: `?view=presentation`."""
    return st.query_params.get(PARAMETER) == VALUE


def is_phone() -> bool:
    """Return whether the browser says that it is a phone's."""
    return "Mobi" in st.context.headers.get("User-Agent", "")


def sidebar() -> int | Literal["collapsed"]:
    """Return how a page opens its sidebar: in pixels that its names need, not at all here and on a
    phone, of which it takes a third when that is held sideways."""
    return "collapsed" if is_on() or is_phone() else SIDEBAR_WIDTH


def places() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return the row of what is chosen and where what is shown goes: below that row, and on a stage
    above it. What lies in the containers `stage_view`, `stage_face`, `stage_side` and
    `stage_buttons` is drawn large there."""
    if not is_on():
        row = st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        )
        return row, st.container()
    st.html(STYLE)
    shown = st.container()
    row = st.container(horizontal=True, vertical_alignment="center", key="stage_row")
    return row, shown


def aside(row: DeltaGenerator, label: str, key: str) -> DeltaGenerator:
    """Return where widgets go that a stage has no room for: there, behind a button of its row."""
    return row.popover(label, icon=":material/folder_open:", key=key) if is_on() else st.container()


def draw_switch() -> None:
    """Draw the button that turns it on or off, in the same tab: what streams there goes on. Escape
    leaves the view, too. A phone has no use for it."""

    def turn() -> None:
        if is_on():
            del st.query_params[PARAMETER]
        else:
            st.query_params[PARAMETER] = VALUE

    if is_phone() and not is_on():
        return
    st.button(
        _("Back to the full page") if is_on() else _("For the projector"),
        icon=":material/close_fullscreen:" if is_on() else ":material/open_in_full:",
        type="tertiary",
        key="presentation",
        shortcut="Esc" if is_on() else None,
        on_click=turn,
    )
