"""The button that downloads FER-2013 from Kaggle, with its progress and a way to stop it."""

from __future__ import annotations

import threading
from contextlib import closing

import streamlit as st

from fer import FerError
from fer.artifacts import locations
from fer.data import downloading
from fer.data.downloading import Step
from fer.ui import loaders
from fer.ui.text import _

CANCELLED = "download_cancelled"
# Of the bar; importing is the rest.
FETCHING = 0.8


@st.cache_resource(show_spinner=False)
def _one_at_a_time() -> threading.Lock:
    return threading.Lock()


def offer() -> None:
    """Downloads and imports when asked; what is there stays until all is done."""
    if st.session_state.pop(CANCELLED, False):
        st.info(
            _("The download was cancelled. Nothing was changed; the next one goes on where it was.")
        )
    place = st.empty()
    if not place.button(
        _("Download from Kaggle (60 MB)"),
        icon=":material/cloud_download:",
        key="kaggle",
    ):
        return
    lock = _one_at_a_time()
    if not lock.acquire(blocking=False):
        st.info(_("Someone else is downloading it right now; reload the page in a minute."))
        return
    try:
        with place.container():
            run()
    except FerError as error:
        place.empty()
        st.error(_.error(error))
        return
    finally:
        lock.release()
    st.rerun()


def run() -> None:
    """Shows how far the download is until it is done; ends with this run of the page.

    Raises:
        FerError: if the download or the import fails.
    """
    bar = st.progress(0.0, _("Downloading…"))
    st.button(_("Cancel"), icon=":material/close:", key="kaggle_cancel", on_click=cancel)
    # Streamlit ends this run where it draws: when the visitor cancels, reloads or leaves.
    with closing(
        downloading.in_child(locations.data_folder(loaders.ROOT), locations.ROOT)
    ) as steps:
        for step in steps:
            bar.progress(share(step), words(step))


def cancel() -> None:
    """Keeps in mind why the download ended."""
    st.session_state[CANCELLED] = True


def share(step: Step) -> float:
    """How much of all the work is done, 0 to 1."""
    done = min(step.done / step.total, 1.0) if step.total else 0.0
    return FETCHING * done if step.name == "fetch" else FETCHING + (1 - FETCHING) * done


def words(step: Step) -> str:
    """How far it is, in words."""
    if not step.total:
        return _("Downloading…")
    if step.name == "fetch":
        return _(
            "Downloading: {done} of {total} MB",
            done=_.number(step.done / 1e6, 1),
            total=_.number(step.total / 1e6, 1),
        )
    return _(
        "Importing: {done} of {total} faces", done=_.number(step.done), total=_.number(step.total)
    )
