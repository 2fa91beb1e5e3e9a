"""Faces whose expression both committed models are sure of."""

from __future__ import annotations

import cv2
import numpy as np

from fer.data import sample
from tests.support.making import ROOT


def frightened() -> np.ndarray:
    """One of the committed sample's clear faces, labelled fear, on gray ground: (480, 480, 3)."""
    found = sample.open_sample(ROOT / sample.FOLDER)
    (row,) = np.flatnonzero([name.endswith("/Training_1040092.jpg") for name in found.names])
    face = cv2.resize(found.images[row], (240, 240), interpolation=cv2.INTER_CUBIC)
    canvas = np.full((480, 480, 3), 110, np.uint8)
    canvas[120:360, 120:360] = face[:, :, None]
    return canvas
