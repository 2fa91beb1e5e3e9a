"""Metrics against hand-made cases and independent computations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from fer.artifacts import model_store
from fer.data.dataset import TEST_SPLITS, Split
from fer.evaluation import calibration, metrics
from fer.inference.calibrate import softmax
from fer.lab.evaluation import evaluate


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
    probabilities = angry_or_disgust([0.6, 0.9, 0.7, 0.8])
    labels = np.array([0, 0, 1, 1])
    by_hand = {0.01: (1.0, 0.9), 0.25: (1.0, 0.9), 0.5: (0.5, 0.8), 1: (0.5, 0.6)}
    for share, surest in by_hand.items():
        assert calibration.surest(labels, probabilities, share) == calibration.Surest(*surest)


def test_interval_is_where_resamples_of_the_images_lie() -> None:
    labels, logits = random_case(n=300)
    low, high = metrics.accuracy_interval(labels, softmax(logits))
    right = (logits.argmax(axis=1) == labels).astype(float)
    draws = np.random.default_rng(0).choice(right, (20_000, len(right))).mean(axis=1)
    # The quantiles of so many resamples are off by no more than one image.
    assert [low, high] == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=1.01 / len(right))
    wilson = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    assert [low, high] == pytest.approx(wilson, abs=0.005)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_interval_of_a_model_that_is_always_wrong_or_right(share: float) -> None:
    labels = np.zeros(20, np.int64)
    answers = np.eye(7)[np.full(20, 0 if share else 1)]
    assert metrics.accuracy_interval(labels, answers) == [share, share]


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
    assert report["per_class"]["sad"]["support"] == confusion[4].sum()
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
    assert metrics.macro_f1_gain(labels, worse, worse)["gain_interval"] == [0.0, 0.0]


def test_differences_are_found_and_small_ones_are_not() -> None:
    labels, logits = random_case()
    record = {"splits": {"PublicTest": metrics.report(labels, softmax(logits))}}
    assert evaluate.differences(record, record, 0.002) == []
    moved = {"splits": {"PublicTest": {**record["splits"]["PublicTest"], "accuracy": 0.1}}}
    assert "PublicTest accuracy" in evaluate.differences(moved, record, 0.002)[0]
    assert evaluate.differences(None, record, 0.002)


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
