"""Pieces of one face become one track, glimpses none; the shot keeps people apart."""

from __future__ import annotations

import numpy as np
import pytest

from fer.inference.answered_face import AnsweredFace
from fer.media import videos
from fer.media.streaming import FrameAnswers
from tests.support.faces import face


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


@pytest.mark.parametrize(
    ("other", "joined"),
    [
        (seen(2, 2.0, 10, left=20), {1: 1, 2: 1}),
        (seen(2, 3.5, 10, left=20), {1: 1, 2: 2}),
        (seen(2, 2.0, 10, left=90), {1: 1, 2: 2}),
        (seen(2, 2.0, 10, left=20, shot=1), {1: 1, 2: 2}),
        (seen(2, 0.5, 10, left=20), {1: 1, 2: 2}),
        (seen(2, 2.0, 3, left=20), {1: 1, 2: 1}),
        (seen(2, 2.0, 3, left=90), {1: 1}),
    ],
)
def test_a_face_that_comes_back(other: list[FrameAnswers], joined: dict[int, int]) -> None:
    assert settle(seen(1, 0.0, 10), other) == joined


def test_numbers_are_given_in_the_order_of_coming() -> None:
    found = settle(seen(7, 0.0, 2), seen(9, 1.0, 10, 300), seen(8, 2.0, 10, 500))
    assert found == {9: 1, 8: 2}


def test_faces_that_come_at_once_are_numbered_from_left_to_right() -> None:
    found = settle(seen(1, 0.0, 10, 600), seen(2, 0.0, 10, 0), seen(3, 0.0, 10, 300))
    assert found == {2: 1, 3: 2, 1: 3}


def test_short_videos_keep_every_face() -> None:
    assert settle(seen(1, 0.0, 1), looks=1) == {1: 1}
    assert settle([]) == {}
