"""Accuracy on Training: drawn alike from every class, measured as the models answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from fer.data.dataset import Dataset, Split
from fer.evaluation.records import TRAINING_FIT
from fer.lab.evaluation import training_fit
from tests.support.making import ROOT


class AlwaysRight:
    """A stand-in for the classifier that knows the label of every image."""

    compute_dtype = "float32"

    def __init__(self, data: Dataset) -> None:
        self.models = {"proposed": SimpleNamespace(key="proposed", digest="0" * 64)}
        self.labels = {
            image.tobytes(): label for image, label in zip(data.images, data.labels, strict=True)
        }
        self.asked: list[bytes] = []

    def logits(self, faces: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        self.asked += [face.tobytes() for face in faces]
        logits = np.eye(7, dtype=np.float32)[[self.labels[face.tobytes()] for face in faces]]
        return {"proposed": logits}


def test_rows_have_the_shares_of_the_classes_and_the_seed_decides(small_data: Dataset) -> None:
    whole = small_data.rows(Split.TRAINING)
    half = training_fit.rows(small_data, len(whole) // 2)
    assert set(half) < set(whole)
    assert list(half) == sorted(half)
    for label in range(7):
        of_class = int((small_data.labels[whole] == label).sum())
        drawn = int((small_data.labels[half] == label).sum())
        assert drawn == round(len(whole) // 2 / len(whole) * of_class)
    assert list(half) == list(training_fit.rows(small_data, len(whole) // 2))
    assert list(half) != list(training_fit.rows(small_data, len(whole) // 2, seed=1))
    assert list(training_fit.rows(small_data, 10**6)) == list(whole)


def test_record_tells_images_precision_and_origin(small_data: Dataset, tmp_path: Path) -> None:
    classifier = AlwaysRight(small_data)
    half = len(small_data.rows(Split.TRAINING)) // 2
    record = training_fit.measure(classifier, small_data, half)
    rows = training_fit.rows(small_data, half)
    assert classifier.asked == [small_data.images[row].tobytes() for row in rows]
    assert record["images"] == record["models"]["proposed"]["images"] == len(rows)
    assert record["images_of_split"] == len(small_data.rows(Split.TRAINING))
    assert (record["compute_dtype"], record["data_sha256"]) == ("float32", small_data.digest)
    assert record["models"]["proposed"]["accuracy"] == 1
    TRAINING_FIT.write(tmp_path, record)
    assert TRAINING_FIT.read(tmp_path) == record


def test_differences_name_what_is_missed_and_what_is_not_stored(small_data: Dataset) -> None:
    classifier = AlwaysRight(small_data)
    record = training_fit.measure(classifier, small_data, 20)
    assert training_fit.differences(record, record, 0.0) == []
    worse = {"proposed": {**record["models"]["proposed"], "accuracy": 0.9}}
    (problem,) = training_fit.differences(record, {**record, "models": worse}, 0.002)
    assert problem == ("proposed accuracy on these Training images is 0.9000, stored 1.0000")
    # Of other images, or other weights.
    others = {**record, "seed": 1}
    trained = {**record, "weights_sha256": {"proposed": "1" * 64}}
    for stored, new in ((record, others), (trained, record)):
        assert training_fit.differences(stored, new, 1.0) == [
            "proposed accuracy on these Training images is not stored"
        ]


@pytest.mark.fer2013
def test_the_committed_record_is_of_the_committed_weights(real_data: Dataset) -> None:
    record = TRAINING_FIT.require(ROOT / "models")
    assert record["data_sha256"] == real_data.digest
    rows = training_fit.rows(real_data, record["images"], record["seed"])
    assert len(rows) == record["images"]
