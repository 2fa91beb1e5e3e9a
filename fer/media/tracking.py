"""Faces that keep their number from frame to frame, and confidences that do not flicker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fer.vision.faces import Face
from fer.vision.scales import Box, iou

# Boxes of one face in consecutive frames overlap by far more; those of two people by less.
LEAST_OVERLAP = 0.3
# A face that moves fast or is small leaves its box from one look to the next: it is still the same
# as long as it is no further away than its size, and about as large.
FURTHEST, MOST_GROWTH = 1.0, 1.6
# A face that a few frames miss, as when a hand passes, is still the same.
PATIENCE = 8


class Tracker:
    """Numbers faces by their overlap with the faces before (Bochinski et al. 2017, IOU tracker),
    those that are left by their distance.

    Numbers begin at 1 and are never given twice; faces that come at once get theirs from left to
    right. Not to be shared between threads.
    """

    def __init__(self) -> None:
        self._tracks: dict[int, tuple[Box, int]] = {}
        self._given = 0

    def update(self, faces: Sequence[Face]) -> list[int]:
        """The number of each face of the next frame, in their order."""
        numbers: dict[int, int] = {}
        for closeness, least in ((iou, LEAST_OVERLAP), (nearness, 0.0)):
            pairs = sorted(
                (
                    (closeness(face.box, box), position, number)
                    for position, face in enumerate(faces)
                    for number, (box, _) in self._tracks.items()
                ),
                reverse=True,
            )
            for share, position, number in pairs:
                if share <= least:
                    break
                if position not in numbers and number not in numbers.values():
                    numbers[position] = number
        for position in sorted(range(len(faces)), key=lambda at: faces[at].box[:2]):
            if position not in numbers:
                self._given += 1
                numbers[position] = self._given
        missed = {
            number: (box, misses + 1)
            for number, (box, misses) in self._tracks.items()
            if number not in numbers.values() and misses < PATIENCE
        }
        seen = {numbers[position]: (face.box, 0) for position, face in enumerate(faces)}
        self._tracks = missed | seen
        return [numbers[position] for position in range(len(faces))]

    def forget(self) -> None:
        """Ends all tracks, as where a film cuts to another shot: every face is a new one."""
        self._tracks = {}

    def is_known(self, number: int) -> bool:
        """Whether a face of that number was seen lately."""
        return number in self._tracks


class Smoother:
    """Exponentially weighted probabilities of each face and model.

    After `half_life` seconds a past frame counts half; 0 shows every frame as it is. Weighting by
    time, not by frame, makes it act alike on fast and slow machines. Not to be shared between
    threads.
    """

    def __init__(self, half_life: float = 0.0) -> None:
        self.half_life = half_life
        self._kept: dict[tuple[int, str], tuple[float, NDArray[np.float64]]] = {}

    def update(
        self, number: int, probabilities: Mapping[str, NDArray[np.float64]], now: float
    ) -> dict[str, NDArray[np.float64]]:
        """The smoothed probabilities (7,) of a face by model key; they still sum to 1.

        Args:
            now: when the frame was taken, in seconds on any clock.
        """
        smoothed = {}
        for key, fresh in probabilities.items():
            then, before = self._kept.get((number, key), (now, fresh))
            past = 0.5 ** ((now - then) / self.half_life) if self.half_life > 0 else 0.0
            smoothed[key] = past * before + (1 - past) * fresh
            self._kept[number, key] = (now, smoothed[key])
        return smoothed

    def forget(self, tracker: Tracker) -> None:
        """Drops the faces that the tracker has lost."""
        self._kept = {at: kept for at, kept in self._kept.items() if tracker.is_known(at[0])}


def nearness(one: Box, other: Box) -> float:
    """1 for boxes (left, top, width, height) with the same centre down to 0 for those `FURTHEST`
    times their side apart; 0, too, where one is more than `MOST_GROWTH` times as large."""
    sides = sorted((max(one[2:]), max(other[2:])))
    if sides[1] > MOST_GROWTH * sides[0]:
        return 0.0
    across = one[0] + one[2] / 2 - other[0] - other[2] / 2
    down = one[1] + one[3] / 2 - other[1] - other[3] / 2
    return max(0.0, 1.0 - float(np.hypot(across, down)) / (FURTHEST * sum(sides) / 2))
