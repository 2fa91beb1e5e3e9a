"""Files that the browser does not even send: told in the page's language, as the server's own are.

Streamlit's uploader marks a file of another kind or size in red without a word, in no language but
English to screen readers, and tells the server nothing: what the page says of the former file
would stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from fer import FerError

SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
_component = st.components.v2.component("fer_refusals", js=SCRIPT)


def names(key: str, several: bool, on_change: Callable[[], None] | None) -> list[str]:
    """The files that the uploader of that key refused: all of them where it takes several, else
    the one that was chosen last, if it was. Draws nothing to be seen."""
    found = _component(
        key=f"{key}_refused",
        data={"key": key, "several": several},
        on_names_change=on_change or (lambda: None),
    ).names
    return list(found or [])


def check(
    key: str,
    formats: str,
    megabytes: int,
    *,
    several: bool = False,
    on_change: Callable[[], None] | None = None,
) -> None:
    """Called after the uploader of that key, in every run.

    Args:
        formats: what it takes, by name.
        megabytes: how large a file may be.
        several: whether it takes several files.
        on_change: called when a file was refused, or such a file was taken away.

    Raises:
        FerError: if the file chosen last, or one of several, was refused.
    """
    found = names(key, several, on_change)
    if found:
        raise FerError(
            "Not accepted: {name}; choose a file of type {formats}, at most {limit} MB.",
            name=", ".join(found),
            formats=formats,
            limit=megabytes,
        )
