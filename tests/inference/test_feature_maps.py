"""The maps of every layer, from the networks that answer, and one value of them taken apart."""

from __future__ import annotations

import numpy as np
import pytest

from fer.data import sample
from fer.inference import classification, feature_maps
from fer.inference.feature_maps import LAYERS, FeatureMaps
from fer.vision import preprocessing
from tests.support.making import ROOT

# By model and layer.
Maps = dict[str, dict[str, np.ndarray]]
FACE = sample.open_sample(ROOT / sample.FOLDER).images[3]


@pytest.fixture(scope="module")
def served() -> FeatureMaps:
    return FeatureMaps(classification.load(ROOT / "models"), ROOT / "models")


@pytest.fixture(scope="module")
def every(served: FeatureMaps) -> Maps:
    return served.of(FACE)


def test_maps_have_the_networks_shapes(served: FeatureMaps, every: Maps) -> None:
    models = served._classifier.models
    assert list(every) == list(models)
    for model, maps in every.items():
        assert tuple(maps) == served.layers_of(model)
        side = models[model].scenario.input_size
        for layer, values in maps.items():
            block, is_pool = int(layer[5]), layer.endswith("pool")
            rows = side >> (block - 1 + is_pool)
            channels = min(64 << (block - 1), 512)
            assert values.shape == (rows, rows, channels), layer
            assert values.min() == 0, layer
            assert values.max() > 0, layer
    assert served.layers_of(served.trunk) == LAYERS
    # What Grad-CAM explains.
    for model, maps in served._classifier.maps([FACE]).items():
        assert every[model]["block5_conv3"] == pytest.approx(maps[0], abs=1e-3)


def test_int8_maps_are_those_of_keras_but_for_rounding(served: FeatureMaps, every: Maps) -> None:
    import keras

    from fer.lab import keras_backend

    for model, artifact in served._classifier.models.items():
        network = keras_backend.build_from(artifact)
        names = served.layers_of(model)
        outputs = [network.get_layer(name).output for name in names]
        exact_layers = keras.Model(network.inputs, outputs)
        inputs = preprocessing.batch([FACE], artifact.scenario.input_size)
        for name, exact in zip(names, exact_layers.predict_on_batch(inputs), strict=True):
            likeness = np.corrcoef(exact[0].ravel(), every[model][name].ravel())[0, 1]
            assert likeness > 0.97, (model, name)


def test_products_add_up_to_the_maps_value(served: FeatureMaps, every: Maps) -> None:
    artifact = served._classifier.models[served.trunk]
    weights = artifact.weights()
    side = artifact.scenario.input_size
    maps = every[served.trunk]
    inputs = preprocessing.batch([FACE], side)[0]
    row, column = side - 1, 5
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
    row = {"channel": 1, "mean": 2.0, "largest": 8.0, "active": 0.25}
    assert feature_maps.rows(maps)[1] == row
