"""Evaluation of the models on PublicTest and PrivateTest, and the files that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fer import FerError, files
from fer.artifacts import model_store
from fer.artifacts.model_store import Artifact, Predictions
from fer.artifacts.records import Metrics, SplitScores
from fer.data.dataset import TEST_SPLITS, Dataset, Split
from fer.evaluation import metrics
from fer.evaluation.calibration import ECE_BINS, expected_calibration_error
from fer.evaluation.records import COMPARISON, Comparison
from fer.inference.calibrate import softmax
from fer.inference.classification import Classifier
from fer.progress import Progress

BATCH = 32
# The two models that are compared.
PAIR = ("baseline", "proposed")
CheckedMetric = Literal[
    "accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier_score", "ece"
]
# The metrics that `--check` compares.
CHECKED_METRICS: tuple[CheckedMetric, ...] = get_args(CheckedMetric)


def require_comparable(classifier: Classifier, data: Dataset) -> None:
    """Raise FerError if the model that is not evaluated now was evaluated on other images, so that
    comparison.json could not be made, or if its predictions are damaged."""
    models = classifier.models
    if not models.keys() & set(PAIR):
        return
    folder = next(iter(models.values())).folder.parent
    for key, other in model_store.available(folder).items():
        if key in models or key not in PAIR or other.metrics is None:
            continue
        # Equal names are no proof: the rows of every table are numbered alike.
        is_same = other.metrics["data_sha256"] == data.digest
        if not is_same or not np.array_equal(
            other.predictions().sources, data.sources[_test_rows(data)]
        ):
            raise FerError(
                "{model} was evaluated on other images than the imported ones; evaluate both "
                "models: fer evaluate",
                model=key,
            )


def _test_rows(data: Dataset) -> NDArray[np.int64]:
    return np.concatenate([data.rows(split) for split in TEST_SPLITS])


def evaluate(
    classifier: Classifier, data: Dataset, *, progress: Progress | None = None
) -> dict[str, tuple[Metrics, Predictions]]:
    """Return metrics and predictions of every model of the classifier on both test splits.

    Single crop, no test-time augmentation. The temperature is fitted on PublicTest and applied to
    both splits. Raise FerError if the data set has no images of a test split.
    """
    for split in TEST_SPLITS:
        if len(data.rows(split)) == 0:
            raise FerError(
                "The imported data set has no {split} image; import the whole set.", split=split
            )
    rows = _test_rows(data)
    splits, labels = data.splits[rows], data.labels[rows]
    is_public = splits == Split.PUBLIC_TEST.value
    results: dict[str, tuple[Metrics, Predictions]] = {}
    for key, values in logits(classifier, data.images[rows], progress).items():
        model = classifier.models[key]
        temperature = metrics.fit_temperature(labels[is_public], values[is_public])
        predictions = Predictions(splits, data.sources[rows], labels, softmax(values, temperature))
        uncalibrated = softmax(values)
        scores: dict[str, SplitScores] = {}
        for split in TEST_SPLITS:
            predicted, mask = predictions.of(split), splits == split.value
            scores[split.value] = {
                **metrics.report(predicted.labels, predicted.probabilities),
                "ece_uncalibrated": expected_calibration_error(labels[mask], uncalibrated[mask]),
            }
        record: Metrics = {
            "model": key,
            "weights_sha256": model.digest,
            "data_sha256": data.digest,
            "data_source": data.manifest["source"],
            "input_size": model.scenario.input_size,
            "compute_dtype": classifier.compute_dtype,
            "temperature": temperature,
            "ece_bins": ECE_BINS,
            "splits": scores,
        }
        results[key] = (record, predictions)
    return results


def logits(
    classifier: Classifier, images: NDArray[np.uint8], progress: Progress | None = None
) -> dict[str, NDArray[np.float32]]:
    """Return logits (n, 7) by model key for gray images (n, 48, 48), asked for batch by batch."""
    batches: dict[str, list[NDArray[np.float32]]] = {key: [] for key in classifier.models}
    for start in range(0, len(images), BATCH):
        for key, values in classifier.logits(images[start : start + BATCH]).items():
            batches[key].append(values)
        if progress is not None:
            progress(min(start + BATCH, len(images)), len(images))
    return {key: np.concatenate(values) for key, values in batches.items()}


def save(results: dict[str, tuple[Metrics, Predictions]], models: dict[str, Artifact]) -> None:
    """Write metrics and predictions beside each model, and the comparison if both models have them.
    Raise FerError if a file cannot be written."""
    for key, (record, predictions) in results.items():
        folder = models[key].folder
        predictions.write(folder / model_store.PREDICTIONS)
        files.write_json(folder / model_store.METRICS, record)
    if models:
        folder = next(iter(models.values())).folder.parent
        write_comparison(folder)


def differences(stored: Metrics | None, new: Metrics, tolerance: float) -> list[str]:
    """Return a phrase for every new metric that differs from the stored one by more than the
    tolerance."""
    if stored is None:
        return ["has no stored metrics"]
    stored_figures, new_figures = (
        {
            f"{split} {name}": scores[name]
            for split, scores in record["splits"].items()
            for name in CHECKED_METRICS
        }
        for record in (stored, new)
    )
    return figure_differences(stored_figures, new_figures, tolerance)


def figure_differences(
    stored: Mapping[str, float], new: Mapping[str, float], tolerance: float
) -> list[str]:
    """Return a phrase for every new figure that is not stored, or that differs from the stored one
    by more than the tolerance; log loss and Brier score, which are no shares, by ten times that."""
    phrases = []
    for name, value in new.items():
        limit = tolerance * (10 if name.endswith(("log_loss", "brier_score")) else 1)
        if name not in stored:
            phrases.append(f"{name} is not stored")
        elif abs(stored[name] - value) > limit:
            phrases.append(f"{name} is {value:.4f}, stored {stored[name]:.4f}")
    return phrases


def write_comparison(folder: Path) -> None:
    """Write `comparison.json` of `baseline` and `proposed` from the stored predictions, if both
    have some; other models are left out."""
    available = model_store.available(folder)
    models = {key: available[key] for key in PAIR if key in available}
    data = {model.metrics["data_sha256"] for model in models.values() if model.metrics is not None}
    if len(models) < len(PAIR) or any(model.metrics is None for model in models.values()):
        return
    baseline, proposed = models["baseline"].predictions(), models["proposed"].predictions()
    if len(data) > 1 or not np.array_equal(baseline.sources, proposed.sources):
        raise FerError("The two models were evaluated on different images; run: fer evaluate")
    comparison: Comparison = {
        "weights_sha256": {key: model.digest for key, model in models.items()},
        "splits": {
            split.value: metrics.compare(
                baseline.of(split).labels,
                baseline.of(split).probabilities,
                proposed.of(split).probabilities,
            )
            for split in TEST_SPLITS
        },
    }
    COMPARISON.write(folder, comparison)
