"""Uploads go as soon as no page shows them: Streamlit itself holds a file until its visit is over,
on whichever page the visitor is by then."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from fer import FerError
from fer.ui.upload_limits import LARGEST_FILE, NO_ROOM, TOO_LARGE, intake

# Session state: the ids of the files that this run of the page has shown so far, and earlier runs
# did, each with the keys under which the visit keeps what was made of it.
SHOWING, SHOWN = "uploads_showing", "uploads_shown"
# Stands in these for an uploader in which no file is chosen.
NO_FILE = ""


def begin_run() -> None:
    """Begin a run of the whole page, which shows no uploader yet."""
    earlier = st.session_state.get(SHOWN, {}) | st.session_state.get(SHOWING, {})
    st.session_state.update({SHOWN: earlier, SHOWING: {}})


def show(upload: UploadedFile | None, *made: str) -> None:
    """Keep the file of an uploader, and what session state has under those keys, until a run of
    the page that does not show it."""
    showing = st.session_state.setdefault(SHOWING, {})
    if upload is None:
        showing[NO_FILE] = ()
    else:
        showing[upload.file_id] = made


def content(file: UploadedFile | UploadedFileRec) -> bytes:
    """Return what a visitor's file holds.

    Raises:
        FerError: if the server did not take it, so that only its name is here.
    """
    if file.type == TOO_LARGE:
        raise FerError(
            "{name} is larger than {limit} MB; choose a smaller one.",
            name=file.name,
            limit=LARGEST_FILE >> 20,
        )
    if file.type == NO_ROOM:
        raise FerError(
            "{name} was not taken: uploads stay in this server's memory, which has no room for "
            "more now. Take files away, choose smaller ones, or try again in a few minutes.",
            name=file.name,
        )
    return file.getvalue() if isinstance(file, UploadedFile) else file.data


def end_run() -> None:
    """Forget the files that earlier runs showed and this one does not, with what was made of them.

    A page without an uploader has no use for any file, nor for one that has only just come in.
    """
    showing, shown = st.session_state[SHOWING], st.session_state[SHOWN]
    st.session_state[SHOWN] = {}
    needed = {key for made in showing.values() for key in made}
    for file in shown.keys() - showing.keys() - {NO_FILE}:
        forget(file)
        for key in set(shown[file]) - needed:
            st.session_state.pop(key, None)
    if not showing:
        for arrived in intake.arrived(visit()):
            forget(arrived.file_id)


def forget(file: str) -> None:
    """Let go of the visit's file of that id; its uploader then returns it no more."""
    run = get_script_run_ctx(suppress_warning=True)
    files = None if run is None else run.uploaded_file_mgr
    if run is not None and isinstance(files, MemoryUploadedFileManager):
        files.remove_file(run.session_id, file)


def visit() -> str:
    """Return the id of the visit whose page runs; empty outside of one."""
    run = get_script_run_ctx(suppress_warning=True)
    return "" if run is None else run.session_id
