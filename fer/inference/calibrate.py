"""From logits to confidences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return softmax(logits / temperature) along the last axis, float64 (Guo et al. 2017).

    Args:
        temperature: a model's own, above 0, for calibrated confidences.
    """
    return np.asarray(special.softmax(np.asarray(logits, np.float64) / temperature, axis=-1))
