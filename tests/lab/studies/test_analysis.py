"""The studies of `fer analyse` on small data: what they count, and that they say where from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer import FerError, emotions
from fer.artifacts import model_store
from fer.artifacts.model_store import Predictions
from fer.data.dataset import Dataset, Split
from fer.evaluation import calibration, mistakes, reviews
from fer.inference import gradcam
from fer.inference.calibrate import softmax
from fer.lab.studies import attention
from fer.studies import feature_map, leakage
from fer.vision import faces, regions
from tests.support.making import face_like, in_keras

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
    at = {(20, 15): "eyes", (20, 33): "eyes", (37, 24): "mouth", (45, 2): "rest", (28, 24): "rest"}
    assert all(masks[name][place] for place, name in at.items())


def test_undetected_faces_get_the_median_and_none_at_all_is_said() -> None:
    class EverySecond(SameFace):
        calls = 0

        def detect(self, rgb: np.ndarray) -> list[faces.Face]:
            self.calls += 1
            return super().detect(rgb) if self.calls % 2 else []

    seldom = EverySecond()
    points, detected = regions.find([face_like(n) for n in range(3)], seldom)  # type: ignore[arg-type]
    assert detected.tolist() == [True, False, True]
    # In the pixels of the small face.
    assert all(found == pytest.approx(LANDMARKS, abs=1e-4) for found in points)
    with pytest.raises(FerError, match="No face was detected"):
        regions.find([face_like(0)], seldom)  # type: ignore[arg-type]


def test_regions_study_counts_every_image(small_models: Path, small_data: Dataset) -> None:
    explainer = gradcam.Explainer(in_keras(small_models))
    record = attention.study(small_data, explainer, SameFace(), seed=1)  # type: ignore[arg-type]
    assert record["images"] == len(small_data.rows(Split.PRIVATE_TEST))
    assert record["landmarks_detected"] == 1
    assert sum(record["area"].values()) == pytest.approx(1)
    for model in record["models"].values():
        assert set(model["per_class"]) == set(emotions.KEYS)
        shares = [model["all"][region]["share"] for region in regions.REGIONS]
        assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_leakage_counts_images_with_a_twin(small_models: Path, small_data: Dataset) -> None:
    images = np.array(small_data.images)
    test_row = small_data.rows(Split.PRIVATE_TEST)[0]
    images[test_row] = images[small_data.rows(Split.TRAINING)[0]]
    models = list(model_store.available(small_models).values())
    study = leakage.study(replace(small_data, images=images), models, seed=0)
    both = study["splits"]["PrivateTest"]
    counts = {name: group["images"] for name, group in both["proposed"].items()}
    assert counts["with_twin"] >= 1
    assert counts["with_twin"] + counts["without_twin"] == counts["all"]
    # The gain is paired: both models on the same images of the group.
    for name, gain in study["gains"]["PrivateTest"].items():
        assert gain["images"] == counts[name]
        difference = both["proposed"][name]["accuracy"] - both["baseline"][name]["accuracy"]
        assert gain["gain"] == pytest.approx(difference)


def predictions(labels: list[int], probabilities: np.ndarray) -> Predictions:
    names = np.array([f"image-{i}" for i in range(len(labels))])
    splits = np.full(len(labels), "PrivateTest")
    return Predictions(splits, names, np.array(labels), probabilities)


def sure(answers: list[int], confidence: list[float]) -> np.ndarray:
    chosen = np.eye(7)[answers]
    p = np.array(confidence)[:, None]
    return np.where(chosen, p, (1 - p) / 6)


def test_surest_errors_come_first() -> None:
    errors = mistakes.confident(predictions([0, 1, 2], sure([3, 1, 4], [0.6, 0.99, 0.9])), 10)
    expected = [("image-2", "fear", "sad"), ("image-0", "angry", "happy")]
    assert [(m.source, m.label, m.answer) for m in errors] == expected


def test_doubtful_labels_are_those_both_models_answer_otherwise() -> None:
    first = predictions([0, 0, 0], sure([3, 3, 0], [0.9, 0.8, 0.9]))
    second = predictions([0, 0, 0], sure([3, 4, 3], [0.7, 0.8, 0.9]))
    (one,) = mistakes.against_label(first, second, 10)
    assert (one.source, one.confidence) == ("image-0", pytest.approx(0.7))


def test_confused_pairs_are_counted_by_label() -> None:
    pairs = mistakes.confused_pairs(predictions([0, 0, 0, 1], sure([3, 3, 0, 1], [0.5] * 4)))
    assert pairs == [("angry", "happy", 2, pytest.approx(2 / 3))]


def test_reviews_are_read_back_as_they_were_written() -> None:
    review = reviews.Review('b,"2".jpg', "fear", "sad", "label")
    again = reviews.text({review.source: review}) + "a.jpg,fear,sad,unclear\n"
    parsed = reviews.parse(again.encode(), "mine.csv")
    verdicts = {source: found.verdict for source, found in parsed.items()}
    assert verdicts == {"a.jpg": "unclear", 'b,"2".jpg': "label"}
    for wrong in (b"something,else\n1,2\n", b"\xff\xfe\x00", b"source,label,answer,verdict\na,b\n"):
        with pytest.raises(FerError, match=r"mine\.csv holds no verdicts"):
            reviews.parse(wrong, "mine.csv")


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
    assert [selective.coverage[at] for at in (0, 50, 80, -1)] == [1, 0.75, 0.5, 0]
    assert [selective.accuracy[at] for at in (0, 50, 80)] == pytest.approx([0.5, 2 / 3, 1])
    assert np.isnan(selective.accuracy[-1])


def test_places_are_packed_within_a_step_and_damaged_ones_refused() -> None:
    places = np.random.default_rng(0).normal(5, 20, (300, 2))
    unpacked = feature_map.unpacked(feature_map.packed(places), 300)
    assert np.abs(unpacked).max() == pytest.approx(1)
    centred = places - (places.max(axis=0) + places.min(axis=0)) / 2
    assert unpacked == pytest.approx(centred / np.abs(centred).max(), abs=1 / feature_map.SCALE)
    for damaged, images in (("not base64!", 1), (feature_map.packed(np.eye(2)), 3)):
        with pytest.raises(FerError, match="fer analyse --only map"):
            feature_map.unpacked(damaged, images)
