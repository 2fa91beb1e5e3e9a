"""An image in several sizes and in tiles, for a detector that finds faces of some sizes only."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from fer.vision.preprocessing import Rgb

Box = tuple[float, float, float, float]
# Of all tiles of an image together: a face of 40 pixels in an image of 4,000 still has 33.
MOST_PIXELS = 8_000_000
TILE, OVERLAP = 1024, 160
# Two boxes show one face if their intersection over union exceeds LEAST_OVERLAP, or if more than
# PART_OF_FACE of the smaller one lies in the other.
LEAST_OVERLAP, PART_OF_FACE = 0.3, 0.7


def shrunk(rgb: Rgb, longest: int) -> tuple[Rgb, float]:
    """Return the image with its longer side at most `longest` pixels, and its scale, at most 1."""
    height, width = rgb.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1.0:
        return rgb, scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def tiles(rgb: Rgb) -> Iterator[tuple[Rgb, float, float, float]]:
    """Yield overlapping tiles of equal size of the image shrunk to `MOST_PIXELS`: pixels, left and
    top in the image itself, scale."""
    within = min(1.0, (MOST_PIXELS / (rgb.shape[0] * rgb.shape[1])) ** 0.5)
    large, scale = shrunk(rgb, max(1, round(max(rgb.shape[:2]) * within)))
    (rows, tall), (columns, wide) = (_tile_starts(side) for side in large.shape[:2])
    for top in rows:
        for left in columns:
            tile = np.ascontiguousarray(large[top : top + tall, left : left + wide])
            yield tile, left / scale, top / scale, scale


def _tile_starts(length: int) -> tuple[list[int], int]:
    """Return where overlapping tiles of equal length begin, and that length."""
    if length <= TILE:
        return [0], length
    count = -(-(length - OVERLAP) // (TILE - OVERLAP))
    side = -(-(length + (count - 1) * OVERLAP) // count)
    return [min(n * (side - OVERLAP), length - side) for n in range(count)], side


def iou(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes (left, top, width, height), 0-1."""
    common = _intersection(one, other)
    return common and common / (one[2] * one[3] + other[2] * other[3] - common)


def is_same(one: Box, other: Box) -> bool:
    """Return whether boxes (left, top, width, height) show one face, or one a part of the other."""
    smaller = min(one[2] * one[3], other[2] * other[3])
    return iou(one, other) > LEAST_OVERLAP or _intersection(one, other) > PART_OF_FACE * smaller


def _intersection(one: Box, other: Box) -> float:
    """Return the area that two boxes have in common."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(across, 0.0) * max(down, 0.0)
