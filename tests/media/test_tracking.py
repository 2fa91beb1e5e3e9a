"""Faces keep their numbers until the film cuts, confidences settle, and one person's never become
another's; pieces of one face become one track, and glimpses none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from fer.inference.answered_face import AnsweredFace
from fer.inference.classification import Prediction
from fer.media import tracking, videos
from fer.media.scenes import CutDetector
from fer.media.streaming import FrameAnswers
from fer.media.tracking import Smoother, Tracker
from tests.support.faces import face


def test_a_face_keeps_its_number() -> None:
    tracker = Tracker()
    assert tracker.update([face(300), face(600), face(0)]) == [2, 3, 1]
    # Wherever newcomers stand.
    newcomers = [face(900), face(305), face(600), face(4), face(150)]
    assert tracker.update(newcomers) == [5, 2, 3, 1, 4]
    # Fast and small ones do, unless they jump or grow.
    tracker = Tracker()
    seen = [face(0, side=20), face(17, side=20), face(45, side=20), face(30, side=60)]
    assert [tracker.update([one]) for one in seen] == [[1], [1], [2], [3]]


def test_a_missed_face_is_known_again_and_one_that_is_lost_or_after_a_cut_is_new() -> None:
    tracker = Tracker()
    tracker.update([face(0)])
    for _ in range(tracking.PATIENCE):
        tracker.update([])
    assert tracker.update([face(3)]) == [1]
    for _ in range(tracking.PATIENCE + 1):
        tracker.update([])
    assert not tracker.is_known(1)
    assert tracker.update([face(3)]) == [2]
    tracker.forget()
    assert tracker.update([face(3)]) == [3]


def smoothed(
    smoother: Smoother, number: int, label: int, now: float, model: str = "baseline"
) -> list[float]:
    """The probabilities after a frame in which a model is sure of a class."""
    prediction = Prediction(model, np.eye(7)[label])
    return smoother.update(number, {model: prediction}, now)[model].probabilities.tolist()


def test_past_counts_half_after_the_half_life_for_each_face_and_model() -> None:
    smoother, tracker = Smoother(0.5), Tracker()
    tracker.update([face(0)])
    assert smoothed(smoother, 1, 0, 10.0) == [1, 0, 0, 0, 0, 0, 0]
    smoothed(smoother, 2, 1, 10.0)
    assert smoothed(smoother, 1, 3, 10.5) == pytest.approx([0.5, 0, 0, 0.5, 0, 0, 0])
    assert smoothed(smoother, 1, 5, 10.5, "proposed")[5] == 1
    # Faces that are gone are forgotten.
    smoother.forget(tracker)
    assert smoothed(smoother, 2, 6, 10.5)[6] == 1
    as_it_is = Smoother(0.0)
    smoothed(as_it_is, 1, 0, 1.0)
    assert smoothed(as_it_is, 1, 3, 1.1)[3] == 1


def seen(number: int, start: float, looks: int, left: float = 0.0, shot: int = 0):
    """Frames with that face, ten a second."""
    return [
        FrameAnswers(
            (AnsweredFace(face(left + look, side=40), np.zeros((48, 48), np.uint8), {}, number),),
            start + look / 10,
            shot=shot,
        )
        for look in range(looks)
    ]


def settle(*each: list[FrameAnswers], looks: int = 100) -> dict[int, int]:
    frames = sorted((frame for track in each for frame in track), key=lambda frame: frame.taken)
    return videos.final_numbers(frames + [FrameAnswers()] * (looks - len(frames)))


def test_a_face_that_comes_back() -> None:
    for other, joined in (
        (seen(2, 2.0, 10, left=20), {1: 1, 2: 1}),
        (seen(2, 3.5, 10, left=20), {1: 1, 2: 2}),
        (seen(2, 2.0, 10, left=90), {1: 1, 2: 2}),
        (seen(2, 2.0, 10, left=20, shot=1), {1: 1, 2: 2}),
        (seen(2, 2.0, 3, left=20), {1: 1, 2: 1}),
        (seen(2, 2.0, 3, left=90), {1: 1}),
    ):
        assert settle(seen(1, 0.0, 10), other) == joined


def test_numbers_are_given_in_the_order_of_coming_and_from_left_to_right() -> None:
    found = settle(seen(7, 0.0, 2), seen(9, 1.0, 10, 300), seen(8, 2.0, 10, 500))
    assert found == {9: 1, 8: 2}
    found = settle(seen(1, 0.0, 10, 600), seen(2, 0.0, 10, 0), seen(3, 0.0, 10, 300))
    assert found == {2: 1, 3: 2, 1: 3}
    # Short videos keep every face.
    assert settle(seen(1, 0.0, 1), looks=1) == {1: 1}


def view(rgb: np.ndarray, left: int, gain: float = 1.0) -> np.ndarray:
    part = rgb[40:260, left : left + 380].astype(float) * gain
    return cv2.resize(np.clip(part, 0, 255).astype(np.uint8), (640, 360))


def test_cuts_are_seen_and_pans_and_lamps_and_pictures_of_one_shade_are_none() -> None:
    photo = skimage.data.astronaut()
    shots = [photo, skimage.data.coffee(), skimage.data.chelsea()]
    detector = CutDetector()
    found = [detector.is_cut(view(shot, 60 + step)) for shot in shots for step in range(0, 12, 4)]
    assert found == [False] * 3 + [True, False, False] * 2
    for pictures in (
        [view(photo, left) for left in range(0, 130, 10)],
        [view(photo, 60, gain) for gain in (1.0, 0.8, 1.0, 1.2, 1.0)],
        [np.full((90, 160, 3), shade, np.uint8) for shade in (0, 200, 90)],
    ):
        detector = CutDetector()
        assert not any(detector.is_cut(picture) for picture in pictures)
