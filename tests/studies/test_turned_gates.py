"""Turned gates: their own values change nothing, and fixed ones give the study's answers."""

from __future__ import annotations

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

MODEL = model_store.open_artifact("proposed", ROOT / "models")
RECORD = GATES.require(ROOT / "models")
SAMPLE = sample.open_sample(ROOT / sample.FOLDER)


@pytest.fixture(scope="module")
def explainer() -> gradcam.Explainer:
    return gradcam.Explainer(exact_backend.load(ROOT / "models", ["proposed"]))


def answers_of(
    explainer: gradcam.Explainer, face: np.ndarray, record: GateFigures, *settings: Setting
) -> list[Answer]:
    """The answers for a face: with the gates as computed, then with those of each setting."""
    maps, head = explainer.maps([face])["proposed"], explainer.heads["proposed"]
    pairs = [turned_gates.turn(MODEL, head, maps, one, record) for one in settings]
    return [pairs[0][0], *(turned for _, turned in pairs)]


def stored_answers(kind: str, record: GateFigures = RECORD) -> np.ndarray:
    return turned_gates.unpacked_answers(record["answers"][kind], record["images"])


def test_every_setting_gives_its_gates() -> None:
    own = np.array([0.2, 0.9, 0.4, 0.9], np.float32)
    short: Gates = {
        **RECORD,
        "public_mean": [0.1, 0.2, 0.3, 0.4],
        "classes": [[at / 10] * 4 for at in range(emotions.COUNT)],
    }
    for setting, expected in (
        (Setting("mean"), [0.1, 0.2, 0.3, 0.4]),
        (Setting("ones"), [1] * 4),
        (Setting("closed", closed=3), [0.2, 0, 0, 0]),
        (Setting("borrowed", emotion="happy"), [0.3] * 4),
    ):
        assert turned_gates.gates(setting, own, short) == pytest.approx(expected)


def test_answers_are_packed_in_three_bits_and_damaged_ones_refused() -> None:
    answers = np.random.default_rng(0).integers(0, emotions.COUNT, 3589)
    packed = turned_gates.packed_answers(answers)
    assert np.array_equal(turned_gates.unpacked_answers(packed, 3589), answers)
    for damaged, images in (("not base64!", 3), ("AAAA", 9), ("////", 8)):
        with pytest.raises(FerError, match="fer analyse --only gates"):
            turned_gates.unpacked_answers(damaged, images)


def test_untouched_answers_are_those_of_the_other_pages(explainer: gradcam.Explainer) -> None:
    chosen = SAMPLE.images[::14]
    served = classification.load(ROOT / "models", ["proposed"]).predict(chosen)
    for face, prediction in zip(chosen, served, strict=True):
        untouched, turned = answers_of(explainer, face, RECORD, Setting("closed"))
        expected = pytest.approx(prediction["proposed"].probabilities, abs=0.03)
        assert untouched.prediction.probabilities == expected
        # Where none is closed, nothing changes.
        expected = pytest.approx(untouched.prediction.probabilities, abs=1e-6)
        assert turned.prediction.probabilities == expected


def test_fixed_gates_give_the_studys_answers(
    explainer: gradcam.Explainer, small_data: Dataset
) -> None:
    rows = slice(None, None, 3)
    is_private = np.arange(len(SAMPLE.images[rows])) % 2 == 1
    data = replace(
        small_data,
        images=SAMPLE.images[rows],
        labels=SAMPLE.labels[rows],
        splits=np.where(is_private, Split.PRIVATE_TEST.value, Split.PUBLIC_TEST.value),
        sources=SAMPLE.names[rows],
    )
    record = se_gates.study(data, explainer, MODEL, seed=1)
    turned = [
        answers_of(explainer, face, record, Setting("mean"), Setting("ones"))
        for face in data.images[data.rows(Split.PRIVATE_TEST)]
    ]
    classes = [[answer.prediction.probabilities.argmax() for answer in row] for row in turned]
    answers = dict(zip(("own", "mean", "ones"), np.transpose(classes), strict=True))
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
    answer = emotions.KEYS[stored_answers("mean")[1800]]
    name = str(images.sources[1800]).rpartition("/")[2]
    for setting, asked, sources, expected in (
        (Setting("mean"), name, images.sources, answer),
        (Setting("closed"), name, images.sources, None),
        (Setting("mean"), name, images.sources[::-1], None),
        (Setting("mean"), "me.jpg", images.sources, None),
    ):
        assert turned_gates.stored_answer(setting, asked, sources, RECORD) == expected
