"""The stream never waits for the networks, sees the newest frame, and ends with its viewer; single
pictures are answered each."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Sequence
from types import SimpleNamespace
from unittest.mock import ANY, Mock, call

import numpy as np
import pytest
from PIL import Image

from fer import emotions
from fer.inference.classification import Prediction
from fer.media import streaming
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
    return StreamAnalyser(FrameAnalyser(Finder(), classifier, **options)), classifier


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
    analyser, _ = make()
    before = set(threading.enumerate())
    analyser.hand_in(frame(7), patience=PATIENCE)
    # The thread takes up the shorter wait after its next frame.
    monkeypatch.setattr(streaming, "IDLE_SECONDS", 0.0)
    analyser.hand_in(frame(7))
    until(lambda: analyser.latest().faces == ())
    until(lambda: set(threading.enumerate()) <= before)
    monkeypatch.setattr(streaming, "IDLE_SECONDS", PATIENCE)
    assert analyser.hand_in(frame(9), patience=PATIENCE).faces


def test_frames_that_fail_or_have_no_face_do_not_end_the_stream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    analyser, _ = make()
    analyser.hand_in(np.zeros((0, 0, 3), np.uint8))
    until(lambda: "could not be analysed" in caplog.text)
    analyser.hand_in(frame(0))
    until(lambda: analyser.latest().taken > 0)
    assert analyser.latest().faces == ()
    analyser.hand_in(frame(4))
    until(lambda: bool(analyser.latest().faces))


def test_pace_and_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HISTORY_STEP", 0.0)
    # So long a span that no pause of a busy machine counts.
    monkeypatch.setattr(streaming, "RATE_SECONDS", 1e6)
    analyser, _ = make(half_life=0)
    for number in range(5):
        analyser.hand_in(frame(10 + number))
        until(lambda at=number: len(analyser.moments()) > at)
    pace = analyser.throughput()
    assert pace.shown == pace.analysed == pytest.approx(5 / streaming.RATE_SECONDS)
    assert 0 < pace.p50_ms <= pace.p95_ms
    assert pace.agreement == 1.0
    rows = streaming.rows(analyser.moments())
    assert len(rows) == 10
    assert rows[0]["seconds"] == 0.0
    assert rows[0]["top1"] == emotions.KEYS[10 % 7]
    assert sum(rows[0][key] for key in emotions.KEYS) == pytest.approx(1)
    analyser.clear()
    assert analyser.moments() == analyser.record() == []
    assert analyser.throughput().agreement is None


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
    analyser, networks = make(half_life=0)
    predict, waiting = networks.predict, Mock(side_effect=analyser._lock.wait_for)

    def slowly(crops: Sequence[np.ndarray]) -> list[dict[str, Prediction]]:
        clock.now += 0.3
        return predict(crops)

    monkeypatch.setattr(networks, "predict", slowly)
    monkeypatch.setattr(analyser._lock, "wait_for", waiting)
    analyser.hand_in(frame(7))
    until(lambda: analyser.latest().taken > 0)
    analyser.hand_in(frame(7), patience=0.25)
    assert call(ANY, 0.25) not in waiting.mock_calls
    until(lambda: networks.asked == 2)
    # Whoever sends the next picture only after the answers waits all the same: on a busy server
    # pictures without answers would take the time that answers need.
    analyser.hand_in(frame(7), patience=0.25, is_single=True)
    assert call(ANY, 0.25) in waiting.mock_calls


def test_each_picture_has_its_own_answers_once_the_models_are_loaded() -> None:
    viewer = LiveStream()
    assert not viewer.answer(jpeg())["is_answered"]
    viewer.analyser, networks = make(half_life=0)
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
    # Nobody waits for what cannot be answered.
    networks.predict = lambda crops: 1 / 0
    failed = viewer.answer(jpeg())
    assert not failed["is_answered"]
    assert failed["ms"] < 1000 * live.ANSWER_SECONDS
