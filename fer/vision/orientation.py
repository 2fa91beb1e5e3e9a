"""Pictures and streams that lie on their side or head, without any mark of it: set upright."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from fer.vision import scales
from fer.vision.faces import Face, Found
from fer.vision.preprocessing import Rgb

# With a face as sure as this no other way up is tried: portraits have 0.93 and more, upside down
# up to 0.89.
SURELY_UPRIGHT = 0.91
# Turned, the faces must be sure themselves and surer than before by so much: of 1,126 upright faces
# of PublicTest one is turned then, of 160 turned ones of Training 146 are set upright.
SURE_TURNED, SURER_BY = 0.75, 0.05
# And the surest must be found again when it is cut out: a portrait's `steadiness` is 0.9, 93 in 100
# PublicTest faces have more than this, of what is found in turned ones 9, the cat that looks like a
# face upside down has 0.0.
STEADY_TURNED = 0.6
# What is turned on trial: the largest faces with what is around them; the whole image where there
# is none, or only doubtful ones.
TRIED_FACES, PATCH_SIDE, WHOLE_SIDE = 3, 128, 352
# Seconds after which a stream without a sure face is looked at again.
LOOK_AGAIN = 2.0
# A stream is turned where so many looks in a row, over so many seconds, ask for the same: a frame
# that is blurred or came damaged over a busy network asks for any.
AGREEING_LOOKS, AGREEING_SECONDS = 3, 0.5


class Finder(Protocol):
    """Something that finds faces, as `faces.Detector` does."""

    def search(self, rgb: Rgb) -> Found: ...

    def surest(self, rgb: Rgb) -> float:
        """The score of the surest face, 0 if there is none; `faces.Detector` spends less on it."""
        return max((face.score for face in self.search(rgb).faces), default=0.0)

    def steadiness(self, rgb: Rgb, face: Face) -> float:
        """The mean score of a face in several looks at it alone, as `faces.Detector` takes them."""
        return face.score


def turned(rgb: Rgb, turns: int) -> Rgb:
    """The image turned anticlockwise by so many quarter turns; itself for none."""
    return np.ascontiguousarray(np.rot90(rgb, turns)) if turns % 4 else rgb


def quarter_turns(rgb: Rgb, finder: Finder, faces: Sequence[Face]) -> int:
    """How many quarter turns anticlockwise set an image upright, 0-3.

    0 unless faces are clearly surer another way up; the detector knows upright faces best.

    Args:
        faces: what was found in the image as it is, the largest first.
    """
    if is_surely_upright(faces):
        return 0
    known = [face for face in faces if not face.is_doubtful]
    if known:
        tried = [_around(rgb, face) for face in known[:TRIED_FACES]]
        scores = [float(np.mean([finder.surest(patch) for patch in tried]))]
    else:
        tried = [scales.shrunk(rgb, WHOLE_SIDE)[0]]
        scores = [max((face.score for face in faces), default=0.0)]
    for turns in range(1, 4):
        scores.append(float(np.mean([finder.surest(turned(patch, turns)) for patch in tried])))
    best = int(np.argmax(scores))
    is_clear = scores[best] >= SURE_TURNED and scores[best] >= scores[0] + SURER_BY
    return best if is_clear else 0


def is_surely_upright(faces: Sequence[Face]) -> bool:
    """Whether one of the faces leaves no doubt about which way up the image is."""
    return any(face.score >= SURELY_UPRIGHT for face in faces)


def search(rgb: Rgb, finder: Finder) -> tuple[int, Found]:
    """The quarter turns anticlockwise that set an image upright, and what is found in it then."""
    return set_upright(rgb, finder, finder.search(rgb))


def set_upright(rgb: Rgb, finder: Finder, found: Found) -> tuple[int, Found]:
    """The same for an image of which it is known what is found in it as it is: a turn is believed
    only if the surest face of the turned image is found again when it is cut out."""
    turns = quarter_turns(rgb, finder, found.faces)
    if turns:
        upright = turned(rgb, turns)
        turned_found = finder.search(upright)
        surest = max(turned_found.faces, key=lambda face: face.score, default=None)
        if surest is not None and finder.steadiness(upright, surest) >= STEADY_TURNED:
            return turns, turned_found
    return 0, found


class Upright:
    """Which way up a stream stands: asked when faces come, again now and then while none of them is
    sure, and decided when several looks agree. Not to be shared between threads."""

    def __init__(self) -> None:
        self.turns = 0
        self._had_faces = False
        self._again = float("-inf")
        # The turn that the last look asked for, how many in a row did, and since when.
        self._wish, self._looks, self._since = 0, 0, 0.0

    def search(self, rgb: Rgb, finder: Finder, at: float) -> tuple[Rgb, Found]:
        """A frame set upright and what is found in it; nothing while it is in doubt which way up
        the stream stands.

        Args:
            at: when it was taken, in seconds on any clock.
        """
        upright = turned(rgb, self.turns)
        found = finder.search(upright)
        is_new = bool(found.faces) and not self._had_faces
        self._had_faces = bool(found.faces)
        if is_surely_upright(found.faces):
            self._wish = 0
            return upright, found
        if not (is_new or self._wish or at >= self._again):
            return upright, found
        self._again = at + LOOK_AGAIN
        more, turned_found = set_upright(upright, finder, found)
        if more != self._wish:
            self._wish, self._looks, self._since = more, 0, at
        self._looks += 1
        if not more:
            return upright, found
        if self._looks < AGREEING_LOOKS or at - self._since < AGREEING_SECONDS:
            return upright, Found(())
        self._wish = 0
        self.turns = (self.turns + more) % 4
        return turned(rgb, self.turns), turned_found


def _around(rgb: Rgb, face: Face) -> Rgb:
    """A square with the face in its middle, twice as large."""
    left, top, width, height = face.box
    scale = PATCH_SIDE / (2 * max(width, height, 1.0))
    matrix = np.array(
        [
            [scale, 0.0, PATCH_SIDE / 2 - scale * (left + width / 2)],
            [0.0, scale, PATCH_SIDE / 2 - scale * (top + height / 2)],
        ]
    )
    patch = cv2.warpAffine(rgb, matrix, (PATCH_SIDE, PATCH_SIDE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(patch, dtype=np.uint8)
