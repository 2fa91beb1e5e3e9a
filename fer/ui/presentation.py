"""A view for the projector: only the page's main thing, without title, sidebar and question."""

from __future__ import annotations

import streamlit as st

from fer.ui.text import Translator

PARAMETER, VALUE = "view", "presentation"


def is_on() -> bool:
    """Whether the address asks for it: `?view=presentation`."""
    return st.query_params.get(PARAMETER) == VALUE


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
