"""What the server does besides Streamlit's pages: routes and middleware for `st.App` in Home.py.

Imported before Streamlit's runtime exists: nothing here registers a component or a cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from fer.media.live import predict_route
from fer.media.live import socket as live_socket
from fer.ui.connection_notice import ConnectionNotice
from fer.ui.upload_limits import UploadLimits

if TYPE_CHECKING:
    from fer.media.photos import PhotoRecord

# Of a photo that a program sends; those of the pages may be larger.
MOST_BYTES = 2_000_000


def _predict(content: bytes, name: str) -> PhotoRecord:
    """Return both models' record for a photo. Raises as `photos.classify` and where it is no
    image."""
    # When the first one comes, and Streamlit's caches are there.
    from fer.media import photos
    from fer.ui import loaders
    from fer.vision import preprocessing

    rgb = preprocessing.read_image(content, name)
    return photos.classify(rgb, name, loaders.detector(), loaders.classifier()).record()


ROUTES: list[BaseRoute] = [
    *live_socket.routes(),
    *predict_route.routes(_predict, MOST_BYTES),
]
MIDDLEWARE = [Middleware(UploadLimits), Middleware(ConnectionNotice)]
