"""What makes a face hard to read is told, and faces that can be read well are left alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fer.artifacts import model_store
from fer.data import sample
from fer.vision import faces, quality
from fer.vision.faces import Detector
from tests.support.making import ROOT


@pytest.fixture(scope="module")
def crop(portrait: np.ndarray) -> np.ndarray:
    (face,) = Detector(ROOT / "models" / model_store.DETECTOR).detect(portrait)
    return faces.gray_crop(portrait, face)


def masked(crop: np.ndarray) -> np.ndarray:
    covered = crop.copy()
    covered[int(0.52 * len(crop)) :] = 225
    return covered


def drawing() -> np.ndarray:
    """A head in five shades, as clip art has them."""
    picture = np.full((200, 200), 230, np.uint8)
    cv2.ellipse(picture, (100, 100), (75, 95), 0, 0, 360, 180, cv2.FILLED)
    cv2.ellipse(picture, (100, 40), (70, 40), 0, 0, 360, 60, cv2.FILLED)
    for x in (70, 130):
        cv2.ellipse(picture, (x, 90), (16, 9), 0, 0, 360, 245, cv2.FILLED)
        cv2.circle(picture, (x, 90), 7, 30, cv2.FILLED)
    cv2.ellipse(picture, (100, 150), (32, 12), 0, 0, 360, 90, cv2.FILLED)
    return picture


def test_each_flaw_is_told(crop: np.ndarray) -> None:
    assert quality.flaws(crop) == ()
    assert quality.flaws((crop * 0.12).astype(np.uint8)) == ("dark",)
    assert quality.flaws(cv2.GaussianBlur(crop, (0, 0), len(crop) / 24)) == ("blurred",)
    assert quality.flaws(masked(crop)) == ("covered",)
    assert quality.flaws(drawing()) == ("drawn",)


def test_faces_of_the_sample_have_none() -> None:
    images = sample.open_sample(ROOT / sample.FOLDER).images
    assert sum(bool(quality.flaws(image)) for image in images) <= 1


def test_bright_and_pale_faces_are_no_drawings(crop: np.ndarray) -> None:
    bright = np.clip(crop.astype(int) + 100, 0, 255).astype(np.uint8)
    pale = np.rint(120 + 0.3 * (crop.astype(float) - crop.mean())).astype(np.uint8)
    assert quality.flaws(bright) == quality.flaws(pale) == ()
