"""A view for the projector: only the page's main thing, without title, sidebar and question."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from fer.ui.text import Translator

PARAMETER, VALUE = "view", "presentation"
SIDEBAR_WIDTH = 220


def is_on() -> bool:
    """Whether the address asks for it: `?view=presentation`."""
    return st.query_params.get(PARAMETER) == VALUE


def sidebar() -> int | Literal["collapsed"]:
    """Return how a page opens its sidebar, as wide in pixels as its names need: not at all here, and
    not on a phone, where it takes a third of the screen of one that is held sideways."""
    is_phone = "Mobi" in st.context.headers.get("User-Agent", "")
    return "collapsed" if is_on() or is_phone else SIDEBAR_WIDTH


def offer(_: Translator) -> None:
    """The button that turns it on or off, in the same tab: what streams there goes on."""

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
        on_click=turn,
    )
