"""Faces keep their numbers, confidences settle, and one person's never become another's."""

from __future__ import annotations

import numpy as np
import pytest

from fer.media import tracking
from fer.media.tracking import Smoother, Tracker
from fer.vision import scales
from tests.support.faces import face


@pytest.mark.parametrize(
    ("other", "share"),
    [((0, 0, 10, 10), 1.0), ((10, 0, 10, 10), 0.0), ((5, 0, 10, 10), 1 / 3), ((2, 2, 2, 2), 0.04)],
)
def test_intersection_over_union(other: tuple[float, float, float, float], share: float) -> None:
    assert scales.iou((0, 0, 10, 10), other) == pytest.approx(share)
    assert scales.iou(other, (0, 0, 10, 10)) == pytest.approx(share)


def test_numbers_stay_when_the_order_changes() -> None:
    tracker = Tracker()
    assert tracker.update([face(0), face(300)]) == [1, 2]
    assert tracker.update([face(305), face(4)]) == [2, 1]


def test_faces_that_come_at_once_are_numbered_from_left_to_right() -> None:
    tracker = Tracker()
    assert tracker.update([face(300), face(600), face(0)]) == [2, 3, 1]
    # Who was there keeps the number, wherever newcomers stand.
    assert tracker.update([face(900), face(300), face(600), face(0), face(150)]) == [5, 2, 3, 1, 4]


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


def test_a_newcomer_gets_a_number_of_its_own() -> None:
    tracker = Tracker()
    tracker.update([face(0)])
    assert tracker.update([face(500), face(2)]) == [2, 1]


def test_past_counts_half_after_the_half_life() -> None:
    smoother = Smoother(0.5)
    first, then = np.eye(7)[0], np.eye(7)[3]
    assert np.array_equal(smoother.update(1, {"baseline": first}, 10.0)["baseline"], first)
    mixed = smoother.update(1, {"baseline": then}, 10.5)["baseline"]
    assert mixed == pytest.approx(0.5 * first + 0.5 * then)
    assert mixed.sum() == pytest.approx(1)


def test_no_half_life_shows_every_frame_as_it_is() -> None:
    smoother = Smoother(0.0)
    smoother.update(1, {"baseline": np.eye(7)[0]}, 1.0)
    assert np.array_equal(
        smoother.update(1, {"baseline": np.eye(7)[3]}, 1.1)["baseline"], np.eye(7)[3]
    )


def test_faces_and_models_are_smoothed_apart_and_forgotten() -> None:
    smoother, tracker = Smoother(10.0), Tracker()
    tracker.update([face(0)])
    smoother.update(1, {"baseline": np.eye(7)[0]}, 1.0)
    smoother.update(2, {"baseline": np.eye(7)[1]}, 1.0)
    assert np.array_equal(
        smoother.update(1, {"proposed": np.eye(7)[5]}, 1.1)["proposed"], np.eye(7)[5]
    )
    smoother.forget(tracker)
    assert np.array_equal(
        smoother.update(2, {"baseline": np.eye(7)[6]}, 1.2)["baseline"], np.eye(7)[6]
    )


def test_a_fast_small_face_keeps_its_number_and_one_of_another_size_does_not() -> None:
    tracker = Tracker()
    assert tracker.update([face(0, side=20)]) == [1]
    assert tracker.update([face(17, side=20)]) == [1]
    assert tracker.update([face(45, side=20)]) == [2]
    assert tracker.update([face(30, side=60)]) == [3]


def test_after_a_cut_every_face_is_new() -> None:
    tracker = Tracker()
    assert tracker.update([face(0)]) == [1]
    tracker.forget()
    assert tracker.update([face(0)]) == [2]
