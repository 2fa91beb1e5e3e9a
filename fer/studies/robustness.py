"""How both models bear spoilt faces: accuracy under each corruption and strength."""

from __future__ import annotations

from typing import Any

import numpy as np

from fer.data.dataset import Dataset, Split
from fer.evaluation import evaluate, metrics
from fer.inference import classification
from fer.inference.classification import Classifier
from fer.progress import Progress
from fer.studies import regions
from fer.studies.corruptions import CORRUPTIONS
from fer.vision.faces import Detector

IMAGES = 500
BATCH = 32


def study(
    data: Dataset,
    classifier: Classifier,
    detector: Detector,
    *,
    seed: int,
    images: int = IMAGES,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Accuracy of every model on a fixed sample of PrivateTest, whole and spoilt, as JSON types.

    Each image is spoilt in the same way for every model. Intervals are 95 % bootstraps over images.
    """
    rng = np.random.default_rng(seed)
    every = data.rows(Split.PRIVATE_TEST)
    rows = np.sort(rng.choice(every, min(images, len(every)), replace=False))
    faces, labels = data.images[rows], data.labels[rows]
    landmarks, _ = regions.find(faces, detector)
    steps = 1 + sum(len(c.strengths) for c in CORRUPTIONS.values())
    done = 0

    def measure(spoilt: Any) -> dict[str, dict[str, Any]]:
        nonlocal done
        found = {}
        for key, logits in evaluate.logits(
            classifier, spoilt, np.arange(len(spoilt)), BATCH
        ).items():
            probabilities = classification.softmax(logits)
            found[key] = {
                "accuracy": metrics.top1_accuracy(labels, probabilities),
                "interval": metrics.accuracy_interval(labels, probabilities, seed),
            }
        done += 1
        if progress is not None:
            progress(done, steps)
        return found

    record: dict[str, Any] = {
        "split": Split.PRIVATE_TEST.value,
        "images": len(rows),
        "backend": classifier.backend,
        "clean": measure(faces),
        "corruptions": {},
    }
    for key, corruption in CORRUPTIONS.items():
        results = []
        for position, strength in enumerate(corruption.strengths):
            draws = np.random.default_rng((seed, position))
            spoilt = np.stack(
                [
                    corruption.spoil(face, points, strength, draws)
                    for face, points in zip(faces, landmarks, strict=True)
                ]
            )
            results.append({"strength": strength, "models": measure(spoilt)})
        record["corruptions"][key] = {"unit": corruption.unit, "results": results}
    return record
