"""Accuracy without the test images that also stand in Training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fer import aggregates, evaluation
from fer.artifacts import Artifact
from fer.dataset import Dataset


def study(data: Dataset, models: Sequence[Artifact], *, seed: int) -> dict[str, Any]:
    """Each model's accuracy on each test split: all images, those with an exact or near twin in
    Training, those without, as JSON types.

    Raises:
        FerError: if a model is not evaluated.
    """
    pairs = np.concatenate(
        [aggregates.exact_pairs(data.images), aggregates.near_pairs(data.images)]
    )
    twins = set(data.sources[aggregates.with_twin_in_training(data, pairs)].tolist())
    record: dict[str, Any] = {"splits": {}}
    for split in evaluation.TEST_SPLITS:
        record["splits"][split.value] = {}
        for model in models:
            part = model.predictions().of(split)
            has_twin = np.array([str(source) in twins for source in part.sources])
            record["splits"][split.value][model.key] = {
                name: {
                    "images": int(chosen.sum()),
                    "accuracy": evaluation.top1_accuracy(
                        part.labels[chosen], part.probabilities[chosen]
                    ),
                    "interval": evaluation.accuracy_interval(
                        part.labels[chosen], part.probabilities[chosen], seed
                    ),
                }
                for name, chosen in (
                    ("all", np.ones_like(has_twin)),
                    ("with_twin", has_twin),
                    ("without_twin", ~has_twin),
                )
                if chosen.any()
            }
    return record
