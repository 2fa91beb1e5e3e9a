"""Files that do not arrive, told in the page's language: the browser does not even send those of
another kind or size, and `upload_limits` turns back those for which there is no room.

Streamlit's uploader marks such a file in red without a word, in no language but English to screen
readers, and tells the page nothing: what that says of the former file would stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from fer import FerError
from fer.ui import shown_uploads
from fer.ui.upload_limits import intake

# How many files are told by name.
MOST_NAMED = 5
# Session state: whether the last run told of a refusal.
TOLD = "refusal_told"
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
    if not found:
        if st.session_state.pop(TOLD, False):
            # Those that were told are taken away: the next refusal is another one.
            intake.forget_refused(shown_uploads.visit())
        return
    st.session_state[TOLD] = True
    named = ", ".join(found[:MOST_NAMED])
    if len(found) > MOST_NAMED:
        named += f" … (+{len(found) - MOST_NAMED})"
    if intake.refused(shown_uploads.visit()):
        raise FerError(
            "Not accepted: {name}. Uploads stay in this server's memory, which has no room for "
            "more now: take files away, choose smaller ones, or try again in a few minutes.",
            name=named,
        )
    raise FerError(
        "Not accepted: {name}; choose a file of type {formats}, at most {limit} MB.",
        name=named,
        formats=formats,
        limit=megabytes,
    )
