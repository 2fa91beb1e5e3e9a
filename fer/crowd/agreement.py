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
from fer.crowd.records import AgreementBin
from fer.evaluation import calibration
from fer.evaluation.calibration import ECE_BINS, Labels, Probabilities

Counts = NDArray[np.uint8]
Floats = NDArray[np.float64]

# So many of ten voters chose the same: the crowd has a majority.
ENOUGH = 5
# With whom the crowd sides where a model's answer is not the label.
Side = Literal["model", "label", "both", "neither", "no_majority"]
SIDES: tuple[Side, ...] = get_args(Side)
RESAMPLES = 10_000


def agreement(counts: Counts) -> NDArray[np.int64]:
    """Votes of the most frequent one of the seven emotions, (n,) int64, 0-10."""
    return np.asarray(counts[:, : emotions.COUNT].max(axis=1), dtype=np.int64)


def has_majority(counts: Counts) -> NDArray[np.bool_]:
    """Images for which at least `ENOUGH` voters chose the same one of the seven emotions, (n,)."""
    return np.asarray(agreement(counts) >= ENOUGH)


def winners(counts: Counts) -> Floats:
    """Which choice is the crowd's most frequent answer, (n, 10) float64, rows sum to 1."""
    tops = counts == counts.max(axis=1, keepdims=True)
    return np.asarray(tops / tops.sum(axis=1, keepdims=True), dtype=np.float64)


def credit(counts: Counts, answers: Labels) -> Floats:
    """Whether each answer is the crowd's most frequent one, (n,) float64: 1, 0, or the share of
    a tie."""
    return np.asarray(winners(counts)[np.arange(len(counts)), answers])


def share_of_voters(counts: Counts, answers: Labels) -> Floats:
    """The share of an image's voters who chose the answer, (n,) float64, 0-1: how likely one of
    them, drawn at random, agrees with it."""
    chosen = counts[np.arange(len(counts)), answers].astype(np.float64)
    return np.asarray(chosen / counts.sum(axis=1))


def agreement_with_others(counts: Counts, answers: Labels | None) -> Floats:
    """How often an answer is the most frequent one of nine voters, the tenth left out at random,
    (n,) float64, 0-1.

    Args:
        answers: None for the answer of the voter who was left out: how often one voter agrees with
            the others, the ceiling that people set. A model's answers are measured against the same
            nine, so that the two may be compared.
    """
    total = counts.sum(axis=1).astype(np.float64)
    found = np.zeros(len(counts))
    everyone = np.arange(len(counts))
    for choice in range(counts.shape[1]):
        rows = np.flatnonzero(counts[:, choice])
        others = counts[rows].copy()
        others[:, choice] -= 1
        asked = choice if answers is None else answers[rows]
        found[rows] += (
            counts[rows, choice] / total[rows] * winners(others)[everyone[: len(rows)], asked]
        )
    return found


def saw_an_emotion(counts: Counts) -> NDArray[np.bool_]:
    """Images in which at least `ENOUGH` voters saw one of the seven emotions, whichever, (n,)."""
    return np.asarray(counts[:, : emotions.COUNT].sum(axis=1) >= ENOUGH)


def distribution(counts: Counts) -> Floats:
    """The votes on the seven emotions as probabilities, (n, 7) float64; for images in which
    somebody saw one."""
    votes = counts[:, : emotions.COUNT].astype(np.float64)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


def divergence(counts: Counts, probabilities: Probabilities) -> Floats:
    """Kullback-Leibler divergence of a model's probabilities from the votes, (n,) float64, nats:
    0 where the model says how the crowd is divided."""
    p = distribution(counts)
    logs = np.log(np.where(p > 0, p, 1.0)) - np.log(np.maximum(probabilities, 1e-12))
    return np.asarray((p * logs).sum(axis=1))


def entropy(counts: Counts) -> Floats:
    """Entropy of the votes on the seven emotions, (n,) float64, nats: what no model can save of
    cross-entropy."""
    p = distribution(counts)
    return np.asarray(-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=1))


def reliability(confidence: Floats, agreed: Floats, bins: int = ECE_BINS) -> list[AgreementBin]:
    """For each non-empty bin of confidence (n,): its edges, count, mean confidence, and mean
    agreement (n,) of the crowd with the answers, both 0-1."""
    return [
        {
            "low": row["low"],
            "high": row["high"],
            "count": row["count"],
            "agreement": agreed_with,
            "confidence": row["confidence"],
        }
        for row, agreed_with in calibration.binned(confidence, agreed, bins)
    ]


def calibration_error(confidence: Floats, agreed: Floats, bins: int = ECE_BINS) -> float:
    """Mean distance of confidence and the crowd's agreement over bins: the expected calibration
    error (Guo et al. 2017, eq. 3) with the crowd in place of the label."""
    return calibration.mean_gap(calibration.binned(confidence, agreed, bins))


def side_of(counts: Counts, answers: Labels, labels: Labels) -> NDArray[np.str_]:
    """With whom the crowd sides, (n,) str of `SIDES`, for answers that are not the label: its
    majority is the model's answer, the label, both by a tie, or neither; or it has no majority."""
    model, label = credit(counts, answers) > 0, credit(counts, labels) > 0
    return np.select(
        [~has_majority(counts), model & label, model, label],
        ["no_majority", "both", "model", "label"],
        default="neither",
    )


def label_confusion(counts: Counts, labels: Labels) -> Floats:
    """How many images of each label (row) have each choice as the crowd's most frequent answer,
    (7, 10) float64."""
    top = winners(counts)
    return np.stack([top[labels == label].sum(axis=0) for label in range(emotions.COUNT)])


def mean_interval(values: Floats, seed: int = 0) -> list[float]:
    """The 95 % percentile-bootstrap interval of the mean of values (n,) over images.

    Resampling images draws how often each distinct value occurs from a multinomial (Efron &
    Tibshirani 1993, ch. 13).
    """
    distinct, counts = np.unique(values, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(values), counts / len(values), RESAMPLES)
    means = draws @ distinct / len(values)
    return [float(value) for value in np.percentile(means, [2.5, 97.5])]
