"""The networks in full precision under OpenVINO: float32 Keras' answers, without TensorFlow."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fer import FerError
from fer.artifacts import model_store
from fer.data.dataset import Dataset, Split
from fer.inference import exact_backend
from fer.inference.calibrate import softmax
from tests.support.making import ROOT, face_like, in_keras

FACES = np.stack([face_like(seed) for seed in range(6)])


def test_maps_and_logits_are_those_of_keras(small_models: Path) -> None:
    exact, reference = exact_backend.load(small_models), in_keras(small_models)
    maps, expected_maps = exact.maps(FACES), reference.maps(FACES)
    logits, expected_logits = exact.logits(FACES), reference.logits(FACES)
    assert list(maps) == list(logits) == list(expected_maps)
    for key, expected in expected_maps.items():
        assert expected.max() > 0
        assert np.abs(maps[key] - expected).max() <= 1e-4 * expected.max()
        apart = np.abs(logits[key] - expected_logits[key]).max()
        assert apart <= 1e-4 * np.abs(expected_logits[key]).max()


def test_damaged_weights_are_refused(small_models: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_models, tmp_path / "models"))
    trunk = folder / model_store.TRUNK
    trunk.write_bytes(trunk.read_bytes()[:-1])
    with pytest.raises(FerError, match=model_store.TRUNK):
        exact_backend.load(folder)


@pytest.mark.fer2013
def test_probabilities_are_the_stored_ones(real_data: Dataset) -> None:
    classifier = exact_backend.load(ROOT / "models", ["proposed"])
    model = classifier.models["proposed"]
    stored = model.predictions().of(Split.PRIVATE_TEST)
    rows = real_data.rows(Split.PRIVATE_TEST)
    assert (stored.sources == real_data.sources[rows]).all()
    logits = classifier.logits(real_data.images[rows[::120]])["proposed"]
    found = softmax(logits, model.temperature)
    assert found == pytest.approx(stored.probabilities[::120], abs=1e-4)
