"""Both models on an uploaded video: confidences over time, and the video with answers drawn on.

The video is decoded twice: first every face is found and classified; then, once their final numbers
are known, the answers are drawn.
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
from PIL import Image, ImageOps

from fer import FerError
from fer.media import annotation, video_gate
from fer.media.scenes import CutDetector
from fer.media.streaming import FrameAnalyser, FrameAnswers, Moment
from fer.media.tracking import nearness
from fer.media.video_gate import Excerpt
from fer.progress import Progress, part_of
from fer.vision import orientation, scales
from fer.vision.preprocessing import Rgb
from fer.vision.scales import Box

# Larger pictures are scaled down.
LONGEST = 960
SLOWEST, FASTEST = 1, 30
# A face changes its expression in a fifth of a second at the quickest (Ekman 2003, ch. 1).
PER_SECOND = 10.0
# The share of the work that finding and classifying faces takes; drawing takes the rest.
ANALYSIS_SHARE = 0.75
# Pixels of old formats are up to twice as wide as high; a file that states more is damaged.
MOST_STRETCH = 4.0
# A file that ends so many seconds before its stated end was cut off.
CUT_SECONDS = 1.0
# A face that comes back within so many seconds near its old place, in the same shot, is the same.
GAP_SECONDS = 1.5
# A face in fewer analysed frames than LEAST_LOOKS was a glimpse or an error of the detector; in a
# video of fewer than SHORT_LOOKS frames none is left out for that.
LEAST_LOOKS, SHORT_LOOKS = 4, 20
# Matroska's tag of a stream's length, as 00:01:02.500000000.
DURATION = re.compile(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d+)?)", re.ASCII)

Ending = Literal["whole", "limit", "cut"]


@dataclass(frozen=True)
class AnalysedVideo:
    """Both models' answers for a video.

    moments: with seconds from the excerpt's start. video: the annotated excerpt (MP4, H.264).
    seconds: its length. analysed: number of analysed frames. ending: "whole" if the excerpt reaches
    the video's end, "limit" if the video goes on, "cut" if the file is cut off. stated: the length
    of the video stream as the file states it, 0 where it does not. turns: quarter turns
    anticlockwise that set it upright. shots: their number. glimpses: faces left out because they
    appeared too shortly. too_small: the largest number of faces at once that were too small to
    judge. frames: the answers that were drawn, for `redrawn`. excerpt: the one that was analysed.
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
    frames: tuple[FrameAnswers, ...] = ()
    excerpt: Excerpt = field(default_factory=Excerpt)


def length(content: bytes, name: str) -> float:
    """Return a video's seconds: as the file states them, or by the time of its last packet where it
    does not, as in browsers' recordings. No frame is decoded. Raises as
    `video_gate.opened_video`."""
    with video_gate.opened_video(content, name) as (source, stream):
        seconds, total = _stated_seconds(source, stream)
        if seconds or total:
            return seconds or total
        times = (packet.pts for packet in source.demux(stream) if packet.pts is not None)
        last = max(times, default=0) - (stream.start_time or 0)
        return max(last * float(stream.time_base or 0), 0.0)


def analyse(
    content: bytes,
    name: str,
    frame_analyser: FrameAnalyser,
    names: Mapping[str, str],
    *,
    excerpt: Excerpt | None = None,
    progress: Progress | None = None,
) -> AnalysedVideo:
    """Classify every face with both models, ten times a second, and draw the answers on the video.

    Faces keep their number until the film cuts, and confidences are smoothed as on the webcam.
    Sound is left out, a rotated phone video is set upright, and so is one that lies on its side
    without any mark of it. A damaged file is analysed as far as it can be read; raise FerError if
    it holds no whole frame, and as `video_gate.opened_video`.

    Args:
        frame_analyser: a new one.
        names: each emotion's name on the video.
        excerpt: the part to analyse; the first `video_gate.VIDEO_SECONDS` if None.
        progress: called with the share of the work that is done, of 1.
    """
    excerpt = excerpt or Excerpt()
    analysing = part_of(progress, 0.0, ANALYSIS_SHARE, 1.0)
    drawing = part_of(progress, ANALYSIS_SHARE, 1.0, 1.0)
    with _open_film(content, name, excerpt) as film:
        frames = list(_analysed_frames(film, frame_analyser, analysing))
    if not frames and excerpt.begin > 0:
        raise FerError(
            "{name} holds no whole frame from {seconds} s on; choose an earlier start.",
            name=name,
            seconds=f"{excerpt.begin:g}",
        )
    if not frames:
        raise FerError("{name} is damaged: it holds no whole frame.", name=name)
    numbered, glimpses = _with_final_numbers(frames)
    with _open_film(content, name, excerpt) as film:
        video, seconds = _draw_answers(film, numbered, names, drawing)
    ending: Ending = "whole"
    if film.frames.reached_limit:
        ending = "limit"
    elif film.stated - excerpt.begin - seconds > CUT_SECONDS:
        ending = "cut"
    return AnalysedVideo(
        tuple(Moment.of(face, frame.taken) for frame in numbered for face in frame.faces),
        video,
        seconds,
        len(frames),
        ending,
        film.stated,
        max(frame.turns for frame in numbered),
        frames[-1].shot + 1,
        glimpses,
        max(frame.too_small for frame in frames),
        tuple(numbered),
        excerpt,
    )


def redrawn(
    analysed: AnalysedVideo,
    content: bytes,
    name: str,
    names: Mapping[str, str],
    *,
    progress: Progress | None = None,
) -> AnalysedVideo:
    """Draw the same answers on the same video with other names of the emotions: no network runs.
    Arguments and errors are those of `analyse`."""
    with _open_film(content, name, analysed.excerpt) as film:
        video, _ = _draw_answers(film, analysed.frames, names, progress)
    return replace(analysed, video=video)


@dataclass(frozen=True)
class _Film:
    """An opened video: its frames, frames a second, the seconds that the file states of the video
    stream and of all, sound included (0 where it does not), and a pixel's width by its height."""

    frames: video_gate.Frames
    rate: float
    stated: float
    total: float
    stretch: float
    excerpt: Excerpt

    def share(self, at: float) -> float:
        """Return the share of the excerpt that lies before that second of it, 0-1."""
        left = (self.stated or self.total) - self.excerpt.begin
        seconds = min(left, self.excerpt.seconds) if left > 0 else self.excerpt.seconds
        return min(at / seconds, 1.0)

    def picture(self, frame: av.VideoFrame) -> Rgb:
        """Return a frame as a player shows it, no larger than `LONGEST`: its pixels square, and
        turned upright if the file says how, as phones' files do."""
        rgb = scales.shrunk(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), LONGEST)[0]
        if self.stretch != 1.0:
            size = (max(1, round(rgb.shape[1] * self.stretch)), rgb.shape[0])
            rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
            rgb = scales.shrunk(rgb, LONGEST)[0]
        return orientation.turned(rgb, frame.rotation // 90 % 4)


@contextmanager
def _open_film(content: bytes, name: str, excerpt: Excerpt) -> Iterator[_Film]:
    with video_gate.opened_video(content, name) as (source, stream):
        stretch = float(stream.sample_aspect_ratio or 1)
        yield _Film(
            video_gate.Frames(source, stream, name, excerpt),
            # Frames beyond FASTEST are left out: slow motion at 120 frames/s keeps its speed.
            min(max(float(stream.average_rate or 25), SLOWEST), FASTEST),
            *_stated_seconds(source, stream),
            stretch if 1 / MOST_STRETCH <= stretch <= MOST_STRETCH else 1.0,
            excerpt,
        )


def _stated_seconds(source: InputContainer, stream: VideoStream) -> tuple[float, float]:
    """Return the seconds of the video stream alone and of all, sound included, as the file states
    them, 0 where it does not."""
    total, unit = max((source.duration or 0) / av.time_base, 0.0), float(stream.time_base or 0)
    # Matroska states the whole file's length only, in which the sound may outlast the picture; the
    # stream's own length is a tag. FFmpeg may give the file's length as the stream's.
    if "matroska" not in source.format.name:
        return max((stream.duration or 0) * unit, 0.0), total
    tag = DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if tag is None:
        return 0.0, total
    hours, minutes, seconds = (float(part) for part in tag.groups())
    end = 3600 * hours + 60 * minutes + seconds
    return max(end - (stream.start_time or 0) * unit, 0.0), total


def _analysed_frames(
    film: _Film, frame_analyser: FrameAnalyser, progress: Progress | None
) -> Iterator[FrameAnswers]:
    """Analyse `PER_SECOND` frames a second, and every frame whose size changes."""
    cuts, due, size = CutDetector(), 0.0, (0, 0)
    for at, frame in film.frames:
        if at + 1e-6 < due and (frame.width, frame.height) == size:
            continue
        due, size = at + 1 / PER_SECOND, (frame.width, frame.height)
        rgb = film.picture(frame)
        if cuts.is_cut(rgb):
            frame_analyser.begin_shot()
        yield frame_analyser.analyse(rgb, at)
        if progress is not None:
            progress(film.share(at), 1.0)


def _with_final_numbers(frames: Sequence[FrameAnswers]) -> tuple[list[FrameAnswers], int]:
    """Return the frames with the faces' final numbers, each turned as the faces around it are, and
    the number of faces left out as glimpses."""
    numbers = final_numbers(frames)
    # Frames before the first face are turned like the first frame with one.
    turns = next((frame.turns for frame in frames if frame.faces), 0)
    numbered = []
    for frame in frames:
        faces = [replace(f, number=numbers[f.number]) for f in frame.faces if f.number in numbers]
        turns = frame.turns if frame.faces else turns
        numbered.append(replace(frame, faces=tuple(faces), turns=turns))
    return numbered, len({face.number for frame in frames for face in frame.faces} - set(numbers))


@dataclass
class _Track:
    """Numbers that are one face, its shot, its seconds and boxes, and the frames that show it."""

    numbers: list[int]
    shot: int
    first: tuple[float, Box]
    last: tuple[float, Box]
    looks: int = 0


def final_numbers(frames: Sequence[FrameAnswers]) -> dict[int, int]:
    """Return the final number of each number in a video's frames: 1, 2, … in the order in which the
    faces first appear, from left to right if they appear at once.

    Several numbers may become one; a number that is missing was left out as a glimpse.
    """
    tracks: dict[int, _Track] = {}
    for frame in frames:
        for face in frame.faces:
            if face.face is not None:
                sighting = frame.taken, face.face.box
                new = _Track([face.number], frame.shot, sighting, sighting)
                track = tracks.setdefault(face.number, new)
                track.last = sighting
                track.looks += 1
    joined: list[_Track] = []
    for track in sorted(tracks.values(), key=lambda track: track.first):
        earlier = max(joined, key=lambda other: _continuity(other, track), default=None)
        if earlier is not None and _continuity(earlier, track) > 0:
            earlier.numbers += track.numbers
            earlier.last = track.last
            earlier.looks += track.looks
        else:
            joined.append(track)
    if len(frames) >= SHORT_LOOKS:
        joined = [track for track in joined if track.looks >= LEAST_LOOKS]
    return {number: place for place, track in enumerate(joined, 1) for number in track.numbers}


def _continuity(earlier: _Track, later: _Track) -> float:
    """Return how well a later track continues an earlier one, 0-1; 0 if it does not."""
    (last_at, last_box), (first_at, first_box) = earlier.last, later.first
    if earlier.shot != later.shot or not 0 < first_at - last_at <= GAP_SECONDS:
        return 0.0
    return nearness(last_box, first_box)


def _draw_answers(
    film: _Film,
    frames: Sequence[FrameAnswers],
    names: Mapping[str, str],
    progress: Progress | None,
) -> tuple[bytes, float]:
    """Draw the latest answers on each frame; return the video and its seconds."""
    out = BytesIO()
    frames_written, index = 0, 0
    sink: VideoStream | None = None
    with av.open(out, "w", format="mp4") as target:
        for seconds, frame in film.frames:
            while index + 1 < len(frames) and frames[index + 1].taken <= seconds + 1e-6:
                index += 1
            if seconds + 1e-6 < frames_written / film.rate:
                continue
            rgb = orientation.turned(film.picture(frame), frames[index].turns)
            drawn = annotation.answers(rgb, frames[index].faces, names)
            if sink is None:
                sink = target.add_stream("libx264", Fraction(film.rate).limit_denominator(1000))
                # H.264 in 4:2:0 needs even sides.
                sink.width, sink.height = (max(2, side // 2 * 2) for side in drawn.shape[1::-1])
                sink.pix_fmt = "yuv420p"
                sink.options = {"preset": "veryfast", "movflags": "faststart"}
            fitted = av.VideoFrame.from_ndarray(_fitted(drawn, sink.width, sink.height), "rgb24")
            # A gap in the source is filled by repeating the frame, so that both keep the same time.
            while frames_written / film.rate <= seconds + 1e-6:
                fitted.pts = None
                target.mux(sink.encode(fitted))
                frames_written += 1
            if progress is not None:
                progress(film.share(seconds), 1.0)
        if sink is not None:
            target.mux(sink.encode(None))
    return out.getvalue(), frames_written / film.rate


def _fitted(rgb: Rgb, width: int, height: int) -> Rgb:
    """Fit a picture into the middle of a black one: the size within a video may change."""
    if rgb.shape[0] - height in (0, 1) and rgb.shape[1] - width in (0, 1):
        return np.ascontiguousarray(rgb[:height, :width])
    return np.asarray(ImageOps.pad(Image.fromarray(rgb), (width, height)))
