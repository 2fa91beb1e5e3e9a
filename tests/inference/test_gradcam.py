"""The head in NumPy against Keras, Grad-CAM against gradients, and what maps must not be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fer import layer_names
from fer.artifacts import model_store
from fer.artifacts.packing import Tensors
from fer.data import dataset
from fer.inference import classification, gradcam, heads
from fer.lab import keras_backend
from fer.lab.networks import vgg16
from fer.lab.studies import attention
from fer.scenarios import BASELINE, PROPOSED
from fer.vision import faces as detection
from fer.vision import preprocessing
from tests.support import narrow
from tests.support.making import ROOT, in_keras


@pytest.fixture(scope="module", params=[BASELINE, PROPOSED], ids=lambda s: s.key)
def built(request: pytest.FixtureRequest) -> tuple[keras.Model, Tensors]:
    """A network with random weights whose normalisation is not the identity, and its variables."""
    keras.utils.set_random_seed(7)
    with narrow.real_width():
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
def head_and_top(built: tuple[keras.Model, Tensors]) -> tuple[heads.Head, keras.Model]:
    model, tensors = built
    scenario = PROPOSED if "squeeze_excite/expand/bias" in tensors else BASELINE
    top = keras.Model(model.get_layer(layer_names.LAST_CONVOLUTION).output, model.output)
    return heads.from_tensors(scenario, tensors), top


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    # Odd sides, so that the pooling leaves a row out and quadrants overlap.
    values = np.random.default_rng(0).normal(0.2, 1.0, (5, 7, 7, 512)).astype(np.float32)
    return np.maximum(values, 0)


def test_head_gives_the_logits_of_keras(head_and_top: tuple, maps: np.ndarray) -> None:
    head, top = head_and_top
    expected = top(maps, training=False).numpy()
    assert np.abs(head.logits(maps) - expected).max() <= 1e-4 * np.abs(expected).max()


def test_gradient_is_the_one_of_autodiff(head_and_top: tuple, maps: np.ndarray) -> None:
    head, top = head_and_top
    targets = np.array([0, 3, 6, 2, 5])
    inputs = tf.constant(maps)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        chosen = tf.gather(top(inputs, training=False), targets, axis=1, batch_dims=1)
        total = tf.reduce_sum(chosen)
    expected = tape.gradient(total, inputs).numpy().sum(axis=(1, 2))
    found = head.summed_gradient(maps, targets)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("built", [PROPOSED], indirect=True)
def test_gates_are_those_of_the_layer_until_they_are_fixed(
    built: tuple[keras.Model, Tensors], maps: np.ndarray
) -> None:
    model, tensors = built
    head = heads.from_tensors(PROPOSED, tensors)
    pooled = keras.layers.MaxPooling2D()(maps)
    expected = model.get_layer("squeeze_excite").gates(pooled).numpy()[:, 0, 0]
    assert head.gates(maps) == pytest.approx(expected, abs=1e-5)
    assert expected.std() > 0.05
    ones = head.with_fixed_gates(np.ones(512))
    plain = heads.from_tensors(replace(PROPOSED, se_ratio=None), tensors)
    assert ones.logits(maps) == pytest.approx(plain.logits(maps), rel=1e-5)
    assert (ones.gates(maps) == 1).all()
    gradients = (head.summed_gradient(maps, np.zeros(5, int)) for head in (ones, plain))
    assert next(gradients) == pytest.approx(next(gradients), rel=1e-5)


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


@pytest.fixture(scope="module")
def served() -> classification.Classifier:
    return classification.load(ROOT / "models")


@pytest.fixture(scope="module")
def fast(served: classification.Classifier) -> gradcam.Explainer:
    return gradcam.Explainer(served)


def test_fast_maps_explain_what_float32_does(fast: gradcam.Explainer, portrait: np.ndarray) -> None:
    (found,) = detection.Detector(ROOT / "models" / model_store.DETECTOR).detect(portrait)
    crop = preprocessing.to_fer_resolution(detection.gray_crop(portrait, found))
    assert PROPOSED.augmentation is not None
    rng = np.random.default_rng(0)
    changes = [preprocessing.draw_change(PROPOSED.augmentation, rng) for _ in range(6)]
    faces = np.stack(
        [preprocessing.apply_change(crop.astype(np.float32), change) for change in changes]
    ).astype(np.uint8)
    exact = gradcam.Explainer(in_keras(ROOT / "models"))
    for key, maps in exact.maps(faces).items():
        head = exact.heads[key]
        targets = head.logits(maps).argmax(axis=1)
        slow = gradcam.grad_cam(maps, head, targets)
        quick = gradcam.grad_cam(fast.maps(faces)[key], head, targets)
        likeness = [
            np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(slow, quick, strict=True)
        ]
        assert np.mean(likeness) > 0.95, key


def test_explanation_is_for_the_asked_class(fast: gradcam.Explainer) -> None:
    face = np.random.default_rng(3).integers(0, 256, (60, 60), dtype=np.uint8)
    own, asked = fast.explain(face), fast.explain(face, 3)
    assert set(own) == {"baseline", "proposed"}
    assert own["baseline"].gates is None
    assert own["proposed"].gates is not None
    assert own["proposed"].gates.shape == (512,)
    assert all(found.target == 3 for found in asked.values())
    for found in own.values():
        assert found.heat.shape == (48, 48)
        assert found.heat.min() >= 0
    rows = gradcam.rows(own)
    assert len(rows) == 2 * 48 * 48
    shares = sum(float(row["share"]) for row in rows if row["model"] == "proposed")
    assert shares == pytest.approx(1, abs=1e-3) or own["proposed"].is_blank


def test_overlay_goes_from_the_face_to_the_map() -> None:
    face = np.full((48, 48), 100, np.uint8)
    heat = np.zeros((48, 48), np.float32)
    heat[10:20, 10:20] = 2.0
    found = gradcam.Explanation("proposed", 0, 6, heat, None)
    assert (gradcam.overlay(face, found, 0.0) == 100).all()
    only_map = gradcam.overlay(face, found, 1.0)
    assert only_map[120, 120].sum() > only_map[320, 320].sum()
    blank = gradcam.Explanation("proposed", 0, 6, np.zeros((48, 48), np.float32), None)
    assert blank.is_blank
    assert np.isfinite(gradcam.overlay(face, blank, 0.5)).all()


def test_maps_change_when_the_network_is_randomised(
    small_models: Path, small_data: dataset.Dataset
) -> None:
    """The sanity check of Adebayo et al. (2018) on the published weights."""
    published = model_store.open_artifact("proposed", ROOT / "models")
    record = attention.sanity(small_data, [published], seed=0, images=4)
    likeness = record["models"]["proposed"]["mean"]
    assert len(likeness) == len(attention.STAGES)
    assert likeness[-1] < 0.5
    repeated = attention.sanity(small_data, [published], seed=0, images=4)
    assert repeated == record


def test_randomised_layers_keep_their_scale_and_no_other_is_touched() -> None:
    rng = np.random.default_rng(0)
    tensors = {
        "logits/kernel": rng.normal(1, 3, (512, 7)).astype(np.float32),
        "norm/moving_variance": np.ones(512, np.float32),
        "block5_conv3/kernel": np.ones((3, 3, 4, 4), np.float32),
    }
    changed = attention.randomised(tensors, ("logits", "norm"), rng)
    assert set(changed) == {"logits/kernel"}
    assert changed["logits/kernel"].std() == pytest.approx(3, rel=0.1)
    assert not np.array_equal(changed["logits/kernel"], tensors["logits/kernel"])


def test_networks_run_once_for_both_explanations(
    served: classification.Classifier, fast: gradcam.Explainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    run = served._backend.outputs
    monkeypatch.setattr(
        served._backend, "outputs", lambda *asked: runs.append(asked[0].shape) or run(*asked)
    )
    face = np.random.default_rng(4).integers(0, 256, (48, 48), dtype=np.uint8)
    assert len(fast.explain(face)) == 2
    assert runs == [(1, size, size, 3) for size in served._by_size]
