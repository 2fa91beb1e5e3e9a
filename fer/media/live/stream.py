"""One visitor's camera, live: frames in, both models' answers out, over WebRTC or the socket."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from fer import FerError, emotions
from fer.media import annotation
from fer.media.streaming import FrameAnswers, StreamAnalyser
from fer.vision import orientation, scales, upload_gate
from fer.vision.preprocessing import Rgb

if TYPE_CHECKING:
    import av

logger = logging.getLogger(__name__)

# A larger frame of a video is scaled down to this on its longer side.
LONGEST = 1280
# Seconds that a frame of a video waits for its own answers; if every frame waits that long, 20
# frames/s are shown.
PATIENCE = 0.05
# Seconds that a single picture waits for its own answers.
ANSWER_SECONDS = 20.0
# Of a single picture: a browser's JPEG of a frame of 480 pixels has a tenth of this.
MOST_BYTES = 300_000
MOST_PIXELS = 2_000_000
JPEG_BEGINS = b"\xff\xd8\xff"
# A camera that works sends pictures at shorter intervals than this.
STILL_SECONDS = 3.0


class ModelAnswer(TypedDict):
    """A model's most probable emotion and its confidence in it, 0-1."""

    top1: str
    confidence: float


class FaceAnswer(TypedDict):
    """A face. number: among those of the stream. corners: (4, 2) of its box, pixels of the upright
    picture."""

    number: int
    corners: list[list[float]]
    doubtful: bool
    models: dict[str, ModelAnswer]


class Reply(TypedDict):
    """The answers for a picture.

    is_answered: False if the networks are not loaded yet or too busy: then there are no faces.
    size: width and height of the upright picture. turns: quarter turns anticlockwise that set it
    upright. ms: from its arrival to its answers.
    """

    is_answered: bool
    size: list[int]
    turns: int
    faces: list[FaceAnswer]
    ms: float


class LiveStream:
    """One visitor's stream, made once for a visit.

    `analyser` is None until the models are loaded; until then frames of a video pass unchanged.
    `names` has each emotion's name on a frame. Any thread may call any method. Times are
    `time.monotonic` seconds.
    """

    def __init__(self) -> None:
        self.analyser: StreamAnalyser | None = None
        self.names: Mapping[str, str] = {key: key for key in emotions.KEYS}
        # The upright frame that was answered last, without drawings.
        self._frame: Rgb | None = None
        self._answers = FrameAnswers()
        # None before the first picture.
        self._last_picture: float | None = None

    def callback(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return a video's frame with the latest answers drawn on it; the networks run elsewhere.

        Errors are logged and the frame is returned unchanged: if one were raised, streamlit-webrtc
        would never call again, and the video would freeze without a message.
        """
        self._last_picture = time.monotonic()
        if self.analyser is None:
            return frame
        try:
            pixels = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            rgb = scales.shrunk(pixels, LONGEST)[0]
            latest = self.analyser.hand_in(rgb, patience=PATIENCE)
            upright = self._keep(rgb, latest)
            drawn = annotation.answers(upright, latest.faces, self.names)
        except Exception:
            logger.exception("A frame could not be drawn.")
            return frame
        return type(frame).from_ndarray(drawn, format="rgb24")

    def answer(self, jpeg: bytes) -> Reply:
        """Wait for the answers of a single picture and return them. Raises as `decode`."""
        rgb = decode(jpeg)
        now = self._last_picture = time.monotonic()
        latest = FrameAnswers()
        if self.analyser is not None:
            latest = self.analyser.hand_in(rgb, now, ANSWER_SECONDS, is_single=True)
        is_answered = latest.taken == now
        if is_answered:
            rgb = self._keep(rgb, latest)
        else:
            latest = FrameAnswers()
        return {
            "is_answered": is_answered,
            "size": [rgb.shape[1], rgb.shape[0]],
            "turns": latest.turns,
            "faces": [
                {
                    "number": answered.number,
                    "corners": answered.face.corners.round(1).tolist(),
                    "doubtful": answered.is_doubtful,
                    "models": {
                        key: {"top1": p.top1, "confidence": round(p.confidence, 4)}
                        for key, p in answered.predictions.items()
                    },
                }
                for answered in latest.faces
                if answered.face is not None
            ],
            "ms": round(1000 * (time.monotonic() - now), 1),
        }

    def _keep(self, rgb: Rgb, answers: FrameAnswers) -> Rgb:
        """Keep an answered frame, and return it upright."""
        self._frame, self._answers = orientation.turned(rgb, answers.turns), answers
        return self._frame

    def is_still(self, now: float) -> bool:
        """Return whether pictures came but stopped coming, as when the connection broke."""
        return self._last_picture is not None and now - self._last_picture > STILL_SECONDS

    def still(self) -> Rgb:
        """Return the frame that was last answered, upright, with nothing drawn on it; requires
        `has_frame`."""
        return np.array(self._frame)

    def snapshot(self) -> bytes:
        """Return the frame that was last answered with its answers as PNG; requires `has_frame`."""
        return annotation.png(self.still(), self._answers.faces, self.names)

    @property
    def has_frame(self) -> bool:
        """Return whether a frame was ever answered."""
        return self._frame is not None


def decode(jpeg: bytes) -> Rgb:
    """Decode a camera's picture (H, W, 3) uint8; its size is checked before its pixels are decoded.
    Raise FerError if the content is no readable JPEG, or too large."""
    unreadable = FerError(
        "A picture of the camera could not be read and was left out; the next one follows."
    )
    if len(jpeg) <= MOST_BYTES:
        if not jpeg.startswith(JPEG_BEGINS):
            raise unreadable
        try:
            with upload_gate.opened_image(jpeg, "frame") as image:
                if image.width * image.height <= MOST_PIXELS:
                    return np.asarray(image.convert("RGB"))
        except FerError as error:
            raise unreadable from error
    raise FerError(
        "A picture of the camera was left out: it is larger than {kilobytes} kB or {megapixels} "
        "megapixels.",
        kilobytes=MOST_BYTES // 1000,
        megapixels=MOST_PIXELS // 1_000_000,
    )
