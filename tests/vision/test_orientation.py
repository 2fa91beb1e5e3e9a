"""Pictures that lie on their side or head are set upright, and nothing else is turned."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data

from fer.artifacts import model_store
from fer.vision import orientation
from fer.vision.faces import Detections, Detector
from fer.vision.orientation import Upright
from tests.support.faces import face
from tests.support.making import ROOT


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(ROOT / "models" / model_store.DETECTOR)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_portrait_is_set_upright(detector: Detector, portrait: np.ndarray, turns: int) -> None:
    lying = np.ascontiguousarray(np.rot90(portrait, turns))
    back, found = orientation.set_upright(lying, detector)
    assert (back + turns) % 4 == 0
    assert np.array_equal(orientation.turned(lying, back), portrait)
    assert found.faces[0].box == pytest.approx(detector.detect(portrait)[0].box)


def test_a_cat_is_not_turned_until_it_is_a_face(detector: Detector) -> None:
    cat = np.asarray(skimage.data.chelsea())
    turns, found = orientation.set_upright(cat, detector)
    assert turns == 0
    assert all(face.is_doubtful for face in found.faces)


def test_what_is_gone_when_it_is_cut_out_is_doubtful(
    detector: Detector, portrait: np.ndarray
) -> None:
    (cat, *_) = detector.detect(orientation.turned(np.asarray(skimage.data.chelsea()), 2))
    assert cat.score > 0.8
    assert not cat.is_steady
    assert cat.is_doubtful
    blurred = cv2.GaussianBlur(portrait, (0, 0), 5)
    (blurred_face,) = detector.detect(blurred)
    assert detector.steadiness(blurred, replace(blurred_face, score=0.8)) > 0.6
    assert blurred_face.is_steady


def test_without_a_face_nothing_is_turned(detector: Detector) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert orientation.set_upright(noise, detector) == (0, Detections(()))


class Marked(orientation.Finder):
    """Scores a picture by the shade of its upper left pixel, and counts the pictures."""

    def __init__(self, scores: dict[int, float]) -> None:
        self.scores, self.asked = scores, 0

    def search(self, rgb: np.ndarray) -> Detections:
        self.asked += 1
        score = self.scores.get(int(rgb[0, 0, 0]), 0.0)
        return Detections((face(10, 10, 20, score),) if score else ())


def corners() -> np.ndarray:
    """A picture whose corners are 1, 2, 3 and 4, clockwise from the upper left; turned by n quarter
    turns anticlockwise, n + 1 is in that place."""
    rgb = np.zeros((60, 80, 3), np.uint8)
    for shade, (row, column) in enumerate(((0, 0), (0, -1), (-1, -1), (-1, 0)), start=1):
        rgb[row, column] = shade
    return rgb


@pytest.mark.parametrize(
    ("scores", "turns"),
    [
        ({3: 0.93}, 2),
        ({2: 0.93, 4: 0.8}, 1),
        ({1: 0.7, 4: 0.9}, 3),
        ({1: 0.72, 4: 0.76}, 0),
        ({1: 0.92, 2: 0.99}, 0),
        ({2: 0.7}, 0),
    ],
)
def test_only_where_faces_are_clearly_surer(scores: dict[int, float], turns: int) -> None:
    assert orientation.set_upright(corners(), Marked(scores))[0] == turns


def test_a_stream_is_turned_once_and_looked_at_again_now_and_then() -> None:
    finder, stream = Marked({2: 0.95}), Upright()
    for at in (10.0, 10.3):
        _, found = stream.search(corners(), finder, at)
        assert (stream.turns, found) == (0, Detections(())), "nothing is said while it is in doubt"
    upright, found = stream.search(corners(), finder, 10.6)
    assert stream.turns == 1
    assert upright.shape == (80, 60, 3)
    assert found.faces
    asked = finder.asked
    for number in range(20):
        stream.search(corners(), finder, 10.7 + number)
    assert finder.asked == asked + 20, "a decided stream pays for one look a frame"


@pytest.mark.parametrize("odd", [1, 2])
def test_odd_frames_turn_no_stream(odd: int) -> None:
    """A face that is not sure, and frames in which it seems to lie on its side."""
    finder, stream = Marked({1: 0.7}), Upright()
    for number in range(60):
        finder.scores = {4: 0.95} if number % 10 < odd else {1: 0.7}
        _, found = stream.search(corners(), finder, number / 10)
        assert stream.turns == 0
        assert len(found.faces) == (number % 10 >= odd)


def test_many_frames_of_one_moment_turn_no_stream() -> None:
    finder, stream = Marked({4: 0.95}), Upright()
    for number in range(12):
        stream.search(corners(), finder, number / 25)
    assert stream.turns == 0


def test_a_stream_without_a_face_is_tried_every_few_seconds() -> None:
    finder, stream = Marked({}), Upright()
    for number in range(41):
        stream.search(corners(), finder, number / 10)
    assert finder.asked == 41 + 3 * 3
    finder.scores = {4: 0.95}
    for at in (0.0, 0.3, 0.6):
        stream.search(corners(), finder, 4.0 + orientation.LOOK_AGAIN + at)
    assert stream.turns == 3
