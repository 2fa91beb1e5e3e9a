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


@pytest.fixture(scope="module")
def record() -> Gates:
    return GATES.require(ROOT / "models")


@pytest.fixture(scope="module")
def model() -> model_store.Artifact:
    return model_store.open_artifact("proposed", ROOT / "models")


@pytest.fixture(scope="module")
def explainer() -> gradcam.Explainer:
    return gradcam.Explainer(exact_backend.load(ROOT / "models", ["proposed"]))


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return sample.open_sample(ROOT / sample.FOLDER).images


def turn(
    explainer: gradcam.Explainer,
    model: model_store.Artifact,
    face: np.ndarray,
    setting: Setting,
    record: GateFigures,
) -> tuple[Answer, Answer]:
    maps = explainer.maps([face])[model.key]
    return turned_gates.turn(model, explainer.heads[model.key], maps, setting, record)


def answers_by_setting(
    explainer: gradcam.Explainer,
    model: model_store.Artifact,
    faces: np.ndarray,
    record: GateFigures,
) -> dict[str, list[int]]:
    """Return the most probable class of every face, turned one by one."""
    answers: dict[str, list[int]] = {"own": [], "mean": [], "ones": []}
    head = explainer.heads[model.key]
    for face in faces:
        maps = explainer.maps([face])[model.key]
        untouched, mean = turned_gates.turn(model, head, maps, Setting("mean"), record)
        _, ones = turned_gates.turn(model, head, maps, Setting("ones"), record)
        for kind, answer in (("own", untouched), ("mean", mean), ("ones", ones)):
            answers[kind].append(int(answer.prediction.probabilities.argmax()))
    return answers


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
    untouched, turned = turn(explainer, model, faces[0], Setting("closed"), record)
    assert np.array_equal(turned.gates, untouched.gates)
    assert turned.prediction.probabilities == pytest.approx(
        untouched.prediction.probabilities, abs=1e-6
    )


def test_every_setting_gives_its_gates(record: Gates) -> None:
    own = np.array([0.2, 0.9, 0.4, 0.9], np.float32)
    short: Gates = {
        **record,
        "public_mean": [0.1, 0.2, 0.3, 0.4],
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
        untouched, _ = turn(explainer, model, face, Setting("mean"), record)
        assert untouched.prediction.top1 == prediction["proposed"].top1
        assert untouched.prediction.probabilities == pytest.approx(
            prediction["proposed"].probabilities, abs=0.03
        )


def test_fixed_gates_give_the_studys_answers(
    explainer: gradcam.Explainer, model: model_store.Artifact, small_data: Dataset
) -> None:
    chosen = sample.open_sample(ROOT / sample.FOLDER)
    is_private = np.arange(len(chosen)) % 2 == 1
    data = replace(
        small_data,
        images=chosen.images,
        labels=chosen.labels,
        splits=np.where(is_private, Split.PRIVATE_TEST.value, Split.PUBLIC_TEST.value),
        sources=chosen.names,
    )
    record = se_gates.study(data, explainer, model, seed=1)
    faces = data.images[data.rows(Split.PRIVATE_TEST)]
    answers = answers_by_setting(explainer, model, faces, record)
    assert answers["mean"] != answers["ones"], "the gates change no answer"
    for kind, expected in answers.items():
        stored = turned_gates.unpacked_answers(record["answers"][kind], record["images"])
        assert stored.tolist() == expected


def test_stored_answers_are_those_of_the_stored_accuracies(
    model: model_store.Artifact, record: Gates
) -> None:
    images = model.predictions().of(Split.PRIVATE_TEST)
    assert feature_map.digest_of(images.sources) == record["sources_sha256"]
    for kind, scores in record["ablation"].items():
        answers = turned_gates.unpacked_answers(record["answers"][kind], record["images"])
        assert (answers == images.labels).mean() == pytest.approx(scores["accuracy"], abs=1e-12)
    own = turned_gates.unpacked_answers(record["answers"]["own"], record["images"])
    assert np.array_equal(own, images.probabilities.argmax(axis=1)), "the published answers"


def test_an_answer_is_stored_for_an_image_of_the_study(
    model: model_store.Artifact, record: Gates
) -> None:
    sources = model.predictions().of(Split.PRIVATE_TEST).sources
    answers = turned_gates.unpacked_answers(record["answers"]["mean"], record["images"])
    for row in (0, 1800, 3588):
        name = str(sources[row]).rpartition("/")[2]
        stored = turned_gates.stored_answer(Setting("mean"), name, sources, record)
        assert stored == emotions.KEYS[answers[row]]
        assert turned_gates.stored_answer(Setting("closed"), name, sources, record) is None
        assert turned_gates.stored_answer(Setting("mean"), name, sources[::-1], record) is None
    assert turned_gates.stored_answer(Setting("mean"), "me.jpg", sources, record) is None


@pytest.mark.fer2013
@pytest.mark.parametrize("step", [18, pytest.param(1, marks=pytest.mark.slow)])
def test_fixed_gates_do_what_the_study_found(
    step: int,
    explainer: gradcam.Explainer,
    model: model_store.Artifact,
    real_data: Dataset,
    record: Gates,
) -> None:
    rows = real_data.rows(Split.PRIVATE_TEST)
    assert feature_map.digest_of(real_data.sources[rows]) == record["sources_sha256"]
    faces = real_data.images[rows[::step]]
    for kind, answers in answers_by_setting(explainer, model, faces, record).items():
        stored = turned_gates.unpacked_answers(record["answers"][kind], record["images"])[::step]
        # Another processor adds in another order: that may turn an answer that is all but a tie.
        assert (stored != answers).sum() <= 2, kind
