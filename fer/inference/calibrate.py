"""From logits to confidences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return softmax(logits / temperature) along the last axis, float64 (Guo et al. 2017).

    Not SciPy's, which takes longer to import than Home's first answer may wait.

    Args:
        temperature: a model's own, above 0, for calibrated confidences.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    exponent = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True))
