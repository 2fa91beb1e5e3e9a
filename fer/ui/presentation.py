"""A view for the projector: only the page's main thing, without title, sidebar and question, large
enough for the back row."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

from fer.ui.text import Translator

PARAMETER, VALUE = "view", "presentation"
SIDEBAR_WIDTH = 220
# Streamlit's texts and images have no size of their own that a page could set.
STYLE = Path(__file__).with_suffix(".css")


def is_on() -> bool:
    """Whether the address asks for it: `?view=presentation`."""
    return st.query_params.get(PARAMETER) == VALUE


def sidebar() -> int | Literal["collapsed"]:
    """Return how a page opens its sidebar, as wide in pixels as its names need: not at all here,
    and not on a phone, where it takes a third of the screen of one that is held sideways."""
    is_phone = "Mobi" in st.context.headers.get("User-Agent", "")
    return "collapsed" if is_on() or is_phone else SIDEBAR_WIDTH


def enlarge() -> None:
    """Draw what lies in the containers `stage_face`, `stage_side` and `stage_buttons` large, if the
    view is on."""
    if is_on():
        st.html(STYLE)


def offer(_: Translator) -> None:
    """The button that turns it on or off, in the same tab: what streams there goes on. Escape
    leaves the view, too."""

    def turn() -> None:
        if is_on():
            del st.query_params[PARAMETER]
        else:
            st.query_params[PARAMETER] = VALUE

    st.button(
        _("Back to the full page") if is_on() else _("For the projector"),
        icon=":material/close_fullscreen:" if is_on() else ":material/open_in_full:",
        type="tertiary",
        key="presentation",
        shortcut="Esc" if is_on() else None,
        on_click=turn,
    )
