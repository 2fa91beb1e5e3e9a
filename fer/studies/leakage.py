"""Accuracy without the test images that also stand in Training."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from fer.artifacts.model_store import Artifact, Predictions
from fer.data import aggregates
from fer.data.dataset import TEST_SPLITS, Dataset
from fer.evaluation import metrics
from fer.studies.records import GroupAccuracy, LeakageFigures


def study(data: Dataset, models: Sequence[Artifact], *, seed: int) -> LeakageFigures:
    """Return each model's accuracy on each test split, and the gain of `proposed` over `baseline`,
    on all images, on those with an exact or near twin in Training and on those without. Raises a
    FerError if a model is not evaluated."""
    twins = sources_with_twins(data)
    figures: LeakageFigures = {"splits": {}, "gains": {}}
    for split in TEST_SPLITS:
        parts = {model.key: model.predictions().of(split) for model in models}
        figures["splits"][split.value] = {key: accuracies(p, twins) for key, p in parts.items()}
        figures["gains"][split.value] = {}
        if {"baseline", "proposed"} <= parts.keys():
            labels, baseline = parts["baseline"].labels, parts["baseline"].probabilities
            proposed = parts["proposed"].probabilities
            figures["gains"][split.value] = {
                name: metrics.compare(labels[mask], baseline[mask], proposed[mask], seed)
                for name, mask in _groups(parts["baseline"].sources, twins).items()
            }
    return figures


def accuracies(predictions: Predictions, twins: Collection[str]) -> dict[str, GroupAccuracy]:
    """Return a model's accuracy on its images, on those that are `twins` and on the others, as far
    as there are any."""
    labels, probabilities = predictions.labels, predictions.probabilities
    return {
        name: {
            "images": int(mask.sum()),
            "accuracy": metrics.top1_accuracy(labels[mask], probabilities[mask]),
            "interval": metrics.accuracy_interval(labels[mask], probabilities[mask]),
        }
        for name, mask in _groups(predictions.sources, twins).items()
    }


def sources_with_twins(data: Dataset) -> set[str]:
    """Return the sources of the images that have an exact or near twin in Training."""
    has_twin = aggregates.with_twin_in_training(data, aggregates.near_pairs(data.images))
    return set(data.sources[has_twin].tolist())


def _groups(sources: NDArray[np.str_], twins: Collection[str]) -> dict[str, NDArray[np.bool_]]:
    """Return masks (n,) of the images of each group that has any."""
    has_twin = np.array([str(source) in twins for source in sources], dtype=bool)
    groups = {"all": np.ones_like(has_twin), "with_twin": has_twin, "without_twin": ~has_twin}
    return {name: mask for name, mask in groups.items() if mask.any()}
