"""What the browser's one document learns of the page: its language, the names of the sidebar's
buttons, and where room is scarce."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer.ui.text import Translator

SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
_component = st.components.v2.component("fer_document", js=SCRIPT)


def tell(_: Translator) -> None:
    """Tells the document. Draws nothing to be seen."""
    _component(
        key="document",
        data={"language": _.language, "open": _("Open the menu"), "close": _("Close the menu")},
    )
