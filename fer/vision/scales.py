"""An image in several sizes and in tiles, for a detector that knows faces of some sizes only."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from fer.vision.preprocessing import Rgb

Box = tuple[float, float, float, float]
# Tiles of an image with at most so many pixels together: a face of 40 pixels in 4,000 is still 33.
MOST_PIXELS = 8_000_000
TILE, OVERLAP = 1024, 160
# One face found twice: boxes that overlap (intersection over union), or a part of it (over the
# smaller one).
LEAST_OVERLAP, PART_OF_FACE = 0.3, 0.7


def shrunk(rgb: Rgb, longest: int) -> tuple[Rgb, float]:
    """The image with its longer side at most so many pixels long, and its scale, at most 1."""
    height, width = rgb.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1.0:
        return rgb, scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def tiles(rgb: Rgb) -> Iterator[tuple[Rgb, float, float, float]]:
    """Overlapping tiles of equal size of the image shrunk to `MOST_PIXELS`: pixels, left and top
    in the image itself, scale."""
    within = min(1.0, (MOST_PIXELS / (rgb.shape[0] * rgb.shape[1])) ** 0.5)
    large, scale = shrunk(rgb, max(1, round(max(rgb.shape[:2]) * within)))
    (rows, tall), (columns, wide) = (_cut(side) for side in large.shape[:2])
    for top in rows:
        for left in columns:
            tile = np.ascontiguousarray(large[top : top + tall, left : left + wide])
            yield tile, left / scale, top / scale, scale


def _cut(length: int) -> tuple[list[int], int]:
    """Where overlapping tiles of equal length begin, and that length."""
    if length <= TILE:
        return [0], length
    count = -(-(length - OVERLAP) // (TILE - OVERLAP))
    side = -(-(length + (count - 1) * OVERLAP) // count)
    return [min(n * (side - OVERLAP), length - side) for n in range(count)], side


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes (left, top, width, height), 0-1."""
    shared = _shared(one, other)
    return shared and shared / (one[2] * one[3] + other[2] * other[3] - shared)


def is_same(one: Box, other: Box) -> bool:
    """Whether two boxes (left, top, width, height) show one face, or a part of it."""
    smaller = min(one[2] * one[3], other[2] * other[3])
    return iou(one, other) > LEAST_OVERLAP or _shared(one, other) > PART_OF_FACE * smaller


def _shared(one: Box, other: Box) -> float:
    """The area that two boxes have in common."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(across, 0.0) * max(down, 0.0)
