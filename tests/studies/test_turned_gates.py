"""Turned gates: their own values change nothing, and their mean does what the study found."""

from __future__ import annotations

import numpy as np
import pytest

from fer import FerError, emotions
from fer.artifacts import model_store
from fer.data import sample
from fer.data.dataset import Dataset, Split
from fer.inference import classification, gradcam
from fer.studies import turned_gates
from fer.studies.records import GATES, Gates
from fer.studies.turned_gates import Setting
from tests.support.making import ROOT


@pytest.fixture(scope="module")
def record() -> Gates:
    return GATES.require(ROOT / "models")


@pytest.fixture(scope="module")
def model() -> model_store.Artifact:
    return model_store.open_artifact("proposed", ROOT / "models")


@pytest.fixture(scope="module")
def explainer() -> gradcam.Explainer:
    return gradcam.Explainer(classification.load(ROOT / "models", ["proposed"]))


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return sample.open_sample(ROOT / sample.FOLDER).images


def test_gates_set_to_their_own_values_change_nothing(
    explainer: gradcam.Explainer, faces: np.ndarray
) -> None:
    head = explainer.heads["proposed"]
    for maps in explainer.maps(faces[:3])["proposed"][:, None]:
        fixed = head.with_fixed_gates(head.gates(maps)[0])
        assert fixed.logits(maps) == pytest.approx(head.logits(maps), abs=1e-5)


def test_none_closed_is_the_untouched_answer(
    explainer: gradcam.Explainer, model: model_store.Artifact, faces: np.ndarray, record: Gates
) -> None:
    untouched, turned = turned_gates.turn(explainer, model, faces[0], Setting("closed"), record)
    assert np.array_equal(turned.gates, untouched.gates)
    assert turned.prediction.probabilities == pytest.approx(
        untouched.prediction.probabilities, abs=1e-6
    )


def test_every_setting_gives_its_gates(record: Gates) -> None:
    own = np.array([0.2, 0.9, 0.4, 0.9], np.float32)
    short: Gates = {
        **record,
        "mean": [0.1, 0.2, 0.3, 0.4],
        "classes": [[at / 10] * 4 for at in range(emotions.COUNT)],
    }
    found = {
        setting: list(turned_gates.gates(setting, own, short).round(3))
        for setting in (
            Setting("mean"),
            Setting("ones"),
            Setting("closed", closed=1),
            Setting("closed", closed=3),
            Setting("borrowed", emotion="happy"),
        )
    }
    third = emotions.LABEL_OF["happy"] / 10
    expected = [[0.1, 0.2, 0.3, 0.4], [1] * 4, [0.2, 0, 0.4, 0.9], [0.2, 0, 0, 0], [third] * 4]
    for gates, wanted in zip(found.values(), expected, strict=True):
        assert gates == pytest.approx(wanted)
    assert list(own.round(1)) == pytest.approx([0.2, 0.9, 0.4, 0.9]), "own gates stay as they are"


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


def test_untouched_answers_are_those_of_the_other_pages(
    explainer: gradcam.Explainer, model: model_store.Artifact, faces: np.ndarray, record: Gates
) -> None:
    chosen = faces[::7]
    served = classification.load(ROOT / "models", ["proposed"]).predict(chosen)
    for face, prediction in zip(chosen, served, strict=True):
        untouched, _ = turned_gates.turn(explainer, model, face, Setting("mean"), record)
        assert untouched.prediction.top1 == prediction["proposed"].top1
        assert untouched.prediction.probabilities == pytest.approx(
            prediction["proposed"].probabilities, abs=0.03
        )


@pytest.mark.fer2013
def test_fixed_gates_do_what_the_study_found(
    explainer: gradcam.Explainer, model: model_store.Artifact, real_data: Dataset, record: Gates
) -> None:
    rows = real_data.rows(Split.PRIVATE_TEST)[::18]
    labels = real_data.labels[rows]
    right = dict.fromkeys(("own", "mean", "ones"), 0)
    for face, label in zip(real_data.images[rows], labels, strict=True):
        untouched, mean = turned_gates.turn(explainer, model, face, Setting("mean"), record)
        _, ones = turned_gates.turn(explainer, model, face, Setting("ones"), record)
        for kind, answer in (("own", untouched), ("mean", mean), ("ones", ones)):
            right[kind] += int(answer.prediction.probabilities.argmax()) == label
    for kind, count in right.items():
        # 200 images: three standard errors are ten points; with gates at 1 it is forty less.
        assert count / len(rows) == pytest.approx(record["ablation"][kind]["accuracy"], abs=0.1)
    assert abs(right["own"] - right["mean"]) <= 0.03 * len(rows)
