"""Detected faces, and one whose expression both committed models are sure of."""

from __future__ import annotations

import cv2
import numpy as np

from fer.data import sample
from fer.vision.faces import Face
from tests.support.making import ROOT


def face(left: float, top: float = 0.0, side: float = 100.0, score: float = 0.95) -> Face:
    """A detected face in a square box; its landmarks are all 0."""
    return Face((left, top, side, side), np.zeros((5, 2), np.float32), score)


def frightened() -> np.ndarray:
    """One of the committed sample's clear faces, labelled fear, on gray ground: (480, 480, 3)."""
    found = sample.open_sample(ROOT / sample.FOLDER)
    (row,) = np.flatnonzero([name.endswith("/Training_1040092.jpg") for name in found.names])
    face = cv2.resize(found.images[row], (240, 240), interpolation=cv2.INTER_CUBIC)
    canvas = np.full((480, 480, 3), 110, np.uint8)
    canvas[120:360, 120:360] = face[:, :, None]
    return canvas
