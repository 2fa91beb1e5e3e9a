"""How both models bear spoilt faces: accuracy under each corruption and strength.

Corruptions are after Hendrycks & Dietterich 2019, on 48x48, each at five strengths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from fer.data.dataset import Dataset, Split
from fer.evaluation import evaluate, metrics
from fer.inference.calibrate import softmax
from fer.inference.classification import Classifier
from fer.progress import Progress
from fer.studies import regions
from fer.studies.records import (
    CorruptionFigures,
    RobustnessFigures,
    SampleAccuracy,
    Strength,
)
from fer.vision.faces import Detector
from fer.vision.preprocessing import FER_SIZE, Floats, Gray

IMAGES = 500
BATCH = 32
# Face (48, 48) uint8, its landmarks (5, 2), the strength, a generator; the spoilt face.
Spoil: TypeAlias = Callable[[Gray, Floats, float, np.random.Generator], Gray]


@dataclass(frozen=True)
class Corruption:
    """One way to spoil a face. `unit` says what its five strengths, mild to strong, count."""

    key: str
    unit: str
    strengths: tuple[float, ...]
    spoil: Spoil


def _rotation(face: Gray, _: Floats, degrees: float, rng: np.random.Generator) -> Gray:
    centre = (FER_SIZE - 1) / 2
    angle = degrees if rng.random() < 0.5 else -degrees
    turn = cv2.getRotationMatrix2D((centre, centre), angle, 1.0)
    return _uint8(
        cv2.warpAffine(face, turn, (FER_SIZE, FER_SIZE), borderMode=cv2.BORDER_REFLECT_101)
    )


def _blur(face: Gray, _: Floats, sigma: float, __: np.random.Generator) -> Gray:
    return _uint8(cv2.GaussianBlur(face, (0, 0), sigma))


def _noise(face: Gray, _: Floats, sigma: float, rng: np.random.Generator) -> Gray:
    return _uint8(face + rng.normal(0.0, sigma, face.shape))


def _brightness(face: Gray, _: Floats, shift: float, rng: np.random.Generator) -> Gray:
    return _uint8(face.astype(np.float32) + (shift if rng.random() < 0.5 else -shift))


def _contrast(face: Gray, _: Floats, factor: float, __: np.random.Generator) -> Gray:
    middle = float(face.mean())
    return _uint8((face - middle) * factor + middle)


def _resolution(face: Gray, _: Floats, side: float, __: np.random.Generator) -> Gray:
    small = cv2.resize(face, (int(side), int(side)), interpolation=cv2.INTER_AREA)
    return _uint8(cv2.resize(small, (FER_SIZE, FER_SIZE), interpolation=cv2.INTER_LINEAR))


def _occlusion(region: str) -> Spoil:
    def spoil(face: Gray, landmarks: Floats, share: float, rng: np.random.Generator) -> Gray:
        mask = regions.masks(landmarks)[region]
        rows = np.flatnonzero(mask.any(axis=1))
        if len(rows) == 0:
            return face
        # A bar of the region's width that covers this share of its height, around its middle.
        middle = (rows[0] + rows[-1]) / 2
        reach = share * (rows[-1] - rows[0] + 1) / 2
        spoilt = face.copy()
        covered = mask & (np.abs(np.arange(FER_SIZE) - middle)[:, None] <= reach)
        spoilt[covered] = np.uint8(round(float(face.mean())))
        return spoilt

    return spoil


def _uint8(image: object) -> Gray:
    return np.clip(np.rint(np.asarray(image, dtype=np.float32)), 0, 255).astype(np.uint8)


CORRUPTIONS: dict[str, Corruption] = {
    c.key: c
    for c in (
        Corruption("rotation", "degrees", (10, 20, 30, 45, 60), _rotation),
        Corruption("blur", "pixels", (0.5, 1.0, 1.5, 2.0, 3.0), _blur),
        Corruption("noise", "gray levels", (8, 16, 24, 36, 50), _noise),
        Corruption("brightness", "gray levels", (20, 40, 60, 80, 110), _brightness),
        Corruption("contrast", "factor", (0.7, 0.5, 0.35, 0.2, 0.1), _contrast),
        Corruption("resolution", "pixels a side", (36, 28, 20, 14, 10), _resolution),
        Corruption(
            "eyes_covered", "share of the height", (0.2, 0.4, 0.6, 0.8, 1.0), _occlusion("eyes")
        ),
        Corruption(
            "mouth_covered", "share of the height", (0.2, 0.4, 0.6, 0.8, 1.0), _occlusion("mouth")
        ),
    )
}


def study(
    data: Dataset,
    classifier: Classifier,
    detector: Detector,
    *,
    seed: int,
    images: int = IMAGES,
    progress: Progress | None = None,
) -> RobustnessFigures:
    """Accuracy of every model on a fixed sample of PrivateTest, whole and spoilt.

    Each image is spoilt in the same way for every model. Intervals are 95 % bootstraps over images.
    """
    rng = np.random.default_rng(seed)
    every = data.rows(Split.PRIVATE_TEST)
    rows = np.sort(rng.choice(every, min(images, len(every)), replace=False))
    faces, labels = data.images[rows], data.labels[rows]
    landmarks, _ = regions.find(faces, detector)
    steps = 1 + sum(len(c.strengths) for c in CORRUPTIONS.values())
    done = 0

    def measure(spoilt: NDArray[np.uint8]) -> dict[str, SampleAccuracy]:
        nonlocal done
        found: dict[str, SampleAccuracy] = {}
        for key, logits in evaluate.logits(
            classifier, spoilt, np.arange(len(spoilt)), BATCH
        ).items():
            probabilities = softmax(logits)
            found[key] = {
                "accuracy": metrics.top1_accuracy(labels, probabilities),
                "interval": metrics.accuracy_interval(labels, probabilities),
            }
        done += 1
        if progress is not None:
            progress(done, steps)
        return found

    clean = measure(faces)
    found: dict[str, CorruptionFigures] = {}
    for key, corruption in CORRUPTIONS.items():
        results: list[Strength] = []
        for position, strength in enumerate(corruption.strengths):
            draws = np.random.default_rng((seed, position))
            spoilt = np.stack(
                [
                    corruption.spoil(face, points, strength, draws)
                    for face, points in zip(faces, landmarks, strict=True)
                ]
            )
            results.append({"strength": strength, "models": measure(spoilt)})
        found[key] = {"unit": corruption.unit, "results": results}
    return {
        "split": Split.PRIVATE_TEST.value,
        "images": len(rows),
        "backend": classifier.backend,
        "clean": clean,
        "corruptions": found,
    }
