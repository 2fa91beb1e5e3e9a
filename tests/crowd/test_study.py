"""Models against people: the measures by hand, stored predictions, disputed images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer import emotions
from fer.artifacts import model_store
from fer.artifacts.model_store import Predictions
from fer.crowd import agreement, disputes, study
from fer.data.dataset import Dataset, Split
from fer.data.votes import CHOICES, Votes
from fer.evaluation.mistakes import Mistake
from tests.support.command import fer, refusal, succeeded
from tests.support.making import ROOT


def counted(*images: dict[str, int]) -> np.ndarray:
    """Return votes from a dictionary by name for each image."""
    return np.array([[votes.get(key, 0) for key in CHOICES] for votes in images], dtype=np.uint8)


ANGRY, DISGUST, FEAR, HAPPY, SAD, SURPRISE, NEUTRAL = range(7)
CLEAR = {"happy": 10}
SPLIT = {"sad": 5, "neutral": 5}
TORN = {"sad": 4, "fear": 3, "neutral": 3}
NO_FACE = {"not_a_face": 9, "happy": 1}


def test_a_majority_needs_five_voters_for_one_emotion() -> None:
    counts = counted(CLEAR, SPLIT, TORN, NO_FACE, {"happy": 5, "contempt": 5})
    assert agreement.has_majority(counts).tolist() == [True, True, False, False, True]
    assert agreement.agreement(counts).tolist() == [10, 5, 4, 1, 5]


def test_a_tie_counts_by_its_share() -> None:
    counts = counted(CLEAR, CLEAR, SPLIT, SPLIT, TORN, NO_FACE)
    answers = np.array([HAPPY, SAD, NEUTRAL, FEAR, SAD, HAPPY])
    assert agreement.credit(counts, answers).tolist() == [1, 0, 0.5, 0, 1, 0]


def test_one_voter_is_measured_against_the_other_nine() -> None:
    counts = counted(CLEAR, {"happy": 9, "sad": 1}, SPLIT)
    # Of five and five, the one left out always stands against five of nine.
    for answers, expected in (
        (None, [1.0, 0.9, 0.0]),
        (np.full(3, HAPPY), [1.0, 1.0, 0.0]),
        (np.full(3, SAD), [0.0, 0.0, 0.5]),
    ):
        assert agreement.agreement_with_others(counts, answers) == pytest.approx(expected)


def test_divergence_is_nothing_where_the_model_says_what_the_crowd_says() -> None:
    votes = counted({"happy": 3, "sad": 3, "unknown": 4})
    assert agreement.distribution(votes)[0, [HAPPY, SAD]].tolist() == [0.5, 0.5]
    counts = counted(TORN, SPLIT)
    assert agreement.divergence(counts, agreement.distribution(counts)) == pytest.approx([0.0, 0.0])
    uniform = np.full((2, 7), 1 / 7)
    expected = np.log(7) - agreement.entropy(counts)
    assert agreement.divergence(counts, uniform) == pytest.approx(expected)
    assert agreement.entropy(counted(SPLIT)) == pytest.approx([np.log(2)])


def test_the_confusion_of_label_and_crowd_keeps_every_image() -> None:
    counts = counted(CLEAR, SPLIT, NO_FACE)
    confusion = agreement.label_confusion(counts, np.array([HAPPY, SAD, HAPPY]))
    assert confusion[HAPPY, HAPPY] == 1
    assert confusion[HAPPY, CHOICES.index("not_a_face")] == 1
    assert confusion[SAD, [SAD, NEUTRAL]].tolist() == [0.5, 0.5]
    assert confusion.sum() == 3


def test_the_figures_of_a_split_by_hand() -> None:
    counts = counted(CLEAR, CLEAR, SPLIT, TORN)
    labels = np.array([HAPPY, SAD, SAD, FEAR])
    answers = {"baseline": [SAD, SAD, FEAR, FEAR], "proposed": [HAPPY, HAPPY, SAD, SAD]}
    probabilities = {key: np.eye(7)[given] * 0.93 + 0.01 for key, given in answers.items()}
    figures = study.of_split(counts, labels, probabilities)
    assert (figures["images"], figures["images_with_majority"]) == (4, 3)
    proposed = figures["models"]["proposed"]
    assert proposed["label"]["share"] == 0.5
    assert proposed["majority"]["share"] == pytest.approx(2.5 / 3)
    assert proposed["voters"]["share"] == pytest.approx((1 + 1 + 0.5 + 0.4) / 4)
    # Sure by 0.94 each; who voted agrees with 1, 1, 0.5 and 0.4, the majority with 1, 1 and 0.5.
    assert proposed["ece_voters"] == pytest.approx(0.94 - 2.9 / 4)
    assert proposed["ece_majority"] == pytest.approx(0.94 - 2.5 / 3)
    assert proposed["errors"]["images"] == 2
    assert proposed["errors"]["model"]["images"] == 1
    assert figures["models"]["baseline"]["errors"]["label"]["images"] == 2
    assert figures["gain"]["majority"]["share"] == pytest.approx(2.5 / 3)
    assert [(row["votes"], row["images"]) for row in figures["levels"]] == [(10, 2), (5, 1), (4, 1)]
    assert "majority" not in figures["levels"][2]["models"]["proposed"]


def test_a_split_is_studied_on_its_images_with_votes(
    small_models: Path, small_data: Dataset
) -> None:
    # Six voters for each image's label, four for the next emotion.
    counts = np.zeros((len(small_data), len(CHOICES)), np.uint8)
    everyone = np.arange(len(small_data))
    counts[everyone, small_data.labels] = 6
    counts[everyone, (small_data.labels + 1) % 7] = 4
    names = np.array([Path(source).name for source in small_data.sources.tolist()])
    small_votes = Votes(names, small_data.labels, counts)
    found = model_store.available(small_models)
    predictions = {key: model.predictions() for key, model in found.items()}
    split = study.study(predictions, small_votes, Split.PRIVATE_TEST)
    assert split is not None
    # Every label has six of ten votes, so both yardsticks are one.
    assert split["images_with_majority"] == split["images"]
    assert split["fer2013_label"]["majority"]["share"] == 1.0
    assert set(split["models"]) == set(predictions)
    for model in split["models"].values():
        assert model["majority"] == model["label"]
    strangers = replace(small_votes, names=np.char.add("other", small_votes.names))
    assert study.study(predictions, strangers, Split.PRIVATE_TEST) is None
    last = list(predictions)[-1]
    other = replace(predictions[last], sources=np.char.add("other", predictions[last].sources))
    split = study.study({**predictions, last: other}, small_votes, Split.PUBLIC_TEST)
    assert split is not None
    assert set(split["models"]) == set(predictions) - {last}, "a model of other images is left out"


def test_the_command_prints_the_published_models_against_people(small_models: Path) -> None:
    done = succeeded(fer("crowd", "--models-dir", ROOT / "models"))
    for name in ("a voter", "FER-2013's label", "baseline", "proposed"):
        assert name in done.stdout
    message = refusal(fer("crowd", "--models-dir", small_models))
    assert "No image of the stored predictions has votes" in message


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


NAMES = np.array([f"PrivateTest_{row}.jpg" for row in range(len(ROWS))])
COUNTS = np.array([[row[2].get(key, 0) for key in CHOICES] for row in ROWS], np.uint8)
VOTES = Votes(NAMES, np.array([emotions.LABEL_OF[row[0]] for row in ROWS]), COUNTS)


def test_the_most_disputed_come_first_and_none_without_votes() -> None:
    answers = np.array([emotions.LABEL_OF[row[1]] for row in ROWS])
    probabilities = np.eye(7)[answers] * 0.93 + 0.01
    predictions = Predictions(VOTES.splits, VOTES.sources, VOTES.labels, probabilities)
    kinds: dict[disputes.Kind, list[int]] = {
        "model": [1, 0],
        "label": [3, 2],
        "neither": [4],
        "divided": [6, 7, 2, 0, 4, 3, 8, 1, 5],
    }
    for kind, rows in kinds.items():
        disputed = disputes.find(predictions, VOTES, kind, 100)
        expected = [(str(VOTES.sources[row]), *ROWS[row][:2]) for row in rows]
        assert [(one.source, one.label, one.answer) for one in disputed] == expected
    assert len(disputes.find(predictions, VOTES, "divided", 2)) == 2
    strangers = Votes(np.char.add("x", VOTES.names), VOTES.labels, VOTES.counts)
    assert disputes.find(predictions, strangers, "divided", 2) == []


def test_errors_are_sorted_by_what_the_crowd_says() -> None:
    mistakes = [Mistake(str(row), *sides, 0.9) for row, (*sides, _) in enumerate(ROWS)]
    pairs = disputes.by_crowd(mistakes, [*COUNTS[:-1], None])
    order = [int(mistake.source) for mistake, _votes in pairs]
    assert (order[:2], order[-2:]) == ([1, 0], [3, 8])


def test_contested_contradicted_and_no_faces() -> None:
    assert disputes.contested(COUNTS).tolist() == [6]
    assert disputes.contradicted(COUNTS, VOTES.labels).tolist() == [1]
    assert disputes.no_faces(COUNTS).tolist() == [8]
