"""Measuring how FER-2013's crops lie around the faces that YuNet finds in them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer import FerError
from fer.vision import preprocessing
from fer.vision.faces import Detector, Framing
from fer.vision.preprocessing import Floats, Gray, Rgb


def on_canvas(image: Gray, enlargement: int = 4) -> Rgb:
    """Enlarge a 48x48 face for detection and set it in the middle of a canvas twice its side that
    repeats its edge pixels: (96 e, 96 e, 3) uint8."""
    size = preprocessing.FER_SIZE * enlargement
    border = size // 2
    large = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)
    canvas = cv2.copyMakeBorder(
        large, border, border, border, border, borderType=cv2.BORDER_REPLICATE
    )
    return np.repeat(canvas[:, :, None], 3, axis=2)


def landmarks_of_crop(image: Gray, detector: Detector, enlargement: int = 4) -> Floats | None:
    """Return YuNet's five landmarks in a 48x48 face, (5, 2) float32 in its own pixels; None unless
    there is exactly one face."""
    faces = detector.detect(on_canvas(image, enlargement))
    if len(faces) != 1:
        return None
    border = preprocessing.FER_SIZE * enlargement // 2
    # The centre of a small pixel lies half a small pixel inside the enlarged one.
    return np.asarray((faces[0].landmarks - border + 0.5) / enlargement - 0.5, dtype=np.float32)


def measure_framing(
    images: NDArray[np.uint8], detector: Detector, enlargement: int = 4
) -> tuple[Framing, float]:
    """Measure the framing under which crops of detected faces are the images themselves.

    Each 48x48 image is enlarged and set in the middle of a canvas of its edge pixels, YuNet finds
    the face, and the image's square is expressed in units of the face's box. Medians over the
    images with exactly one face.

    Returns:
        The median framing, and the share of images with exactly one face.
    """
    size = preprocessing.FER_SIZE * enlargement
    border = size // 2
    framings = []
    for image in images:
        faces = detector.detect(on_canvas(image, enlargement))
        if len(faces) == 1:
            left, top, width, height = faces[0].box
            centre = border + size / 2
            framings.append(
                (
                    size / height,
                    (centre - left - width / 2) / height,
                    (centre - top - height / 2) / height,
                )
            )
    if not framings:
        raise FerError("No face was detected in these images; the framing cannot be measured.")
    side, dx, dy = np.median(np.array(framings), axis=0)
    return Framing(float(side), float(dx), float(dy)), len(framings) / len(images)
