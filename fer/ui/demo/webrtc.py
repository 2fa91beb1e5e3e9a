"""The camera over WebRTC, by streamlit-webrtc: the video goes to the server and comes back.

streamlit-webrtc hands frames from one track to the next through aiortc's `MediaRelay`, whose
queues have no bound. Where the encoder is slower than the camera, as on a busy machine, the video
would fall behind by seconds and the server's memory grow by a megabyte for each frame. aiortc has a
relay that drops frames instead (https://github.com/aiortc/aiortc/pull/498), and streamlit-webrtc no
way to ask for it: its relay is replaced, and a test holds what is used of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
import streamlit_webrtc as webrtc
from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRelay
from streamlit_webrtc import relay
from streamlit_webrtc.webrtc import SignallingTimeoutError

from fer.media.live.stream import LiveStream
from fer.ui.demo import ice, live_camera
from fer.ui.demo.live_camera import AROUND_PICTURE, AROUND_STAGE, OPEN, CameraState
from fer.ui.shared import presentation

# Both models on a frame are asked for this size; a camera that ignores it is scaled down.
WIDTH, HEIGHT, RATE = 640, 480, 30


class NewestRelay(MediaRelay):
    """A relay each of whose consumers is given the newest frame, never a backlog."""

    def subscribe(self, track: MediaStreamTrack, buffered: bool = False) -> MediaStreamTrack:
        """Return a track that relays the given one, never buffered."""
        return super().subscribe(track, buffered=False)


# Before the first stream, which makes the server's relay.
relay.MediaRelay = NewestRelay


def draw_video(
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
    words = live_camera.words()
    try:
        context = webrtc.webrtc_streamer(
            key="webcam_video",
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
            translations={
                "media_api_not_available": words["unsupported"],
                "device_ask_permission": words["asking"],
                "device_not_available": words["missing"],
                "device_access_denied": words["refused"],
            },
        )
    except SignallingTimeoutError:
        # No picture will come: `webcam.keep_up` notices.
        return
    if not (is_wanted or context.state.playing or context.state.signalling):
        # Both sides have ended.
        st.session_state.pop(OPEN, None)
