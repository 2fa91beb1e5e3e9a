"""Receiver operating characteristic and precision-recall of each class against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.evaluation.calibration import Labels, Probabilities

# Enough for a smooth line; the areas are computed of the whole curve.
POINTS = 200


@dataclass(frozen=True)
class Curve:
    """One class' curve: x and y (n,) on 0-1, and the area or average precision `score`."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    score: float


def roc(labels: Labels, probabilities: Probabilities) -> dict[str, Curve]:
    """By emotion: false-positive rate, true-positive rate, area under the curve (Fawcett 2006)."""
    from sklearn import metrics

    found = {}
    for at, key in enumerate(emotions.KEYS):
        x, y, _ = metrics.roc_curve(labels == at, probabilities[:, at])
        found[key] = _thinned(x, y, float(metrics.auc(x, y)))
    return found


def precision_recall(labels: Labels, probabilities: Probabilities) -> dict[str, Curve]:
    """By emotion: recall, precision, average precision (Davis & Goadrich 2006)."""
    from sklearn import metrics

    found = {}
    for at, key in enumerate(emotions.KEYS):
        right, score = labels == at, probabilities[:, at]
        precision, recall, _ = metrics.precision_recall_curve(right, score)
        average = float(metrics.average_precision_score(right, score))
        found[key] = _thinned(recall[::-1], precision[::-1], average)
    return found


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64], score: float) -> Curve:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
    return Curve(x[kept], y[kept], score)
