"""Models against people: pure functions on FER+ votes (Barsoum et al. 2016).

Counts are (n, 10) uint8, votes by `votes.CHOICES`; answers and labels (n,) int64 with 0-6;
probabilities (n, 7) float64. Where several choices have equally many votes, each is the crowd's
most frequent answer by an equal share, as if lots were drawn.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.evaluation.calibration import Labels, Probabilities

Counts = NDArray[np.uint8]
Floats = NDArray[np.float64]

# If so many of ten voters chose the same emotion, the crowd has a majority.
ENOUGH = 5
# The side that the crowd takes where a model's answer is not the label.
Side = Literal["model", "label", "both", "neither", "no_majority"]
SIDES: tuple[Side, ...] = get_args(Side)
RESAMPLES = 10_000


def agreement(counts: Counts) -> NDArray[np.int64]:
    """Return the votes of the most frequent of the seven emotions, (n,) int64, 0-10."""
    return np.asarray(counts[:, : emotions.COUNT].max(axis=1), dtype=np.int64)


def has_majority(counts: Counts) -> NDArray[np.bool_]:
    """Mark images for which at least `ENOUGH` voters chose the same of the seven emotions, (n,)."""
    return np.asarray(agreement(counts) >= ENOUGH)


def winners(counts: Counts) -> Floats:
    """Return each choice's share in being the most frequent one, (n, 10) float64; rows sum to 1."""
    is_top = counts == counts.max(axis=1, keepdims=True)
    return np.asarray(is_top / is_top.sum(axis=1, keepdims=True), dtype=np.float64)


def credit(counts: Counts, answers: Labels) -> Floats:
    """Score each answer, (n,) float64: 1 if it is the crowd's most frequent one, its share of a
    tie, or 0."""
    return np.asarray(winners(counts)[np.arange(len(counts)), answers])


def share_of_voters(counts: Counts, answers: Labels) -> Floats:
    """Return the share of an image's voters who chose the answer, (n,) float64, 0-1: the
    probability that one of them, drawn at random, agrees with it."""
    votes = counts[np.arange(len(counts)), answers].astype(np.float64)
    return np.asarray(votes / counts.sum(axis=1))


def agreement_with_others(counts: Counts, answers: Labels | None) -> Floats:
    """Return how often an answer is the most frequent one of nine voters, the tenth left out at
    random, (n,) float64, 0-1.

    Without answers, it is that of the voter who was left out: how often one voter agrees with the
    others, the ceiling that people set. A model is measured against the same nine.
    """
    total = counts.sum(axis=1).astype(np.float64)
    agreement_rate = np.zeros(len(counts))
    positions = np.arange(len(counts))
    for choice in range(counts.shape[1]):
        rows = np.flatnonzero(counts[:, choice])
        others = counts[rows].copy()
        others[:, choice] -= 1
        answer = choice if answers is None else answers[rows]
        agreed = winners(others)[positions[: len(rows)], answer]
        agreement_rate[rows] += counts[rows, choice] / total[rows] * agreed
    return agreement_rate


def saw_an_emotion(counts: Counts) -> NDArray[np.bool_]:
    """Mark images in which at least `ENOUGH` voters saw any of the seven emotions, (n,)."""
    return np.asarray(counts[:, : emotions.COUNT].sum(axis=1) >= ENOUGH)


def distribution(counts: Counts) -> Floats:
    """Return the votes on the seven emotions as probabilities, (n, 7) float64; for images in which
    somebody saw an emotion."""
    votes = counts[:, : emotions.COUNT].astype(np.float64)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


def divergence(counts: Counts, probabilities: Probabilities) -> Floats:
    """Return the Kullback-Leibler divergence of a model's probabilities from the votes, (n,)
    float64, nats: 0 where the probabilities equal the shares of the votes."""
    p = distribution(counts)
    logs = np.log(np.where(p > 0, p, 1.0)) - np.log(np.maximum(probabilities, 1e-12))
    return np.asarray((p * logs).sum(axis=1))


def entropy(counts: Counts) -> Floats:
    """Return the entropy of the votes on the seven emotions, (n,) float64, nats: the least
    cross-entropy that a model can have."""
    p = distribution(counts)
    return np.asarray(-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=1))


def side_of(counts: Counts, answers: Labels, labels: Labels) -> NDArray[np.str_]:
    """Return the crowd's side, (n,) str of `SIDES`, for answers that are not the label: its
    majority is the model's answer, the label, both by a tie, or neither; or it has no majority."""
    model_agrees, label_agrees = credit(counts, answers) > 0, credit(counts, labels) > 0
    return np.select(
        [~has_majority(counts), model_agrees & label_agrees, model_agrees, label_agrees],
        ["no_majority", "both", "model", "label"],
        default="neither",
    )


def label_confusion(counts: Counts, labels: Labels) -> Floats:
    """Count the images of each label (row) by the crowd's most frequent answer (column), (7, 10)
    float64."""
    most_frequent = winners(counts)
    return np.stack([most_frequent[labels == label].sum(axis=0) for label in range(emotions.COUNT)])


def mean_interval(values: Floats, seed: int = 0) -> list[float]:
    """Return the 95 % percentile-bootstrap interval of the mean of values (n,) over images.

    Resampling images is done by drawing the counts of the distinct values from a multinomial
    (Efron & Tibshirani 1993, ch. 13).
    """
    distinct, counts = np.unique(values, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(values), counts / len(values), RESAMPLES)
    means = draws @ distinct / len(values)
    return [float(value) for value in np.percentile(means, [2.5, 97.5])]
