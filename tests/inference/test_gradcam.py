"""The head in NumPy against Keras, Grad-CAM against gradients, and what maps must not be."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from fer import layer_names
from fer.artifacts.packing import Tensors
from fer.inference import classification, gradcam, heads
from fer.lab import keras_backend
from fer.lab.networks import vgg16
from fer.scenarios import BASELINE, PROPOSED
from tests.support import narrow
from tests.support.making import ROOT

Built = tuple[keras.Model, Tensors]


@pytest.fixture(scope="module", params=[BASELINE, PROPOSED], ids=lambda s: s.key)
def built(narrow_vgg16: None, request: pytest.FixtureRequest) -> Built:
    """A network with random weights whose normalisation is not the identity, and its variables."""
    keras.utils.set_random_seed(7)
    model = vgg16.build(replace(request.param, compute_dtype="float32"), None)
    rng = np.random.default_rng(7)
    variables = keras_backend.variables(model)
    for name, variable in variables.items():
        if name.startswith("norm/"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif name.startswith("squeeze_excite/"):
            # Glorot's small values would leave every gate at a half.
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return model, {name: variable.numpy() for name, variable in variables.items()}


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    # Odd sides, so that the pooling leaves a row out and quadrants overlap.
    values = np.random.default_rng(0).normal(0.2, 1.0, (5, 7, 7, narrow.CHANNELS))
    return np.maximum(values, 0).astype(np.float32)


def test_head_gives_the_logits_of_keras_and_the_gradient_of_autodiff(
    built: Built, maps: np.ndarray
) -> None:
    model, tensors = built
    scenario = PROPOSED if "squeeze_excite/expand/bias" in tensors else BASELINE
    head = heads.from_tensors(scenario, tensors)
    top = keras.Model(model.get_layer(layer_names.LAST_CONVOLUTION).output, model.output)
    targets = np.array([0, 3, 6, 2, 5])
    inputs = tf.constant(maps)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        logits = top(inputs, training=False)
        total = tf.reduce_sum(tf.gather(logits, targets, axis=1, batch_dims=1))
    gradient = tape.gradient(total, inputs).numpy().sum(axis=(1, 2))
    for found, expected in (
        (head.logits(maps), logits.numpy()),
        (head.summed_gradient(maps, targets), gradient),
    ):
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("built", [PROPOSED], indirect=True)
def test_gates_are_those_of_the_layer_until_they_are_fixed(built: Built, maps: np.ndarray) -> None:
    model, tensors = built
    head = heads.from_tensors(PROPOSED, tensors)
    pooled = keras.layers.MaxPooling2D()(maps)
    expected = model.get_layer("squeeze_excite").gates(pooled).numpy()[:, 0, 0]
    assert head.gates(maps) == pytest.approx(expected, abs=1e-5)
    assert expected.std() > 0.05
    ones = head.with_fixed_gates(np.ones(narrow.CHANNELS))
    plain = heads.from_tensors(replace(PROPOSED, se_ratio=None), tensors)
    assert ones.logits(maps) == pytest.approx(plain.logits(maps), rel=1e-5)
    assert (ones.gates(maps) == 1).all()


def test_grad_cam_lights_only_where_the_class_channel_is_active() -> None:
    maps = np.zeros((1, 6, 6, 2), np.float32)
    maps[0, 1, 1, 0] = 3.0
    maps[0, 4, 4, 1] = 5.0
    head = heads.Head(
        is_grid=False,
        gate=None,
        scale=np.ones(2, np.float32),
        shift=np.zeros(2, np.float32),
        hidden=None,
        kernel=np.array([[1.0, 0.0], [-1.0, 2.0]], np.float32),
        bias=np.zeros(2, np.float32),
    )
    first = gradcam.grad_cam(maps, head, np.array([0]))[0]
    assert first[1, 1] == pytest.approx(3 / 36)
    # What speaks against the class is cut off.
    assert first.sum() == first[1, 1]
    second = gradcam.grad_cam(maps, head, np.array([1]))[0]
    assert np.unravel_index(second.argmax(), second.shape) == (4, 4)


def test_explanation_is_for_the_asked_class() -> None:
    fast = gradcam.Explainer(classification.load(ROOT / "models"))
    face = np.random.default_rng(3).integers(0, 256, (60, 60), dtype=np.uint8)
    own, asked = fast.explain(face), fast.explain(face, 3)
    assert own["baseline"].gates is None
    assert own["proposed"].gates is not None
    assert all(found.target == 3 for found in asked.values())
    for found in own.values():
        assert found.heat.shape == (48, 48)
        assert found.heat.min() >= 0
    shares = [float(row["share"]) for row in gradcam.rows(own) if row["model"] == "proposed"]
    assert sum(shares) == pytest.approx(1, abs=1e-3) or own["proposed"].is_blank
