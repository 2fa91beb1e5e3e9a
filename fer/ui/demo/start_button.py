"""One press of Start makes one stream, whatever else is pressed, and the video fits the screen.

streamlit-webrtc's Start may be pressed again before it shows Stop, and then makes a second
connection, whose answers the first one gets; its Stop forgets a camera that is still being asked
for, which then begins without a button to end it. Either way no video ever comes.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer.ui.text import Translator

KEY = "webcam_start"

SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
# What stands above and below the video on a phone held sideways, in pixels.
AROUND_VIDEO = 130
# The frame's script knows the screen's height, the frame only its own.
MAX_HEIGHT = f"calc(var(--screen, 100rem) - {AROUND_VIDEO}px)"
_component = st.components.v2.component("fer_start", js=SCRIPT)


def guard(_: Translator) -> None:
    """Sees to it that presses do no harm in the component's frame. Draws nothing to be seen."""
    _component(key=KEY, data={"start": _("Start"), "stop": _("Stop")})
