"""Images on which models, FER-2013's labels and people differ: pure functions on stored
predictions and FER+ votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.artifacts.model_store import Predictions
from fer.crowd import agreement
from fer.data.votes import Votes
from fer.evaluation.mistakes import Mistake

# The crowd sides with the model, with the label or with neither; or it is divided itself.
Kind = Literal["model", "label", "neither", "divided"]


@dataclass(frozen=True)
class Dispute(Mistake):
    """A mistake, or an image on which people are divided, with its votes (10,) uint8."""

    counts: NDArray[np.uint8]


def find(predictions: Predictions, votes: Votes, kind: Kind, most: int) -> list[Dispute]:
    """Return the images of a kind that have votes, the most disputed first.

    "model", "label" and "neither" are errors by the label, ordered by how many more votes the
    crowd's answer has than the one that it contradicts. "divided" are all images, whatever the
    model's answer, ordered by how few voters agree on the most frequent answer.
    """
    rows = votes.find(predictions.sources, predictions.labels)
    voted = np.flatnonzero(rows >= 0)
    counts, labels = votes.counts[rows[voted]], predictions.labels[voted]
    probabilities = predictions.probabilities[voted]
    answers = probabilities.argmax(axis=1)
    positions = np.arange(len(voted))
    label_votes = counts[positions, labels].astype(np.int64)
    answer_votes = counts[positions, answers].astype(np.int64)
    top_votes = counts.max(axis=1).astype(np.int64)
    if kind == "divided":
        chosen, rank = positions, -top_votes
    else:
        is_kind = (answers != labels) & (agreement.side_of(counts, answers, labels) == kind)
        chosen = np.flatnonzero(is_kind)
        rank = {
            "model": answer_votes - label_votes,
            "label": label_votes - answer_votes,
            "neither": top_votes - np.maximum(answer_votes, label_votes),
        }[kind]
    ranked = chosen[np.argsort(-rank[chosen], kind="stable")][:most]
    return [
        Dispute(
            str(predictions.sources[voted[at]]),
            emotions.KEYS[int(labels[at])],
            emotions.KEYS[int(answers[at])],
            float(probabilities[at].max()),
            counts[at],
        )
        for at in ranked
    ]


def by_crowd(
    mistakes: list[Mistake], counts: list[NDArray[np.uint8] | None]
) -> list[tuple[Mistake, NDArray[np.uint8] | None]]:
    """Order mistakes, with their votes (10,), by how many more voters side with the answer than
    with the label; those without votes come last, equal ones keep their order."""

    def surplus(row: tuple[Mistake, NDArray[np.uint8] | None]) -> float:
        mistake, votes = row
        if votes is None:
            return float("inf")
        label, answer = emotions.LABEL_OF[mistake.label], emotions.LABEL_OF[mistake.answer]
        return float(votes[label]) - float(votes[answer])

    return sorted(zip(mistakes, counts, strict=True), key=surplus)


def contested(counts: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return rows of images in which every voter saw an expression but the crowd has no majority,
    (m,) int64, the most contested first."""
    is_face = counts[:, emotions.COUNT :].sum(axis=1) == 0
    chosen = np.flatnonzero(is_face & (counts.max(axis=1) < agreement.ENOUGH))
    return chosen[np.lexsort((-(counts[chosen] > 0).sum(axis=1), counts[chosen].max(axis=1)))]


def contradicted(counts: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return rows of images whose label no voter gives although at least nine of ten agree on
    another emotion, (m,) int64, the clearest first."""
    votes = agreement.agreement(counts)
    chosen = np.flatnonzero((counts[np.arange(len(counts)), labels] == 0) & (votes >= 9))
    return chosen[np.argsort(-votes[chosen], kind="stable")]


def no_faces(counts: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return rows of images in which most voters saw no face, (m,) int64, the clearest first."""
    votes = counts[:, -1].astype(np.int64)
    chosen = np.flatnonzero(votes > counts.sum(axis=1) / 2)
    return chosen[np.argsort(-votes[chosen], kind="stable")]
