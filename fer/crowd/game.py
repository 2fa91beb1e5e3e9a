"""A game, you against the models: which faces are drawn, and who agrees with whom."""

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
# A class plays the same faces by choosing the same number.
MOST_GAMES = 9999
PEOPLE, LABEL = "people", "label"


@dataclass(frozen=True)
class Deck:
    """The faces that games draw from; place i of every array is the same face.

    images: (N, 48, 48) uint8, of which `rows` (n,) int64 are in the deck. labels: (n,) int64, 0-6,
    FER-2013's own. names: (n,) str. counts: (n, 10) uint8, FER+ votes by `votes.CHOICES`.
    name: tells decks apart. is_training: whether the models were trained on these faces.
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
        """The face (48, 48) uint8 at a place of the deck."""
        return np.asarray(self.images[self.rows[place]])


def of_sample(sample: Sample) -> Deck:
    """The committed Training faces."""
    everyone = np.arange(len(sample))
    return Deck(sample.images, everyone, sample.labels, sample.names, sample.counts, "sample", True)


def of_private_test(data: Dataset, votes: Votes) -> Deck | None:
    """PrivateTest's faces in which at least half of the voters saw an emotion; None if the data set
    has not enough of them for a game."""
    rows = data.rows(Split.PRIVATE_TEST)
    row_of = votes.rows_for(data)[rows]
    rows, row_of = rows[row_of >= 0], row_of[row_of >= 0]
    is_playable = agreement.saw_an_emotion(votes.counts[row_of])
    rows, row_of = rows[is_playable], row_of[is_playable]
    if len(rows) < FACES:
        return None
    return Deck(
        data.images,
        rows,
        data.labels[rows],
        data.sources[rows],
        votes.counts[row_of],
        data.digest,
        False,
    )


def draw(deck: Deck, number: int) -> tuple[int, ...]:
    """The places of the faces of a game in the deck, decided by the game's number alone."""
    chosen = np.random.default_rng(number).choice(len(deck), FACES, replace=False)
    return tuple(int(place) for place in chosen)


@dataclass(frozen=True)
class Score:
    """How many of a game's faces a player answers as FER-2013's label and as most people do, a tie
    counting by its share; and the share (0-1) of voters who agree with the answers."""

    player: str
    by_label: float
    by_people: float
    voters: float


def scores(
    deck: Deck, places: Sequence[int], answers: Mapping[str, Sequence[int]]
) -> dict[str, Score]:
    """Each player's score, then that of most people (`PEOPLE`) and of the labels (`LABEL`).

    Args:
        places: of the game's faces.
        answers: by player, a class (0-6) a face.
    """
    labels, counts = deck.labels[list(places)], deck.counts[list(places)]
    found = {}
    for player, given in {**answers, LABEL: labels.tolist()}.items():
        chosen = np.array(given, dtype=np.int64)
        found[player] = Score(
            player,
            float((chosen == labels).sum()),
            float(agreement.credit(counts, chosen).sum()),
            float(agreement.share_of_voters(counts, chosen).mean()),
        )
    top = agreement.winners(counts)
    by_people = Score(
        PEOPLE,
        float(agreement.credit(counts, labels).sum()),
        float(len(labels)),
        float((top * counts / counts.sum(axis=1, keepdims=True)).sum(axis=1).mean()),
    )
    return {
        **{k: v for k, v in found.items() if k != LABEL},
        PEOPLE: by_people,
        LABEL: found[LABEL],
    }


def most_frequent(counts: NDArray[np.uint8]) -> list[str]:
    """What most of an image's voters saw, of `CHOICES`: several where they tie."""
    return [choice for choice, n in zip(CHOICES, counts, strict=True) if n == counts.max()]


def rows(
    deck: Deck, number: int, places: Sequence[int], answers: Mapping[str, Sequence[int]]
) -> list[dict[str, str | int]]:
    """A line a face for a CSV file: game, image, label, most frequent answer, each player's
    answer, the votes."""
    return [
        {
            "game": number,
            "face": at + 1,
            "image": str(deck.names[place]),
            LABEL: emotions.KEYS[deck.labels[place]],
            PEOPLE: " ".join(most_frequent(deck.counts[place])),
            **{player: emotions.KEYS[given[at]] for player, given in answers.items()},
            **{
                f"votes_{choice}": int(n)
                for choice, n in zip(CHOICES, deck.counts[place], strict=True)
            },
        }
        for at, place in enumerate(places)
    ]
