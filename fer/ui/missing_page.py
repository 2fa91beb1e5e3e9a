"""What a visitor reads at an address that is no page's; Streamlit's own box is in English."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import unquote, urlsplit

import streamlit as st

from fer.ui.text import _

# Session state: the last part of the address at which this visit began.
ASKED = "page_asked"


def page(known: Collection[str], home: st.Page) -> list[st.Page]:
    """Return a page that no menu shows, for the address at which this visit began, if that is none
    of the known ones."""
    if ASKED not in st.session_state:
        path = urlsplit(st.context.url or "").path
        st.session_state[ASKED] = unquote(path.rstrip("/").rpartition("/")[2]).strip()
    name = st.session_state[ASKED]
    if name in known or "/" in name:
        return []

    def show() -> None:
        st.write(_("There is no page at this address; the menu has all that there are."))
        st.page_link(home, label=_("Home"), icon=":material/home:")

    return [st.Page(show, title=_("Page not found"), url_path=name, visibility="hidden")]
