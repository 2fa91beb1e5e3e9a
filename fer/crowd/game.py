"""A game, you against the models: drawing its faces and scoring its players."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.crowd import agreement
from fer.data.dataset import Dataset, Split
from fer.data.sample import Sample
from fer.data.votes import CHOICES, Votes

FACES = 10
# Everybody in a classroom plays the same faces by choosing the same number.
MOST_GAMES = 9999
PEOPLE, LABEL = "people", "label"


@dataclass(frozen=True)
class Deck:
    """The faces that games draw from; index i of every array is the same face.

    images: (N, 48, 48) uint8, of which `rows` (n,) int64 are in the deck. labels: (n,) int64, 0-6,
    FER-2013's own. names: (n,) str. counts: (n, 10) uint8, FER+ votes by `votes.CHOICES`.
    name: unique to the deck. is_training: whether the models were trained on these faces.
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    names: NDArray[np.str_]
    counts: NDArray[np.uint8]
    name: str
    is_training: bool

    def __len__(self) -> int:
        return len(self.labels)

    def face(self, place: int) -> NDArray[np.uint8]:
        """Return the face (48, 48) uint8 at a place of the deck."""
        return np.asarray(self.images[self.rows[place]])


def of_sample(sample: Sample) -> Deck:
    """Return the deck of the committed Training faces."""
    everyone = np.arange(len(sample))
    return Deck(sample.images, everyone, sample.labels, sample.names, sample.counts, "sample", True)


def of_private_test(data: Dataset, votes: Votes) -> Deck | None:
    """Return the deck of PrivateTest's faces in which at least half of the voters saw an emotion;
    None if the data set has too few of them for a game."""
    rows = data.rows(Split.PRIVATE_TEST)
    vote_rows = votes.find(data.sources, data.labels)[rows]
    is_playable = (vote_rows >= 0) & agreement.saw_an_emotion(votes.counts[vote_rows])
    rows, vote_rows = rows[is_playable], vote_rows[is_playable]
    if len(rows) < FACES:
        return None
    labels, names, counts = data.labels[rows], data.sources[rows], votes.counts[vote_rows]
    return Deck(data.images, rows, labels, names, counts, data.digest, False)


def draw(deck: Deck, number: int) -> tuple[int, ...]:
    """Draw the places in the deck of a game's faces, by the game's number alone."""
    chosen = np.random.default_rng(number).choice(len(deck), FACES, replace=False)
    return tuple(int(place) for place in chosen)


@dataclass(frozen=True)
class Score:
    """A player's result: how many answers are FER-2013's label (by_label) and most people's answer,
    a tie counting by its share (by_people); the share (0-1) of voters who agree (voters)."""

    by_label: float
    by_people: float
    voters: float


def scores(
    deck: Deck, places: Sequence[int], answers: Mapping[str, Sequence[int]]
) -> dict[str, Score]:
    """Return each player's score, then that of most people (`PEOPLE`) and of the labels (`LABEL`);
    answers: by player, a class (0-6) for the face at each place."""
    labels, counts = deck.labels[list(places)], deck.counts[list(places)]

    def score(classes: NDArray[np.int64]) -> Score:
        return Score(
            float((classes == labels).sum()),
            float(agreement.credit(counts, classes).sum()),
            float(agreement.share_of_voters(counts, classes).mean()),
        )

    winner_shares = agreement.winners(counts)
    people = Score(
        float(agreement.credit(counts, labels).sum()),
        float(len(labels)),
        float((winner_shares * counts / counts.sum(axis=1, keepdims=True)).sum(axis=1).mean()),
    )
    by_player = {player: score(np.array(classes)) for player, classes in answers.items()}
    return {**by_player, PEOPLE: people, LABEL: score(labels)}


def most_frequent(counts: NDArray[np.uint8]) -> list[str]:
    """Return the most frequent answers of an image's voters, of `CHOICES`: several if they tie."""
    return [choice for choice, n in zip(CHOICES, counts, strict=True) if n == counts.max()]


def rows(
    deck: Deck, number: int, places: Sequence[int], answers: Mapping[str, Sequence[int]]
) -> list[dict[str, str | int]]:
    """Return a row of a CSV file for each face: label, the answers of people and players, votes."""
    return [
        {
            "game": number,
            "face": index + 1,
            "image": str(deck.names[place]),
            LABEL: emotions.KEYS[deck.labels[place]],
            PEOPLE: " ".join(most_frequent(deck.counts[place])),
            **{player: emotions.KEYS[classes[index]] for player, classes in answers.items()},
            **{f"votes_{choice}": int(deck.counts[place, at]) for at, choice in enumerate(CHOICES)},
        }
        for index, place in enumerate(places)
    ]
