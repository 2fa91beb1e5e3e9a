"""Faces keep their numbers, confidences settle, and one person's never become another's."""

from __future__ import annotations

import numpy as np
import pytest

from fer.inference.classification import Prediction
from fer.media import tracking
from fer.media.tracking import Smoother, Tracker
from fer.vision import scales
from fer.vision.faces import Face
from tests.support.faces import face


@pytest.mark.parametrize(
    ("other", "share"),
    [((0, 0, 10, 10), 1.0), ((10, 0, 10, 10), 0.0), ((5, 0, 10, 10), 1 / 3), ((2, 2, 2, 2), 0.04)],
)
def test_intersection_over_union(other: tuple[float, float, float, float], share: float) -> None:
    assert scales.iou((0, 0, 10, 10), other) == pytest.approx(share)
    assert scales.iou(other, (0, 0, 10, 10)) == pytest.approx(share)


@pytest.mark.parametrize(
    "frames",
    [
        [([face(0), face(300)], [1, 2]), ([face(305), face(4)], [2, 1])],
        [
            ([face(300), face(600), face(0)], [2, 3, 1]),
            # Who was there keeps the number, wherever newcomers stand.
            ([face(900), face(300), face(600), face(0), face(150)], [5, 2, 3, 1, 4]),
        ],
        [([face(0)], [1]), ([face(500), face(2)], [2, 1])],
        [
            ([face(0, side=20)], [1]),
            ([face(17, side=20)], [1]),
            ([face(45, side=20)], [2]),
            ([face(30, side=60)], [3]),
        ],
    ],
    ids=["other order", "from left to right", "newcomer", "fast and small"],
)
def test_a_face_keeps_its_number(frames: list[tuple[list[Face], list[int]]]) -> None:
    tracker = Tracker()
    for faces, numbers in frames:
        assert tracker.update(faces) == numbers


def test_a_missed_face_is_known_again_and_a_lost_one_is_new() -> None:
    tracker = Tracker()
    tracker.update([face(0)])
    for _ in range(tracking.PATIENCE):
        tracker.update([])
    assert tracker.update([face(3)]) == [1]
    for _ in range(tracking.PATIENCE + 1):
        tracker.update([])
    assert not tracker.is_known(1)
    assert tracker.update([face(3)]) == [2]


def test_after_a_cut_every_face_is_new() -> None:
    tracker = Tracker()
    assert tracker.update([face(0)]) == [1]
    tracker.forget()
    assert tracker.update([face(0)]) == [2]


def smoothed(
    smoother: Smoother, number: int, label: int, now: float, model: str = "baseline"
) -> list[float]:
    """The probabilities after a frame in which a model is sure of a class."""
    prediction = Prediction(model, np.eye(7)[label])
    return smoother.update(number, {model: prediction}, now)[model].probabilities.tolist()


def test_past_counts_half_after_the_half_life() -> None:
    smoother = Smoother(0.5)
    assert smoothed(smoother, 1, 0, 10.0) == [1, 0, 0, 0, 0, 0, 0]
    assert smoothed(smoother, 1, 3, 10.5) == pytest.approx([0.5, 0, 0, 0.5, 0, 0, 0])


def test_no_half_life_shows_every_frame_as_it_is() -> None:
    smoother = Smoother(0.0)
    smoothed(smoother, 1, 0, 1.0)
    assert smoothed(smoother, 1, 3, 1.1)[3] == 1


def test_faces_and_models_are_smoothed_apart_and_forgotten() -> None:
    smoother, tracker = Smoother(10.0), Tracker()
    tracker.update([face(0)])
    smoothed(smoother, 1, 0, 1.0)
    smoothed(smoother, 2, 1, 1.0)
    assert smoothed(smoother, 1, 5, 1.1, "proposed")[5] == 1
    smoother.forget(tracker)
    assert smoothed(smoother, 2, 6, 1.2)[6] == 1
