"""The camera over WebRTC, by streamlit-webrtc: the video goes to the server and comes back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

# Before TensorFlow, whose BoringSSL symbols would crash aiortc; see `loaders.classifier`.
import streamlit_webrtc as webrtc
from streamlit_webrtc.webrtc import SignallingTimeoutError

from fer.media.live.stream import LiveStream
from fer.ui import ice, presentation
from fer.ui.demo import relay
from fer.ui.demo.live_camera import AROUND_PICTURE, AROUND_STAGE, OPEN, VIDEO, CameraState
from fer.ui.text import _

relay.install()

# Both models on a frame are asked for this size; a camera that ignores it is scaled down.
WIDTH, HEIGHT, RATE = 640, 480, 30


def show(
    stream: LiveStream, camera: CameraState, servers: Sequence[ice.Server], *, is_wanted: bool
) -> None:
    """Draw the video with both models' answers on it, connect it while it is wanted, else end it.

    Its own buttons are not shown: the page has them. Must be called while `OPEN` is in the
    session's state: streamlit-webrtc ends its side of a connection in the run after the browser's
    side has ended.
    """
    if is_wanted:
        st.session_state[OPEN] = True
    around = AROUND_STAGE if presentation.is_on() else AROUND_PICTURE
    which = {"deviceId": {"exact": camera.device}} if camera.device else {"facingMode": "user"}
    try:
        context = webrtc.webrtc_streamer(
            key=VIDEO,
            mode=webrtc.WebRtcMode.SENDRECV,
            rtc_configuration={"iceServers": [dict(server) for server in servers]},
            desired_playing_state=is_wanted,
            media_stream_constraints={
                "video": {
                    **which,
                    "width": {"ideal": WIDTH},
                    "height": {"ideal": HEIGHT},
                    "frameRate": {"ideal": RATE},
                },
                "audio": False,
            },
            video_frame_callback=stream.callback,
            video_html_attrs={
                "autoPlay": True,
                "playsInline": True,
                "muted": True,
                "controls": False,
                "style": {"width": "100%", "maxHeight": f"{camera.screen - around}px"},
            },
            media_toggle_controls=False,
            translations=_translations(),
        )
    except SignallingTimeoutError:
        # No picture will come: the page sees to that.
        st.session_state.pop(VIDEO, None)
        return
    if not (is_wanted or context.state.playing or context.state.signalling):
        # Both sides have ended.
        st.session_state.pop(OPEN, None)


def _translations() -> webrtc.Translations:
    return {
        "media_api_not_available": _("This browser gives no camera to this page; use a photo."),
        "device_ask_permission": _(
            "The browser asks whether this page may use the camera; allow it there."
        ),
        "device_not_available": _("No camera was found; connect one, or use a photo."),
        "device_access_denied": _(
            "Access to the camera was refused; allow it in the browser, or use a photo."
        ),
    }
