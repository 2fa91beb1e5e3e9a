"""Measuring how FER-2013's crops lie around the faces that YuNet finds in them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer import FerError
from fer.vision.faces import Detector, Face, Framing
from fer.vision.preprocessing import FER_SIZE, Floats, Gray

# For detection a 48x48 face is enlarged and set in the middle of a canvas of its edge pixels.
ENLARGEMENT = 4
SIDE = FER_SIZE * ENLARGEMENT
BORDER = SIDE // 2


def _single_face(image: Gray, detector: Detector) -> Face | None:
    """Return the only face of a 48x48 image, in pixels of its canvas; None if there is none or are
    several."""
    large = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    canvas = np.pad(large, BORDER, mode="edge")
    faces = detector.detect(np.repeat(canvas[:, :, None], 3, axis=2))
    return faces[0] if len(faces) == 1 else None


def landmarks_of_crop(image: Gray, detector: Detector) -> Floats | None:
    """Return YuNet's five landmarks in a 48x48 face, (5, 2) float32 in its own pixels; None unless
    there is exactly one face."""
    face = _single_face(image, detector)
    if face is None:
        return None
    # The centre of a small pixel lies half a small pixel inside the enlarged one.
    return np.asarray((face.landmarks - BORDER + 0.5) / ENLARGEMENT - 0.5, dtype=np.float32)


def measure_framing(images: NDArray[np.uint8], detector: Detector) -> tuple[Framing, float]:
    """Measure the framing under which crops of detected faces are the images themselves: the median
    framing of the 48x48 images with exactly one face, and their share."""
    framings = []
    for image in images:
        face = _single_face(image, detector)
        if face is not None:
            left, top, width, height = face.box
            x, y = BORDER + SIDE / 2 - left - width / 2, BORDER + SIDE / 2 - top - height / 2
            framings.append((SIDE / height, x / height, y / height))
    if not framings:
        raise FerError("No face was detected in these images; the framing cannot be measured.")
    side, dx, dy = np.median(np.array(framings), axis=0)
    return Framing(float(side), float(dx), float(dy)), len(framings) / len(images)
