"""The visitor's camera in the browser: Start and Stop, every state of it, its picture and, by the
app's own socket, the answers on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import streamlit as st

from fer import FerError, emotions
from fer.media.live import socket as live_socket
from fer.media.live.stream import LiveStream
from fer.scenarios import SCENARIOS
from fer.ui.shared import presentation
from fer.ui.shared.text import _, in_language

Way = Literal["webrtc", "socket"]
KEY = "webcam_camera"
VISIT = "webcam_visit"
# Set while a side of the WebRTC connection may be open; see `webrtc`.
OPEN = "webcam_video_open"
# Pixels above and below the picture on a phone held sideways and on a stage.
AROUND_PICTURE, AROUND_STAGE = 130, 220

_source = Path(__file__)
_component = st.components.v2.component(
    "fer_live_camera",
    html=_source.with_suffix(".html").read_text("utf-8"),
    css=_source.with_suffix(".css").read_text("utf-8"),
    js=_source.with_suffix(".js").read_text("utf-8"),
)


@dataclass(frozen=True)
class CameraState:
    """The visitor's choice: whether the camera is on, and which one, empty for the front one.
    `screen` is the height of the browser's window in pixels."""

    is_on: bool = False
    device: str = ""
    screen: int = 800


def state() -> CameraState:
    """Return the state that the browser reported last."""
    state = st.session_state.get(KEY) or {}
    return CameraState(
        bool(state.get("on")), str(state.get("device") or ""), int(state.get("screen") or 800)
    )


def draw_camera(stream: LiveStream, way: Way, *, is_shown: bool) -> None:
    """Draw the camera's picture, unless it is already shown elsewhere on the page, and controls;
    with the way "webrtc" the module of that name sends the pictures to the server."""
    _component(
        key=KEY,
        data={
            "way": way,
            "shown": is_shown,
            "on": state().is_on,
            "path": live_socket.PATH,
            "token": _visit(stream).token,
            "around": AROUND_STAGE if presentation.is_on() else AROUND_PICTURE,
            "large": presentation.is_on(),
            "names": {key: _(key) for key in emotions.KEYS},
            "colours": {key: scenario.colour for key, scenario in SCENARIOS.items()},
            "words": {
                **words(),
                "idle": "" if stream.has_frame else _("Press Start and look into the camera."),
            },
        },
        on_on_change=lambda: None,
        on_device_change=lambda: None,
        on_screen_change=lambda: None,
        on_photo_change=lambda: st.session_state.update(mode="photo"),
    )


def _visit(stream: LiveStream) -> live_socket.Visit:
    """Return the permission by which the server takes this visit's pictures; it ends with the
    session."""
    visit: live_socket.Visit | None = st.session_state.get(VISIT)
    if visit is None:
        page = urlsplit(st.context.url or "")
        visit = live_socket.Visit(stream.answer, f"{page.scheme}://{page.netloc}")
        st.session_state[VISIT] = visit
    language = _.language

    def in_words(error: FerError) -> str:
        # Called by the socket's thread, which has no visitor of its own.
        with in_language(language):
            return _.error(error)

    visit.in_words = in_words
    return visit


def words() -> dict[str, str]:
    """Return what the controls are called, and the sentence on each thing that can go wrong."""
    return {
        "start": _("Start"),
        "stop": _("Stop"),
        "devices": _("Choose a camera"),
        "photo": _("Use a photo"),
        "picture": _("Your camera, with a box around each face and both models' answers"),
        "asking": _("The browser asks whether this page may use the camera; allow it there."),
        "refused": _("Access to the camera was refused; allow it in the browser, or use a photo."),
        "missing": _("No camera was found; connect one, or use a photo."),
        "taken": _(
            "The camera does not open; close other programs and tabs that use it and press Start "
            "again, or use a photo."
        ),
        "unplugged": _(
            "The camera was disconnected; connect it and press Start again, or use a photo."
        ),
        "unsupported": _("This browser gives no camera to this page; use a photo."),
        "still": _(
            "The camera sends no picture any more; connect it and press Stop and Start, or use a "
            "photo."
        ),
        "lost": _("The connection to the server was lost; it is tried again."),
    }
