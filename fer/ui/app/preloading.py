"""What a server does once, when its first visitor comes: settings checked, models loaded."""

from __future__ import annotations

import threading
from contextlib import suppress

import streamlit as st

from fer import FerError, __version__, logs
from fer.artifacts import locations
from fer.media.live import predict_route
from fer.ui.demo import ice
from fer.ui.shared import caching, loaders, permissions


@st.cache_resource(show_spinner=False)
def freeze_imports() -> None:
    """Freeze what start-up imported, once for the whole server."""
    caching.freeze()


@st.cache_resource(show_spinner=False)
def preload() -> None:
    """Begin to load the models, once for the whole server, so that they are ready by the time a
    visitor has chosen a photo.

    Raises:
        FerError: if an environment variable asks for something that there is not.
    """
    logs.begin()
    permissions.validate_setting()
    ice.validate_setting()
    locations.check()
    predict_route.is_on()
    logs.event(
        "start", version=__version__, models={k: m.digest for k, m in loaders.models().items()}
    )
    threading.Thread(target=_load_early, name="load-models", daemon=True).start()


def _load_early() -> None:
    # What is wrong is said on the page whose answer needs the networks.
    with suppress(FerError):
        loaders.classifier()
