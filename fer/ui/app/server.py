"""Routes and middleware of the server besides Streamlit's pages, for `st.App` in Home.py.

Imported before Streamlit's runtime exists: nothing here registers a component or a cache.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from fer import FerError
from fer.media.live import predict_route
from fer.media.live import socket as live_socket
from fer.ui.app.connection_notice import ConnectionNotice
from fer.ui.uploads.upload_limits import UploadLimits

if TYPE_CHECKING:
    from fer.media.photos import PhotoRecord

# Of a photo that a program sends; those of the pages may be larger.
MOST_BYTES = 2_000_000


def _predict(content: bytes, name: str) -> PhotoRecord:
    """Return both models' record for a photo. Raises as `photos.classify` and where it is no
    image."""
    # When the first one comes, and Streamlit's caches are there.
    from fer.media import photos
    from fer.ui.shared import loaders
    from fer.vision import preprocessing

    rgb = preprocessing.read_image(content, name)
    return photos.classify(rgb, name, loaders.detector(), loaders.classifier()).record()


ROUTES: list[BaseRoute] = [
    *live_socket.routes(),
    *predict_route.routes(_predict, MOST_BYTES),
]
MIDDLEWARE = [Middleware(UploadLimits), Middleware(ConnectionNotice)]


def declare_navigation() -> None:
    """Tell Streamlit before the first visit that Home.py calls `st.navigation`: it would run a page
    of `pages/` that is asked for first without Home.py, hence without language and navigation."""
    # It warns that no page runs yet.
    logging.disable(logging.WARNING)
    st.navigation([st.Page(lambda: None, title="Home", url_path="home")])
    logging.disable(logging.NOTSET)


def tell_crash(error: Exception) -> bool:
    """Tell the visitor that a page ended in an error, which Streamlit has logged by then; return
    True so that its own box in English stays away."""
    from fer.ui.shared.text import _

    if isinstance(error, FerError):
        st.error(_.error(error))
    else:
        st.error(
            _(
                "This page ended in an error. Load it anew; if that does not help, tell whoever "
                "runs this server what you did and when: its log has the details."
            )
        )
    return True
