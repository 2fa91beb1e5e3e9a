"""The browser's one document, told the page's language and that there is a page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer.ui.shared.text import _

SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
_component = st.components.v2.component("fer_document", js=SCRIPT)
# Streamlit writes "1GB per file" on an uploader, in English: so far the browser sends a file. What
# the server takes, and of which kind, stands in the label.
STYLE = "<style>[data-testid=stFileUploaderDropzoneInstructions] { display: none; }</style>"


def tell() -> None:
    """Tell the document. Draws nothing to be seen."""
    _component(key="document", data=_.language)
    st.html(STYLE)
