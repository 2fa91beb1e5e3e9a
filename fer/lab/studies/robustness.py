"""Robustness of both models to spoilt faces: accuracy under each corruption, at five strengths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer.data.dataset import Dataset, Split
from fer.evaluation import metrics
from fer.inference.calibrate import softmax
from fer.inference.classification import Classifier
from fer.lab.evaluation import evaluate
from fer.progress import Progress
from fer.studies.records import (
    CorruptionFigures,
    RobustnessFigures,
    SampleAccuracy,
    Strength,
)
from fer.vision import regions
from fer.vision.corruptions import CORRUPTIONS
from fer.vision.faces import Detector

IMAGES = 500


def study(
    data: Dataset,
    classifier: Classifier,
    detector: Detector,
    *,
    seed: int,
    progress: Progress | None = None,
) -> RobustnessFigures:
    """Measure the accuracy of every model on a fixed sample of PrivateTest, clean and spoilt.

    Each image is spoilt in the same way for every model. Intervals are 95 % bootstraps over images.
    """
    rng = np.random.default_rng(seed)
    all_rows = data.rows(Split.PRIVATE_TEST)
    rows = np.sort(rng.choice(all_rows, min(IMAGES, len(all_rows)), replace=False))
    faces, labels = data.images[rows], data.labels[rows]
    landmarks, _ = regions.find(faces, detector)
    steps = 1 + sum(len(c.strengths) for c in CORRUPTIONS.values())
    done = 0

    def measure(spoilt: NDArray[np.uint8]) -> dict[str, SampleAccuracy]:
        nonlocal done
        accuracies: dict[str, SampleAccuracy] = {}
        for key, logits in evaluate.logits(classifier, spoilt).items():
            probabilities = softmax(logits)
            accuracies[key] = {
                "accuracy": metrics.top1_accuracy(labels, probabilities),
                "interval": metrics.accuracy_interval(labels, probabilities),
            }
        done += 1
        if progress is not None:
            progress(done, steps)
        return accuracies

    clean = measure(faces)
    figures: dict[str, CorruptionFigures] = {}
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
        figures[key] = {"unit": corruption.unit, "results": results}
    return {
        "split": Split.PRIVATE_TEST.value,
        "images": len(rows),
        "backend": classifier.backend,
        "clean": clean,
        "corruptions": figures,
    }
