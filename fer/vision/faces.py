"""Faces in an image: YuNet detection and the square crop that looks like FER-2013."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from fer import FerError
from fer.vision import preprocessing, scales
from fer.vision.preprocessing import Gray, Rgb

SCORE_THRESHOLD = 0.6
# Below this a face is marked as doubtful. Of what YuNet takes for faces in 18 pictures of animals,
# things and textures (in four sizes, turned, blurred) 11 of 14 lie below; of 141 PublicTest
# portraits 2 in 100, 7 where blurred by a fiftieth of the face, 21 under noise of 20 gray levels.
# At 0.8 it would be 13 of 14, but 6, 16 and 37 in 100.
SURE_SCORE = 0.75
NMS_THRESHOLD = 0.3
TOP_K = 500
# YuNet was trained on faces of 10-300 pixels: larger images are shrunk for it. A face that fills
# the image is found in 73 of 100 at 640 pixels, in 95 at 320 (FER-2013's own crops, enlarged).
LONGEST_SIDE = 1024
# Images of middling size get that second look only where the first finds no sure face.
COARSE_SIDE, COARSE_FROM, COARSE_ALWAYS_FROM = 320, 450, 800
# In pixels, on a box' shorter side. Such a face is cut out at 25: of 240 PublicTest faces shrunk to
# 48, 32, 24 and 20 pixels 70, 62, 56 and 44 % get the right answer.
SMALLEST_FACE = 20.0
# An image shrunk by so much, with faces of less than so many pixels in the copy or with none, is
# looked at in tiles, too.
CLOSER_FROM = 1.25
CLOSER_BELOW = 32.0
# Weaker answers of the detector are no faces, but worth a closer look.
HINT_THRESHOLD = 0.45
# Other scales replace what the usual one found only where they are surer by this much.
USUAL_SCALE_BONUS = 0.05
# A head is levelled if three readings of its eyes agree that it is tilted by more than the second,
# in degrees, or by more than the first with a whole tilt beyond the third, and YuNet is surer of it
# then. FER-2013's own faces are tilted by up to 15 (95 of 100); a reading errs by 5 to 7, and large
# tilts are read as 20 to 25. Of 1,126 PublicTest portraits as they are 5 change their answer; of
# 151 turned by 20, 30 and 45 degrees 82, 83 and 92 in 100 keep it, unlevelled 78, 68 and 60.
LEVEL_FROM, LEVEL_TILT, LARGE_TILT = 14.0, 20.0, 30.0
# Up to this tilt the face keeps its box, and more faces their answer; beyond, boxes grow inexact.
BOX_KEPT_TO = 35.0
# At most so many in an image, and in a frame of a stream.
MOST_LEVELLED, MOST_LEVELLED_LIVE = 12, 3
# Of a head tilted by 30 degrees YuNet's landmarks say 3 where it is 80 pixels high, 17-24 at 150,
# 24-28 at 200: smaller ones are enlarged for it, in a patch that reaches so many boxes. One of
# which YuNet is as sure as this is spared that: it stands upright.
TILT_SEEN_FROM, SURELY_LEVEL = 150.0, 0.92
PATCH, PATCH_REACH = 280, 1.4
# What YuNet takes for a face in a cat or a tiger is gone when it is cut out, a face is not: cut out
# twice as large as it is, at so many pixels, each also mirrored, its mean score is below 0.3 for 2
# in 100 of 212 upright PublicTest portraits with a score of 0.75 or more, for half of those found
# in them turned, 0.00 for the cat and the tiger. Only scores below `CERTAIN` are looked into.
STEADY_SIDES, STEADY_REACH = (160, 256), 2.0
LEAST_STEADY, CERTAIN, MOST_LOOKED_INTO = 0.3, 0.91, 12
_MIRROR = np.array([[-1.0, 0.0, PATCH - 1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class Framing:
    """How a square crop lies around a detected box, in units of the box' height.

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
    upright as FER-2013's. is_steady: whether it is found again when it is cut out; True where that
    was not tried.
    """

    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float32]
    score: float
    roll: float = 0.0
    is_steady: bool = True

    @property
    def is_doubtful(self) -> bool:
        """Whether it may be no face at all: an animal, a drawing, something blurred."""
        return self.score < SURE_SCORE or not self.is_steady

    @property
    def corners(self) -> NDArray[np.float64]:
        """The four corners of its box as it lies in the image, (4, 2), clockwise."""
        left, top, width, height = self.box
        points = cv2.boxPoints(((left + width / 2, top + height / 2), (width, height), self.roll))
        return np.asarray(points, dtype=np.float64)


@dataclass(frozen=True)
class Found:
    """What a search found: faces, the largest first, and how many more were too small to judge."""

    faces: tuple[Face, ...]
    too_small: int = 0

    def left_to_right(self) -> Found:
        """The same with the faces in the order of their boxes' left edges, as people count them."""
        return replace(self, faces=tuple(sorted(self.faces, key=lambda face: face.box[:2])))


def largest(found: Sequence[Face | None]) -> int:
    """The place of the largest face among several; the first where there is none."""
    areas = [0.0 if face is None else face.box[2] * face.box[3] for face in found]
    return int(np.argmax(areas)) if areas else 0


class Detector:
    """YuNet (Wu et al. 2023) through OpenCV, safe to share between threads.

    Larger images are looked at in two sizes, so that faces that fill them are found; photos with
    small faces or none also in tiles. Heads that seem tilted are looked at again with their eyes
    level.
    """

    def __init__(self, path: Path, longest: int = LONGEST_SIDE) -> None:
        """Loads the detector.

        Args:
            path: of YuNet's ONNX file, which comes with the trained models.
            longest: the usual size: images are shrunk to so many pixels on their longer side. With
                less than `LONGEST_SIDE`, for a stream, it is the only one.

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
                "onnx", network, nothing, (320, 320), HINT_THRESHOLD, NMS_THRESHOLD, TOP_K
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
        self._levelled = MOST_LEVELLED if longest >= LONGEST_SIDE else MOST_LEVELLED_LIVE
        self._lock = threading.Lock()

    def detect(self, rgb: Rgb) -> list[Face]:
        """All faces of an RGB image (H, W, 3) uint8, the largest first; empty if there is none."""
        return list(self.search(rgb).faces)

    def search(self, rgb: Rgb) -> Found:
        """All faces of an RGB image (H, W, 3) uint8 of at least `SMALLEST_FACE` pixels, and how
        many smaller ones there are.

        Raises:
            FerError: as `preprocessing.require_rgb`.
        """
        preprocessing.require_rgb(rgb)
        usual, scale = scales.shrunk(rgb, self._longest)
        found = self._look(usual, scale, USUAL_SCALE_BONUS)
        if self._longest >= LONGEST_SIDE:
            side, is_sure = max(usual.shape[:2]), any(not f.is_doubtful for _, f in found)
            if side >= COARSE_ALWAYS_FROM or (side >= COARSE_FROM and not is_sure):
                coarse, coarse_scale = scales.shrunk(usual, COARSE_SIDE)
                found += self._look(coarse, scale * coarse_scale)
            if scale * CLOSER_FROM < 1 and _asks_for_more(found, scale):
                for tile, left, top, tile_scale in scales.tiles(rgb):
                    found += self._look(tile, tile_scale, 0.0, (left, top))
        merged = [face for face in _merged(found) if face.score >= SCORE_THRESHOLD]
        large = [face for face in merged if min(face.box[2:]) >= SMALLEST_FACE]
        large.sort(key=lambda face: -face.box[2] * face.box[3])
        levelled = [
            self._level(rgb, face, scale) if place < self._levelled else face
            for place, face in enumerate(large)
        ]
        if self._longest >= LONGEST_SIDE:
            levelled[:MOST_LOOKED_INTO] = [
                replace(face, is_steady=self.steadiness(rgb, face) >= LEAST_STEADY)
                for face in levelled[:MOST_LOOKED_INTO]
            ]
        return Found(tuple(levelled), len(merged) - len(large))

    def surest(self, rgb: Rgb) -> float:
        """The score of the surest face of an RGB image (H, W, 3) uint8 at a single look, 0 if there
        is none."""
        seen = self._look(*scales.shrunk(rgb, self._longest))
        return max((f.score for _, f in seen if f.score >= SCORE_THRESHOLD), default=0.0)

    def steadiness(self, rgb: Rgb, face: Face) -> float:
        """The mean score of a face of an RGB image (H, W, 3) uint8 when it is cut out in two sizes
        and mirrored; its own score from `CERTAIN` on."""
        if face.score >= CERTAIN:
            return face.score
        scores = []
        for side in STEADY_SIDES:
            patch = _patch(face, face.roll, side, STEADY_REACH)
            cut = cv2.warpAffine(rgb, patch, (side, side), borderMode=cv2.BORDER_REPLICATE)
            for look in (cut, cut[:, ::-1]):
                scores.append(self.surest(np.ascontiguousarray(look, dtype=np.uint8)))
        return float(np.mean(scores))

    def _look(
        self,
        rgb: Rgb,
        scale: float,
        bonus: float = 0.0,
        corner: tuple[float, float] = (0.0, 0.0),
    ) -> list[tuple[float, Face]]:
        """What YuNet finds in one picture, in pixels of the image that it is a scaled part of, each
        with what it counts when found in several."""
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        with self._lock:
            self._net.setInputSize((bgr.shape[1], bgr.shape[0]))
            # OpenCV's stubs forget that it returns None when there is no face.
            rows = cast("NDArray[np.float32] | None", self._net.detect(bgr)[1])
        if rows is None:
            return []
        return [
            (
                float(row[14]) + bonus,
                Face(
                    box=(
                        float(row[0] / scale) + corner[0],
                        float(row[1] / scale) + corner[1],
                        float(row[2] / scale),
                        float(row[3] / scale),
                    ),
                    landmarks=(row[4:14].reshape(5, 2) / scale + corner).astype(np.float32),
                    score=float(row[14]),
                ),
            )
            for row in rows
        ]

    def _level(self, rgb: Rgb, face: Face, scale: float) -> Face:
        """A tilted face as YuNet sees it with its eyes level, if it is surer then; else as it is.

        Args:
            scale: at which the image was looked at.
        """
        is_large = max(face.box[2:]) * scale >= TILT_SEEN_FROM
        readings = [roll(face.landmarks)] if is_large else []
        if not _agree(readings) or (not is_large and face.score >= SURELY_LEVEL):
            return face
        around = _patch(face, 0.0)
        plain = self._middle(rgb, around)
        if plain is None or not _agree([*readings, tilt := roll(plain.landmarks)]):
            return face
        if not is_large:
            mirrored = self._middle(rgb, _MIRROR @ np.vstack([around, (0.0, 0.0, 1.0)]))
            readings = [0.0 if mirrored is None else -roll(mirrored.landmarks)]
            if not _agree([*readings, tilt]):
                return face
        patch = _patch(face, tilt)
        best = self._middle(rgb, patch)
        if best is None or best.score <= plain.score:
            return face
        whole_tilt = tilt + roll(best.landmarks)
        least = LEVEL_FROM if abs(whole_tilt) > LARGE_TILT else LEVEL_TILT
        if not _agree([*readings, tilt, whole_tilt], least):
            return face
        seen, matrix = plain, around
        if abs(whole_tilt) > BOX_KEPT_TO:
            # Large tilts are underrated at first.
            closer = _patch(face, whole_tilt)
            if (last := self._middle(rgb, closer)) is not None and last.score >= best.score:
                best, patch = last, closer
                whole_tilt += roll(last.landmarks)
            seen, matrix = best, patch
        (x, y), shrunk = _back(matrix, _centre(seen)[None])[0], 1 / np.hypot(*matrix[0, :2])
        width, height = (float(side * shrunk) for side in seen.box[2:])
        return Face(
            box=(float(x) - width / 2, float(y) - height / 2, width, height),
            landmarks=_back(patch, best.landmarks).astype(np.float32),
            score=max(best.score, face.score),
            roll=whole_tilt,
        )

    def _middle(self, rgb: Rgb, patch: NDArray[np.float64]) -> Face | None:
        """The surest face near the middle of a patch cut out by an affine map, in its pixels."""
        cut = cv2.warpAffine(rgb, patch, (PATCH, PATCH), borderMode=cv2.BORDER_REPLICATE)
        seen = [face for _, face in self._look(np.asarray(cut, dtype=np.uint8), 1.0)]
        seen = [face for face in seen if np.abs(_centre(face) - PATCH / 2).max() < PATCH / 4]
        return max(seen, key=lambda face: face.score, default=None)


def _agree(tilts: Sequence[float], least: float = LEVEL_FROM) -> bool:
    """Whether readings of a tilt, in degrees, are all beyond the least to the same side."""
    return not tilts or min(tilts) > least or max(tilts) < -least


def _back(matrix: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Points (n, 2) in a patch, in the image that an affine map cut it out of."""
    inverse = np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)
    return np.asarray(points @ inverse[:, :2].T + inverse[:, 2], dtype=np.float64)


def _asks_for_more(found: Sequence[tuple[float, Face]], scale: float) -> bool:
    """Whether an image shrunk to this scale shows small faces, or none."""
    if all(face.score < SCORE_THRESHOLD for _, face in found):
        return True
    return any(face.box[3] * scale < CLOSER_BELOW for _, face in found)


def _merged(found: Sequence[tuple[float, Face]]) -> list[Face]:
    """Each face once: of boxes that show the same one, that which counts most."""
    kept: list[Face] = []
    for _, face in sorted(found, key=lambda pair: -pair[0]):
        if not any(scales.is_same(face.box, other.box) for other in kept):
            kept.append(face)
    return kept


def _centre(face: Face) -> NDArray[np.float64]:
    left, top, width, height = face.box
    return np.array([left + width / 2, top + height / 2])


def roll(landmarks: NDArray[np.float32]) -> float:
    """Degrees clockwise by which a line through both eyes is tilted, -180 to 180."""
    across, down = landmarks[1].astype(float) - landmarks[0].astype(float)
    return float(np.degrees(np.arctan2(down, across)))


def _patch(
    face: Face, tilt: float, side: int = PATCH, reach: float = PATCH_REACH
) -> NDArray[np.float64]:
    """The affine map of a face with what is around it, its tilt taken back, to a square of so many
    pixels, which reaches so many boxes."""
    x, y = (float(value) for value in _centre(face))
    turn = cv2.getRotationMatrix2D((x, y), tilt, side / (reach * max(face.box[2:])))
    matrix = np.asarray(turn, dtype=np.float64)
    matrix[:, 2] += (side - 1) / 2 - np.array([x, y])
    return matrix


def square(face: Face, framing: Framing = FER_FRAMING) -> tuple[int, int, int]:
    """Left, top and side in pixels of the face's square crop; it may reach over the image."""
    left, top, width, height = face.box
    side = max(1, round(height * framing.side))
    x = left + width / 2 + framing.dx * height
    y = top + height / 2 + framing.dy * height
    return round(x - side / 2), round(y - side / 2), side


def crop(rgb: Rgb, face: Face, framing: Framing = FER_FRAMING) -> Rgb:
    """The square crop with the eyes level, (S, S, 3) uint8; beyond the image's edge its last pixels
    are repeated. The one way from a face to a network, in photos, videos and on the webcam."""
    left, top, side = square(face, framing)
    if face.roll != 0.0:
        return _level_crop(rgb, face, left, top, side)
    height, width = rgb.shape[:2]
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    return np.ascontiguousarray(rgb[rows[:, None], columns])


def _level_crop(rgb: Rgb, face: Face, left: int, top: int, side: int) -> Rgb:
    x, y = (float(value) for value in _centre(face))
    matrix = cv2.getRotationMatrix2D((x, y), face.roll, 1.0)
    matrix[:, 2] -= (left, top)
    cut = cv2.warpAffine(
        rgb, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, dtype=np.uint8)


def whole(rgb: Rgb) -> Rgb:
    """The largest centred square of an image, for one in which no face is found."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def gray_crop(rgb: Rgb, face: Face | None) -> Gray:
    """The gray face that the networks are given, of the crop's own size; None: the whole image."""
    return preprocessing.to_gray(whole(rgb) if face is None else crop(rgb, face))
