"""Photos in, both models' answers out, for `fer predict` and the photo upload alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from fer import emotions
from fer.inference.answered_face import AnsweredFace
from fer.inference.classification import Classifier
from fer.vision import faces, orientation, preprocessing
from fer.vision.faces import Detections, Detector, Face
from fer.vision.preprocessing import Rgb
from fer.vision.quality import Flaw

NO_FACE, NO_BOX = "no face found", (None,) * 4
# Of FER-2013's own crops, which are not searched.
CROP_SHAPE = (preprocessing.FER_SIZE, preprocessing.FER_SIZE)
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
    detector, 0-1. flaws: why it is hard to read (`quality.Flaw`). models: answers by model key.
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

    turns: quarter turns anticlockwise that set it upright; boxes of faces are in pixels of the
    upright image (`upright`). size: width and height of that image. too_small: faces too small to
    judge. The times are wall-clock seconds for the whole photo.
    """

    name: str
    answers: tuple[AnsweredFace, ...]
    detection_seconds: float
    prediction_seconds: float
    turns: int
    size: tuple[int, int]
    too_small: int

    @property
    def turned(self) -> int:
        """Degrees clockwise by which the photo was set upright: 0, 90, 180 or 270."""
        return 90 * (-self.turns % 4)

    @property
    def largest(self) -> int:
        """Index of the largest face's answer, which is shown first."""
        return faces.largest([answer.face for answer in self.answers])

    def upright(self, rgb: Rgb) -> Rgb:
        """Return the image that was classified, set upright."""
        return orientation.turned(rgb, self.turns)

    def record(self) -> PhotoRecord:
        """Return the photo as plain JSON types."""
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
                            "confidence": dict(
                                zip(emotions.KEYS, p.probabilities.round(6).tolist(), strict=True)
                            ),
                        }
                        for key, p in a.predictions.items()
                    },
                }
                for a in self.answers
            ],
        }

    def to_dict(self) -> PrintedPhoto:
        """Return the photo as `fer predict --json` prints it."""
        return {**self.record(), "problem": None if self.answers else NO_FACE}

    def rows(self) -> list[dict[str, object]]:
        """Return a flat row for each face and model, with the columns `COLUMNS`."""
        return [
            {
                "photo": self.name,
                "turned": self.turned,
                "too_small": self.too_small,
                "face": number,
                **dict(zip(("left", "top", "width", "height"), face["box"] or NO_BOX, strict=True)),
                "tilt": face["tilt"],
                "score": face["score"],
                "doubtful": face["doubtful"],
                "flaws": " ".join(face["flaws"]),
                "model": key,
                "top1": answered["top1"],
                **answered["confidence"],
            }
            for number, face in enumerate(self.record()["faces"], start=1)
            for key, answered in face["models"].items()
        ]


def classify(
    rgb: Rgb, name: str, detector: Detector, classifier: Classifier, *, whole: bool = False
) -> Photo:
    """Classify every face of an RGB image with both models, from left to right.

    An image that lies on its side or head is set upright if its faces are clearly surer then. An
    image of 48x48 pixels is one of FER-2013's own crops and is taken whole, as in evaluation; with
    `whole`, so is the centre square of any other in which no face is found. Raises as
    `preprocessing.require_rgb`.
    """
    started = time.perf_counter()
    turns, detections = search(rgb, detector)
    upright = orientation.turned(rgb, turns)
    detected_at = time.perf_counter()
    classified: Sequence[Face | None] = detections.faces
    if not classified and (whole or rgb.shape[:2] == CROP_SHAPE):
        classified = [None]
    crops = [faces.gray_crop(upright, face) for face in classified]
    return Photo(
        name,
        tuple(map(AnsweredFace, classified, crops, classifier.predict(crops))),
        detection_seconds=detected_at - started,
        prediction_seconds=time.perf_counter() - detected_at,
        turns=turns,
        size=(upright.shape[1], upright.shape[0]),
        too_small=detections.too_small,
    )


def search(rgb: Rgb, detector: Detector) -> tuple[int, Detections]:
    """Set a photo upright; return the quarter turns anticlockwise and the faces found then, from
    left to right. FER-2013's own crops are not searched. Raises as `preprocessing.require_rgb`."""
    preprocessing.require_rgb(rgb)
    if rgb.shape[:2] == CROP_SHAPE:
        return 0, Detections(())
    turns, detections = orientation.set_upright(rgb, detector)
    from_left_to_right = sorted(detections.faces, key=lambda face: face.box[:2])
    return turns, replace(detections, faces=tuple(from_left_to_right))
