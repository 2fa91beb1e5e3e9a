"""Faces in an image: YuNet detection and the square crop that looks like FER-2013."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from fer import FerError
from fer.vision import preprocessing, scales
from fer.vision.preprocessing import Gray, Rgb

SCORE_THRESHOLD = 0.6
# A face with a lower score is marked as doubtful: 11 of the 14 false faces in 18 pictures of
# animals, things and textures (in four sizes, turned, blurred); of 141 PublicTest portraits 2 in
# 100, 7 where blurred by a fiftieth of the face, 21 under noise of 20 gray levels. At 0.8 it would
# be 13 of 14, but 6, 16 and 37 in 100.
SURE_SCORE = 0.75
NMS_THRESHOLD = 0.3
TOP_K = 500
# YuNet was trained on faces of 10-300 pixels: larger images are shrunk for it. A face that fills
# the image is found in 73 of 100 at 640 pixels, in 95 at 320 (FER-2013's own crops, enlarged).
LONGEST_SIDE = 1024
# So images are searched again at COARSE_SIDE: those from COARSE_FROM pixels only where the first
# search finds no sure face, those from COARSE_ALWAYS_FROM always.
COARSE_SIDE, COARSE_FROM, COARSE_ALWAYS_FROM = 320, 450, 800
# In pixels, on a box' shorter side. The crop of such a face is 25 pixels: of 240 PublicTest faces
# shrunk to 48, 32, 24 and 20 pixels 70, 62, 56 and 44 % get the right answer.
SMALLEST_FACE = 20.0
# An image that was shrunk by more than TILES_FROM_SHRINKING is also searched in tiles if its copy
# shows faces of less than TILES_BELOW_PX, or none.
TILES_FROM_SHRINKING = 1.25
TILES_BELOW_PX = 32.0
# Detections between this and SCORE_THRESHOLD are no faces yet, but worth a search at other scales.
HINT_THRESHOLD = 0.45
# A face found at another scale replaces that of the usual scale only if it is surer by this much.
USUAL_SCALE_BONUS = 0.05
# A face is levelled if three readings of its eyes agree that it is tilted by more than ROLL_MIN_DEG
# and YuNet is surer of the levelled face; ROLL_MIN_LARGE_DEG is enough if the total tilt exceeds
# LARGE_ROLL_DEG. FER-2013's own faces are tilted by up to 15 degrees (95 of 100); a reading errs by
# 5 to 7, and large tilts are read as 20 to 25. Of 1,126 PublicTest portraits as they are 5 change
# their answer; of 151 turned by 20, 30 and 45 degrees 82, 83 and 92 in 100 keep it, and without
# levelling 78, 68 and 60.
ROLL_MIN_DEG, ROLL_MIN_LARGE_DEG, LARGE_ROLL_DEG = 20.0, 14.0, 30.0
# Up to this tilt the face keeps its box, and more faces their answer; beyond, boxes grow inexact.
KEEP_BOX_MAX_DEG = 35.0
# The most faces that are levelled in an image, and in a frame of a stream.
MOST_LEVELLED, MOST_LEVELLED_LIVE = 12, 3
# YuNet underestimates the tilt of small faces: it reads 30 degrees as 3 on a face of 80 pixels, as
# 17-24 at 150, as 24-28 at 200. Below ROLL_READ_FROM_PX, PATCH_REACH box sizes around the face are
# enlarged to PATCH pixels and searched again, unless the score is LEVEL_SCORE: then it is upright.
ROLL_READ_FROM_PX, LEVEL_SCORE = 150.0, 0.92
PATCH, PATCH_REACH = 280, 1.4
# In a crop of it alone YuNet finds a face again, but not what it took for one in a cat or a tiger.
# So STEADY_REACH box sizes are resized to each of STEADY_SIDES pixels and searched, also mirrored.
# The mean score is below STEADY_MIN for 2 in 100 of 212 upright PublicTest portraits with a score
# of 0.75 or more, for half of the faces found in them turned, and 0.00 for the cat and the tiger.
# Only the MOST_CHECKED largest faces are checked, and only those with scores below CERTAIN_SCORE.
STEADY_SIDES, STEADY_REACH = (160, 256), 2.0
STEADY_MIN, CERTAIN_SCORE, MOST_CHECKED = 0.3, 0.91, 12
_MIRROR = np.array([[-1.0, 0.0, PATCH - 1.0], [0.0, 1.0, 0.0]])
AffineMap: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Framing:
    """The place of a square crop around a detected box, in units of the box' height.

    side: length of the square. dx, dy: from the box' centre to the square's, right and down.
    """

    side: float
    dx: float
    dy: float


# `framing.measure_framing` on FER-2013's Training split: the framing that gives back the crops that
# the challenge's images already are. A test repeats the measurement.
FER_FRAMING = Framing(side=1.0, dx=0.0, dy=0.02)


@dataclass(frozen=True)
class Face:
    """A detected face in pixels of the image it was found in.

    box: left, top, width, height, before it is turned by `roll` around its centre. landmarks:
    (5, 2) float, right eye, left eye, nose tip, right and left corner of the mouth, as the person
    sees them. score: 0-1. roll: degrees clockwise by which the head is tilted; 0 where it is as
    upright as FER-2013's. is_steady: whether the detector finds it again in a crop of it alone;
    True where that was not tried.
    """

    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float32]
    score: float
    roll: float = 0.0
    is_steady: bool = True

    @property
    def is_doubtful(self) -> bool:
        """Return whether this may be no face at all: an animal, a drawing, something blurred."""
        return self.score < SURE_SCORE or not self.is_steady

    @property
    def corners(self) -> NDArray[np.float64]:
        """The four corners of the tilted box in the image, (4, 2), clockwise."""
        left, top, width, height = self.box
        points = cv2.boxPoints(((left + width / 2, top + height / 2), (width, height), self.roll))
        return np.asarray(points, dtype=np.float64)


@dataclass(frozen=True)
class Detections:
    """The result of a search: faces, the largest first, and the number of those too small to
    judge."""

    faces: tuple[Face, ...]
    too_small: int = 0


def largest(faces: Sequence[Face | None]) -> int:
    """Return the index of the largest face; 0 if there is none."""
    areas = [0.0 if face is None else face.box[2] * face.box[3] for face in faces]
    return int(np.argmax(areas)) if areas else 0


class Detector:
    """YuNet (Wu et al. 2023) through OpenCV, safe to share between threads.

    Larger images are searched in two sizes, so that faces that fill them are found; photos with
    small faces or none also in tiles. Faces that seem tilted are searched again with eyes level.
    """

    def __init__(self, path: Path, longest: int = LONGEST_SIDE) -> None:
        """Load YuNet's ONNX file. Raises a FerError if it is missing or OpenCV cannot read it.

        Args:
            longest: the usual size: images are shrunk to so many pixels on their longer side. With
                less than `LONGEST_SIDE`, for a stream, they are searched in this size only.
        """
        if not path.is_file():
            raise FerError(
                "The face detector {path} is missing; restore it from the repository.", path=path
            )
        # Not the path: on Windows OpenCV opens only paths that fit the system's code page.
        network = np.frombuffer(path.read_bytes(), np.uint8)
        no_config = np.zeros(0, np.uint8)
        # OpenCV 5 warns of a default target that its CPU engine does not need.
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        try:
            self._net = cv2.FaceDetectorYN.create(
                "onnx", network, no_config, (320, 320), HINT_THRESHOLD, NMS_THRESHOLD, TOP_K
            )
        except cv2.error as error:
            raise FerError(
                "The face detector {path} is damaged ({reason}); restore it from the repository.",
                path=path,
                reason=error.err,
            ) from error
        finally:
            cv2.utils.logging.setLogLevel(level)
        self._longest, self._is_live = longest, longest < LONGEST_SIDE
        self._lock = threading.Lock()

    def detect(self, rgb: Rgb) -> list[Face]:
        """Return all faces of an RGB image (H, W, 3) uint8, the largest first; empty if none."""
        return list(self.search(rgb).faces)

    def search(self, rgb: Rgb) -> Detections:
        """Find all faces of an RGB image (H, W, 3) uint8 of at least `SMALLEST_FACE` pixels, and
        count the smaller ones. Raises as `preprocessing.require_rgb`."""
        preprocessing.require_rgb(rgb)
        usual, scale = scales.shrunk(rgb, self._longest)
        usual_faces, others = self._run_yunet(usual, scale), list[Face]()
        if not self._is_live:
            side, is_sure = max(usual.shape[:2]), any(not face.is_doubtful for face in usual_faces)
            if side >= COARSE_ALWAYS_FROM or (side >= COARSE_FROM and not is_sure):
                coarse, coarse_scale = scales.shrunk(usual, COARSE_SIDE)
                others += self._run_yunet(coarse, scale * coarse_scale)
            seen = usual_faces + others
            has_none = all(face.score < SCORE_THRESHOLD for face in seen)
            has_small = any(face.box[3] * scale < TILES_BELOW_PX for face in seen)
            if scale * TILES_FROM_SHRINKING < 1 and (has_none or has_small):
                for tile, left, top, tile_scale in scales.tiles(rgb):
                    others += self._run_yunet(tile, tile_scale, (left, top))
        faces = [f for f in _without_repeats(usual_faces, others) if f.score >= SCORE_THRESHOLD]
        large = [face for face in faces if min(face.box[2:]) >= SMALLEST_FACE]
        large.sort(key=lambda face: -face.box[2] * face.box[3])
        most_levelled = MOST_LEVELLED_LIVE if self._is_live else MOST_LEVELLED
        large[:most_levelled] = [self._level(rgb, face, scale) for face in large[:most_levelled]]
        if not self._is_live:
            large[:MOST_CHECKED] = [
                replace(face, is_steady=self.steadiness(rgb, face) >= STEADY_MIN)
                for face in large[:MOST_CHECKED]
            ]
        return Detections(tuple(large), len(faces) - len(large))

    def surest(self, rgb: Rgb) -> float:
        """Return the score of the surest face of an RGB image (H, W, 3) uint8, searched once in the
        usual size; 0 if there is none."""
        scores = [face.score for face in self._run_yunet(*scales.shrunk(rgb, self._longest))]
        return max((score for score in scores if score >= SCORE_THRESHOLD), default=0.0)

    def steadiness(self, rgb: Rgb, face: Face) -> float:
        """Return the mean score of a face of an RGB image (H, W, 3) uint8 in crops of it alone, in
        two sizes and mirrored; its own score from `CERTAIN_SCORE` on."""
        if face.score >= CERTAIN_SCORE:
            return face.score
        scores = []
        for side in STEADY_SIDES:
            pixels = warp(rgb, patch_map(face, face.roll, side, STEADY_REACH), side)
            scores += [self.surest(pixels), self.surest(np.ascontiguousarray(pixels[:, ::-1]))]
        return float(np.mean(scores))

    def _run_yunet(
        self, rgb: Rgb, scale: float, corner: tuple[float, float] = (0.0, 0.0)
    ) -> list[Face]:
        """Run YuNet on a scaled copy, or on a part whose upper left corner is given, of an image;
        return the faces in pixels of that image."""
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        with self._lock:
            self._net.setInputSize((bgr.shape[1], bgr.shape[0]))
            # OpenCV's type stubs leave out the None that it returns when there is no face.
            rows = cast("NDArray[np.float32] | None", self._net.detect(bgr)[1])
        if rows is None:
            return []
        return [
            Face(
                box=(
                    float(row[0] / scale) + corner[0],
                    float(row[1] / scale) + corner[1],
                    float(row[2] / scale),
                    float(row[3] / scale),
                ),
                landmarks=(row[4:14].reshape(5, 2) / scale + corner).astype(np.float32),
                score=float(row[14]),
            )
            for row in rows
        ]

    def _level(self, rgb: Rgb, face: Face, scale: float) -> Face:
        """Return a tilted face with its roll, if YuNet is surer of it with the eyes level; else the
        face as it is. `scale` is that of the copy in which it was found."""
        is_large = max(face.box[2:]) * scale >= ROLL_READ_FROM_PX
        readings = [roll(face.landmarks)] if is_large else []
        if not _agree(readings) or (not is_large and face.score >= LEVEL_SCORE):
            return face
        unturned_patch = patch_map(face, 0.0)
        unturned = self._middle(rgb, unturned_patch)
        if unturned is None or not _agree([*readings, tilt := roll(unturned.landmarks)]):
            return face
        if not is_large:
            mirrored = self._middle(rgb, _MIRROR @ np.vstack([unturned_patch, (0.0, 0.0, 1.0)]))
            readings = [0.0 if mirrored is None else -roll(mirrored.landmarks)]
            if not _agree([*readings, tilt]):
                return face
        patch = patch_map(face, tilt)
        levelled = self._middle(rgb, patch)
        if levelled is None or levelled.score <= unturned.score:
            return face
        total_tilt = tilt + roll(levelled.landmarks)
        minimum = ROLL_MIN_LARGE_DEG if abs(total_tilt) > LARGE_ROLL_DEG else ROLL_MIN_DEG
        if not _agree([*readings, tilt, total_tilt], minimum):
            return face
        boxed, matrix = unturned, unturned_patch
        if abs(total_tilt) > KEEP_BOX_MAX_DEG:
            # Large tilts are underestimated at first: measure again in the levelled patch.
            steeper = patch_map(face, total_tilt)
            if (again := self._middle(rgb, steeper)) is not None and again.score >= levelled.score:
                levelled, patch = again, steeper
                total_tilt += roll(again.landmarks)
            boxed, matrix = levelled, patch
        (x, y), shrunk = _to_image(matrix, _centre(boxed)[None])[0], 1 / np.hypot(*matrix[0, :2])
        width, height = (float(side * shrunk) for side in boxed.box[2:])
        return Face(
            box=(float(x) - width / 2, float(y) - height / 2, width, height),
            landmarks=_to_image(patch, levelled.landmarks).astype(np.float32),
            score=max(levelled.score, face.score),
            roll=total_tilt,
        )

    def _middle(self, rgb: Rgb, patch: AffineMap) -> Face | None:
        """Return the surest face near the middle of the patch that an affine map crops, in pixels
        of the patch; None if there is none."""
        faces = self._run_yunet(warp(rgb, patch, PATCH), 1.0)
        faces = [face for face in faces if np.abs(_centre(face) - PATCH / 2).max() < PATCH / 4]
        return max(faces, key=lambda face: face.score, default=None)


def _agree(tilts: Sequence[float], minimum: float = ROLL_MIN_LARGE_DEG) -> bool:
    """Return whether readings of a tilt, in degrees, all exceed the minimum to the same side."""
    return not tilts or min(tilts) > minimum or max(tilts) < -minimum


def _to_image(matrix: AffineMap, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return points (n, 2) of a patch as points of the image that an affine map cropped it from."""
    inverse = np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)
    return np.asarray(points @ inverse[:, :2].T + inverse[:, 2], dtype=np.float64)


def _without_repeats(usual: Sequence[Face], others: Sequence[Face]) -> list[Face]:
    """Return each face once, that of the highest score, with a bonus for the usual scale."""
    ranked = [(face.score + USUAL_SCALE_BONUS, face) for face in usual]
    ranked += [(face.score, face) for face in others]
    distinct: list[Face] = []
    for _, face in sorted(ranked, key=lambda pair: -pair[0]):
        if not any(scales.is_same(face.box, other.box) for other in distinct):
            distinct.append(face)
    return distinct


def _centre(face: Face) -> NDArray[np.float64]:
    left, top, width, height = face.box
    return np.array([left + width / 2, top + height / 2])


def roll(landmarks: NDArray[np.float32]) -> float:
    """Return the tilt of the line through both eyes, in degrees clockwise, -180 to 180."""
    across, down = landmarks[1].astype(float) - landmarks[0].astype(float)
    return float(np.degrees(np.arctan2(down, across)))


def patch_map(face: Face, tilt: float, side: int = PATCH, reach: float = PATCH_REACH) -> AffineMap:
    """Return the affine map that turns a face by its tilt, in degrees, and crops `reach` box sizes
    around it to a square of `side` pixels."""
    x, y = (float(value) for value in _centre(face))
    rotation = cv2.getRotationMatrix2D((x, y), tilt, side / (reach * max(face.box[2:])))
    matrix = np.asarray(rotation, dtype=np.float64)
    matrix[:, 2] += (side - 1) / 2 - np.array([x, y])
    return matrix


def warp(rgb: Rgb, matrix: AffineMap, side: int) -> Rgb:
    """Return the square (side, side, 3) uint8 that an affine map crops; beyond the image its edge
    pixels are repeated."""
    pixels = cv2.warpAffine(rgb, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(pixels, dtype=np.uint8)


def crop(rgb: Rgb, face: Face) -> Rgb:
    """Return the square crop with the eyes level, (S, S, 3) uint8; beyond the image its edge pixels
    are repeated. Faces of photos, videos and the webcam all reach a network through this crop."""
    x, y = (float(value) for value in _centre(face))
    height = face.box[3]
    side = max(1, round(height * FER_FRAMING.side))
    left = round(x + FER_FRAMING.dx * height - side / 2)
    top = round(y + FER_FRAMING.dy * height - side / 2)
    if face.roll != 0.0:
        matrix = np.asarray(cv2.getRotationMatrix2D((x, y), face.roll, 1.0), dtype=np.float64)
        matrix[:, 2] -= (left, top)
        return warp(rgb, matrix, side)
    columns = np.clip(np.arange(left, left + side), 0, rgb.shape[1] - 1)
    rows = np.clip(np.arange(top, top + side), 0, rgb.shape[0] - 1)
    return np.ascontiguousarray(rgb[rows[:, None], columns])


def centre_square(rgb: Rgb) -> Rgb:
    """Return the largest centred square of an image, used where no face is found."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def gray_crop(rgb: Rgb, face: Face | None) -> Gray:
    """Return the gray crop that the networks are given, in its own size; of the image's centre if
    `face` is None."""
    return preprocessing.to_gray(centre_square(rgb) if face is None else crop(rgb, face))
