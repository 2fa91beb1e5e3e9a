"""Callers are answered in the order of their coming; too many are told so at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from fer import FerError
from fer.artifacts import model_store
from fer.inference import classification, fair_queue, gradcam
from fer.inference.fair_queue import BusyError, FairQueue
from fer.media import videos
from fer.media.streaming import FrameAnalyser
from fer.ui import loaders
from fer.vision.faces import Found
from tests.support.films import NAMES, Finder, frames
from tests.support.films import Classifier as Known
from tests.support.making import PATIENCE, ROOT, face_like, jpeg, until, video


class Slow:
    """A backend that takes a while, and keeps record of who asked and how much at once."""

    name = "slow"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked: list[tuple[str, int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self._inside = threading.Lock()

    def logits(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        assert self._inside.acquire(blocking=False), "two callers at once"
        try:
            self.asked.append((threading.current_thread().name, len(inputs)))
            self.gate.wait(PATIENCE)
            time.sleep(self.seconds)
            answer = np.eye(7, dtype=np.float32)[inputs[:, 0, 0, 0].astype(int) % 7]
            return {"proposed": answer}
        finally:
            self._inside.release()

    def maps(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        self.logits(inputs)
        return {"proposed": np.ones((len(inputs), 2, 2, 512), np.float32)}


def classifier(slow: Slow) -> classification.Classifier:
    found = model_store.available(ROOT / "models")
    return classification.Classifier({"proposed": found["proposed"]}, slow, "none")


def in_threads(
    *jobs: Callable[[], object], between: Callable[[int], bool]
) -> list[threading.Thread]:
    """Threads named 0, 1, …, each begun when the one before it has come so far."""
    threads = []
    for number, job in enumerate(jobs):
        thread = threading.Thread(target=job, name=str(number), daemon=True)
        thread.start()
        until(lambda number=number: between(number))  # type: ignore[misc]
        threads.append(thread)
    return threads


def test_first_come_first_served() -> None:
    queue, order = FairQueue(), []
    release = threading.Event()

    def first() -> None:
        with queue.turn():
            release.wait(PATIENCE)

    def other() -> None:
        with queue.turn():
            order.append(int(threading.current_thread().name))

    threads = in_threads(first, *[other] * 20, between=lambda number: queue.waiting == number)
    release.set()
    for thread in threads:
        thread.join()
    assert order == list(range(1, 21))
    assert queue.waiting == 0


def test_who_comes_too_late_is_told_at_once_and_a_begun_one_is_not() -> None:
    queue = FairQueue(most_waiting=2)
    release = threading.Event()

    def wait() -> None:
        with queue.turn():
            release.wait(PATIENCE)

    threads = in_threads(wait, wait, wait, between=lambda number: queue.waiting == number)
    # At once: nobody has been released yet.
    with pytest.raises(BusyError, match="busy"), queue.turn():
        pytest.fail("a turn beyond the limit")
    assert not release.is_set()
    begun = threading.Thread(target=lambda: queue.turn(is_begun=True).__enter__(), daemon=True)
    begun.start()
    until(lambda: queue.waiting == 3)
    release.set()
    for thread in threads:
        thread.join()


def test_a_failing_turn_is_over() -> None:
    queue = FairQueue()
    with pytest.raises(ZeroDivisionError), queue.turn():
        raise ZeroDivisionError
    with queue.turn():
        assert queue.waiting == 0


def test_a_stream_of_frames_does_not_starve_an_upload() -> None:
    slow = Slow(0.01)
    asked = classifier(slow)
    done = threading.Event()

    def webcam() -> None:
        while not done.is_set():
            asked.predict([face_like(1)])

    cameras = [threading.Thread(target=webcam, name="webcam") for _ in range(4)]
    for camera in cameras:
        camera.start()
    until(lambda: len(slow.asked) > 8)
    before = len(slow.asked)
    asked.predict([face_like(2)])
    after = [name for name, _ in slow.asked[before:]]
    done.set()
    for camera in cameras:
        camera.join()
    # At most one frame of each camera was in front of it, and the one being answered.
    assert after.index(threading.current_thread().name) <= 5


def test_a_crowd_lets_others_in_between() -> None:
    slow = Slow()
    slow.gate.clear()
    asked = classifier(slow)
    crowd = [face_like(seed) for seed in range(classification.A_TURN * 3 - 1)]
    found: list[object] = []
    threads = in_threads(
        lambda: found.extend(asked.predict(crowd)),
        lambda: asked.predict([face_like(1)]),
        between=lambda number: len(slow.asked) == 1 and asked._queue.waiting == number,
    )
    slow.gate.set()
    for thread in threads:
        thread.join()
    assert [name for name, _ in slow.asked] == ["0", "1", "0", "0"]
    assert [count for _, count in slow.asked] == [16, 1, 16, 15]
    assert len(found) == len(crowd)


def test_explanations_wait_in_the_same_queue_as_answers() -> None:
    slow = Slow()
    one = classifier(slow)
    explainer = gradcam.Explainer(one)
    slow.gate.clear()
    threads = in_threads(
        lambda: one.logits([face_like(1)]),
        lambda: explainer.explain(face_like(2)),
        lambda: one.logits([face_like(3)]),
        between=lambda before: len(slow.asked) + one._queue.waiting == before + 1,
    )
    slow.gate.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert [name for name, _ in slow.asked] == ["0", "1", "2"]


def test_more_callers_than_may_wait_are_refused_and_answered_when_they_ask_again() -> None:
    slow = Slow(0.002)
    asked = classifier(slow)
    asked._queue = FairQueue(most_waiting=4)
    refused: list[BusyError] = []

    def call(shade: int) -> float:
        face = np.full((48, 48), shade, np.uint8)
        ask = lambda: asked.predict([face])[0]["proposed"]  # noqa: E731
        answer = fair_queue.patiently(ask, refused.append, again=0.01)
        # The answer is that of its own face.
        expected = int(shade - 103.939) % 7
        assert answer.probabilities.argmax() == expected
        return answer.confidence

    with ThreadPoolExecutor(24) as pool:
        assert len(list(pool.map(call, [104 + n % 100 for n in range(240)]))) == 240
    assert refused
    assert asked._queue.waiting == 0


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

        def sleep(self, seconds: float) -> None:
            self.now += seconds

    def never() -> None:
        raise BusyError("The server is busy.")

    clock = Clock()
    monkeypatch.setattr(fair_queue, "time", clock)
    told: list[BusyError] = []
    with pytest.raises(BusyError):
        fair_queue.patiently(never, told.append, again=1.0, patience=3.0)
    assert clock.now == 103.0
    assert len(told) == 3
    assert issubclass(BusyError, FerError)


def test_a_video_waits_where_a_frame_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        fair_queue.patiently, "__kwdefaults__", {"again": 0.001, "patience": PATIENCE}
    )

    class Counted(Finder):
        looks = 0

        def search(self, rgb: np.ndarray) -> Found:
            self.looks += 1
            # One frame in which the face is missed, as when a hand passes.
            return Found(()) if self.looks == 5 else super().search(rgb)

        def surest(self, rgb: np.ndarray) -> float:
            return 0.0

    class Often(Known):
        calls = 0

        def predict(self, crops: list[np.ndarray]) -> list[dict[str, classification.Prediction]]:
            self.calls += 1
            if self.calls % 12:
                raise BusyError("The server is busy.")
            return super().predict(crops)

    finder = Counted()
    frame_analyser = FrameAnalyser(finder, Often(), half_life=0)  # type: ignore[arg-type]
    found = videos.analyse(video(frames(10), 10), "clip.mp4", frame_analyser, NAMES)
    assert [moment.number for moment in found.moments] == [1] * 9
    # Only the networks are asked again: no face is looked for twice, and tracks do not age.
    assert finder.looks == found.analysed == 10


def test_a_page_says_that_it_is_busy_and_answers_later(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loaders.classified
    refusals, told = [3], []

    def often_busy(content: bytes, name: str, whole: bool) -> object:
        if refusals[0]:
            refusals[0] -= 1
            raise BusyError("The server is busy with others' images; trying again in a moment.")
        return real(content, name, whole)

    monkeypatch.setattr(loaders, "classified", often_busy)
    monkeypatch.setattr(
        fair_queue.patiently, "__kwdefaults__", {"again": 0.01, "patience": PATIENCE}
    )
    monkeypatch.setattr(DeltaGenerator, "info", lambda self, body, **_: told.append(body))
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120).run()
    app.file_uploader(key="photo").upload("face.jpg", jpeg(portrait)).run()
    assert not app.exception
    assert [str(error.value) for error in app.error] == []
    assert len(told) == 3
    assert all("trying again in a moment" in body for body in told)
    assert len(app.get("plotly_chart")) == 1


def test_a_page_that_stays_busy_says_so_in_one_sentence(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise BusyError("The server is busy with others' images; trying again in a moment.")

    monkeypatch.setattr(loaders, "classified", busy)
    monkeypatch.setattr(fair_queue.patiently, "__kwdefaults__", {"again": 0.01, "patience": 0.1})
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120)
    app.query_params["lang"] = "ID"
    app.run()
    app.file_uploader(key="photo").upload("face.jpg", jpeg(portrait)).run()
    assert not app.exception
    assert [str(error.value) for error in app.error] == [
        "Server sedang sibuk dengan gambar orang lain; sebentar lagi dicoba ulang."
    ]
