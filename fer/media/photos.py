"""Photos in, both models' answers out: what `fer predict` and the photo upload share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from fer import emotions
from fer.inference.answered_face import AnsweredFace, answer
from fer.inference.classification import Classifier
from fer.vision import faces, orientation, preprocessing, scales, upload_gate
from fer.vision.faces import Detector, Face, Found
from fer.vision.preprocessing import Rgb
from fer.vision.quality import Flaw

NO_FACE = "no face found"
SUFFIXES = set(upload_gate.IMAGE_SUFFIXES)
COLUMNS = (
    *("photo", "turned", "too_small", "face", "left", "top", "width", "height", "tilt", "score"),
    *("doubtful", "flaws", "model", "top1", *emotions.KEYS),
)


class Answer(TypedDict):
    """A model's most probable emotion, and its confidence in each, 0-1."""

    top1: str
    confidence: dict[str, float]


class FaceRecord(TypedDict):
    """A face of a photo; box, tilt and score are None where the whole image was classified.

    box: left, top, width and height in pixels of the upright image. tilt: degrees. score: of the
    detector, 0-1. flaws: what makes it hard to read (`quality.Flaw`). models: answers by model key.
    """

    box: list[int] | None
    tilt: int | None
    score: float | None
    doubtful: bool
    flaws: list[Flaw]
    models: dict[str, Answer]


class PhotoRecord(TypedDict):
    """A photo's answers. size: width and height in pixels, upright. turned: degrees clockwise.
    too_small: faces too small to judge."""

    photo: str
    size: list[int]
    turned: int
    too_small: int
    faces: list[FaceRecord]


class PrintedPhoto(PhotoRecord):
    """A line of `fer predict --json`. problem: None where a face was found."""

    problem: str | None


@dataclass(frozen=True)
class Photo:
    """A classified photo; no answers means that no face was found.

    turns: by how many quarter turns anticlockwise it was set upright; faces lie in the upright
    image (`upright`). size: width and height of that. too_small: faces too small to judge. The
    times are wall-clock seconds for the whole photo.
    """

    name: str
    answers: tuple[AnsweredFace, ...]
    detection_seconds: float
    prediction_seconds: float
    turns: int = 0
    size: tuple[int, int] = (0, 0)
    too_small: int = 0

    @property
    def turned(self) -> int:
        """Degrees clockwise by which it was set upright: 0, 90, 180 or 270."""
        return 90 * (-self.turns % 4)

    @property
    def largest(self) -> int:
        """Which of the answers is the largest face's: what is looked at first."""
        return faces.largest([answer.face for answer in self.answers])

    def upright(self, rgb: Rgb) -> Rgb:
        """The image that was classified, set upright."""
        return orientation.turned(rgb, self.turns)

    def record(self) -> PhotoRecord:
        """The photo as plain JSON types."""
        return {
            "photo": self.name,
            "size": list(self.size),
            "turned": self.turned,
            "too_small": self.too_small,
            "faces": [
                {
                    "box": None if a.face is None else [round(v) for v in a.face.box],
                    "tilt": None if a.face is None else round(a.face.roll),
                    "score": None if a.face is None else round(a.face.score, 4),
                    "doubtful": a.is_doubtful,
                    "flaws": list(a.flaws),
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

    def to_dict(self) -> PrintedPhoto:
        """The photo as `fer predict --json` prints it."""
        return {**self.record(), "problem": None if self.answers else NO_FACE}

    def rows(self) -> list[dict[str, object]]:
        """A flat row for each face and model, with the columns `COLUMNS`."""
        rows: list[dict[str, object]] = []
        for number, face in enumerate(self.record()["faces"], start=1):
            left, top, width, height = face["box"] or (None, None, None, None)
            for key, answered in face["models"].items():
                rows.append(
                    {
                        "photo": self.name,
                        "turned": self.turned,
                        "too_small": self.too_small,
                        "face": number,
                        "left": left,
                        "top": top,
                        "width": width,
                        "height": height,
                        "tilt": face["tilt"],
                        "score": face["score"],
                        "doubtful": face["doubtful"],
                        "flaws": " ".join(face["flaws"]),
                        "model": key,
                        "top1": answered["top1"],
                        **answered["confidence"],
                    }
                )
        return rows


def read(path: str | Path) -> Rgb:
    """The image in a file, upright RGB. Raises as `preprocessing.read_image`."""
    return preprocessing.read_image(path)


def classify(
    rgb: Rgb, name: str, detector: Detector, classifier: Classifier, *, whole: bool = False
) -> Photo:
    """Both models' answers for every face of an RGB image, from left to right.

    An image that lies on its side or head is set upright where its faces are clearly surer then.
    One of 48x48 pixels is one of FER-2013's own crops and is taken whole, as in evaluation.

    Args:
        whole: classify the image's centre square if no face is found.

    Raises:
        FerError: as `preprocessing.require_rgb`.
    """
    started = time.perf_counter()
    turns, seen = search(rgb, detector)
    rgb = orientation.turned(rgb, turns)
    detected = time.perf_counter()
    found: list[Face | None] = list(seen.faces)
    if not found and (whole or _is_crop(rgb)):
        found = [None]
    answers = answer(found, [faces.gray_crop(rgb, face) for face in found], classifier)
    return Photo(
        name,
        answers,
        detected - started,
        time.perf_counter() - detected,
        turns,
        (rgb.shape[1], rgb.shape[0]),
        seen.too_small,
    )


def search(rgb: Rgb, detector: Detector) -> tuple[int, Found]:
    """The quarter turns anticlockwise that set a photo upright, and its faces then, from left to
    right; none are looked for in one of FER-2013's own crops. Raises as
    `preprocessing.require_rgb`."""
    preprocessing.require_rgb(rgb)
    if _is_crop(rgb):
        return 0, Found(())
    turns, found = orientation.search(rgb, detector)
    return turns, found.left_to_right()


def _is_crop(rgb: Rgb) -> bool:
    return rgb.shape[:2] == (preprocessing.FER_SIZE, preprocessing.FER_SIZE)


def for_display(rgb: Rgb, longest: int = 1280) -> Rgb:
    """The image no larger than a screen shows: its longest side at most that many pixels."""
    return scales.shrunk(rgb, longest)[0]
