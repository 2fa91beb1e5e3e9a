"""Both models on an uploaded video: confidences over time, and the video with answers drawn on.

The video is gone through twice: first what there is to see is found, then, when it is known whose
faces they are, the answers are drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from io import BytesIO
from typing import Literal

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from fer import FerError
from fer.inference.answered_face import AnsweredFace
from fer.media import annotation, photos, tracks, video_gate
from fer.media.scenes import CutDetector
from fer.media.streaming import FrameAnalyser, Moment
from fer.media.video_gate import Excerpt
from fer.progress import Progress, part_of
from fer.vision import orientation
from fer.vision.preprocessing import Rgb

# Larger pictures are scaled down.
LONGEST = 960
SLOWEST, FASTEST = 1, 30
# A face changes its expression in a fifth of a second at the quickest (Ekman 2003, ch. 1).
PER_SECOND = 10.0
# The share of the work that is done when everything is seen and nothing drawn yet.
SEEN_SHARE = 0.75
# Pixels of old formats are up to twice as wide as high; what says more is damaged.
MOST_STRETCH = 4.0
# A file that ends so many seconds before its stated end was cut off.
CUT_SECONDS = 1.0
# Matroska's tag of a stream's length, as 00:01:02.500000000.
DURATION = re.compile(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d+)?)", re.ASCII)

Ending = Literal["whole", "limit", "cut"]


@dataclass(frozen=True)
class AnalysedFrame:
    """One analysed frame: its seconds, the shot it belongs to (counted from 0), its faces, by how
    many quarter turns anticlockwise it was set upright, and how many faces were too small."""

    at: float
    shot: int
    faces: tuple[AnsweredFace, ...]
    turns: int
    too_small: int


@dataclass(frozen=True)
class AnalysedVideo:
    """What both models saw in a video.

    moments: with seconds from the excerpt's start. video: the annotated excerpt (MP4, H.264).
    seconds: its length. analysed: how many frames were. ending: whether it was seen to the video's
    end, or the video goes on, or the file is cut off. stated: the length of the whole picture as
    the file states it, 0 where it does not. turns: by how many quarter turns anticlockwise it was
    set upright. shots: how many there are. glimpses: faces that were left out because they were
    seen too shortly. too_small: the largest number of faces at once that were too small to judge.
    frames: what was drawn, for `redrawn`. excerpt: what was asked for.
    """

    moments: tuple[Moment, ...]
    video: bytes
    seconds: float
    analysed: int
    ending: Ending = "whole"
    stated: float = 0.0
    turns: int = 0
    shots: int = 1
    glimpses: int = 0
    too_small: int = 0
    frames: tuple[AnalysedFrame, ...] = ()
    excerpt: Excerpt = field(default_factory=Excerpt)


def length(content: bytes, name: str) -> float:
    """A video's seconds: as the file states them, or by the time of its last packet where it does
    not, as in what browsers record. No frame is decoded.

    Raises:
        FerError: as `video_gate.opened_video`.
    """
    with video_gate.opened_video(content, name) as (source, stream):
        stated = _stated(source, stream) or _whole(source)
        if stated:
            return stated
        times = (packet.pts for packet in source.demux(stream) if packet.pts is not None)
        return max((max(times, default=0) - (stream.start_time or 0)) * _unit(stream), 0.0)


def analyse(
    content: bytes,
    name: str,
    frame_analyser: FrameAnalyser,
    names: Mapping[str, str],
    *,
    excerpt: Excerpt | None = None,
    progress: Progress | None = None,
) -> AnalysedVideo:
    """Both models on every face, ten times a second of the video, and the video with the answers.

    Faces keep their number until the film cuts, and confidences are smoothed as on the webcam.
    Sound is left out, a rotated phone video stands upright, one that lies on its side without a
    mark of it is turned. A damaged file is watched as far as it can be read.

    Args:
        frame_analyser: a new one.
        names: how each emotion is called on the video.
        excerpt: what is watched; the first `video_gate.VIDEO_SECONDS` if None.
        progress: called with the share that is done, of 1.

    Raises:
        FerError: as `video_gate.opened_video`, or if there is no whole frame.
    """
    excerpt = excerpt or Excerpt()
    seen = part_of(progress, 0.0, SEEN_SHARE, 1.0)
    drawn = part_of(progress, SEEN_SHARE, 1.0, 1.0)
    with _opened(content, name, excerpt) as film:
        frames = list(_analysed(film, frame_analyser, seen))
    if not frames and excerpt.begin > 0:
        raise FerError(
            "{name} holds no whole frame from {seconds} s on; choose an earlier start.",
            name=name,
            seconds=f"{excerpt.begin:g}",
        )
    if not frames:
        raise FerError("{name} is damaged: it holds no whole frame.", name=name)
    settled, glimpses = _settled(frames)
    with _opened(content, name, excerpt) as film:
        video, seconds = _annotated(film, settled, names, drawn)
    ending: Ending = "whole"
    if film.frames.reached_limit:
        ending = "limit"
    elif film.stated - excerpt.begin - seconds > CUT_SECONDS:
        ending = "cut"
    return AnalysedVideo(
        tuple(Moment.of(face, frame.at) for frame in settled for face in frame.faces),
        video,
        seconds,
        len(frames),
        ending,
        film.stated,
        max(frame.turns for frame in settled),
        frames[-1].shot + 1,
        glimpses,
        max(frame.too_small for frame in frames),
        tuple(settled),
        excerpt,
    )


def redrawn(
    found: AnalysedVideo,
    content: bytes,
    name: str,
    names: Mapping[str, str],
    *,
    progress: Progress | None = None,
) -> AnalysedVideo:
    """The same answers drawn anew on the same video, its emotions called otherwise: no network
    runs. Takes and raises what `analyse` does."""
    with _opened(content, name, found.excerpt) as film:
        video, _ = _annotated(film, found.frames, names, progress)
    return replace(found, video=video)


@dataclass(frozen=True)
class _Film:
    """An opened video: its frames, frames a second, seconds as the file states them of the picture
    and of all, sound included (0 where it does not), and how many times as wide as high a pixel
    is."""

    frames: video_gate.Frames
    rate: float
    stated: float
    total: float
    stretch: float
    excerpt: Excerpt

    def share(self, at: float) -> float:
        """How much of the excerpt lies before so many seconds of it, 0-1."""
        left = (self.stated or self.total) - self.excerpt.begin
        seconds = min(left, self.excerpt.seconds) if left > 0 else self.excerpt.seconds
        return min(at / seconds, 1.0)

    def picture(self, frame: av.VideoFrame) -> Rgb:
        """A frame as it is meant to be seen, no larger than `LONGEST`: its pixels square, and
        upright where the file says how, as phones do."""
        rgb = photos.for_display(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), LONGEST)
        if self.stretch != 1.0:
            size = (max(1, round(rgb.shape[1] * self.stretch)), rgb.shape[0])
            rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
            rgb = photos.for_display(rgb, LONGEST)
        return orientation.turned(rgb, frame.rotation // 90 % 4)


@contextmanager
def _opened(content: bytes, name: str, excerpt: Excerpt) -> Iterator[_Film]:
    with video_gate.opened_video(content, name) as (source, stream):
        stretch = float(stream.sample_aspect_ratio or 1)
        yield _Film(
            video_gate.Frames(source, stream, name, excerpt),
            # Frames beyond the rate are left out: a 120-frame slow-motion video plays as it is.
            min(max(float(stream.average_rate or 25), SLOWEST), FASTEST),
            _stated(source, stream),
            _whole(source),
            stretch if 1 / MOST_STRETCH <= stretch <= MOST_STRETCH else 1.0,
            excerpt,
        )


def _whole(source: InputContainer) -> float:
    """The seconds of all, sound included, as the file states them, 0 where it does not."""
    return max((source.duration or 0) / av.time_base, 0.0)


def _unit(stream: VideoStream) -> float:
    """The seconds in which the stream's times are counted."""
    return float(stream.time_base or 0)


def _stated(source: InputContainer, stream: VideoStream) -> float:
    """The picture's own seconds as the file states them, 0 where it does not."""
    unit = _unit(stream)
    # Matroska states the length of the whole only, which the sound may outlast; a picture's own end
    # is a tag. FFmpeg may give the whole's as the picture's.
    if "matroska" not in source.format.name:
        return max((stream.duration or 0) * unit, 0.0)
    tag = DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if tag is None:
        return 0.0
    hours, minutes, seconds = (float(part) for part in tag.groups())
    return max(3600 * hours + 60 * minutes + seconds - (stream.start_time or 0) * unit, 0.0)


def _analysed(
    film: _Film, frame_analyser: FrameAnalyser, progress: Progress | None
) -> Iterator[AnalysedFrame]:
    """What is seen `PER_SECOND` times a second, and wherever the frames' size changes."""
    cuts, shot, due = CutDetector(), 0, 0.0
    size = (0, 0)
    for at, frame in film.frames:
        if at + 1e-6 < due and (frame.width, frame.height) == size:
            continue
        due, size = at + 1 / PER_SECOND, (frame.width, frame.height)
        rgb = film.picture(frame)
        if cuts.is_cut(rgb):
            shot += 1
            frame_analyser.cut()
        faces = frame_analyser.analyse(rgb, at)
        yield AnalysedFrame(at, shot, faces, frame_analyser.turns, frame_analyser.too_small)
        if progress is not None:
            progress(film.share(at), 1.0)


def _settled(frames: Sequence[AnalysedFrame]) -> tuple[list[AnalysedFrame], int]:
    """The frames with the numbers that faces keep, each turned as the faces around it are, and how
    many faces were left out as too short."""
    numbers = tracks.settled(
        [
            tracks.Sighting(frame.at, frame.shot, face.number, face.face.box)
            for frame in frames
            for face in frame.faces
            if face.face is not None
        ],
        len(frames),
    )
    # Before the first face comes, nobody knows which way up the video stands.
    turns = next((frame.turns for frame in frames if frame.faces), 0)
    settled = []
    for frame in frames:
        faces = tuple(
            replace(face, number=numbers[face.number])
            for face in frame.faces
            if face.number in numbers
        )
        turns = frame.turns if frame.faces else turns
        settled.append(replace(frame, faces=faces, turns=turns))
    seen = {face.number for frame in frames for face in frame.faces}
    return settled, len(seen - set(numbers))


def _annotated(
    film: _Film,
    frames: Sequence[AnalysedFrame],
    names: Mapping[str, str],
    progress: Progress | None,
) -> tuple[bytes, float]:
    """The video with what was last seen drawn on each frame, and its seconds."""
    out = BytesIO()
    written, place = 0, 0
    sink: VideoStream | None = None
    with av.open(out, "w", format="mp4") as target:
        for at, frame in film.frames:
            while place + 1 < len(frames) and frames[place + 1].at <= at + 1e-6:
                place += 1
            if at + 1e-6 < written / film.rate:
                continue
            rgb = orientation.turned(film.picture(frame), frames[place].turns)
            drawn = annotation.answers(rgb, frames[place].faces, names)
            if sink is None:
                sink = target.add_stream("libx264", Fraction(film.rate).limit_denominator(1000))
                # H.264 in 4:2:0 needs even sides.
                sink.width, sink.height = (max(2, side // 2 * 2) for side in drawn.shape[1::-1])
                sink.pix_fmt = "yuv420p"
                sink.options = {"preset": "veryfast", "movflags": "faststart"}
            fitted = av.VideoFrame.from_ndarray(_fitted(drawn, sink.width, sink.height), "rgb24")
            # A gap in the source is filled, so that both videos keep the same time.
            while written / film.rate <= at + 1e-6:
                fitted.pts = None
                target.mux(sink.encode(fitted))
                written += 1
            if progress is not None:
                progress(film.share(at), 1.0)
        if sink is not None:
            target.mux(sink.encode(None))
    return out.getvalue(), written / film.rate


def _fitted(rgb: Rgb, width: int, height: int) -> Rgb:
    """A picture of any size in the middle of a black one: the sizes within a video may change."""
    if rgb.shape[0] - height in (0, 1) and rgb.shape[1] - width in (0, 1):
        return np.ascontiguousarray(rgb[:height, :width])
    scale = min(width / rgb.shape[1], height / rgb.shape[0])
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas
