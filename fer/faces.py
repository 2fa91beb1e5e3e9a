"""Faces in an image: YuNet detection and the square crop that looks like FER-2013."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from fer import FerError, artifacts, preprocessing
from fer.preprocessing import Floats, Gray, Rgb

SCORE_THRESHOLD = 0.6
NMS_THRESHOLD = 0.3
TOP_K = 500
# Larger images are shrunk for detection; YuNet was trained on faces of 10-300 pixels.
LONGEST_SIDE = 1024
SMALLEST_FACE = 12.0


@dataclass(frozen=True)
class Framing:
    """How a square crop lies around a detected box, in units of the box' height.

    side: length of the square. dx, dy: from the box' centre to the square's, right and down.
    """

    side: float
    dx: float
    dy: float


# `measure_framing` on FER-2013's Training split: the framing that gives back the crops that the
# challenge's images already are. A test repeats the measurement.
FER_FRAMING = Framing(side=1.0, dx=0.0, dy=0.02)


@dataclass(frozen=True)
class Face:
    """A detected face in pixels of the image it was found in.

    box: left, top, width, height. landmarks: (5, 2) float, right eye, left eye, nose tip, right and
    left corner of the mouth, as the person sees them. score: 0-1.
    """

    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float32]
    score: float


class Detector:
    """YuNet (Wu et al. 2023) through OpenCV, safe to share between threads."""

    def __init__(
        self, path: Path = artifacts.FOLDER / artifacts.DETECTOR, longest: int = LONGEST_SIDE
    ) -> None:
        """Loads the detector.

        Args:
            longest: images are looked at with at most so many pixels on their longer side.

        Raises:
            FerError: if the file is missing or OpenCV cannot read it.
        """
        if not path.is_file():
            raise FerError(
                "The face detector {path} is missing; restore it from the repository.", path=path
            )
        # Not its path: on Windows OpenCV opens only those that fit the system's code page.
        network = np.frombuffer(path.read_bytes(), np.uint8)
        nothing = np.zeros(0, np.uint8)
        # OpenCV 5 warns of a default target that its CPU engine does not need.
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        try:
            self._net = cv2.FaceDetectorYN.create(
                "onnx", network, nothing, (320, 320), SCORE_THRESHOLD, NMS_THRESHOLD, TOP_K
            )
        except cv2.error as error:
            raise FerError(
                "The face detector {path} is damaged ({reason}); restore it from the repository.",
                path=path,
                reason=error.err,
            ) from error
        finally:
            cv2.utils.logging.setLogLevel(level)
        self._longest = longest
        self._lock = threading.Lock()

    def detect(self, rgb: Rgb) -> list[Face]:
        """All faces of an RGB image (H, W, 3) uint8, the largest first; empty if there is none."""
        height, width = rgb.shape[:2]
        scale = min(1.0, self._longest / max(height, width))
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        if scale < 1.0:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
        with self._lock:
            self._net.setInputSize((bgr.shape[1], bgr.shape[0]))
            # OpenCV's stubs forget that it returns None when there is no face.
            rows = cast("NDArray[np.float32] | None", self._net.detect(bgr)[1])
        if rows is None:
            return []
        faces = [
            Face(
                box=(
                    float(row[0] / scale),
                    float(row[1] / scale),
                    float(row[2] / scale),
                    float(row[3] / scale),
                ),
                landmarks=(row[4:14].reshape(5, 2) / scale).astype(np.float32),
                score=float(row[14]),
            )
            for row in rows
        ]
        faces = [face for face in faces if min(face.box[2:]) >= SMALLEST_FACE]
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])


def square(face: Face, framing: Framing = FER_FRAMING) -> tuple[int, int, int]:
    """Left, top and side in pixels of the face's square crop; it may reach over the image."""
    left, top, width, height = face.box
    side = max(1, round(height * framing.side))
    x = left + width / 2 + framing.dx * height
    y = top + height / 2 + framing.dy * height
    return round(x - side / 2), round(y - side / 2), side


def crop(rgb: Rgb, face: Face, framing: Framing = FER_FRAMING) -> Rgb:
    """The square crop, (S, S, 3) uint8; beyond the image's edge its last pixels are repeated."""
    left, top, side = square(face, framing)
    height, width = rgb.shape[:2]
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    return np.ascontiguousarray(rgb[rows[:, None], columns])


def whole(rgb: Rgb) -> Rgb:
    """The largest centred square of an image, for one in which no face is found."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def gray_crop(rgb: Rgb, face: Face | None) -> Gray:
    """The gray face that the networks are given, of the crop's own size; None: the whole image."""
    return preprocessing.to_gray(whole(rgb) if face is None else crop(rgb, face))


def on_canvas(image: Gray, enlargement: int = 4) -> Rgb:
    """A 48x48 face large enough to be detected, in the middle of a canvas twice its side that
    repeats its edge pixels: (96 e, 96 e, 3) uint8."""
    size = preprocessing.FER_SIZE * enlargement
    border = size // 2
    large = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)
    canvas = cv2.copyMakeBorder(
        large, border, border, border, border, borderType=cv2.BORDER_REPLICATE
    )
    return np.repeat(canvas[:, :, None], 3, axis=2)


def landmarks_of_crop(image: Gray, detector: Detector, enlargement: int = 4) -> Floats | None:
    """YuNet's five landmarks in a 48x48 face, (5, 2) float32 in its own pixels; None unless there
    is exactly one face."""
    found = detector.detect(on_canvas(image, enlargement))
    if len(found) != 1:
        return None
    border = preprocessing.FER_SIZE * enlargement // 2
    # The centre of a small pixel lies half a small pixel inside the enlarged one.
    return np.asarray((found[0].landmarks - border + 0.5) / enlargement - 0.5, dtype=np.float32)


def measure_framing(
    images: NDArray[np.uint8], detector: Detector, enlargement: int = 4
) -> tuple[Framing, float]:
    """The framing under which detected faces give back the images themselves.

    Each 48x48 image is enlarged and set in the middle of a canvas of its edge pixels, YuNet finds
    the face, and the square that would have cut out the image is expressed in its box. Medians over
    the images with exactly one face.

    Returns:
        The median framing, and the share of images with exactly one face.
    """
    size = preprocessing.FER_SIZE * enlargement
    border = size // 2
    found = []
    for image in images:
        faces = detector.detect(on_canvas(image, enlargement))
        if len(faces) == 1:
            left, top, width, height = faces[0].box
            centre = border + size / 2
            found.append(
                (
                    size / height,
                    (centre - left - width / 2) / height,
                    (centre - top - height / 2) / height,
                )
            )
    if not found:
        raise FerError("No face was detected in these images; the framing cannot be measured.")
    side, dx, dy = np.median(np.array(found), axis=0)
    return Framing(float(side), float(dx), float(dy)), len(found) / len(images)
