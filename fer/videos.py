"""Both models on an uploaded video: confidences over time, and the video with answers drawn on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
from av.video.stream import VideoStream

from fer import FerError, drawing, intake, photos
from fer.preprocessing import Rgb
from fer.turns import patiently
from fer.watching import Moment, Observer, Watched

# Larger pictures are scaled down.
LONGEST = 960
SLOWEST, FASTEST = 1, 30
# A face changes its expression in a fifth of a second at the quickest (Ekman 2003, ch. 1).
PER_SECOND = 10.0

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Watching:
    """What both models saw in a video: moments with seconds from its start, the annotated video
    (MP4, H.264), its length in seconds, and how many frames were analysed."""

    moments: tuple[Moment, ...]
    video: bytes
    seconds: float
    analysed: int


def analyse(
    content: bytes,
    name: str,
    observer: Observer,
    names: Mapping[str, str],
    *,
    progress: Progress | None = None,
) -> Watching:
    """Both models on every face, ten times a second of the video, and the video with the answers.

    Faces keep their number and confidences are smoothed as on the webcam. Sound is left out, a
    rotated phone video stands upright, and at most `intake.VIDEO_SECONDS` are taken.

    Args:
        observer: a new one.
        names: how each emotion is called on the video.
        progress: called with the share that is done, 0-1.

    Raises:
        FerError: as `intake.opened_video`, or if there is no whole frame.
    """
    out = BytesIO()
    with intake.opened_video(content, name) as (source, stream):
        sight = _Sight(observer)
        # Frames beyond the rate are left out: a 120-frame slow-motion video plays as it is.
        rate = min(max(float(stream.average_rate or 25), SLOWEST), FASTEST)
        length = _seconds(source, stream)
        frames = intake.frames(source, stream, name)
        with av.open(out, "w", format="mp4") as target:
            written = _write(frames, target, rate, sight, names, length, progress)
    if not written:
        raise FerError("{name} is damaged: it holds no whole frame.", name=name)
    return Watching(tuple(sight.moments), out.getvalue(), written / rate, sight.analysed)


class _Sight:
    """What was last seen, brought up to date when enough of the video has passed."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.people: tuple[Watched, ...] = ()
        self.moments: list[Moment] = []
        self.analysed = 0
        self.next = 0.0

    def look(self, rgb: Rgb, at: float) -> tuple[Watched, ...]:
        if at + 1e-6 < self.next:
            return self.people
        self.next = at + 1 / PER_SECOND
        self.analysed += 1
        # Half a video is worth nothing: it waits rather than giving up its place.
        self.people = patiently(lambda: self.observer.look(rgb, at))
        self.moments += [Moment.of(person, at) for person in self.people]
        return self.people


def _seconds(source: av.container.InputContainer, stream: VideoStream) -> float:
    """The video's length as its file says, `intake.VIDEO_SECONDS` if it does not."""
    if stream.duration and stream.time_base:
        return min(float(stream.duration * stream.time_base), intake.VIDEO_SECONDS)
    if source.duration:
        return min(source.duration / av.time_base, intake.VIDEO_SECONDS)
    return intake.VIDEO_SECONDS


def _write(
    frames: Iterable[tuple[float, av.VideoFrame]],
    target: av.container.OutputContainer,
    rate: float,
    sight: _Sight,
    names: Mapping[str, str],
    length: float,
    progress: Progress | None,
) -> int:
    """Frames written to the target, each with what was last seen drawn on it."""
    written = 0
    sink: VideoStream | None = None
    for at, frame in frames:
        if at + 1e-6 < written / rate:
            continue
        rgb = photos.for_display(_upright(frame), LONGEST)
        drawn = drawing.people(rgb, sight.look(rgb, at), names)
        if sink is None:
            sink = target.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000))
            # H.264 in 4:2:0 needs even sides.
            sink.width, sink.height = drawn.shape[1] // 2 * 2, drawn.shape[0] // 2 * 2
            sink.pix_fmt = "yuv420p"
            sink.options = {"preset": "veryfast", "movflags": "faststart"}
        even = np.ascontiguousarray(drawn[: sink.height, : sink.width])
        # A gap in the source is filled, so that both videos keep the same time.
        while written / rate <= at + 1e-6:
            target.mux(sink.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
            written += 1
        if progress is not None:
            progress(min(at / max(length, 1e-6), 1.0))
    if sink is not None:
        target.mux(sink.encode(None))
    return written


def _upright(frame: av.VideoFrame) -> Rgb:
    """The frame as it is meant to be seen: phones store portrait videos on their side."""
    rgb = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
    return np.ascontiguousarray(np.rot90(rgb, frame.rotation // 90 % 4))
