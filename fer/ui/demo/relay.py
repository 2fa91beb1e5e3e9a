"""Video that does not queue: who is slower than the camera gets the newest frame.

streamlit-webrtc hands frames from one track to the next through aiortc's `MediaRelay`, whose
queues have no bound. Where the encoder is slower than the camera, as on a busy machine, the video
would fall behind by seconds and the server's memory grow by a megabyte for each frame. aiortc has a
relay that drops frames instead (https://github.com/aiortc/aiortc/pull/498), and streamlit-webrtc no
way to ask for it: its relay is replaced, and a test holds what is used of it.
"""

from __future__ import annotations

from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRelay
from streamlit_webrtc import relay


class NewestRelay(MediaRelay):
    """A relay each of whose consumers is given the newest frame, never a backlog."""

    def subscribe(self, track: MediaStreamTrack, buffered: bool = False) -> MediaStreamTrack:
        """A track that relays the given one; `buffered` is taken as false whatever it says."""
        return super().subscribe(track, buffered=False)


def install() -> None:
    """Makes streamlit-webrtc use it; before the first stream, which makes the server's relay."""
    relay.MediaRelay = NewestRelay
