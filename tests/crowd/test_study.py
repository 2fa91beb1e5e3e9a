"""Models against people: the measures by hand, the record from stored predictions, the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fer.artifacts import model_store
from fer.artifacts.model_store import Predictions
from fer.cli import main
from fer.crowd import agreement, study
from fer.data import votes
from fer.data.votes import CHOICES, Votes
from tests.support.command import fer, refusal
from tests.support.making import ROOT


def counted(*images: dict[str, int]) -> np.ndarray:
    """Votes by name, a dictionary an image."""
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


def test_share_of_voters_is_of_all_ten() -> None:
    counts = counted(CLEAR, TORN, NO_FACE)
    assert agreement.share_of_voters(counts, np.array([HAPPY, FEAR, HAPPY])).tolist() == [
        1.0,
        0.3,
        0.1,
    ]


def test_one_voter_is_measured_against_the_other_nine() -> None:
    counts = counted(CLEAR, {"happy": 9, "sad": 1}, SPLIT)
    # Of five and five, the one left out always stands against five of nine.
    assert agreement.agreement_with_others(counts, None) == pytest.approx([1.0, 0.9, 0.0])
    happy = np.full(3, HAPPY)
    assert agreement.agreement_with_others(counts, happy) == pytest.approx([1.0, 1.0, 0.0])
    assert agreement.agreement_with_others(counts, np.full(3, SAD)) == pytest.approx(
        [0.0, 0.0, 0.5]
    )


def test_leaving_out_a_voter_leaves_the_votes_as_they_are() -> None:
    counts = counted(TORN)
    before = counts.copy()
    agreement.agreement_with_others(counts, None)
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


def test_calibration_error_is_the_distance_from_the_crowd() -> None:
    confidence = np.array([0.9, 0.9, 0.5, 0.5])
    agreed = np.array([1.0, 0.6, 0.5, 0.5])
    assert agreement.calibration_error(confidence, agreed) == pytest.approx(0.05)
    assert [row["count"] for row in agreement.reliability(confidence, agreed)] == [2, 2]


def test_the_crowd_sides_with_one_both_or_neither() -> None:
    counts = counted(CLEAR, CLEAR, SPLIT, CLEAR, TORN, NO_FACE)
    answers = np.array([HAPPY, SAD, SAD, ANGRY, SAD, SAD])
    labels = np.array([SAD, HAPPY, NEUTRAL, FEAR, ANGRY, HAPPY])
    expected = ["model", "label", "both", "neither", "no_majority", "no_majority"]
    assert agreement.side_of(counts, answers, labels).tolist() == expected


def test_the_confusion_of_label_and_crowd_keeps_every_image() -> None:
    counts = counted(CLEAR, SPLIT, NO_FACE)
    found = agreement.label_confusion(counts, np.array([HAPPY, SAD, HAPPY]))
    assert found[HAPPY, HAPPY] == 1
    assert found[HAPPY, CHOICES.index("not_a_face")] == 1
    assert found[SAD, [SAD, NEUTRAL]].tolist() == [0.5, 0.5]
    assert found.sum() == 3


def test_the_interval_is_the_binomials_for_shares() -> None:
    values = np.repeat([1.0, 0.0], [700, 300])
    low, high = agreement.mean_interval(values)
    half = 1.96 * np.sqrt(0.7 * 0.3 / 1000)
    assert low == pytest.approx(0.7 - half, abs=0.003)
    assert high == pytest.approx(0.7 + half, abs=0.003)


def test_the_figures_of_a_split_by_hand() -> None:
    counts = counted(CLEAR, CLEAR, SPLIT, TORN)
    labels = np.array([HAPPY, SAD, SAD, FEAR])
    answers = {"baseline": [SAD, SAD, FEAR, FEAR], "proposed": [HAPPY, HAPPY, SAD, SAD]}
    probabilities = {key: np.eye(7)[given] * 0.93 + 0.01 for key, given in answers.items()}
    found = study.of_split(counts, labels, probabilities)
    assert (found["images"], found["images_with_majority"], found["images_with_tie"]) == (4, 3, 1)
    proposed = found["models"]["proposed"]
    assert proposed["label"]["share"] == 0.5
    assert proposed["majority"]["share"] == pytest.approx(2.5 / 3)
    assert proposed["voters"]["share"] == pytest.approx((1 + 1 + 0.5 + 0.4) / 4)
    assert proposed["errors"]["images"] == 2
    assert proposed["errors"]["model"]["images"] == 1
    assert proposed["errors"]["no_majority"]["images"] == 1
    assert found["models"]["baseline"]["errors"]["label"]["images"] == 2
    assert found["gain"]["label"]["share"] == 0.0
    assert found["gain"]["majority"]["share"] == pytest.approx(2.5 / 3)
    assert [(row["votes"], row["images"]) for row in found["levels"]] == [(10, 2), (5, 1), (4, 1)]
    assert "majority" not in found["levels"][2]["models"]["proposed"]
    assert found["levels"][0]["models"]["proposed"]["majority"]["share"] == 1.0
    json.dumps(found)


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
def models(small_models: Path, tmp_path: Path) -> Path:
    """A models folder that may be changed."""
    import shutil

    return Path(shutil.copytree(small_models, tmp_path / "models"))


def test_the_record_names_what_it_was_made_from(models: Path, small_votes: Votes) -> None:
    record = study.write(models, small_votes)
    assert record is not None
    assert record == json.loads((models / model_store.CROWD).read_text())
    found = model_store.available(models)
    assert record["weights_sha256"] == {key: model.digest for key, model in found.items()}
    assert record["votes_sha256"] == small_votes.digest
    assert record["data_sha256"]["proposed"] == found["proposed"].metrics["data_sha256"]  # type: ignore[index]
    assert record["commit"]
    split = record["splits"]["PrivateTest"]
    # Every label has six of ten votes, so both yardsticks are one.
    assert split["images_with_majority"] == split["images"]
    assert split["fer2013_label"]["majority"]["share"] == 1.0
    for model in split["models"].values():
        assert model["majority"] == model["label"]


def test_images_without_votes_leave_no_record(models: Path, small_votes: Votes) -> None:
    assert study.write(models, small_votes) is not None
    strangers = replace(small_votes, names=np.char.add("other", small_votes.names))
    assert study.write(models, strangers) is None
    assert not (models / model_store.CROWD).exists()


def test_a_table_has_the_archives_figures(models: Path, small_votes: Votes) -> None:
    _, by_name = study.stored_predictions(models)
    by_row = {
        key: replace(
            part,
            sources=np.array([f"row {row + 1}" for row in small_votes.find(part.sources)]),
        )
        for key, part in by_name.items()
    }
    assert study.study(by_row, small_votes) == study.study(by_name, small_votes)


def test_check_tells_figures_that_are_not_reproduced(models: Path, small_votes: Votes) -> None:
    stored = study.write(models, small_votes)
    assert stored is not None
    _, predictions = study.stored_predictions(models)
    now = {
        "votes_sha256": small_votes.digest,
        "splits": study.study(predictions, small_votes),
    }
    assert study.differences(stored, now, 0.0) == []
    better = {
        key: Predictions(p.splits, p.sources, p.labels, np.eye(7)[p.labels])
        for key, p in predictions.items()
    }
    changed = {**now, "splits": study.study(better, small_votes)}
    assert any("crowd majority" in line for line in study.differences(stored, changed, 0.002))
    others = {**now, "votes_sha256": "0"}
    assert study.differences(stored, others, 0.002) == ["crowd.json was made from other votes"]
    assert study.differences(None, now, 0.002) == ["there is no crowd.json"]


def test_the_stored_figures_are_those_of_the_stored_predictions() -> None:
    done = CliRunner().invoke(
        main.main, ["crowd", "--check", "--tolerance", "1e-9", "--models-dir", str(ROOT / "models")]
    )
    assert done.exit_code == 0, done.output
    assert "reproduced" in done.output


@pytest.mark.parametrize("has_models", [True, False], ids=["no votes", "no models"])
def test_a_check_that_compares_nothing_is_no_success(
    has_models: bool, small_models: Path, tmp_path: Path
) -> None:
    models = small_models if has_models else tmp_path
    said = refusal(fer("crowd", "--check", "--models-dir", models))
    assert "No image of the stored predictions has votes" in said


def test_evaluate_writes_and_checks_the_crowd(
    models: Path, small_data, small_votes: Votes, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(votes, "open_votes", lambda folder: small_votes)
    options = ["--models-dir", str(models), "--data-dir", str(small_data.folder)]
    done = CliRunner().invoke(main.main, ["evaluate", *options])
    assert done.exit_code == 0, done.output
    assert model_store.CROWD in json.loads((models / model_store.MANIFEST).read_text())
    done = CliRunner().invoke(main.main, ["evaluate", "--check", *options])
    assert done.exit_code == 0, done.output
    stored = json.loads((models / model_store.CROWD).read_text())
    stored["splits"]["PrivateTest"]["models"]["proposed"]["voters"]["share"] += 0.1
    (models / model_store.CROWD).write_text(json.dumps(stored))
    done = CliRunner().invoke(main.main, ["evaluate", "--check", *options])
    assert done.exit_code == 1
    assert "crowd voters" in done.output
