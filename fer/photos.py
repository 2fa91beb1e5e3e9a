"""Photos in, both models' answers out: what `fer predict` and the photo upload share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fer import drawing, emotions, faces, preprocessing
from fer.faces import Detector, Face
from fer.inference import Classifier, Prediction, agree
from fer.preprocessing import Rgb

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
COLUMNS = ("photo", "face", "left", "top", "width", "height", "model", "top1", *emotions.KEYS)


@dataclass(frozen=True)
class Answer:
    """One face of a photo with each model's prediction; `face` is None for the whole image."""

    face: Face | None
    predictions: dict[str, Prediction]

    @property
    def is_agreed(self) -> bool:
        """Whether every model has the same most probable emotion."""
        return agree(p.probabilities for p in self.predictions.values())


@dataclass(frozen=True)
class Photo:
    """A classified photo; no answers means that no face was found.

    The times are wall-clock seconds for the whole photo.
    """

    name: str
    answers: tuple[Answer, ...]
    detection_seconds: float
    prediction_seconds: float

    def record(self) -> dict[str, Any]:
        """The photo as plain JSON types."""
        return {
            "photo": self.name,
            "faces": [
                {
                    "box": None if a.face is None else [round(v) for v in a.face.box],
                    "score": None if a.face is None else round(a.face.score, 4),
                    "models": {
                        key: {
                            "top1": p.top1,
                            "confidence": {
                                name: round(float(p.probabilities[at]), 6)
                                for at, name in enumerate(emotions.KEYS)
                            },
                        }
                        for key, p in a.predictions.items()
                    },
                }
                for a in self.answers
            ],
        }

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each face and model, with the columns `COLUMNS`."""
        rows = []
        for number, face in enumerate(self.record()["faces"], start=1):
            left, top, width, height = face["box"] or (None, None, None, None)
            for key, answer in face["models"].items():
                rows.append(
                    {
                        "photo": self.name,
                        "face": number,
                        "left": left,
                        "top": top,
                        "width": width,
                        "height": height,
                        "model": key,
                        "top1": answer["top1"],
                        **answer["confidence"],
                    }
                )
        return rows


def read(path: Path) -> Rgb:
    """The image in a file, upright RGB. Raises as `preprocessing.read_image`."""
    return preprocessing.read_image(path)


def classify(
    rgb: Rgb, name: str, detector: Detector, classifier: Classifier, *, whole: bool = False
) -> Photo:
    """Both models' answers for every face of an RGB image, the largest face first.

    An image of 48x48 pixels is one of FER-2013's own crops and is taken whole, as in evaluation.

    Args:
        whole: classify the image's centre square if no face is found.
    """
    started = time.perf_counter()
    is_crop = rgb.shape[:2] == (preprocessing.FER_SIZE, preprocessing.FER_SIZE)
    found: list[Face | None] = [None] if is_crop else list(detector.detect(rgb))
    detected = time.perf_counter()
    if not found and whole:
        found = [None]
    crops = [faces.whole(rgb) if face is None else faces.crop(rgb, face) for face in found]
    predictions = classifier.predict([preprocessing.to_gray(crop) for crop in crops])
    return Photo(
        name,
        tuple(
            Answer(face, prediction) for face, prediction in zip(found, predictions, strict=True)
        ),
        detected - started,
        time.perf_counter() - detected,
    )


def for_display(rgb: Rgb, longest: int = 1280) -> Rgb:
    """The image no larger than a screen shows: its longest side at most that many pixels."""
    scale = longest / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def annotated(rgb: Rgb, photo: Photo, colour: str, chosen: int = 0) -> Rgb:
    """A copy of the image with a numbered box around each face; the chosen one's box is thicker.

    Args:
        colour: "#RRGGBB".
    """
    outline = drawing.rgb_of(colour)
    canvas = rgb.copy()
    unit = max(1, round(max(rgb.shape[:2]) / 300))
    for number, answer in enumerate(photo.answers):
        if answer.face is None:
            continue
        left, top, width, height = (round(v) for v in answer.face.box)
        thickness = unit * (2 if number == chosen else 1)
        corner = (left + width, top + height)
        cv2.rectangle(canvas, (left, top), corner, outline, thickness)
        if len(photo.answers) > 1:
            cv2.putText(
                canvas,
                str(number + 1),
                (left, max(top - 2 * unit, 12 * unit)),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.45 * unit,
                outline,
                max(1, unit),
                cv2.LINE_AA,
            )
    return canvas
