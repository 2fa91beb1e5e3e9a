"""Calibration of confidences: reliability, expected calibration error, selective accuracy.

Probabilities are (n, 7) float64, labels (n,) int64 with 0-6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.inference.calibrate import softmax

ECE_BINS = 15

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]


class Bin(TypedDict):
    """An equal-width bin of confidence, 0-1: its edges, its answers, their mean confidence, and
    their mean agreement with what they should be: with labels, accuracy."""

    low: float
    high: float
    count: int
    confidence: float
    agreement: float


class RightAndWrong(TypedDict):
    """The numbers of right and wrong answers in a bin of confidence, low to high (0-1)."""

    low: float
    high: float
    right: int
    wrong: int


def _bin_numbers(shares: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Return the equal-width bin (0 to bins - 1) of each share; edges belong to the bin below."""
    return np.clip(np.ceil(shares * bins).astype(np.int64) - 1, 0, bins - 1)


def binned(
    confidence: NDArray[np.float64], agreement: NDArray[np.bool_] | NDArray[np.float64]
) -> list[Bin]:
    """Return each non-empty bin of confidence (n,) with the mean agreement (n,) of its answers."""
    bin_numbers = _bin_numbers(confidence, ECE_BINS)
    return [
        {
            "low": number / ECE_BINS,
            "high": (number + 1) / ECE_BINS,
            "count": int(is_in_bin.sum()),
            "confidence": float(confidence[is_in_bin].mean()),
            "agreement": float(agreement[is_in_bin].mean()),
        }
        for number in range(ECE_BINS)
        if (is_in_bin := bin_numbers == number).any()
    ]


def mean_gap(bins: Sequence[Bin]) -> float:
    """Return the mean distance of confidence and agreement over bins (Guo et al. 2017, eq. 3)."""
    gaps = [row["count"] * abs(row["agreement"] - row["confidence"]) for row in bins]
    return float(sum(gaps) / sum(row["count"] for row in bins))


def reliability(labels: Labels, probabilities: Probabilities) -> list[Bin]:
    """Return each non-empty bin of confidence with the accuracy of its answers."""
    return binned(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


def expected_calibration_error(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean distance of confidence and accuracy (Guo et al. 2017, eq. 3)."""
    return mean_gap(reliability(labels, probabilities))


def uncalibrated(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Undo the calibration of probabilities by that temperature.

    softmax(z / T) to the power of T is proportional to softmax(z) (Guo et al. 2017, eq. 9).
    """
    return softmax(np.log(np.maximum(probabilities, 1e-300)), 1 / temperature)


def classwise_error(labels: Labels, probabilities: Probabilities) -> dict[str, float]:
    """Return for each emotion the mean distance of its probability and its frequency over
    equal-width bins of that probability (Kull et al. 2019, eq. 2)."""
    return {
        key: mean_gap(binned(probabilities[:, label], labels == label))
        for label, key in enumerate(emotions.KEYS)
    }


def histogram(labels: Labels, probabilities: Probabilities) -> list[RightAndWrong]:
    """Count right and wrong answers in each twentieth of confidence from 0 to 1."""
    bins = 20
    right = probabilities.argmax(axis=1) == labels
    bin_numbers = _bin_numbers(probabilities.max(axis=1), bins)
    counts = [np.bincount(bin_numbers[part], minlength=bins).tolist() for part in (right, ~right)]
    return [
        {"low": number / bins, "high": (number + 1) / bins, "right": n_right, "wrong": n_wrong}
        for number, (n_right, n_wrong) in enumerate(zip(*counts, strict=True))
    ]


@dataclass(frozen=True)
class Coverage:
    """The accuracy of answering only from a confidence on; all (n,) float64, thresholds rising.

    coverage: share of images that are answered. accuracy: of these images; NaN where none is.
    """

    threshold: NDArray[np.float64]
    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]


@dataclass(frozen=True)
class Surest:
    """The accuracy of a model's surest answers and their lowest confidence, both 0-1."""

    accuracy: float
    confidence: float


def surest(labels: Labels, probabilities: Probabilities, share: float) -> Surest:
    """Return accuracy and lowest confidence of the surest answers that make up this share of all
    (above 0 to 1); at least one answer."""
    confidence = probabilities.max(axis=1)
    chosen = np.argsort(-confidence, kind="stable")[: max(1, round(share * len(labels)))]
    right = probabilities[chosen].argmax(axis=1) == labels[chosen]
    return Surest(float(right.mean()), float(confidence[chosen[-1]]))


def selective(labels: Labels, probabilities: Probabilities) -> Coverage:
    """Return the accuracy of the answers given with at least each confidence from 0 to 1 (El-Yaniv
    & Wiener 2010)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    thresholds = np.linspace(0.0, 1.0, 101)
    is_answered = confidence[None, :] >= thresholds[:, None]
    counts = is_answered.sum(axis=1)
    hits = (is_answered & right).sum(axis=1)
    accuracy = np.divide(hits, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return Coverage(thresholds, counts / len(labels), accuracy)
