"""Both models on a stream of frames: always the newest one, in a thread of its own.

The caller that shows the video hands in each frame and goes on at once, so that the networks never
hold the video up. Frames are kept in memory only, one at a time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.inference.answered_face import AnsweredFace
from fer.inference.classification import Classifier, agree
from fer.media.tracking import Smoother, Tracker
from fer.vision.faces import gray_crop
from fer.vision.orientation import Finder, Upright
from fer.vision.preprocessing import Rgb, to_fer_resolution

logger = logging.getLogger(__name__)

# The thread ends when no frame has come for this long, and begins again with the next one.
IDLE_SECONDS = 3.0
# The time that the chart shows, and the time between two points of it, in seconds.
HISTORY_SECONDS = 60.0
HISTORY_STEP = 0.25
# The most points that a session's record holds: an hour of one face.
MOST_MOMENTS = 14_400
# The span over which rates and times are measured, and more frames than come in it.
RATE_SECONDS = 4.0
MOST_TIMES = 1000


@dataclass(frozen=True)
class FrameAnswers:
    """The answered faces of an analysed frame.

    taken: seconds at which the frame came, on the caller's clock. turns: quarter turns
    anticlockwise that set the frame upright; boxes of faces are in the upright one. too_small:
    number of faces too small to judge. shot: counted from 0.
    """

    faces: tuple[AnsweredFace, ...] = ()
    taken: float = 0.0
    turns: int = 0
    too_small: int = 0
    shot: int = 0


@dataclass(frozen=True)
class Moment:
    """A point of the chart over time: seconds, face, probabilities (7,) by model key, and whether
    the face is doubtful."""

    at: float
    number: int
    probabilities: dict[str, NDArray[np.float64]]
    is_doubtful: bool = False

    @classmethod
    def of(cls, face: AnsweredFace, at: float) -> Moment:
        """Return the point of a face at a time."""
        values = {key: p.probabilities for key, p in face.predictions.items()}
        return cls(at, face.number, values, face.is_doubtful)

    @property
    def is_agreed(self) -> bool:
        """Return whether every model has the same most probable emotion."""
        return agree(self.probabilities.values())


@dataclass(frozen=True)
class Throughput:
    """Rates over the last seconds: frames shown and analysed each second, and milliseconds from
    a frame's arrival to its answers (median, 95th percentile; 0 before there are any).

    `agreement` is the share of analysed faces, since the start, on which the models agreed.
    """

    shown: float
    analysed: float
    p50_ms: float
    p95_ms: float
    agreement: float | None


class FrameAnalyser:
    """Analyses one frame after another with both models: faces keep their number, confidences are
    smoothed (`half_life`: in seconds; 0 for none), and a stream that lies on its side is set
    upright. The `most_faces` largest faces of a frame are classified. Not to be shared between
    threads."""

    def __init__(
        self,
        detector: Finder,
        classifier: Classifier,
        *,
        half_life: float = 0.3,
        most_faces: int = 8,
    ) -> None:
        self._detector, self._classifier = detector, classifier
        self._most_faces = most_faces
        self._tracker, self._upright = Tracker(), Upright()
        self._shot = 0
        self.smoother = Smoother(half_life)

    def analyse(self, rgb: Rgb, taken: float) -> FrameAnswers:
        """Classify the faces of a frame (H, W, 3) uint8 taken at that second."""
        upright, detections = self._upright.search(rgb, self._detector, taken)
        faces = detections.faces[: self._most_faces]
        numbers = self._tracker.update(faces)
        # In the networks' own resolution, since a video's faces are kept until its end.
        crops = [to_fer_resolution(gray_crop(upright, face)) for face in faces]
        predictions = self._classifier.predict(crops)
        answered = [
            AnsweredFace(face, crop, self.smoother.update(number, raw, taken), number)
            for face, crop, raw, number in zip(faces, crops, predictions, numbers, strict=True)
        ]
        self.smoother.forget(self._tracker)
        return FrameAnswers(
            tuple(answered),
            taken,
            turns=self._upright.turns,
            too_small=detections.too_small,
            shot=self._shot,
        )

    def begin_shot(self) -> None:
        """End all tracks: the next frame belongs to another shot, with other faces."""
        self._shot += 1
        self._tracker.forget()
        self.smoother.forget(self._tracker)


class StreamAnalyser:
    """Analyses the newest frame of a stream in a thread of its own, one for each viewer.

    Any thread may call any method.
    """

    def __init__(self, frame_analyser: FrameAnalyser) -> None:
        self._frame_analyser = frame_analyser
        self.smoother = frame_analyser.smoother
        self._lock = threading.Condition()
        self._newest: tuple[float, Rgb] | None = None
        self._thread: threading.Thread | None = None
        self._latest = FrameAnswers()
        self._moments: deque[Moment] = deque()
        self._record: deque[Moment] = deque(maxlen=MOST_MOMENTS)
        # When frames came; when frames were answered, and after how many seconds.
        self._shown: deque[float] = deque(maxlen=MOST_TIMES)
        self._delays: deque[tuple[float, float]] = deque(maxlen=MOST_TIMES)
        self._faces = self._agreed = 0
        self._analysis_seconds = 0.0
        # The time of the last frame that will have no answers.
        self._dropped = 0.0

    def hand_in(
        self,
        rgb: Rgb,
        now: float | None = None,
        patience: float = 0.0,
        *,
        is_single: bool = False,
    ) -> FrameAnswers:
        """Hand in the newest frame and return the latest answers: those of this frame, if they come
        within `patience` seconds. It does not wait for a frame that could not be analysed, nor, in
        a video, if the last analysis took longer.

        Args:
            rgb: (H, W, 3) uint8, not changed afterwards by the caller.
            now: `time.monotonic` seconds at which the frame came.
            is_single: whether the next frame comes only after this one's answers, so that waiting
                keeps a busy server from being asked more often than it can answer.
        """
        with self._lock:
            now = time.monotonic() if now is None else now
            self._newest = (now, rgb)
            self._shown.append(now)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="stream-analyser", daemon=True
                )
                self._thread.start()
            self._lock.notify_all()
            if is_single or self._analysis_seconds < patience:
                self._lock.wait_for(lambda: max(self._latest.taken, self._dropped) >= now, patience)
            return self._latest

    def latest(self) -> FrameAnswers:
        """Return the answers of the newest analysed frame."""
        with self._lock:
            return self._latest

    def moments(self) -> list[Moment]:
        """Return the points of the last minute, oldest first."""
        with self._lock:
            return list(self._moments)

    def record(self) -> list[Moment]:
        """Return the points since the start, oldest first; at most the newest `MOST_MOMENTS`."""
        with self._lock:
            return list(self._record)

    def throughput(self) -> Throughput:
        """Return the rates over the last seconds."""
        with self._lock:
            since = time.monotonic() - RATE_SECONDS
            delays = [delay for at, delay in self._delays if at >= since]
            return Throughput(
                shown=sum(at >= since for at in self._shown) / RATE_SECONDS,
                analysed=len(delays) / RATE_SECONDS,
                p50_ms=1000 * float(np.median(delays)) if delays else 0.0,
                p95_ms=1000 * float(np.percentile(delays, 95)) if delays else 0.0,
                agreement=self._agreed / self._faces if self._faces else None,
            )

    def clear(self) -> None:
        """Forget all points and the agreement so far."""
        with self._lock:
            self._moments.clear()
            self._record.clear()
            self._faces = self._agreed = 0

    def _run(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._newest is not None, IDLE_SECONDS)
                if self._newest is None:
                    self._thread = None
                    self._latest = FrameAnswers()
                    return
                (taken, rgb), self._newest = self._newest, None
            try:
                self._analyse(taken, rgb)
            except Exception:
                # One bad frame must not end the stream; the log says what was wrong with it.
                logger.exception("A frame could not be analysed.")
                with self._lock:
                    self._dropped = taken
                    self._lock.notify_all()

    def _analyse(self, taken: float, rgb: Rgb) -> None:
        started = time.monotonic()
        answers = self._frame_analyser.analyse(rgb, taken)
        answered = time.monotonic()
        with self._lock:
            self._analysis_seconds = answered - started
            self._latest = answers
            self._lock.notify_all()
            self._delays.append((answered, answered - taken))
            self._faces += len(answers.faces)
            self._agreed += sum(face.is_agreed for face in answers.faces)
            while self._moments and self._moments[0].at < taken - HISTORY_SECONDS:
                self._moments.popleft()
            last = {moment.number: moment.at for moment in self._moments}
            for face in answers.faces:
                if taken - last.get(face.number, -np.inf) >= HISTORY_STEP:
                    self._moments.append(Moment.of(face, taken))
                    self._record.append(self._moments[-1])


def rows(moments: Sequence[Moment]) -> list[dict[str, object]]:
    """Return a flat row for each moment and model: seconds since the first, face, model, whether
    the face is doubtful, top-1, seven confidences."""
    return [
        {
            "seconds": round(moment.at - moments[0].at, 3),
            "face": moment.number,
            "model": model,
            "doubtful": moment.is_doubtful,
            "top1": emotions.KEYS[int(values.argmax())],
            **dict(zip(emotions.KEYS, values.round(6).tolist(), strict=True)),
        }
        for moment in moments
        for model, values in moment.probabilities.items()
    ]
