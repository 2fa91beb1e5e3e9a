"""Uploads go as soon as no page shows them, whatever Streamlit's uploader still lists."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.typing import UploadedFile

from fer import FerError, files
from fer.ui.uploads import visits
from fer.ui.uploads.upload_limits import KEPT, LARGEST_FILE, NO_ROOM, TOO_LARGE, Upload, intake

# Session state: the ids of the files that this run of the page shows, and that earlier runs did,
# each with the keys under which the visit keeps what was made of it.
SHOWING, SHOWN = "uploads_showing", "uploads_shown"
# Stands in these for an uploader, in which a file may not be chosen yet.
NO_FILE = ""


def begin_run() -> None:
    """Begin a run of the whole page, which shows no uploader yet."""
    earlier = st.session_state.get(SHOWN, {}) | st.session_state.get(SHOWING, {})
    st.session_state.update({SHOWN: earlier, SHOWING: {}})


def keep(uploads: UploadedFile | Sequence[UploadedFile] | None, *made: str) -> None:
    """Keep what an uploader holds, and what session state has under those keys, until a run of the
    page that does not."""
    showing = st.session_state.setdefault(SHOWING, {})
    showing[NO_FILE] = ()
    for upload in [uploads] if isinstance(uploads, UploadedFile) else uploads or ():
        showing[upload.file_id] = made


def content(file: UploadedFile | Upload) -> bytes:
    """Return what a visitor's file holds.

    Raises:
        FerError: if the server did not take it, or let go of it, so that only its name is here.
    """
    if isinstance(file, Upload):
        return file.content or b""
    if file.type == TOO_LARGE:
        raise files.too_large(file.name, LARGEST_FILE)
    if file.type == NO_ROOM:
        raise FerError(
            "{name} was not taken: uploads stay in this server's memory, which has no room for "
            "more now. Take files away, choose smaller ones, or try again in a few minutes.",
            name=file.name,
        )
    if file.type != KEPT:
        # Not through the server's upload route: a program's.
        return file.getvalue()
    content = intake.content(file.file_id)
    if content is None:
        raise FerError("{name} is not here any more; choose it again.", name=file.name)
    return content


def end_run() -> None:
    """Forget the files that earlier runs showed and this one does not, with what was made of them.

    A page without an uploader has no use for any file, nor for one that has only just come in.
    """
    showing, shown = st.session_state[SHOWING], st.session_state[SHOWN]
    st.session_state[SHOWN] = {}
    needed = {key for made in showing.values() for key in made}
    for file in shown.keys() - showing.keys() - {NO_FILE}:
        intake.forget(file)
        for key in set(shown[file]) - needed:
            st.session_state.pop(key, None)
    if not showing:
        for arrived in intake.arrived(visits.current()):
            intake.forget(arrived.file_id)
