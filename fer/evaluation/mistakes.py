"""Wrong answers and doubtful labels: pure functions on stored predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.artifacts.model_store import Predictions


@dataclass(frozen=True)
class Mistake:
    """An image to which a model gives another answer than its label.

    source: the image's name in FER-2013. label, answer: emotion keys. confidence: of the answer,
    0-1; where both models give it, that of the less sure one.
    """

    source: str
    label: str
    answer: str
    confidence: float


def confident(predictions: Predictions, most: int) -> list[Mistake]:
    """Return the wrong answers of a model, the most confident first."""
    wrong = np.flatnonzero(predictions.probabilities.argmax(axis=1) != predictions.labels)
    return _mistakes(predictions, wrong, predictions.probabilities.max(axis=1), most)


def against_label(first: Predictions, second: Predictions, most: int) -> list[Mistake]:
    """Return images for which both models give the same answer and the label is another, by falling
    confidence of the less sure model. Many are mislabelled (Northcutt et al. 2021). Raises a
    ValueError if the two are not about the same images."""
    if not np.array_equal(first.sources, second.sources):
        raise ValueError("Both models must have been evaluated on the same images.")
    answers = first.probabilities.argmax(axis=1)
    agreed = answers == second.probabilities.argmax(axis=1)
    confidence = np.minimum(first.probabilities.max(axis=1), second.probabilities.max(axis=1))
    chosen = np.flatnonzero(agreed & (answers != first.labels))
    return _mistakes(first, chosen, confidence, most)


def confused_pairs(predictions: Predictions) -> list[tuple[str, str, int, float]]:
    """Return (label, answer, images, share of the label's images), the most frequent first."""
    answers = predictions.probabilities.argmax(axis=1)
    pairs = []
    for label, label_key in enumerate(emotions.KEYS):
        has_label = predictions.labels == label
        for answer, answer_key in enumerate(emotions.KEYS):
            count = int((has_label & (answers == answer)).sum())
            if answer != label and count:
                pairs.append((label_key, answer_key, count, count / int(has_label.sum())))
    return sorted(pairs, key=lambda pair: -pair[2])


def _mistakes(
    predictions: Predictions,
    chosen: NDArray[np.int64],
    confidence: NDArray[np.float64],
    most: int,
) -> list[Mistake]:
    """Return the chosen images, by falling confidence; the answers are the predictions'."""
    answers = predictions.probabilities.argmax(axis=1)
    ranked = chosen[np.argsort(-confidence[chosen], kind="stable")][:most]
    return [
        Mistake(
            str(predictions.sources[at]),
            emotions.KEYS[int(predictions.labels[at])],
            emotions.KEYS[int(answers[at])],
            float(confidence[at]),
        )
        for at in ranked
    ]
