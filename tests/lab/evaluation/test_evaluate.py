"""Metrics against hand-made cases, independent computations and what is stored; averaged views."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from fer.artifacts import model_store
from fer.data.dataset import TEST_SPLITS, Dataset, Split
from fer.evaluation import calibration, metrics
from fer.evaluation.protocols import CROP, Protocol
from fer.evaluation.records import Protocols
from fer.inference.calibrate import softmax
from fer.lab.evaluation import protocols, training_fit


def random_case(n: int = 800, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, n)
    logits = rng.normal(size=(n, 7)) + 1.5 * np.eye(7)[labels]
    return labels, logits


def angry_or_disgust(confidence: list[float]) -> np.ndarray:
    """Probabilities (n, 7) of which all but the first two are 0."""
    first = np.array(confidence)
    return np.eye(7)[0] * first[:, None] + np.eye(7)[1] * (1 - first)[:, None]


def test_ece_by_hand() -> None:
    labels = np.array([0, 1, 0, 0])
    perfect, wrong = np.eye(7)[labels], np.eye(7)[labels + 1]
    assert calibration.expected_calibration_error(labels, perfect) == 0
    assert calibration.expected_calibration_error(labels, wrong) == 1
    probabilities = angry_or_disgust([0.51, 0.52, 0.91, 0.92])
    expected = (2 * abs(0.5 - 0.515) + 2 * abs(1.0 - 0.915)) / 4
    assert calibration.expected_calibration_error(labels, probabilities) == pytest.approx(expected)


def test_temperature_recovers_what_was_done_to_the_logits() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(20_000, 7)) * 2
    labels = np.array([rng.choice(7, p=row) for row in softmax(logits)])
    assert metrics.fit_temperature(labels, logits * 2.5) == pytest.approx(2.5, rel=0.05)


def test_the_surest_answers_by_hand() -> None:
    probabilities, labels = angry_or_disgust([0.6, 0.9, 0.7, 0.8]), np.array([0, 0, 1, 1])
    for share, surest in {0.01: (1.0, 0.9), 0.5: (0.5, 0.8), 1: (0.5, 0.6)}.items():
        assert calibration.surest(labels, probabilities, share) == calibration.Surest(*surest)


def test_interval_is_where_resamples_of_the_images_lie() -> None:
    labels, logits = random_case(n=300)
    low, high = metrics.accuracy_interval(labels, softmax(logits))
    right = (logits.argmax(axis=1) == labels).astype(float)
    draws = np.random.default_rng(0).choice(right, (20_000, len(right))).mean(axis=1)
    # The quantiles of so many resamples are off by no more than one image.
    assert [low, high] == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=1.01 / len(right))


def test_report_agrees_with_the_confusion_matrix() -> None:
    labels, logits = random_case()
    report = metrics.report(labels, softmax(logits))
    confusion = np.array(report["confusion"])
    recall = confusion.diagonal() / confusion.sum(axis=1)
    precision = confusion.diagonal() / confusion.sum(axis=0)
    f1 = 2 * precision * recall / (precision + recall)
    assert report["accuracy"] == pytest.approx(confusion.trace() / len(labels))
    assert report["balanced_accuracy"] == pytest.approx(recall.mean())
    assert report["macro_f1"] == pytest.approx(f1.mean())
    picked = softmax(logits)[np.arange(len(labels)), labels]
    assert report["log_loss"] == pytest.approx(-np.log(picked).mean())


def test_mcnemar_is_the_binomial_test_on_disagreements() -> None:
    labels, logits = random_case()
    _, other = random_case(seed=3)
    a, b = softmax(logits), softmax(logits + 0.6 * other)
    result = metrics.compare(labels, a, b)
    only_a, only_b = result["only_baseline_right"], result["only_proposed_right"]
    assert result["mcnemar_p"] == pytest.approx(binomtest(only_a, only_a + only_b).pvalue)
    assert result["gain"] == pytest.approx((only_b - only_a) / len(labels))
    assert result["gain_interval"][0] < result["gain"] < result["gain_interval"][1]


def test_gain_in_macro_f1_is_that_of_both_models_and_its_interval_that_of_resamples() -> None:
    labels, logits = random_case(300)
    worse = logits.copy()
    # A class that the first model never answers with.
    worse[:, 1] = -100

    def macro_f1(rows: np.ndarray, values: np.ndarray) -> float:
        answers = values[rows].argmax(axis=1)
        options = {"labels": range(7), "average": "macro", "zero_division": 0.0}
        return float(f1_score(labels[rows], answers, **options))

    gain = metrics.macro_f1_gain(labels, worse, logits)
    rows = np.arange(len(labels))
    assert gain["gain"] == pytest.approx(macro_f1(rows, logits) - macro_f1(rows, worse))
    rng = np.random.default_rng(3)
    draws = rng.integers(0, len(labels), (500, len(labels)))
    gains = [macro_f1(drawn, logits) - macro_f1(drawn, worse) for drawn in draws]
    assert gain["gain_interval"] == pytest.approx(np.percentile(gains, [2.5, 97.5]), abs=0.02)


@pytest.mark.parametrize("key", list(model_store.SCENARIOS))
def test_stored_metrics_follow_from_stored_predictions(key: str) -> None:
    model = model_store.open_artifact(key)
    assert model.metrics is not None
    assert model.metrics["weights_sha256"] == model.digest
    predictions = model.predictions()
    for split in TEST_SPLITS:
        part = predictions.of(split)
        stored = model.metrics["splits"][split.value]
        report = metrics.report(part.labels, part.probabilities)
        for name in ("accuracy", "macro_f1", "balanced_accuracy", "ece", "log_loss"):
            assert report[name] == pytest.approx(stored[name], abs=1e-5), name
        # Drawn from ten thousand resamples when it was stored, and so off by an image at most.
        interval = pytest.approx(stored["accuracy_interval"], abs=1.01 / len(part.labels))
        assert report["accuracy_interval"] == interval
        assert len(part.labels) == 3589
    assert model.metrics["splits"][Split.PRIVATE_TEST.value]["ece"] <= 0.05


def test_training_rows_have_the_shares_of_the_classes(small_data: Dataset) -> None:
    whole = small_data.rows(Split.TRAINING)
    half = training_fit.rows(small_data, len(whole) // 2)
    assert set(half) < set(whole)
    for label in range(7):
        of_class = int((small_data.labels[whole] == label).sum())
        drawn = int((small_data.labels[half] == label).sum())
        assert drawn == round(len(whole) // 2 / len(whole) * of_class)
    assert list(half) != list(training_fit.rows(small_data, len(whole) // 2, seed=1))
    assert list(training_fit.rows(small_data, 10**6)) == list(whole)


class LeftOrRight:
    """A stand-in for the classifier: its first two logits are the brightness left and right."""

    compute_dtype = "float32"

    def __init__(self, key: str = "proposed") -> None:
        model = SimpleNamespace(key=key, digest="0" * 64, temperature=2.0, metrics=None)
        self.models = {key: model}

    def logits(self, faces: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        middle = faces.shape[2] // 2
        logits = np.zeros((len(faces), 7), np.float32)
        logits[:, 0] = faces[:, :, :middle].mean(axis=(1, 2)) / 25
        logits[:, 1] = faces[:, :, -middle:].mean(axis=(1, 2)) / 25
        return dict.fromkeys(self.models, logits)


def test_views_of_each_protocol() -> None:
    images = (np.arange(48 * 48) % 251).astype(np.uint8).reshape(1, 48, 48)
    first, mirrored = protocols.views(images, Protocol.MIRROR)
    assert np.array_equal(first, images)
    assert np.array_equal(mirrored, images[:, :, ::-1])
    crops = protocols.views(images, Protocol.TEN_CROPS)
    assert [crop.shape for crop in crops] == [(1, CROP, CROP)] * 10
    assert np.array_equal(crops[0], images[:, :CROP, :CROP])
    assert np.array_equal(crops[4], images[:, 2:-2, 2:-2])
    for plain, flipped in zip(crops[:5], crops[5:], strict=True):
        assert np.array_equal(flipped, plain[:, :, ::-1])


def test_mirror_averages_what_a_side_decides(small_data: Dataset) -> None:
    images = np.asarray(small_data.images[small_data.rows(Split.PRIVATE_TEST)])
    one, both = (
        protocols.probabilities(LeftOrRight(), images, protocol)["proposed"]
        for protocol in (Protocol.ONE_CROP, Protocol.MIRROR)
    )
    assert np.abs(one[:, 0] - one[:, 1]).max() > 0.01
    assert both[:, 0] == pytest.approx(both[:, 1])
    assert both.sum(axis=1) == pytest.approx(np.ones(len(images)))
    assert both[:, 0] == pytest.approx(one[:, :2].mean(axis=1))


def test_calls_add_up_as_long_as_weights_and_images_are_the_same(small_data: Dataset) -> None:
    def scores(key: str, protocol: Protocol) -> Protocols:
        return protocols.evaluate(LeftOrRight(key), small_data, protocols=(protocol,))

    def rows(record: Protocols) -> dict[str, list[str]]:
        return {key: list(figures) for key, figures in record["models"].items()}

    digests = {"baseline": "0" * 64, "proposed": "0" * 64}
    first = scores("proposed", Protocol.MIRROR)
    assert protocols.merged(None, first, digests) == first
    assert (first["split"], first["data_sha256"]) == ("PrivateTest", small_data.digest)
    second = protocols.merged(first, scores("proposed", Protocol.TEN_CROPS), digests)
    third = protocols.merged(second, scores("baseline", Protocol.MIRROR), digests)
    assert rows(third) == {"proposed": ["mirror", "ten_crops"], "baseline": ["mirror"]}
    assert third["weights_sha256"] == digests
    # One model's weights are others now: its figures go, the other model's stay.
    later = {"baseline": "0" * 64, "proposed": "1" * 64}
    again = protocols.merged(third, scores("baseline", Protocol.TEN_CROPS), later)
    assert rows(again) == {"baseline": ["mirror", "ten_crops"]}
    elsewhere: Protocols = {**third, "data_sha256": "f" * 64}
    assert protocols.merged(elsewhere, first, digests) == first
