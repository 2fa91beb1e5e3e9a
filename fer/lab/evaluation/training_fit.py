"""Accuracy of the published weights on Training, without augmentation and dropout.

The accuracy in `history.csv` cannot say how far a model overfits: Keras measures it on augmented
images, with dropout, while weights still change.
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
from fer.lab.evaluation.evaluate import figure_differences, logits
from fer.lab.evaluation.protocols import summary
from fer.progress import Progress

SEED = 2013


def rows(data: Dataset, images: int, seed: int = SEED) -> NDArray[np.int64]:
    """Return the rows of about `images` Training images, ascending, the same share of every class;
    all of them if there are no more. Raise FerError if the data set has no Training image."""
    total = len(data.rows(Split.TRAINING))
    if total == 0:
        raise FerError(
            "The imported data set has no {split} image; import the whole set.",
            split=Split.TRAINING,
        )
    share = min(1.0, images / total)
    rng = np.random.default_rng(seed)
    chosen = []
    for key in emotions.KEYS:
        class_rows = data.rows(Split.TRAINING, key)
        chosen.append(rng.choice(class_rows, round(share * len(class_rows)), replace=False))
    return np.sort(np.concatenate(chosen))


def measure(
    classifier: Classifier, data: Dataset, images: int, *, progress: Progress | None = None
) -> TrainingFit:
    """Return the content of `training_fit.json`: how often each model of the classifier is right on
    about `images` Training images, one crop. Raises as `rows`."""
    chosen = rows(data, images)
    answers = logits(classifier, data.images[chosen], progress)
    return {
        **provenance.record(data, SEED, classifier.models.values()),
        "split": Split.TRAINING.value,
        "images": len(chosen),
        "images_of_split": len(data.rows(Split.TRAINING)),
        "compute_dtype": classifier.compute_dtype,
        "models": {
            key: summary(data.labels[chosen], softmax(values)) for key, values in answers.items()
        },
    }


def differences(stored: TrainingFit, new: TrainingFit, tolerance: float) -> list[str]:
    """Return a phrase for every new accuracy that is not stored for these weights and images, or
    that differs from the stored one by more than the tolerance."""
    has_same_images = all(stored[name] == new[name] for name in ("data_sha256", "seed", "images"))
    stored_figures, new_figures = (
        {
            f"{key} accuracy on these Training images": row["accuracy"]
            for key, row in record["models"].items()
            if record["weights_sha256"][key] == new["weights_sha256"].get(key)
        }
        for record in (stored, new)
    )
    return figure_differences(stored_figures if has_same_images else {}, new_figures, tolerance)
