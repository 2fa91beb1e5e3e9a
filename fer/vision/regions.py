"""Eyes, mouth and the rest of a 48x48 face, around YuNet's landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer import FerError
from fer.vision import framing
from fer.vision.faces import Detector
from fer.vision.preprocessing import FER_SIZE, Floats, Gray

REGIONS = ("eyes", "mouth", "rest")
# How far the regions reach, in units of the distance between the eyes: brows belong to the eyes,
# and an open mouth reaches below its corners.
EYES_ASIDE, EYES_UP, EYES_DOWN = 0.4, 0.5, 0.25
MOUTH_ASIDE, MOUTH_UP, MOUTH_DOWN = 0.2, 0.3, 0.4


def masks(landmarks: Floats) -> dict[str, NDArray[np.bool_]]:
    """Return the pixels of each of `REGIONS`, (48, 48) bool; every pixel belongs to exactly one.
    landmarks: (5, 2) x and y in pixels: both eyes, nose tip, both corners of the mouth."""
    rows, columns = np.mgrid[:FER_SIZE, :FER_SIZE]
    unit = float(np.linalg.norm(landmarks[0] - landmarks[1]))

    def box(points: Floats, aside: float, up: float, down: float) -> NDArray[np.bool_]:
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        is_between = (columns >= left - aside * unit) & (columns <= right + aside * unit)
        return np.asarray(is_between & (rows >= top - up * unit) & (rows <= bottom + down * unit))

    eyes = box(landmarks[:2], EYES_ASIDE, EYES_UP, EYES_DOWN)
    mouth = box(landmarks[3:], MOUTH_ASIDE, MOUTH_UP, MOUTH_DOWN) & ~eyes
    return {"eyes": eyes, "mouth": mouth, "rest": ~(eyes | mouth)}


def find(
    images: Sequence[Gray] | NDArray[np.uint8], detector: Detector
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the landmarks of every 48x48 face, (n, 5, 2) float32, and whether they were detected.

    Where YuNet finds no face or several, the median of the others stands in: FER-2013's faces are
    framed alike. Raises a FerError if there is a single face in none of them.
    """
    each = [framing.landmarks_of_crop(image, detector) for image in images]
    detected = np.array([points is not None for points in each])
    if not detected.any():
        raise FerError("No face was detected in these images; regions cannot be placed.")
    known = np.stack([points for points in each if points is not None])
    filled = np.empty((len(each), 5, 2), np.float32)
    filled[detected] = known
    filled[~detected] = np.median(known, axis=0)
    return filled, detected
