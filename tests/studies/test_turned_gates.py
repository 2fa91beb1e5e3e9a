"""Turned gates: their own values change nothing, and fixed ones give the study's answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fer import FerError, emotions
from fer.artifacts import model_store
from fer.data import sample
from fer.data.dataset import Dataset, Split
from fer.inference import classification, exact_backend, gradcam
from fer.lab.studies import se_gates
from fer.studies import feature_map, turned_gates
from fer.studies.records import GATES, GateFigures, Gates
from fer.studies.turned_gates import Answer, Setting
from tests.support.making import ROOT

# The answers for a face: with the gates as computed, then with those of each setting.
Turn = Callable[..., list[Answer]]
MODEL = model_store.open_artifact("proposed", ROOT / "models")
RECORD = GATES.require(ROOT / "models")
SAMPLE = sample.open_sample(ROOT / sample.FOLDER)


@pytest.fixture(scope="module")
def explainer() -> gradcam.Explainer:
    return gradcam.Explainer(exact_backend.load(ROOT / "models", ["proposed"]))


@pytest.fixture(scope="module")
def turn(explainer: gradcam.Explainer) -> Turn:
    def answers(face: np.ndarray, *settings: Setting, record: GateFigures = RECORD) -> list[Answer]:
        maps, head = explainer.maps([face])["proposed"], explainer.heads["proposed"]
        pairs = [turned_gates.turn(MODEL, head, maps, one, record) for one in settings]
        return [pairs[0][0], *(turned for _, turned in pairs)]

    return answers


def classes_by_setting(
    turn: Turn, faces: np.ndarray, record: GateFigures = RECORD
) -> dict[str, np.ndarray]:
    """Return the most probable class of every face, turned one by one."""
    turned = [turn(face, Setting("mean"), Setting("ones"), record=record) for face in faces]
    classes = [[answer.prediction.probabilities.argmax() for answer in row] for row in turned]
    return dict(zip(("own", "mean", "ones"), np.transpose(classes), strict=True))


def stored_answers(kind: str, record: GateFigures = RECORD) -> np.ndarray:
    return turned_gates.unpacked_answers(record["answers"][kind], record["images"])


def test_none_closed_is_the_untouched_answer(turn: Turn) -> None:
    for face in SAMPLE.images[:3]:
        untouched, turned = turn(face, Setting("closed"))
        assert np.array_equal(turned.gates, untouched.gates)
        expected = pytest.approx(untouched.prediction.probabilities, abs=1e-6)
        assert turned.prediction.probabilities == expected


def test_every_setting_gives_its_gates() -> None:
    own = np.array([0.2, 0.9, 0.4, 0.9], np.float32)
    short: Gates = {
        **RECORD,
        "public_mean": [0.1, 0.2, 0.3, 0.4],
        "classes": [[at / 10] * 4 for at in range(emotions.COUNT)],
    }
    third = emotions.LABEL_OF["happy"] / 10
    for setting, expected in (
        (Setting("mean"), [0.1, 0.2, 0.3, 0.4]),
        (Setting("ones"), [1] * 4),
        (Setting("closed", closed=1), [0.2, 0, 0.4, 0.9]),
        (Setting("closed", closed=3), [0.2, 0, 0, 0]),
        (Setting("borrowed", emotion="happy"), [third] * 4),
    ):
        assert turned_gates.gates(setting, own, short) == pytest.approx(expected)
    assert own == pytest.approx([0.2, 0.9, 0.4, 0.9]), "own gates stay as they are"


def test_answers_are_packed_in_three_bits() -> None:
    answers = np.random.default_rng(0).integers(0, emotions.COUNT, 3589)
    packed = turned_gates.packed_answers(answers)
    assert np.array_equal(turned_gates.unpacked_answers(packed, 3589), answers)
    assert len(packed) < 1_800


@pytest.mark.parametrize(
    ("packed", "images"),
    [("not base64!", 3), ("AAAA", 9), ("AAAA", 3), ("////", 8)],
    ids=["not base64", "too short", "too long", "no emotion"],
)
def test_damaged_answers_are_refused(packed: str, images: int) -> None:
    with pytest.raises(FerError, match="fer analyse --only gates"):
        turned_gates.unpacked_answers(packed, images)


def test_untouched_answers_are_those_of_the_other_pages(turn: Turn) -> None:
    chosen = SAMPLE.images[::7]
    served = classification.load(ROOT / "models", ["proposed"]).predict(chosen)
    for face, prediction in zip(chosen, served, strict=True):
        untouched = turn(face, Setting("mean"))[0].prediction
        assert untouched.top1 == prediction["proposed"].top1
        expected = pytest.approx(prediction["proposed"].probabilities, abs=0.03)
        assert untouched.probabilities == expected


def test_fixed_gates_give_the_studys_answers(
    explainer: gradcam.Explainer, turn: Turn, small_data: Dataset
) -> None:
    rows = slice(None, None, 2)
    is_private = np.arange(len(SAMPLE.images[rows])) % 2 == 1
    data = replace(
        small_data,
        images=SAMPLE.images[rows],
        labels=SAMPLE.labels[rows],
        splits=np.where(is_private, Split.PRIVATE_TEST.value, Split.PUBLIC_TEST.value),
        sources=SAMPLE.names[rows],
    )
    record = se_gates.study(data, explainer, MODEL, seed=1)
    answers = classes_by_setting(turn, data.images[data.rows(Split.PRIVATE_TEST)], record)
    assert (answers["mean"] != answers["ones"]).any(), "the gates change no answer"
    for kind, expected in answers.items():
        assert np.array_equal(stored_answers(kind, record), expected)


def test_stored_answers_are_those_of_the_stored_accuracies() -> None:
    images = MODEL.predictions().of(Split.PRIVATE_TEST)
    assert feature_map.digest_of(images.sources) == RECORD["sources_sha256"]
    for kind, scores in RECORD["ablation"].items():
        accuracy = (stored_answers(kind) == images.labels).mean()
        assert accuracy == pytest.approx(scores["accuracy"], abs=1e-12)
    published = images.probabilities.argmax(axis=1)
    assert np.array_equal(stored_answers("own"), published), "the published answers"


def test_an_answer_is_stored_for_an_image_of_the_study() -> None:
    sources = MODEL.predictions().of(Split.PRIVATE_TEST).sources
    answers = stored_answers("mean")
    for row in (0, 1800, 3588):
        name = str(sources[row]).rpartition("/")[2]
        stored = turned_gates.stored_answer(Setting("mean"), name, sources, RECORD)
        assert stored == emotions.KEYS[answers[row]]
        assert turned_gates.stored_answer(Setting("closed"), name, sources, RECORD) is None
        assert turned_gates.stored_answer(Setting("mean"), name, sources[::-1], RECORD) is None
    assert turned_gates.stored_answer(Setting("mean"), "me.jpg", sources, RECORD) is None


@pytest.mark.fer2013
@pytest.mark.parametrize("step", [18, pytest.param(1, marks=pytest.mark.slow)])
def test_fixed_gates_do_what_the_study_found(step: int, turn: Turn, real_data: Dataset) -> None:
    rows = real_data.rows(Split.PRIVATE_TEST)
    assert feature_map.digest_of(real_data.sources[rows]) == RECORD["sources_sha256"]
    for kind, answers in classes_by_setting(turn, real_data.images[rows[::step]]).items():
        # Another processor adds in another order: that may turn an answer that is all but a tie.
        assert (stored_answers(kind)[::step] != answers).sum() <= 2, kind
