"""A view for the projector: only the page's main thing, without title, sidebar and question."""

from __future__ import annotations

import streamlit as st

from fer.ui.text import CHOICES, Translator

PARAMETER, VALUE = "view", "presentation"


def is_on() -> bool:
    """Whether the address asks for it: `?view=presentation`."""
    return st.query_params.get(PARAMETER) == VALUE


def offer(mode: str, _: Translator) -> None:
    """The link to it, or back, with the page's mode and language in its address."""
    language = next(choice for choice, key in CHOICES.items() if key == _.language)
    if is_on():
        st.link_button(
            _("Back to the full page"),
            f"?mode={mode}&lang={language}",
            icon=":material/close_fullscreen:",
            type="tertiary",
        )
    else:
        st.link_button(
            _("For the projector"),
            f"?mode={mode}&lang={language}&{PARAMETER}={VALUE}",
            icon=":material/open_in_full:",
            type="tertiary",
        )
