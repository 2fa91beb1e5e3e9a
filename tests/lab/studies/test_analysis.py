"""The studies of `fer analyse` on small data: what they count, and that they say where from."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer import FerError, emotions, files
from fer.artifacts import model_store
from fer.artifacts.model_store import Predictions
from fer.data import dataset
from fer.data.dataset import Split
from fer.evaluation import calibration, mistakes, reviews
from fer.inference import exact_backend, gradcam
from fer.inference.calibrate import softmax
from fer.lab.studies import analysis, attention, robustness, se_gates
from fer.studies import feature_map, leakage, turned_gates
from fer.studies.records import REGION_SHARES
from fer.vision import faces, regions
from tests.support.making import ROOT, face_like, in_keras

LANDMARKS = np.array([[15, 20], [33, 20], [24, 28], [17, 37], [31, 37]], np.float32)


class SameFace:
    """A detector's stand-in: FER-like noise holds no face that YuNet would find."""

    def detect(self, rgb: np.ndarray) -> list[faces.Face]:
        border = rgb.shape[0] / 4
        landmarks = (LANDMARKS + 0.5) * 4 - 0.5 + border
        return [faces.Face((border, border, 192.0, 192.0), landmarks.astype(np.float32), 0.9)]


def test_every_pixel_is_in_one_region() -> None:
    masks = regions.masks(LANDMARKS)
    assert (sum(mask.astype(int) for mask in masks.values()) == 1).all()
    at = {(20, 15): "eyes", (20, 33): "eyes", (37, 24): "mouth", (45, 2): "rest"}
    at[28, 24] = "rest"  # The nose belongs to neither.
    assert all(masks[name][place] for place, name in at.items())


def test_undetected_faces_get_the_median() -> None:
    class EverySecond(SameFace):
        calls = 0

        def detect(self, rgb: np.ndarray) -> list[faces.Face]:
            self.calls += 1
            return super().detect(rgb) if self.calls % 2 else []

    points, detected = regions.find([face_like(n) for n in range(4)], EverySecond())  # type: ignore[arg-type]
    assert detected.tolist() == [True, False, True, False]
    # In the pixels of the small face.
    assert all(found == pytest.approx(LANDMARKS, abs=1e-4) for found in points)


def test_no_detected_face_at_all_is_said() -> None:
    class Nobody:
        def detect(self, rgb: np.ndarray) -> list[faces.Face]:
            return []

    with pytest.raises(FerError, match="No face was detected"):
        regions.find([face_like(0)], Nobody())  # type: ignore[arg-type]


@pytest.mark.parametrize("key", list(robustness.CORRUPTIONS))
def test_stronger_corruptions_change_more(key: str) -> None:
    corruption = robustness.CORRUPTIONS[key]
    changes = []
    for strength in corruption.strengths:
        rng = np.random.default_rng(0)
        seen = [face_like(seed) for seed in range(20)]
        spoilt = [corruption.spoil(face, LANDMARKS, strength, rng) for face in seen]
        assert {(face.shape, face.dtype) for face in spoilt} == {((48, 48), np.dtype(np.uint8))}
        changes.append(float(np.abs(np.subtract(spoilt, seen, dtype=int)).mean()))
    assert len(changes) == 5
    assert changes[0] > 0
    assert changes == sorted(changes)


def test_shares_of_a_map_on_one_region() -> None:
    mask = regions.masks(LANDMARKS)
    heat = np.zeros((2, 48, 48), np.float32)
    heat[0][mask["mouth"]] = 1.0
    shares = attention._shares(heat, [mask, mask])
    assert shares[0] == pytest.approx([0, 1, 0], abs=0.02)
    assert np.isnan(shares[1]).all(), "a blank map has no shares"


def test_regions_study_counts_every_image(small_models: Path, small_data: dataset.Dataset) -> None:
    explainer = gradcam.Explainer(in_keras(small_models))
    record = attention.study(small_data, explainer, SameFace(), seed=1)  # type: ignore[arg-type]
    assert record["images"] == len(small_data.rows(Split.PRIVATE_TEST))
    assert record["landmarks_detected"] == 1
    assert sum(record["area"].values()) == pytest.approx(1)
    for model in record["models"].values():
        assert set(model["per_class"]) == set(emotions.KEYS)
        if model["blank"] < 1:
            shares = model["all"]
            assert sum(shares[r]["share"] for r in regions.REGIONS) == pytest.approx(1, abs=1e-5)
            low, high = shares["eyes"]["interval"]
            assert low <= shares["eyes"]["share"] <= high


def test_gates_study(small_models: Path, small_data: dataset.Dataset) -> None:
    model = model_store.open_artifact("proposed", small_models)
    explainer = gradcam.Explainer(exact_backend.load(small_models, [model.key]))
    record = se_gates.study(small_data, explainer, model, seed=1)
    rows = small_data.rows(Split.PRIVATE_TEST)
    assert record["sources_sha256"] == feature_map.digest_of(small_data.sources[rows])
    public = explainer.maps(small_data.images[small_data.rows(Split.PUBLIC_TEST)])[model.key]
    gates = explainer.heads[model.key].gates(public)
    assert record["public_mean"] == pytest.approx(gates.mean(axis=0), abs=1e-4)
    for setting, packed in record["answers"].items():
        answers = turned_gates.unpacked_answers(packed, len(rows))
        assert (answers == small_data.labels[rows]).mean() == pytest.approx(
            record["ablation"][setting]["accuracy"]
        )
    classes = np.array(record["classes"])
    assert classes.shape == (7, len(record["mean"]))
    for shares in (classes, np.array(record["explained"])):
        assert shares.min() >= 0
        assert shares.max() <= 1 + 1e-3
    stored = model.predictions().of(Split.PRIVATE_TEST)
    accuracy = float((stored.probabilities.argmax(axis=1) == stored.labels).mean())
    assert record["ablation"]["own"]["accuracy"] == pytest.approx(accuracy, abs=1e-9)
    assert set(record["ablation"]) == set(record["answers"]) == {"own", "mean", "ones"}
    patches = [
        patch for rows in record["channels"].values() for row in rows for patch in row["patches"]
    ]
    assert {patch["source"] for patch in patches} <= set(small_data.sources.tolist())
    assert all(0 <= patch["top"] < 1 for patch in patches)


def test_robustness_study_starts_from_the_clean_images(
    small_models: Path, small_data: dataset.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "CORRUPTIONS", {"blur": robustness.CORRUPTIONS["blur"]})
    classifier = in_keras(small_models)
    steps: list[int] = []
    record = robustness.study(
        small_data,
        classifier,
        SameFace(),  # type: ignore[arg-type]
        seed=1,
        progress=lambda done, total, **details: steps.append(done),
    )
    rows = small_data.rows(Split.PRIVATE_TEST)
    assert record["images"] == len(rows)
    expected = classifier.logits(small_data.images[rows])["proposed"].argmax(axis=1)
    accuracy = float((expected == small_data.labels[rows]).mean())
    assert record["clean"]["proposed"]["accuracy"] == pytest.approx(accuracy)
    strengths = [row["strength"] for row in record["corruptions"]["blur"]["results"]]
    assert strengths == list(robustness.CORRUPTIONS["blur"].strengths)
    assert steps == [1, 2, 3, 4, 5, 6]


def test_leakage_counts_images_with_a_twin(small_models: Path, small_data: dataset.Dataset) -> None:
    images = np.array(small_data.images)
    test_row = small_data.rows(Split.PRIVATE_TEST)[0]
    images[test_row] = images[small_data.rows(Split.TRAINING)[0]]
    models = list(model_store.available(small_models).values())
    study = leakage.study(replace(small_data, images=images), models, seed=0)
    both = study["splits"]["PrivateTest"]
    counts = {name: group["images"] for name, group in both["proposed"].items()}
    assert counts["all"] == len(small_data.rows(Split.PRIVATE_TEST))
    assert counts["with_twin"] >= 1
    assert counts["with_twin"] + counts["without_twin"] == counts["all"]
    # The gain is paired: both models on the same images of the group.
    gains = study["gains"]["PrivateTest"]
    for name, gain in gains.items():
        assert gain["images"] == counts[name]
        difference = both["proposed"][name]["accuracy"] - both["baseline"][name]["accuracy"]
        assert gain["gain"] == pytest.approx(difference)
        low, high = gain["gain_interval"]
        assert low <= gain["gain"] <= high
    assert set(gains) == {"all", "with_twin", "without_twin"}


def test_records_say_where_they_come_from(
    small_models: Path, small_data: dataset.Dataset, tmp_path: Path
) -> None:
    folder = shutil.copytree(small_models, tmp_path / "models")
    (folder / model_store.DETECTOR).symlink_to(ROOT / "models" / model_store.DETECTOR)
    analysis.run(small_data, folder, ["gates", "leakage"])
    for name in ("gates", "leakage"):
        record = files.read_json(analysis.path_of(name, folder))
        assert (record["seed"], record["data_sha256"]) == (analysis.SEED, small_data.digest)
        assert record["weights_sha256"]["proposed"]
        assert record["commit"]
    assert model_store.verify(folder) == ([], [])
    assert REGION_SHARES.read(folder) is None


def predictions(labels: list[int], probabilities: np.ndarray) -> Predictions:
    n = len(labels)
    return Predictions(
        np.array(["PrivateTest"] * n),
        np.array([f"image-{i}" for i in range(n)]),
        np.array(labels),
        probabilities,
    )


def sure(answers: list[int], confidence: list[float]) -> np.ndarray:
    chosen = np.eye(7)[answers]
    p = np.array(confidence)[:, None]
    return np.where(chosen, p, (1 - p) / 6)


def test_surest_errors_come_first() -> None:
    errors = mistakes.confident(predictions([0, 1, 2], sure([3, 1, 4], [0.6, 0.99, 0.9])), 10)
    assert [(m.source, m.label, m.answer) for m in errors] == [
        ("image-2", "fear", "sad"),
        ("image-0", "angry", "happy"),
    ]
    assert errors[0].confidence == pytest.approx(0.9)


def test_doubtful_labels_are_those_both_models_answer_otherwise() -> None:
    first = predictions([0, 0, 0], sure([3, 3, 0], [0.9, 0.8, 0.9]))
    second = predictions([0, 0, 0], sure([3, 4, 3], [0.7, 0.8, 0.9]))
    (one,) = mistakes.against_label(first, second, 10)
    assert (one.source, one.confidence) == ("image-0", pytest.approx(0.7))
    other = predictions([0], sure([1], [0.5]))
    with pytest.raises(ValueError, match="same images"):
        mistakes.against_label(first, other, 1)


def test_confused_pairs_are_counted_by_label() -> None:
    pairs = mistakes.confused_pairs(predictions([0, 0, 0, 1], sure([3, 3, 0, 1], [0.5] * 4)))
    assert pairs == [("angry", "happy", 2, pytest.approx(2 / 3))]


def test_reviews_are_read_back_as_they_were_written() -> None:
    first = [reviews.Review("a.jpg", "fear", "sad", "models")]
    first += [reviews.Review('b,"2".jpg', "fear", "sad", "label")]
    written = reviews.text({review.source: review for review in first})
    again = written + "a.jpg,fear,sad,unclear\n"
    parsed = reviews.parse(again.encode(), "mine.csv")
    assert {source: review.verdict for source, review in parsed.items()} == {
        "a.jpg": "unclear",
        'b,"2".jpg': "label",
    }
    assert reviews.parse(reviews.text(parsed).encode(), "mine.csv") == parsed


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello world\n",
        b"something,else\n1,2\n",
        b"source,source,label,answer,verdict\n",
        b"\xff\xfe\x00",
        b"source,label,answer,verdict\na,b\n",
    ],
)
def test_a_file_without_verdicts_is_told(content: bytes) -> None:
    with pytest.raises(FerError, match=r"mine\.csv holds no verdicts"):
        reviews.parse(content, "mine.csv")


def test_calibration_can_be_taken_back() -> None:
    logits = np.random.default_rng(0).normal(0, 4, (200, 7))
    calibrated = softmax(logits, 1.7)
    assert calibration.uncalibrated(calibrated, 1.7) == pytest.approx(softmax(logits))


def test_classwise_error_is_zero_for_frequencies_and_large_for_lies() -> None:
    labels = np.repeat(np.arange(7), 100)
    honest = np.full((700, 7), 1 / 7)
    assert max(calibration.classwise_error(labels, honest).values()) < 1e-9
    lying = np.eye(7)[np.zeros(700, int)]
    assert calibration.classwise_error(labels, lying)["angry"] == pytest.approx(6 / 7)


def test_answering_only_when_sure() -> None:
    labels = np.array([0, 0, 0, 0])
    selective = calibration.selective(labels, sure([0, 0, 3, 3], [0.95, 0.9, 0.6, 0.4]))
    assert (selective.coverage[0], selective.accuracy[0]) == (1.0, 0.5)
    assert (selective.coverage[50], selective.accuracy[50]) == (0.75, pytest.approx(2 / 3))
    assert (selective.coverage[80], selective.accuracy[80]) == (0.5, 1.0)
    assert selective.coverage[-1] == 0
    assert np.isnan(selective.accuracy[-1])


def test_histogram_counts_every_image_once() -> None:
    labels = np.array([0, 0, 3])
    bins = calibration.histogram(labels, sure([0, 3, 3], [0.97, 0.97, 0.52]))
    assert sum(row["right"] + row["wrong"] for row in bins) == 3
    assert (bins[-1]["right"], bins[-1]["wrong"]) == (1, 1)
