"""Callers are answered in the order of their coming, a face at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from fer import layer_names
from fer.artifacts import model_store
from fer.inference import classification, gradcam
from fer.inference.fair_queue import FairQueue
from tests.support.making import PATIENCE, ROOT, face_like, until


class Slow:
    """A backend that takes a while, and keeps record of who asked and how much at once."""

    name = "slow"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked: list[tuple[str, int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self._inside = threading.Lock()

    def outputs(self, inputs: np.ndarray, layer: str) -> dict[str, np.ndarray]:
        assert self._inside.acquire(blocking=False), "two callers at once"
        try:
            self.asked.append((threading.current_thread().name, len(inputs)))
            self.gate.wait(PATIENCE)
            time.sleep(self.seconds)
            if layer == layer_names.LAST_CONVOLUTION:
                return {"proposed": np.ones((len(inputs), 2, 2, 512), np.float32)}
            return {"proposed": np.eye(7, dtype=np.float32)[inputs[:, 0, 0, 0].astype(int) % 7]}
        finally:
            self._inside.release()


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
    crowd = [face_like(seed) for seed in range(4)]
    found: list[object] = []
    threads = in_threads(
        lambda: found.extend(asked.predict(crowd)),
        lambda: asked.predict([face_like(1)]),
        between=lambda number: len(slow.asked) == 1 and asked.queue.waiting == number,
    )
    slow.gate.set()
    for thread in threads:
        thread.join()
    assert slow.asked == [("0", 1), ("1", 1), ("0", 1), ("0", 1), ("0", 1)]
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
        between=lambda before: len(slow.asked) + one.queue.waiting == before + 1,
    )
    slow.gate.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert [name for name, _ in slow.asked] == ["0", "1", "2"]
