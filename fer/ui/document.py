"""What the browser's one document learns of the page: its language, and where room is scarce."""

from __future__ import annotations

import streamlit as st

from fer.ui.text import Translator

# Screen readers choose a voice by `lang`; Streamlit's document says English. A phone held sideways
# is wide enough for Streamlit to open the sidebar, which then takes a third of it: it is closed
# once, and stays as the visitor wants it after that.
SCRIPT = """
const LOW = 500;
export default function ({ data }) {
  document.documentElement.lang = data;
  if (document.documentElement.dataset.hadRoom !== undefined) return;
  document.documentElement.dataset.hadRoom = window.innerHeight >= LOW;
  if (window.innerHeight < LOW) {
    document.querySelector('[aria-controls=stSidebar][aria-expanded=true]')?.click();
  }
}
"""
_component = st.components.v2.component("fer_document", js=SCRIPT)


def tell(_: Translator) -> None:
    """Tells the document. Draws nothing to be seen; the first call takes half a second, as it
    brings pandas."""
    _component(key="document", data=_.language)
