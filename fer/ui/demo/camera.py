"""Whether the browser has a camera and lets this page use it, told before anyone presses Start."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

Camera = Literal["ready", "missing", "refused"]
KEY = "webcam_camera"

SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
_component = st.components.v2.component("fer_camera", js=SCRIPT)


def state() -> Camera:
    """What the browser said last; "ready" until it says otherwise. Draws nothing to be seen."""
    found: Camera | None = _component(key=KEY, on_camera_change=lambda: None).camera
    return found or "ready"
