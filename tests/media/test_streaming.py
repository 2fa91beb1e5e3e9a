"""The stream never waits for the networks, sees the newest frame, and ends with its viewer; single
pictures are answered each."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from fer import emotions
from fer.inference.answered_face import AnsweredFace
from fer.inference.classification import Prediction
from fer.media import annotation, streaming
from fer.media.live import stream as live
from fer.media.live.stream import LiveStream
from fer.media.streaming import FrameAnalyser, StreamAnalyser
from fer.vision import orientation
from fer.vision.faces import Detections
from tests.support.faces import face
from tests.support.making import PATIENCE, until
from tests.support.sockets import jpeg


class Finder(orientation.Finder):
    """Finds a face whose left edge is the frame's first pixel; none in a black frame."""

    def search(self, rgb: np.ndarray) -> Detections:
        left = float(rgb[0, 0, 0])
        return Detections((face(left, 2, 20),) if left else ())


class Gated:
    """Answers once its gate is open, with the class that the face's brightness says."""

    def __init__(self) -> None:
        self.asked, self.gate = 0, threading.Event()
        self.gate.set()

    def predict(self, crops: Sequence[np.ndarray]) -> list[dict[str, Prediction]]:
        self.asked += 1
        self.gate.wait(PATIENCE)
        return [
            {key: Prediction(key, np.eye(7)[int(c.mean()) % 7]) for key in ("baseline", "proposed")}
            for c in crops
        ]


def frame(shade: int) -> np.ndarray:
    return np.full((60, 80, 3), shade, np.uint8)


def make(**options: float) -> tuple[StreamAnalyser, Gated]:
    classifier = Gated()
    return StreamAnalyser(FrameAnalyser(Finder(), classifier, **options)), classifier  # type: ignore[arg-type]


def test_showing_does_not_wait_and_the_newest_frame_is_analysed() -> None:
    analyser, networks = make(half_life=0)
    networks.gate.clear()
    # With the networks at a stand, whoever waited for them would wait here.
    for shade in range(1, 41):
        assert analyser.hand_in(frame(shade)).faces == ()
    networks.gate.set()
    until(lambda: analyser.latest().faces and analyser.latest().faces[0].face.box[0] == 40)
    assert networks.asked <= 2
    assert analyser.latest().faces[0].predictions["baseline"].top1 == emotions.KEYS[40 % 7]


def test_thread_ends_without_frames_and_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "IDLE_SECONDS", PATIENCE)
    analyser, _ = make()
    before = set(threading.enumerate())
    analyser.hand_in(frame(7))
    until(lambda: analyser.latest().faces)
    # The thread takes up the shorter wait after its next frame.
    monkeypatch.setattr(streaming, "IDLE_SECONDS", 0.0)
    analyser.hand_in(frame(7))
    until(lambda: analyser.latest().faces == ())
    until(lambda: set(threading.enumerate()) <= before)
    monkeypatch.setattr(streaming, "IDLE_SECONDS", PATIENCE)
    analyser.hand_in(frame(9))
    until(lambda: bool(analyser.latest().faces))


def test_a_frame_that_fails_does_not_end_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    analyser, _ = make()
    analyser.hand_in(np.zeros((0, 0, 3), np.uint8))
    until(lambda: "could not be analysed" in caplog.text)
    analyser.hand_in(frame(4))
    until(lambda: bool(analyser.latest().faces))


def test_no_face_is_an_empty_sight() -> None:
    analyser, _ = make()
    analyser.hand_in(frame(0))
    until(lambda: analyser.latest().taken > 0)
    assert analyser.latest().faces == ()
    assert analyser.throughput().agreement is None


def test_pace_and_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HISTORY_STEP", 0.0)
    # So long a span that no pause of a busy machine counts.
    monkeypatch.setattr(streaming, "RATE_SECONDS", 1e6)
    analyser, networks = make(half_life=0)
    for number in range(5):
        analyser.hand_in(frame(10 + number))
        until(lambda at=number: networks.asked > at)
    until(lambda: len(analyser.moments()) == 5)
    pace = analyser.throughput()
    assert pace.shown == pytest.approx(5 / streaming.RATE_SECONDS)
    assert pace.analysed == pytest.approx(5 / streaming.RATE_SECONDS)
    assert 0 < pace.p50_ms <= pace.p95_ms
    assert pace.agreement == 1.0
    rows = streaming.rows(analyser.moments())
    assert len(rows) == 10
    assert rows[0]["seconds"] == 0.0
    assert rows[0]["top1"] == emotions.KEYS[10 % 7]
    assert sum(rows[0][key] for key in emotions.KEYS) == pytest.approx(1)  # type: ignore[misc]
    assert analyser.record() == analyser.moments()
    analyser.clear()
    assert analyser.moments() == analyser.record() == []
    assert analyser.throughput().agreement is None
    assert analyser.throughput().shown == pace.shown
    monkeypatch.setattr(streaming, "RATE_SECONDS", 1e-9)
    assert analyser.throughput().shown == 0


def test_old_moments_leave_and_the_record_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HISTORY_SECONDS", 15.0)
    monkeypatch.setattr(streaming, "MOST_MOMENTS", 3)
    analyser, _ = make()
    now = time.monotonic()
    for age in (40.0, 30.0, 20.0, 0.0):
        analyser.hand_in(frame(8), now - age)
        until(lambda at=now - age: analyser.latest().taken == at)
    assert [moment.at for moment in analyser.moments()] == [now]
    assert [moment.at for moment in analyser.record()] == [now - 30, now - 20, now]


def test_six_faces_and_more_are_bounded() -> None:
    class Crowd(orientation.Finder):
        def search(self, rgb: np.ndarray) -> Detections:
            return Detections(tuple(face(50.0 * n, 2, 20) for n in range(12)))

    analyser = StreamAnalyser(FrameAnalyser(Crowd(), Gated(), most_faces=6))  # type: ignore[arg-type]
    analyser.hand_in(np.full((60, 800, 3), 20, np.uint8))
    until(lambda: bool(analyser.latest().faces))
    assert [person.number for person in analyser.latest().faces] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("shape", [(480, 640), (640, 360), (2160, 3840)])
def test_answers_are_drawn_inside_frames_of_any_shape(shape: tuple[int, int]) -> None:
    rgb = np.full((*shape, 3), 90, np.uint8)
    answers = {key: Prediction(key, np.eye(7)[3]) for key in ("baseline", "proposed")}
    seen = [AnsweredFace(face(shape[1] - 60.0, side=58), np.zeros((48, 48), np.uint8), answers, 1)]
    drawn = annotation.answers(rgb, seen, {key: key for key in emotions.KEYS})
    assert drawn.shape == rgb.shape
    assert (rgb == 90).all()
    for colour in ((0xF5, 0x9E, 0x0B), (0x81, 0x8C, 0xF8)):
        assert (drawn == colour).all(axis=2).any()


def test_a_patient_caller_gets_the_answers_for_this_very_frame() -> None:
    analyser, networks = make(half_life=0)
    for left in (3, 7, 11):
        latest = analyser.hand_in(frame(left), patience=PATIENCE)
        assert [person.face.box[0] for person in latest.faces] == [left]
    # Patience ends although the networks have not answered.
    networks.gate.clear()
    latest = analyser.hand_in(frame(13), patience=0.03)
    assert [person.face.box[0] for person in latest.faces] == [11]
    networks.gate.set()


def test_nobody_waits_for_networks_that_are_slower_than_their_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(now=100.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(streaming, "time", clock)

    class Timed(Gated):
        seconds = 0.3

        def predict(self, crops: Sequence[np.ndarray]) -> list[dict[str, Prediction]]:
            clock.now += self.seconds
            return super().predict(crops)

    networks = Timed()
    analyser = StreamAnalyser(FrameAnalyser(Finder(), networks, half_life=0))  # type: ignore[arg-type]
    waits: list[float] = []
    wait_for = analyser._lock.wait_for

    def noted(condition: Callable[[], bool], seconds: float) -> bool:
        waits.append(seconds)
        return wait_for(condition, seconds)

    monkeypatch.setattr(analyser._lock, "wait_for", noted)

    analyser.hand_in(frame(7))
    until(lambda: analyser.latest().taken > 0)
    analyser.hand_in(frame(7), patience=0.25)
    assert 0.25 not in waits
    until(lambda: networks.asked == 2)
    # Whoever sends the next picture only after the answers waits all the same: on a busy server
    # pictures without answers would take the time that answers need.
    analyser.hand_in(frame(7), patience=0.25, is_single=True)
    assert 0.25 in waits
    until(lambda: networks.asked == 3)
    # Fast again: it waits again, and is told about this very frame.
    networks.seconds = 0.0
    clock.now += 1
    analyser.hand_in(frame(7))
    until(lambda: analyser.latest().taken == clock.now)
    clock.now += 1
    assert analyser.hand_in(frame(11), patience=PATIENCE).faces[0].face.box[0] == 11
    assert PATIENCE in waits


def test_each_picture_has_its_own_answers() -> None:
    viewer = LiveStream()
    viewer.analyser, _ = make(half_life=0)
    for shade in (20, 26):
        answered = viewer.answer(jpeg(120, 90, shade))
        assert (answered["is_answered"], answered["size"]) == (True, [120, 90])
        (only,) = answered["faces"]
        assert only["number"] == 1
        assert only["models"]["proposed"] == {"top1": emotions.KEYS[shade % 7], "confidence": 1.0}
        assert min(x for x, _ in only["corners"]) == pytest.approx(shade, abs=0.1)
    assert viewer.still().shape == (90, 120, 3)
    drawn = np.asarray(Image.open(io.BytesIO(viewer.snapshot())))
    assert (drawn != viewer.still()).any(), "no answers are drawn"


def test_pictures_before_the_models_are_loaded_and_odd_ones_wait_for_none() -> None:
    assert not LiveStream().answer(jpeg())["is_answered"]
    failing = LiveStream()
    failing.analyser, networks = make()
    networks.predict = lambda crops: 1 / 0  # type: ignore[method-assign]
    answered = failing.answer(jpeg())
    assert (answered["is_answered"], answered["faces"]) == (False, [])
    assert answered["ms"] < 1000 * live.ANSWER_SECONDS
    assert not failing.has_frame
