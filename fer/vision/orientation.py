"""Setting pictures and streams upright that lie on their side or head without any mark of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from fer.vision import faces, scales
from fer.vision.faces import Detections, Face
from fer.vision.preprocessing import Rgb

# With a face of this score no other turn is tried: portraits have 0.93 and more, upside down up to
# 0.89.
SURELY_UPRIGHT = 0.91
# The faces of a turned image must have a score of SURE_TURNED, SURER_BY more than before: by this,
# 1 of 1,126 upright faces of PublicTest is turned, 146 of 160 turned ones of Training set upright.
SURE_TURNED, SURER_BY = 0.75, 0.05
# And the surest face must have this `steadiness` in a crop of it alone: a portrait has 0.9; of
# PublicTest faces 93 in 100 have more than this, of faces found in turned ones 9; the cat that
# looks like a face upside down has 0.0.
STEADY_TURNED = 0.6
# Turns are tried on the TRIED_FACES largest faces, PATCH_REACH box sizes around each at PATCH_SIDE
# pixels; on the whole image, at WHOLE_SIDE pixels, where there is no face or only doubtful ones.
TRIED_FACES, PATCH_SIDE, PATCH_REACH, WHOLE_SIDE = 3, 128, 2.0, 352
# Seconds after which a stream without a sure face is checked again.
LOOK_AGAIN = 2.0
# A stream is turned when AGREEING_LOOKS checks in a row, over AGREEING_SECONDS, find the same turn:
# a frame that is blurred or damaged by a busy network may ask for any.
AGREEING_LOOKS, AGREEING_SECONDS = 3, 0.5


class Finder(Protocol):
    """Something that finds faces, as `faces.Detector` does."""

    def search(self, rgb: Rgb) -> Detections: ...

    def surest(self, rgb: Rgb) -> float:
        """Return the score of the surest face, 0 if there is none; `faces.Detector` is faster."""
        return max((face.score for face in self.search(rgb).faces), default=0.0)

    def steadiness(self, rgb: Rgb, face: Face) -> float:
        """Return the mean score of a face in crops of it alone, as `faces.Detector` does."""
        return face.score


def turned(rgb: Rgb, turns: int) -> Rgb:
    """Return the image turned anticlockwise by so many quarter turns; the same array for none."""
    return np.ascontiguousarray(np.rot90(rgb, turns)) if turns % 4 else rgb


def is_surely_upright(faces: Sequence[Face]) -> bool:
    """Return whether one of the faces is so sure that the image must be upright."""
    return any(face.score >= SURELY_UPRIGHT for face in faces)


def set_upright(
    rgb: Rgb, finder: Finder, detections: Detections | None = None
) -> tuple[int, Detections]:
    """Return the quarter turns anticlockwise that set an image upright, 0-3, and the faces that it
    then has, the largest first; `detections` are those of the image as it is, if they are known.

    0 unless faces are clearly surer after a turn (the detector is surest of upright faces), and the
    surest is found again in a crop of it alone.
    """
    detections = finder.search(rgb) if detections is None else detections
    if is_surely_upright(detections.faces):
        return 0, detections
    sure_faces = [face for face in detections.faces if not face.is_doubtful]
    if sure_faces:
        maps = [faces.patch_map(f, 0.0, PATCH_SIDE, PATCH_REACH) for f in sure_faces[:TRIED_FACES]]
        patches = [faces.warp(rgb, patch_map, PATCH_SIDE) for patch_map in maps]
        scores = [float(np.mean([finder.surest(patch) for patch in patches]))]
    else:
        patches = [scales.shrunk(rgb, WHOLE_SIDE)[0]]
        scores = [max((face.score for face in detections.faces), default=0.0)]
    for turns in range(1, 4):
        scores.append(float(np.mean([finder.surest(turned(patch, turns)) for patch in patches])))
    best = int(np.argmax(scores))
    if best and scores[best] >= SURE_TURNED and scores[best] >= scores[0] + SURER_BY:
        upright = turned(rgb, best)
        turned_detections = finder.search(upright)
        surest = max(turned_detections.faces, key=lambda face: face.score, default=None)
        if surest is not None and finder.steadiness(upright, surest) >= STEADY_TURNED:
            return best, turned_detections
    return 0, detections


class Upright:
    """The quarter turns that set a stream upright: checked when faces appear and every
    `LOOK_AGAIN` seconds while none is sure, taken when several checks agree. Not to be shared
    between threads."""

    def __init__(self) -> None:
        self.turns = 0
        self._had_faces = False
        self._next_check = float("-inf")
        # The turn that the last check found, how many in a row found it, and since when.
        self._wanted, self._agreeing, self._since = 0, 0, 0.0

    def search(self, rgb: Rgb, finder: Finder, at: float) -> tuple[Rgb, Detections]:
        """Return a frame set upright and the faces found in it; no faces while it is in doubt how
        the stream must be turned. `at` is the time of the frame, in seconds on any clock."""
        upright = turned(rgb, self.turns)
        detections = finder.search(upright)
        is_new = bool(detections.faces) and not self._had_faces
        self._had_faces = bool(detections.faces)
        if is_surely_upright(detections.faces):
            self._wanted = 0
            return upright, detections
        if not (is_new or self._wanted or at >= self._next_check):
            return upright, detections
        self._next_check = at + LOOK_AGAIN
        extra_turns, turned_detections = set_upright(upright, finder, detections)
        if extra_turns != self._wanted:
            self._wanted, self._agreeing, self._since = extra_turns, 0, at
        self._agreeing += 1
        if not extra_turns:
            return upright, detections
        if self._agreeing < AGREEING_LOOKS or at - self._since < AGREEING_SECONDS:
            return upright, Detections(())
        self._wanted = 0
        self.turns = (self.turns + extra_turns) % 4
        return turned(rgb, self.turns), turned_detections
