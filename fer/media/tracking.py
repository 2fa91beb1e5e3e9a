"""Faces that keep their number from frame to frame, and confidences that do not flicker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fer.inference.classification import Prediction
from fer.vision.faces import Face
from fer.vision.scales import Box, iou

# Boxes of one face in consecutive frames overlap by far more; those of two people by less.
LEAST_OVERLAP = 0.3
# A fast or small face may leave its box between two frames: it is the same as long as it moved by
# no more than FURTHEST times its size and is at most MOST_GROWTH times as large or as small.
FURTHEST, MOST_GROWTH = 1.0, 1.6
# So many frames may miss a face, as when a hand passes, and it is still the same.
PATIENCE = 8


class Tracker:
    """Numbers faces by their overlap with those of earlier frames (Bochinski et al. 2017, IOU
    tracker), the remaining ones by their distance.

    Numbers begin at 1 and are never given twice; faces that appear at once are numbered from left
    to right. Not to be shared between threads.
    """

    def __init__(self) -> None:
        self._tracks: dict[int, tuple[Box, int]] = {}
        self._last_number = 0

    def update(self, faces: Sequence[Face]) -> list[int]:
        """Return the number of each face of the next frame, in their order."""
        numbers: dict[int, int] = {}
        for similarity, minimum in ((iou, LEAST_OVERLAP), (nearness, 0.0)):
            pairs = sorted(
                (
                    (similarity(face.box, box), position, number)
                    for position, face in enumerate(faces)
                    for number, (box, _) in self._tracks.items()
                ),
                reverse=True,
            )
            for score, position, number in pairs:
                if score <= minimum:
                    break
                if position not in numbers and number not in numbers.values():
                    numbers[position] = number
        for position in sorted(range(len(faces)), key=lambda place: faces[place].box[:2]):
            if position not in numbers:
                self._last_number += 1
                numbers[position] = self._last_number
        lost = {
            number: (box, misses + 1)
            for number, (box, misses) in self._tracks.items()
            if number not in numbers.values() and misses < PATIENCE
        }
        visible = {numbers[position]: (face.box, 0) for position, face in enumerate(faces)}
        self._tracks = lost | visible
        return [numbers[position] for position in range(len(faces))]

    def forget(self) -> None:
        """End all tracks, as where a film cuts to another shot: its faces get new numbers."""
        self._tracks = {}

    def is_known(self, number: int) -> bool:
        """Return whether a face of that number was in one of the last frames."""
        return number in self._tracks


class Smoother:
    """Exponentially weighted probabilities of each face and model.

    After `half_life` seconds a past frame counts half; 0 shows every frame as it is. Weighting by
    time, not by frame, makes it act alike on fast and slow machines. Not to be shared between
    threads.
    """

    def __init__(self, half_life: float) -> None:
        self.half_life = half_life
        self._last: dict[tuple[int, str], tuple[float, Prediction]] = {}

    def update(
        self, number: int, predictions: Mapping[str, Prediction], now: float
    ) -> dict[str, Prediction]:
        """Return the smoothed predictions of a face by model key; they still sum to 1. `now`: the
        time of the frame, in seconds on any clock."""
        # Another thread may set it meanwhile.
        half_life, smoothed = self.half_life, {}
        for key, current in predictions.items():
            last_time, last = self._last.get((number, key), (now, current))
            past_weight = 0.5 ** ((now - last_time) / half_life) if half_life > 0 else 0.0
            past = past_weight * last.probabilities
            smoothed[key] = Prediction(key, past + (1 - past_weight) * current.probabilities)
            self._last[number, key] = (now, smoothed[key])
        return smoothed

    def forget(self, tracker: Tracker) -> None:
        """Drop the faces that the tracker has lost."""
        self._last = {k: last for k, last in self._last.items() if tracker.is_known(k[0])}


def nearness(one: Box, other: Box) -> float:
    """Return 1 for boxes (left, top, width, height) with the same centre, less with their distance,
    0 from `FURTHEST` times their side on; 0, too, if one is over `MOST_GROWTH` times as large."""
    sides = sorted((max(one[2:]), max(other[2:])))
    if sides[1] > MOST_GROWTH * sides[0]:
        return 0.0
    across = one[0] + one[2] / 2 - other[0] - other[2] / 2
    down = one[1] + one[3] / 2 - other[1] - other[3] / 2
    return max(0.0, 1.0 - float(np.hypot(across, down)) / (FURTHEST * sum(sides) / 2))
