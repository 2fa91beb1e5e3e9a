"""How far confidences can be trusted: reliability and expected calibration error.

Probabilities are (n, 7) float64, labels (n,) int64 with 0-6.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ECE_BINS = 15

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]


def reliability(
    labels: Labels, probabilities: Probabilities, bins: int = ECE_BINS
) -> list[dict[str, float]]:
    """For each non-empty confidence bin: its lower and upper edge, count, accuracy, confidence."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [
        {
            "low": number / bins,
            "high": (number + 1) / bins,
            "count": int(chosen.sum()),
            "accuracy": float(right[chosen].mean()),
            "confidence": float(confidence[chosen].mean()),
        }
        for number in range(bins)
        if (chosen := bin_of == number).any()
    ]


def expected_calibration_error(
    labels: Labels, probabilities: Probabilities, bins: int = ECE_BINS
) -> float:
    """Mean distance of confidence and accuracy over equal-width bins (Guo et al. 2017, eq. 3)."""
    table = reliability(labels, probabilities, bins)
    gaps = [row["count"] * abs(row["accuracy"] - row["confidence"]) for row in table]
    return float(sum(gaps) / len(labels))
