"""A cut is seen; a moving camera, a lamp and a still picture are none."""

from __future__ import annotations

import cv2
import numpy as np
import skimage.data

from fer.media.scenes import CutDetector


def view(rgb: np.ndarray, left: int, gain: float = 1.0) -> np.ndarray:
    part = rgb[40:260, left : left + 380].astype(float) * gain
    return cv2.resize(np.clip(part, 0, 255).astype(np.uint8), (640, 360))


def cuts(pictures: list[np.ndarray]) -> list[bool]:
    detector = CutDetector()
    return [detector.is_cut(picture) for picture in pictures]


def test_cuts_between_photos() -> None:
    shots = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()]
    found = cuts([view(shot, 60 + step) for shot in shots for step in range(0, 12, 4)])
    assert found == [False] * 3 + [True, False, False] * 2


def test_pans_and_lamps_are_no_cuts() -> None:
    photo = skimage.data.astronaut()
    assert not any(cuts([view(photo, left) for left in range(0, 130, 10)]))
    assert not any(cuts([view(photo, 60, gain) for gain in (1.0, 0.8, 1.0, 1.2, 1.0)]))


def test_pictures_of_one_shade_are_no_cuts() -> None:
    assert not any(cuts([np.full((90, 160, 3), shade, np.uint8) for shade in (0, 200, 90)]))
