"""Page 1's import of FER-2013: downloaded from Kaggle or uploaded, with progress and Cancel."""

from __future__ import annotations

import io
import threading
from contextlib import closing

import streamlit as st

from fer import FerError
from fer.artifacts import locations
from fer.data import downloading
from fer.data.downloading import Step
from fer.ui.shared import loaders, permissions
from fer.ui.shared.text import _
from fer.ui.uploads import shown_uploads, upload_limits

DOWNLOAD_CANCELLED, IMPORT_CANCELLED = "download_cancelled", "import_cancelled"
# Session state: the id of the file that was found to hold a data set.
READABLE = "archive_readable"
# The share of the bar that the download has; importing has the rest.
FETCHING = 0.8


def draw_import() -> None:
    """Draw how to import FER-2013, and the import itself with a progress bar."""
    if not permissions.may("import"):
        st.write(_("Beyond the sample faces, FER-2013's images are not imported here."))
        st.caption(permissions.refusal("import"))
        return
    st.write(
        _(
            "Beyond the sample faces, FER-2013's images are not imported here. Download them, or "
            "choose the file below."
        )
    )
    _draw_download()
    upload = st.file_uploader(
        _(
            "archive.zip, fer2013.csv, icml_face_data.csv or fer2013.tar.gz (up to {limit} MB; zip "
            "a larger table)",
            limit=upload_limits.LARGEST_FILE >> 20,
        ),
        key="archive",
    )
    shown_uploads.keep(upload, READABLE)
    if upload is not None:
        try:
            content = shown_uploads.content(upload)
            if st.session_state.get(READABLE) != upload.file_id:
                from fer.data.formats import archive_files

                with archive_files.opened(io.BytesIO(content), upload.name):
                    st.session_state[READABLE] = upload.file_id
        except FerError as error:
            st.error(_.error(error))
            return
        if st.button(_("Import"), icon=":material/database:", key="import"):
            _import_archive(content, upload.name)
            return
    if st.session_state.pop(IMPORT_CANCELLED, False):
        st.info(_("The import was cancelled. Nothing was changed."))


def _import_archive(content: bytes, name: str) -> None:
    from fer.data import importing

    bar = st.progress(0.0, _("Importing…"))
    # Streamlit ends this run where it draws; nothing is written before all faces are read.
    _offer_cancelling("import_cancel", IMPORT_CANCELLED)

    def progress(done: float, total: float, /, **details: float) -> None:
        bar.progress(min(done / max(total, 1), 1.0), _("Importing…"))

    try:
        # Read where it lies in memory: nothing is left on the disk, however the server ends.
        folder = locations.data_folder(loaders.ROOT)
        importing.import_dataset(
            io.BytesIO(content), folder, progress, name=name, require_official=True
        )
    except FerError as error:
        bar.empty()
        st.error(_.error(error))
    else:
        st.rerun()


@st.cache_resource(show_spinner=False)
def _download_lock() -> threading.Lock:
    return threading.Lock()


def _draw_download() -> None:
    """Draw the button that downloads and imports FER-2013, for one visitor at a time; what is there
    stays until all is done."""
    if st.session_state.pop(DOWNLOAD_CANCELLED, False):
        st.info(
            _("The download was cancelled. Nothing was changed; the next one goes on where it was.")
        )
    place = st.empty()
    if not place.button(
        _("Download from Kaggle (60 MB)"), icon=":material/cloud_download:", key="kaggle"
    ):
        return
    lock = _download_lock()
    if not lock.acquire(blocking=False):
        st.info(_("Someone else is downloading it right now; reload the page in a minute."))
        return
    try:
        with place.container():
            bar = st.progress(0.0, _("Downloading…"))
            _offer_cancelling("kaggle_cancel", DOWNLOAD_CANCELLED)
            folder = locations.data_folder(loaders.ROOT)
            # Streamlit ends this run where it draws: when the visitor cancels, reloads or leaves.
            with closing(downloading.in_child(folder, locations.ROOT)) as steps:
                for step in steps:
                    bar.progress(*_progress(step))
    except FerError as error:
        place.empty()
        st.error(_.error(error))
        return
    finally:
        lock.release()
    st.rerun()


def _offer_cancelling(key: str, cancelled: str) -> None:
    st.button(
        _("Cancel"),
        icon=":material/close:",
        key=key,
        on_click=lambda: st.session_state.update({cancelled: True}),
    )


def _progress(step: Step) -> tuple[float, str]:
    """Return the share of all the work that is done, 0 to 1, and the progress in words."""
    share = min(step.done / step.total, 1.0) if step.total else 0.0
    if step.name == "import":
        done, total = _.number(step.done), _.number(step.total)
        words = _("Importing: {done} of {total} faces", done=done, total=total)
        share = FETCHING + (1 - FETCHING) * share
    else:
        done, total = _.number(step.done / 1e6, 1), _.number(step.total / 1e6, 1)
        words = _("Downloading: {done} of {total} MB", done=done, total=total)
        share *= FETCHING
    return share, words if step.total else _("Downloading…")
