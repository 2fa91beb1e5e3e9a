"""Metrics of classification: accuracy with its interval, report, temperature, McNemar's test.

Pure functions. Probabilities are (n, 7) float64, labels (n,) int64 with 0-6.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import binom
from sklearn import metrics as scores

from fer import emotions
from fer.artifacts.records import Scores
from fer.evaluation.calibration import Labels, Probabilities, expected_calibration_error
from fer.evaluation.records import Difference, PairedGain
from fer.inference.calibrate import softmax

LEVEL = 0.95
RESAMPLES = 10_000
CLASSES = list(range(emotions.COUNT))


def top1_accuracy(labels: Labels, probabilities: Probabilities) -> float:
    """Return the share of images whose most probable class is the right one."""
    return float(scores.accuracy_score(labels, probabilities.argmax(axis=1)))


def accuracy_interval(labels: Labels, probabilities: Probabilities) -> list[float]:
    """Return the 95 % percentile-bootstrap interval of top-1 accuracy over images.

    Resampling n images with replacement draws the number of right ones from a binomial, whose
    quantiles are the limit for ever more resamples (Efron & Tibshirani 1993, ch. 13).
    """
    right = probabilities.argmax(axis=1) == labels
    ends = binom.interval(LEVEL, len(right), right.mean())
    return [float(end / len(right)) for end in ends]


def fit_temperature(labels: Labels, logits: NDArray[np.float32] | NDArray[np.float64]) -> float:
    """Return the temperature that minimises the log loss of softmax(logits / T) (Guo et al. 2017).

    Dividing by it changes confidences, never the most probable class.
    """

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits, float(np.exp(log_temperature)))
        return float(scores.log_loss(labels, probabilities, labels=CLASSES))

    optimum = minimize_scalar(loss, bounds=(np.log(0.2), np.log(5.0)), method="bounded")
    return float(np.exp(optimum.x))


def report(labels: Labels, probabilities: Probabilities) -> Scores:
    """Return every metric of a model; means over classes leave out a class without images."""
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, support = scores.precision_recall_fscore_support(
        labels, predicted, labels=CLASSES, zero_division=0.0
    )
    return {
        "images": len(labels),
        "accuracy": top1_accuracy(labels, probabilities),
        "accuracy_interval": accuracy_interval(labels, probabilities),
        "balanced_accuracy": float(recall[support > 0].mean()),
        "macro_f1": float(f1[support > 0].mean()),
        "log_loss": float(scores.log_loss(labels, probabilities, labels=CLASSES)),
        # Over all seven classes, 0 to 2, as Brier (1950) has it.
        "brier_score": float(
            scores.brier_score_loss(labels, probabilities, labels=CLASSES, scale_by_half=False)
        ),
        "ece": expected_calibration_error(labels, probabilities),
        "per_class": {
            key: {
                "precision": float(precision[label]),
                "recall": float(recall[label]),
                "f1": float(f1[label]),
                "support": int(support[label]),
            }
            for label, key in enumerate(emotions.KEYS)
        },
        "confusion": scores.confusion_matrix(labels, predicted, labels=CLASSES).tolist(),
    }


def compare(
    labels: Labels, baseline: Probabilities, proposed: Probabilities, seed: int = 0
) -> PairedGain:
    """Compare two models on the same images: gain in accuracy, its interval, McNemar's test.

    The interval is the 95 % percentile bootstrap over images, pairs kept together. McNemar's exact
    test is the two-sided binomial test on the images that only one model gets right (1947).
    """
    a = baseline.argmax(axis=1) == labels
    b = proposed.argmax(axis=1) == labels
    counts = [int(np.sum(case)) for case in (a & b, a & ~b, ~a & b, ~a & ~b)]
    draws = np.random.default_rng(seed).multinomial(
        len(labels), np.array(counts) / len(labels), RESAMPLES
    )
    gains = (draws[:, 2] - draws[:, 1]) / len(labels)
    return {
        "images": len(labels),
        "gain": float(b.mean() - a.mean()),
        "gain_interval": [float(value) for value in np.percentile(gains, [2.5, 97.5])],
        "both_right": counts[0],
        "only_baseline_right": counts[1],
        "only_proposed_right": counts[2],
        "both_wrong": counts[3],
        "mcnemar_p": min(1.0, 2 * float(binom.cdf(min(counts[1:3]), sum(counts[1:3]), 0.5))),
    }


def macro_f1_gain(
    labels: Labels, baseline: Probabilities, proposed: Probabilities, seed: int = 0
) -> Difference:
    """Compare the macro F1 of two models on the same images, with the 95 % percentile bootstrap
    over images, pairs kept together.

    The F1 of a class that neither occurs nor is predicted is 0; unlike accuracy, macro F1 counts
    rare classes as much as frequent ones.
    """
    shape = (emotions.COUNT,) * 3
    cells = np.ravel_multi_index((labels, baseline.argmax(axis=1), proposed.argmax(axis=1)), shape)
    counts = np.bincount(cells, minlength=int(np.prod(shape)))
    # The metric of images drawn with replacement depends only on how many fall into each cell.
    draws = np.random.default_rng(seed).multinomial(len(labels), counts / len(labels), RESAMPLES)
    confusions = np.vstack([counts, draws]).reshape(-1, *shape)
    gains = _macro_f1(confusions.sum(axis=2)) - _macro_f1(confusions.sum(axis=3))
    return {
        "gain": float(gains[0]),
        "gain_interval": [float(value) for value in np.percentile(gains[1:], [2.5, 97.5])],
    }


def _macro_f1(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return macro F1 (n,) of confusion matrices (n, 7, 7) with a row for each true class."""
    right = np.diagonal(confusion, axis1=1, axis2=2)
    true_and_predicted = confusion.sum(axis=1) + confusion.sum(axis=2)
    f1: NDArray[np.float64] = np.mean(2 * right / np.maximum(true_and_predicted, 1), axis=1)
    return f1
