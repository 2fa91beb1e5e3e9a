"""Downloads that are made when asked for, kept until the browser has fetched them.

Streamlit makes such a file, tells the browser its address, and deletes it at the end of the second
run after that, of whichever visitor: where a webcam's confidences are drawn several times a second,
that is before a slow network has asked for it, and the download fails. There is no public way to
keep it: `MediaFileManager` is Streamlit's own, a test holds what is used of it, and pyproject.toml
bounds the version.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx


def download(
    label: str, make: Callable[[], bytes], file_name: str, *, mime: str, icon: str, key: str
) -> None:
    """A button whose file is made by a press and kept for the browser.

    Args:
        label: what stands on the button.
        make: makes the file, in a thread of Streamlit's.
        file_name: what the browser calls it.
        mime: its media type.
        icon: as Streamlit writes Material symbols.
        key: of the button.
    """
    st.download_button(
        label,
        kept(make, mime, file_name),
        file_name=file_name,
        mime=mime,
        icon=icon,
        key=key,
        on_click="ignore",
    )


def kept(make: Callable[[], bytes], mime: str, file_name: str) -> Callable[[], bytes]:
    """A function for `st.download_button` whose file stays until the visitor's page runs anew.

    Args:
        make: makes the file, in a thread of Streamlit's.
        mime: as given to the button.
        file_name: as given to the button; each name keeps one file a visit.
    """
    visit = get_script_run_ctx(suppress_warning=True)

    def made() -> bytes:
        data = make()
        # Files belong to the visit of the thread that adds them, and the caller's has none.
        adding = threading.Thread(target=_keep, args=(data, mime, file_name))
        add_script_run_ctx(adding, visit)
        adding.start()
        adding.join()
        return data

    return made if visit is not None and runtime.exists() else make


def _keep(data: bytes, mime: str, file_name: str) -> None:
    # Files of the same bytes, kind and name are one file: the one that Streamlit adds next.
    runtime.get_instance().media_file_mgr.add(
        data, mime, f"kept/{file_name}", file_name, is_for_static_download=True
    )
