"""Receiver operating characteristic and precision-recall of each class against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.evaluation.calibration import Labels, Probabilities

# Enough for a smooth line; the areas are computed from the whole curve.
POINTS = 200


@dataclass(frozen=True)
class Curve:
    """One class' curve: x and y (n,) on 0-1, and the area or average precision `score`."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    score: float


def roc(labels: Labels, probabilities: Probabilities) -> dict[str, Curve]:
    """Return false- against true-positive rate by emotion, and the area (Fawcett 2006)."""
    from sklearn import metrics

    curves = {}
    for label, key in enumerate(emotions.KEYS):
        x, y, _ = metrics.roc_curve(labels == label, probabilities[:, label])
        curves[key] = _thinned(x, y, float(metrics.auc(x, y)))
    return curves


def precision_recall(labels: Labels, probabilities: Probabilities) -> dict[str, Curve]:
    """Return recall against precision by emotion, and its average (Davis & Goadrich 2006)."""
    from sklearn import metrics

    curves = {}
    for label, key in enumerate(emotions.KEYS):
        is_label, score = labels == label, probabilities[:, label]
        precision, recall, _ = metrics.precision_recall_curve(is_label, score)
        average = float(metrics.average_precision_score(is_label, score))
        curves[key] = _thinned(recall[::-1], precision[::-1], average)
    return curves


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64], score: float) -> Curve:
    indices = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
    return Curve(x[indices], y[indices], score)
