"""The maps of every layer, from the networks that answer, and one value of them taken apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fer.data import aggregates, sample
from fer.inference import classification, feature_maps
from fer.inference.feature_maps import LAYERS, FeatureMaps
from fer.lab.export import int8
from fer.vision import preprocessing
from tests.support.making import ROOT, face_like

FACE = sample.open_sample(ROOT / sample.FOLDER).images[3]


@pytest.fixture(scope="module")
def served() -> FeatureMaps:
    return FeatureMaps(classification.load(ROOT / "models"), ROOT / "models")


@pytest.fixture(scope="module")
def every(served: FeatureMaps) -> dict[str, dict[str, np.ndarray]]:
    return served.of(FACE)


def test_maps_have_the_networks_shapes(
    served: FeatureMaps, every: dict[str, dict[str, np.ndarray]]
) -> None:
    models = served._classifier.models
    assert list(every) == list(models)
    assert len(LAYERS) == 18
    for model, maps in every.items():
        assert tuple(maps) == served.layers_of(model)
        side = models[model].scenario.input_size
        for layer, values in maps.items():
            block, is_pool = int(layer[5]), layer.endswith("pool")
            rows = side >> (block - 1 + is_pool)
            channels = min(64 << (block - 1), 512)
            assert values.shape == (rows, rows, channels), layer
            assert values.dtype == np.float32
            assert values.min() == 0, layer
            assert values.max() > 0, layer
    assert served.layers_of(served.trunk) == LAYERS
    largest = max(model.scenario.input_size for model in models.values())
    assert models[served.trunk].scenario.input_size == largest


def test_the_last_convolution_is_what_grad_cam_explains(
    served: FeatureMaps, every: dict[str, dict[str, np.ndarray]]
) -> None:
    for model, maps in served._classifier.maps([FACE]).items():
        assert every[model]["block5_conv3"] == pytest.approx(maps[0], abs=1e-3)


def test_int8_maps_are_those_of_keras_but_for_rounding(
    served: FeatureMaps, every: dict[str, dict[str, np.ndarray]]
) -> None:
    import keras

    from fer.lab import keras_backend

    for model, artifact in served._classifier.models.items():
        network = keras_backend.build_from(artifact)
        names = served.layers_of(model)
        exact_layers = keras.Model(
            network.inputs, [network.get_layer(name).output for name in names]
        )
        inputs = preprocessing.batch([FACE], artifact.scenario.input_size)
        for name, exact in zip(names, exact_layers.predict_on_batch(inputs), strict=True):
            likeness = np.corrcoef(exact[0].ravel(), every[model][name].ravel())[0, 1]
            assert likeness > 0.97, (model, name)


def test_models_of_one_size_in_full_precision_have_one_trunk(
    small_models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    shutil.copytree(small_models, folder)
    int8.export_exact(folder, ROOT / aggregates.FOLDER)
    classifier = classification.load(folder)
    together = FeatureMaps(classifier, folder)
    maps = together.of(face_like(1))
    first, second = maps
    assert together.trunk == first
    assert set(maps[first]) - set(maps[second]) == {x for x in LAYERS if feature_maps.is_shared(x)}
    for model, values in classifier.maps([face_like(1)]).items():
        assert maps[model]["block5_conv3"] == pytest.approx(values[0], abs=1e-4)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (17, 40), (-1, 5)])
def test_products_add_up_to_the_maps_value(
    served: FeatureMaps, every: dict[str, dict[str, np.ndarray]], row: int, column: int
) -> None:
    artifact = served._classifier.models[served.trunk]
    weights = artifact.weights()
    side = artifact.scenario.input_size
    maps = every[served.trunk]
    inputs = preprocessing.batch([FACE], side)[0]
    row %= side
    for channel in feature_maps.strongest(maps["block1_conv1"], 3):
        kernels, biases = weights["block1_conv1/kernel"], weights["block1_conv1/bias"]
        step = feature_maps.take_apart(inputs, kernels, biases, channel, row, column)
        assert step.products.shape == (3, 3, 3)
        # The first convolution is served in full precision.
        assert step.value == pytest.approx(maps["block1_conv1"][row, column, channel], abs=1e-2)


def test_strongest_channels_come_first() -> None:
    maps = np.zeros((2, 2, 4), np.float32)
    maps[..., 2] = 3.0
    maps[0, 0, 1] = 8.0
    assert feature_maps.strongest(maps, 3) == [2, 1, 0]
    rows = feature_maps.rows(maps)
    assert rows[0] == {"channel": 2, "mean": 3.0, "largest": 3.0, "active": 1.0}
    assert rows[1] == {"channel": 1, "mean": 2.0, "largest": 8.0, "active": 0.25}


def test_pictures_are_scaled_to_their_own_largest_value() -> None:
    values = np.array([[0.0, 1.0], [2.0, 4.0]], np.float32)
    small = feature_maps.tile(values)
    assert small.shape == (48, 48)
    assert (int(small[0, 0]), int(small[0, -1]), int(small[-1, -1])) == (0, 64, 255)
    assert not feature_maps.tile(np.zeros((300, 300), np.float32)).any()
    large = feature_maps.enlarged(values, 100)
    assert large.shape == (100, 100, 3)
    framed = feature_maps.enlarged(values, 100, (0, 0), "#818CF8")
    assert (framed == (129, 140, 248)).all(axis=2).any()
