"""Drawing faces' boxes and both models' answers on a frame of video."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from PIL import Image, ImageColor

from fer.inference.answered_face import AnsweredFace
from fer.scenarios import SCENARIOS
from fer.vision.faces import Face
from fer.vision.preprocessing import Rgb

FONT = cv2.FONT_HERSHEY_SIMPLEX
INK = (15, 23, 42)
# Pieces of each side of a dashed box.
DASHES = 6


def answers(rgb: Rgb, faces: Sequence[AnsweredFace], names: Mapping[str, str]) -> Rgb:
    """Return a copy of the frame with each face's box, each model's answer, and, if there are
    several faces, their numbers.

    Each model's line stands on a strip of its colour above the box, or below it where there is no
    room above. A doubtful face has a dashed box and a question mark. `names`: each emotion's name
    in ASCII, which is all that OpenCV can write.
    """
    canvas = rgb.copy()
    scale = max(0.4, min(rgb.shape[:2]) / 900)
    line = round(38 * scale) + 2
    for answered in faces:
        face = answered.face
        if face is None:
            continue
        left, top = (round(float(value)) for value in face.corners.min(axis=0))
        bottom = round(float(face.corners[:, 1].max()))
        thickness = max(1, round(3 * scale))
        outline(canvas, face, (255, 255, 255), thickness)
        mark = "?" if face.is_doubtful else ""
        # A single face needs no number.
        prefix = f"{answered.number}{mark} " if len(faces) > 1 or mark else ""
        strips = [
            (
                ImageColor.getrgb(SCENARIOS[key].colour),
                f"{prefix}{key}: {names[p.top1]} {100 * p.confidence:.0f}%",
            )
            for key, p in answered.predictions.items()
        ]
        if top < line * len(strips):
            top = max(0, min(bottom, rgb.shape[0] - line * len(strips)))
        else:
            top -= line * len(strips)
        for colour, text in strips:
            (width, height), _ = cv2.getTextSize(text, FONT, scale, 1)
            start = max(0, min(left, rgb.shape[1] - width - 6))
            corner = (start + width + 6, top + line - 1)
            cv2.rectangle(canvas, (start, top), corner, colour, cv2.FILLED)
            baseline = (start + 3, top + (line + height) // 2)
            cv2.putText(canvas, text, baseline, FONT, scale, INK, 1, cv2.LINE_AA)
            top += line
    return canvas


def png(rgb: Rgb, faces: Sequence[AnsweredFace], names: Mapping[str, str]) -> bytes:
    """Return the frame with its answers, see `answers`, as PNG."""
    stream = io.BytesIO()
    Image.fromarray(answers(rgb, faces, names)).save(stream, "PNG")
    return stream.getvalue()


def numbered(rgb: Rgb, faces: Sequence[AnsweredFace], colour: str, chosen: int = 0) -> Rgb:
    """Return a copy of the upright image with a numbered box of this colour ("#RRGGBB") around each
    face: thicker around the chosen face, dashed around a doubtful one."""
    ink = ImageColor.getrgb(colour)
    canvas = rgb.copy()
    line_width = max(1, round(max(rgb.shape[:2]) / 300))
    for number, answer in enumerate(faces):
        if answer.face is None:
            continue
        left, top = (int(v) for v in answer.face.corners.min(axis=0))
        thickness = line_width * (2 if number == chosen else 1)
        outline(canvas, answer.face, ink, thickness)
        if len(faces) > 1:
            place = (left, max(top - 2 * line_width, 12 * line_width))
            scale, label = 0.45 * line_width, str(number + 1)
            cv2.putText(canvas, label, place, FONT, scale, ink, line_width, cv2.LINE_AA)
    return canvas


def outline(canvas: Rgb, face: Face, colour: Sequence[int], thickness: int) -> None:
    """Draw a face's box into the picture, tilted as the head is; dashed if the face is doubtful."""
    corners = face.corners
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        pieces = DASHES if face.is_doubtful else 1
        for piece in range(pieces):
            ends = [piece / pieces, (piece + (0.5 if pieces > 1 else 1.0)) / pieces]
            begin, finish = (np.rint(start + share * (end - start)).astype(int) for share in ends)
            cv2.line(canvas, tuple(map(int, begin)), tuple(map(int, finish)), colour, thickness)
