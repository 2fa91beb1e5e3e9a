"""A live stream: answers for each picture, what can be taken home, what is refused."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from fer.inference.classification import Prediction
from fer.media.live import stream as live
from fer.media.live.stream import LiveStream
from fer.media.streaming import FrameAnalyser, StreamAnalyser
from fer.vision import orientation
from fer.vision.faces import Detections
from tests.support.faces import face
from tests.support.sockets import jpeg


class Finder(orientation.Finder):
    """One face, as far to the left as the picture is bright."""

    def search(self, rgb: np.ndarray) -> Detections:
        return Detections((face(float(rgb[0, 0, 0]), 4, 20),))


class Networks:
    """See every face as happy, or fail."""

    def __init__(self, is_failing: bool = False) -> None:
        self.is_failing = is_failing

    def predict(self, crops: Sequence[np.ndarray]) -> list[dict[str, Prediction]]:
        if self.is_failing:
            raise ValueError("an odd frame")
        happy = Prediction("proposed", np.eye(7)[3])
        return [{"proposed": happy} for _ in crops]


def stream(is_failing: bool = False) -> LiveStream:
    made = LiveStream()
    made.analyser = StreamAnalyser(
        FrameAnalyser(Finder(), Networks(is_failing), half_life=0)  # type: ignore[arg-type]
    )
    return made


def test_each_picture_has_its_own_answers() -> None:
    viewer = stream()
    for shade in (20, 26):
        answered = viewer.answer(jpeg(120, 90, shade))
        assert answered["is_answered"]
        assert answered["size"] == [120, 90]
        (only,) = answered["faces"]
        assert only["number"] == 1
        assert only["models"] == {"proposed": {"top1": "happy", "confidence": 1.0}}
        assert min(x for x, _ in only["corners"]) == pytest.approx(shade, abs=0.1)
    assert viewer.still().shape == (90, 120, 3)
    drawn = np.asarray(Image.open(io.BytesIO(viewer.snapshot())))
    assert (drawn != viewer.still()).any(), "no answers are drawn"
    assert viewer.analyser is not None
    assert viewer.analyser.record()


def test_pictures_before_the_models_are_loaded_and_odd_ones_wait_for_none() -> None:
    assert not LiveStream().answer(jpeg())["is_answered"]
    failing = stream(is_failing=True)
    answered = failing.answer(jpeg())
    assert (answered["is_answered"], answered["faces"]) == (False, [])
    assert answered["ms"] < 1000 * live.ANSWER_SECONDS
    assert not failing.has_frame
