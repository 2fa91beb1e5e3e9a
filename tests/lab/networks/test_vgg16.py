"""The networks are the thesis' two scenarios, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from fer.lab.networks import vgg16
from fer.scenarios import BASELINE, PROPOSED
from tests.support import narrow


@pytest.fixture(scope="module", autouse=True)
def as_wide_as_keras_has_it() -> Iterator[None]:
    with narrow.real_width():
        yield


@pytest.fixture(scope="module")
def proposed(as_wide_as_keras_has_it: None) -> keras.Model:
    return vgg16.build(PROPOSED, None)


def test_proposed_trains_layers_11_to_18_only(proposed: keras.Model) -> None:
    trained = [index for index, layer in enumerate(proposed.layers[:19]) if layer.trainable]
    assert trained == list(range(11, 19))
    assert proposed.layers[11].name == "block4_conv1"
    assert proposed.layers[18].name == "block5_pool"
    assert any(isinstance(layer, vgg16.SqueezeExcite) for layer in proposed.layers)


def test_baseline_trains_its_head_only() -> None:
    model = vgg16.build(BASELINE, None)
    assert not any(layer.trainable for layer in model.layers[:19])
    assert not any(isinstance(layer, vgg16.SqueezeExcite) for layer in model.layers)
    assert {v.path.split("/")[0] for v in model.trainable_variables} == {
        layer.name for layer in model.layers[19:] if layer.trainable_variables
    }


def test_logits_are_float32_at_any_size(proposed: keras.Model) -> None:
    for size in (32, 50, 64):
        logits = vgg16.run(proposed, np.zeros((2, size, size, 3), np.float32))
        assert logits.shape == (2, 7)
        assert logits.dtype == np.float32


def test_gates_scale_channels() -> None:
    layer = vgg16.SqueezeExcite(4)
    inputs = np.random.default_rng(0).normal(size=(2, 3, 3, 8)).astype(np.float32)
    outputs = np.asarray(layer(inputs))
    reduce, reduce_bias, expand, expand_bias = (np.asarray(v) for v in layer.weights)
    hidden = np.maximum(inputs.mean(axis=(1, 2)) @ reduce + reduce_bias, 0)
    gates = 1 / (1 + np.exp(-(hidden @ expand + expand_bias)))
    assert np.allclose(outputs, inputs * gates[:, None, None, :], atol=1e-5)
