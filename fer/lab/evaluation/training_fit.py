"""Accuracy of the published weights on Training, as they answer: no augmentation, no dropout.

What Keras writes into `history.csv` was measured on augmented images, with dropout, while weights
still changed; it cannot say how far a model overfits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer import FerError, emotions
from fer.data.dataset import Dataset, Split
from fer.evaluation.records import TrainingFit
from fer.inference.calibrate import softmax
from fer.inference.classification import Classifier
from fer.lab import provenance
from fer.lab.evaluation.evaluate import logits
from fer.lab.evaluation.protocols import summary
from fer.progress import Progress

SEED = 2013


def rows(data: Dataset, images: int, seed: int = SEED) -> NDArray[np.int64]:
    """Return the rows of about so many Training images, of every class the same share, ascending;
    all of them where there are no more.

    Raises:
        FerError: if the data set has no Training image.
    """
    whole = len(data.rows(Split.TRAINING))
    if whole == 0:
        raise FerError(
            "The imported data set has no {split} image; import the whole set.",
            split=Split.TRAINING,
        )
    share = min(1.0, images / whole)
    rng = np.random.default_rng(seed)
    parts = []
    for key in emotions.KEYS:
        of_class = data.rows(Split.TRAINING, key)
        parts.append(rng.choice(of_class, round(share * len(of_class)), replace=False))
    return np.sort(np.concatenate(parts))


def measure(
    classifier: Classifier,
    data: Dataset,
    images: int,
    *,
    seed: int = SEED,
    progress: Progress | None = None,
) -> TrainingFit:
    """Return the content of `training_fit.json`: how often each model of the classifier is right on
    about so many Training images, one crop.

    Args:
        progress: called with the images that are classified.

    Raises:
        FerError: as `rows`.
    """
    chosen = rows(data, images, seed)
    found = logits(classifier, data.images, chosen, 32, progress)
    return {
        **provenance.record(data, seed, classifier.models.values()),
        "split": Split.TRAINING.value,
        "images": len(chosen),
        "images_of_split": len(data.rows(Split.TRAINING)),
        "compute_dtype": classifier.compute_dtype,
        "models": {key: summary(data.labels[chosen], softmax(v)) for key, v in found.items()},
    }


def differences(stored: TrainingFit, now: TrainingFit, tolerance: float) -> list[str]:
    """Return a phrase for every accuracy that is not stored of these weights and images, or that
    the stored one misses by more than the tolerance."""
    problems = []
    is_alike = all(stored[name] == now[name] for name in ("data_sha256", "seed", "images"))
    for key, row in now["models"].items():
        fits = stored["weights_sha256"].get(key) == now["weights_sha256"][key]
        before = stored["models"].get(key) if is_alike and fits else None
        if before is None:
            problems.append(f"{key} on these Training images is not stored")
        elif abs(before["accuracy"] - row["accuracy"]) > tolerance:
            problems.append(
                f"{key} Training accuracy is {row['accuracy']:.4f}, stored {before['accuracy']:.4f}"
            )
    return problems
