"""What the server does besides Streamlit's pages: routes and middleware for `st.App` in Home.py.

Imported before Streamlit's runtime exists: nothing here registers a component or a cache.
"""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from fer.ui.connection_notice import ConnectionNotice
from fer.ui.upload_limits import UploadLimits

ROUTES: list[BaseRoute] = []
MIDDLEWARE = [Middleware(UploadLimits), Middleware(ConnectionNotice)]
