"""The images that models, labels and people dispute."""

from __future__ import annotations

import numpy as np
import pytest

from fer import emotions
from fer.artifacts.model_store import Predictions
from fer.crowd import disputes
from fer.data.votes import CHOICES, Votes
from fer.evaluation.mistakes import Mistake

ROWS: list[tuple[str, str, dict[str, int]]] = [
    # label, answer, votes
    ("sad", "happy", {"happy": 7, "sad": 3}),
    ("sad", "happy", {"happy": 10}),
    ("fear", "surprise", {"fear": 6, "surprise": 4}),
    ("fear", "surprise", {"fear": 9, "sad": 1}),
    ("angry", "disgust", {"neutral": 8, "angry": 2}),
    ("happy", "happy", {"happy": 10}),
    ("neutral", "neutral", {"sad": 4, "neutral": 3, "fear": 3}),
    ("surprise", "fear", {"fear": 5, "surprise": 5}),
    ("happy", "sad", {"not_a_face": 9, "happy": 1}),
]


@pytest.fixture
def votes() -> Votes:
    names = np.array([f"PrivateTest_{row}.jpg" for row in range(len(ROWS))])
    counts = np.array([[row[2].get(key, 0) for key in CHOICES] for row in ROWS], np.uint8)
    labels = np.array([emotions.LABEL_OF[row[0]] for row in ROWS])
    return Votes(names, labels, counts)


@pytest.fixture
def predictions(votes: Votes) -> Predictions:
    answers = np.array([emotions.LABEL_OF[row[1]] for row in ROWS])
    return Predictions(votes.splits, votes.sources, votes.labels, np.eye(7)[answers] * 0.93 + 0.01)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("model", [1, 0]),
        ("label", [3, 2]),
        ("neither", [4]),
        ("divided", [6, 7, 2, 0, 4, 3, 8, 1, 5]),
    ],
)
def test_the_most_disputed_come_first(
    predictions: Predictions, votes: Votes, kind: disputes.Kind, expected: list[int]
) -> None:
    disputed = disputes.find(predictions, votes, kind, 100)
    assert [(one.source, one.label, one.answer) for one in disputed] == [
        (str(votes.sources[row]), *ROWS[row][:2]) for row in expected
    ]


def test_no_more_than_asked_and_none_without_votes(predictions: Predictions, votes: Votes) -> None:
    assert len(disputes.find(predictions, votes, "divided", 2)) == 2
    strangers = Votes(np.char.add("x", votes.names), votes.labels, votes.counts)
    assert disputes.find(predictions, strangers, "divided", 2) == []


def test_errors_are_sorted_by_what_the_crowd_says(votes: Votes) -> None:
    mistakes = [Mistake(str(row), *sides, 0.9) for row, (*sides, _) in enumerate(ROWS)]
    counts = [*votes.counts[:-1], None]
    order = [int(mistake.source) for mistake, _votes in disputes.by_crowd(mistakes, counts)]
    assert order[:2] == [1, 0]
    assert order[-2:] == [3, 8]


def test_contested_contradicted_and_no_faces(votes: Votes) -> None:
    assert disputes.contested(votes.counts).tolist() == [6]
    assert disputes.contradicted(votes.counts, votes.labels).tolist() == [1]
    assert disputes.no_faces(votes.counts).tolist() == [8]
