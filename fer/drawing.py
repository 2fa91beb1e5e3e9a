"""Boxes and both models' answers drawn on a frame of video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2

from fer.preprocessing import Rgb
from fer.scenarios import SCENARIOS
from fer.watching import Watched

FONT = cv2.FONT_HERSHEY_SIMPLEX
INK = (15, 23, 42)


def people(rgb: Rgb, seen: Sequence[Watched], names: Mapping[str, str]) -> Rgb:
    """A copy of the frame with each face's box, number, and each model's top class on it.

    Each model's line stands on a strip of its colour above the box, or below it where there is no
    room above.

    Args:
        names: how each emotion is called; OpenCV's letters know ASCII only.
    """
    canvas = rgb.copy()
    scale = max(0.4, min(rgb.shape[:2]) / 900)
    line = round(38 * scale) + 2
    for person in seen:
        left, top, width, height = (round(value) for value in person.face.box)
        thickness = max(1, round(3 * scale))
        cv2.rectangle(canvas, (left, top), (left + width, top + height), (255, 255, 255), thickness)
        lines = [
            (key, f"{person.number} {names[answer.top1]} {100 * answer.confidence:.0f}%")
            for key, answer in person.predictions.items()
        ]
        first = top - line * len(lines)
        if first < 0:
            first = min(top + height, rgb.shape[0] - line * len(lines))
        for position, (key, words) in enumerate(lines):
            _strip(canvas, words, (left, first + position * line), line, scale, key)
    return canvas


def rgb_of(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0-255 each, of "#RRGGBB"."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def _strip(
    canvas: Rgb, words: str, corner: tuple[int, int], line: int, scale: float, key: str
) -> None:
    (width, height), _ = cv2.getTextSize(words, FONT, scale, 1)
    left = max(0, min(corner[0], canvas.shape[1] - width - 6))
    top = max(0, corner[1])
    colour = rgb_of(SCENARIOS[key].colour)
    cv2.rectangle(canvas, (left, top), (left + width + 6, top + line - 1), colour, cv2.FILLED)
    baseline = top + (line + height) // 2
    cv2.putText(canvas, words, (left + 3, baseline), FONT, scale, INK, 1, cv2.LINE_AA)
