"""One visitor's webcam stream: its frames in, the same with both models' answers drawn on out."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Mapping

import av
import numpy as np
from PIL import Image

from fer import emotions
from fer.media import annotation, photos
from fer.media.streaming import StreamAnalyser
from fer.vision import orientation
from fer.vision.preprocessing import Rgb

logger = logging.getLogger(__name__)

# A larger frame is scaled down to this on its longer side.
LONGEST = 1280
# How long a frame waits for its own answers; 20 frames/s are shown if every frame waits that long.
PATIENCE = 0.05
# A connection that comes about does so within this many seconds; a camera that works sends a
# picture more often.
SLOW_SECONDS = 8.0
STILL_SECONDS = 3.0


class Stream:
    """One visitor's stream: the callback that streamlit-webrtc calls, and what it leaves behind.

    Made once for a visit: the script is rerun while the connection is being made, and a second
    callback would share the video with the first. `analyser` is None until the models are loaded;
    frames pass through as they are until then. `face` is the number of the chosen one,
    `is_newly_chosen` whether the page has yet to be drawn for it; `group` are the faces to choose
    among, `groups` counts how often they changed. `has_files` is whether the page offers downloads
    yet. Times are `time.monotonic` seconds.
    """

    def __init__(self) -> None:
        self.analyser: StreamAnalyser | None = None
        self.names: Mapping[str, str] = {key: key for key in emotions.KEYS}
        self.is_unreachable = False
        self.face: int | None = None
        self.is_newly_chosen = False
        self.group: tuple[int, ...] = ()
        self.groups = 0
        self.has_files = False
        self._drawn: Rgb | None = None
        self._plain: Rgb | None = None
        self._connecting_since: float | None = None
        # None until a picture came.
        self._alive: float | None = None

    def callback(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame with what was last seen drawn on it; the networks work elsewhere."""
        self._alive = time.monotonic()
        if self.analyser is None:
            return frame
        try:
            whole = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            rgb = photos.for_display(whole, LONGEST)
            latest = self.analyser.hand_in(rgb, patience=PATIENCE)
            rgb = orientation.turned(rgb, latest.turns)
            self._drawn = annotation.answers(rgb, latest.faces, self.names)
        except Exception:
            # streamlit-webrtc would never call again: the video would stand still without a word.
            logger.exception("A frame could not be drawn.")
            return frame
        self._plain = rgb
        return av.VideoFrame.from_ndarray(self._drawn, format="rgb24")

    def follow(self, is_playing: bool, is_connecting: bool, now: float) -> None:
        """Takes note of how the connection fares.

        `is_unreachable` becomes true where it is not there after `SLOW_SECONDS`, and stays so
        until one is.
        """
        if is_connecting:
            if self._connecting_since is None:
                self._connecting_since = now
                self._alive = None
            self.is_unreachable |= now - self._connecting_since > SLOW_SECONDS
        else:
            self._connecting_since = None
        if is_playing:
            self.is_unreachable = False

    def is_still(self, now: float) -> bool:
        """Whether pictures came and no more do, as when the camera was unplugged; the connection
        has as long to bring the first."""
        return self._alive is not None and now - self._alive > STILL_SECONDS

    def still(self) -> Rgb:
        """The frame that was last shown, without what was drawn on it; only where `has_frame`."""
        return np.array(self._plain)

    def snapshot(self) -> bytes:
        """The frame that was last shown as PNG; only where `has_frame`."""
        stream = io.BytesIO()
        Image.fromarray(np.asarray(self._drawn)).save(stream, "PNG")
        return stream.getvalue()

    @property
    def has_frame(self) -> bool:
        """Whether a frame was ever shown."""
        return self._drawn is not None
