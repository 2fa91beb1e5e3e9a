"""Models against people: the measures by hand, figures of stored predictions, the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer.artifacts import model_store
from fer.artifacts.model_store import Predictions
from fer.crowd import agreement, study
from fer.data.dataset import TEST_SPLITS, Split
from fer.data.votes import CHOICES, Votes
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


@pytest.mark.parametrize(
    ("image", "answer", "expected"),
    [
        (CLEAR, HAPPY, 1.0),
        (CLEAR, SAD, 0.0),
        (SPLIT, SAD, 0.5),
        (SPLIT, NEUTRAL, 0.5),
        (SPLIT, FEAR, 0.0),
        (TORN, SAD, 1.0),
        (NO_FACE, HAPPY, 0.0),
    ],
)
def test_a_tie_counts_by_its_share(image: dict[str, int], answer: int, expected: float) -> None:
    assert agreement.credit(counted(image), np.array([answer])).tolist() == [expected]


def test_one_voter_is_measured_against_the_other_nine() -> None:
    counts = counted(CLEAR, {"happy": 9, "sad": 1}, SPLIT)
    before = counts.copy()
    # Of five and five, the one left out always stands against five of nine.
    for answers, expected in (
        (None, [1.0, 0.9, 0.0]),
        (np.full(3, HAPPY), [1.0, 1.0, 0.0]),
        (np.full(3, SAD), [0.0, 0.0, 0.5]),
    ):
        assert agreement.agreement_with_others(counts, answers) == pytest.approx(expected)
    assert np.array_equal(counts, before)


def test_divergence_is_nothing_where_the_model_says_what_the_crowd_says() -> None:
    counts = counted(TORN, SPLIT)
    assert agreement.divergence(counts, agreement.distribution(counts)) == pytest.approx([0.0, 0.0])
    uniform = np.full((2, 7), 1 / 7)
    expected = np.log(7) - agreement.entropy(counts)
    assert agreement.divergence(counts, uniform) == pytest.approx(expected)
    assert agreement.entropy(counted(SPLIT)) == pytest.approx([np.log(2)])


def test_choices_that_are_no_emotion_are_left_out_of_the_distribution() -> None:
    counts = counted({"happy": 3, "sad": 3, "unknown": 4}, NO_FACE)
    assert agreement.saw_an_emotion(counts).tolist() == [True, False]
    assert agreement.distribution(counts)[0, [HAPPY, SAD]].tolist() == [0.5, 0.5]


def test_the_crowd_sides_with_one_both_or_neither() -> None:
    counts = counted(CLEAR, CLEAR, SPLIT, CLEAR, TORN, NO_FACE)
    answers = np.array([HAPPY, SAD, SAD, ANGRY, SAD, SAD])
    labels = np.array([SAD, HAPPY, NEUTRAL, FEAR, ANGRY, HAPPY])
    expected = ["model", "label", "both", "neither", "no_majority", "no_majority"]
    assert agreement.side_of(counts, answers, labels).tolist() == expected


def test_the_confusion_of_label_and_crowd_keeps_every_image() -> None:
    counts = counted(CLEAR, SPLIT, NO_FACE)
    confusion = agreement.label_confusion(counts, np.array([HAPPY, SAD, HAPPY]))
    assert confusion[HAPPY, HAPPY] == 1
    assert confusion[HAPPY, CHOICES.index("not_a_face")] == 1
    assert confusion[SAD, [SAD, NEUTRAL]].tolist() == [0.5, 0.5]
    assert confusion.sum() == 3


def test_the_interval_is_the_binomials_for_shares() -> None:
    values = np.repeat([1.0, 0.0], [700, 300])
    half = 1.96 * np.sqrt(0.7 * 0.3 / 1000)
    assert agreement.mean_interval(values) == pytest.approx([0.7 - half, 0.7 + half], abs=0.003)


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
    assert [row["count"] for row in proposed["reliability_voters"]] == [4]
    assert proposed["errors"]["images"] == 2
    assert proposed["errors"]["model"]["images"] == 1
    assert proposed["errors"]["no_majority"]["images"] == 1
    assert figures["models"]["baseline"]["errors"]["label"]["images"] == 2
    assert figures["gain"]["label"]["share"] == 0.0
    assert figures["gain"]["majority"]["share"] == pytest.approx(2.5 / 3)
    assert [(row["votes"], row["images"]) for row in figures["levels"]] == [(10, 2), (5, 1), (4, 1)]
    assert "majority" not in figures["levels"][2]["models"]["proposed"]
    assert figures["levels"][0]["models"]["proposed"]["majority"]["share"] == 1.0
    json.dumps(figures)


@pytest.fixture(scope="module")
def small_votes(small_data) -> Votes:  # type: ignore[no-untyped-def]
    """Six voters for each image's label, four for the next emotion."""
    counts = np.zeros((len(small_data), len(CHOICES)), np.uint8)
    everyone = np.arange(len(small_data))
    counts[everyone, small_data.labels] = 6
    counts[everyone, (small_data.labels + 1) % 7] = 4
    names = np.array([Path(source).name for source in small_data.sources.tolist()], dtype=np.str_)
    return Votes(names, small_data.labels, counts)


@pytest.fixture
def predictions(small_models: Path) -> dict[str, Predictions]:
    return {key: model.predictions() for key, model in model_store.available(small_models).items()}


def test_a_split_is_studied_on_its_images_with_votes(
    predictions: dict[str, Predictions], small_votes: Votes
) -> None:
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
    assert study.study({}, small_votes, Split.PRIVATE_TEST) is None


def test_a_model_of_other_images_is_left_out(
    predictions: dict[str, Predictions], small_votes: Votes
) -> None:
    last = list(predictions)[-1]
    other = replace(predictions[last], sources=np.char.add("other", predictions[last].sources))
    split = study.study({**predictions, last: other}, small_votes, Split.PUBLIC_TEST)
    assert split is not None
    assert set(split["models"]) == set(predictions) - {last}


def test_a_table_has_the_archives_figures(
    predictions: dict[str, Predictions], small_votes: Votes
) -> None:
    by_row = {}
    for key, part in predictions.items():
        rows = [f"row {row + 1}" for row in small_votes.find(part.sources)]
        by_row[key] = replace(part, sources=np.array(rows))
    for split in TEST_SPLITS:
        by_name = study.study(predictions, small_votes, split)
        assert by_name is not None
        assert study.study(by_row, small_votes, split) == by_name


def test_the_command_prints_the_published_models_against_people() -> None:
    done = succeeded(fer("crowd", "--models-dir", ROOT / "models"))
    for name in ("a voter", "FER-2013's label", "baseline", "proposed"):
        assert name in done.stdout


@pytest.mark.parametrize("has_models", [True, False], ids=["no votes", "no models"])
def test_nothing_to_compare_is_no_success(
    has_models: bool, small_models: Path, tmp_path: Path
) -> None:
    message = refusal(fer("crowd", "--models-dir", small_models if has_models else tmp_path))
    assert "No image of the stored predictions has votes" in message
