"""The networks are the thesis' two scenarios, layer by layer, in the precision that is fastest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer.lab.networks import precision, vgg16
from fer.scenarios import BASELINE, PROPOSED

pytestmark = pytest.mark.usefixtures("narrow_vgg16")


def test_proposed_trains_layers_11_to_18_and_answers_in_float32_at_any_size() -> None:
    proposed = vgg16.build(PROPOSED, None)
    trained = [index for index, layer in enumerate(proposed.layers[:19]) if layer.trainable]
    assert trained == list(range(11, 19))
    assert proposed.layers[11].name == "block4_conv1"
    assert proposed.layers[18].name == "block5_pool"
    assert any(isinstance(layer, vgg16.SqueezeExcite) for layer in proposed.layers)
    for size in (32, 50):
        logits = vgg16.run(proposed, np.zeros((2, size, size, 3), np.float32))
        assert logits.shape == (2, 7)
        assert logits.dtype == np.float32


def test_baseline_trains_its_head_only() -> None:
    model = vgg16.build(BASELINE, None)
    assert not any(layer.trainable for layer in model.layers[:19])
    assert not any(isinstance(layer, vgg16.SqueezeExcite) for layer in model.layers)
    head = {layer.name for layer in model.layers[19:] if layer.trainable_variables}
    assert {v.path.split("/")[0] for v in model.trainable_variables} == head


def test_gates_scale_channels() -> None:
    layer = vgg16.SqueezeExcite(4)
    inputs = np.random.default_rng(0).normal(size=(2, 3, 3, 8)).astype(np.float32)
    outputs = np.asarray(layer(inputs))
    reduce, reduce_bias, expand, expand_bias = (np.asarray(v) for v in layer.weights)
    hidden = np.maximum(inputs.mean(axis=(1, 2)) @ reduce + reduce_bias, 0)
    gates = 1 / (1 + np.exp(-(hidden @ expand + expand_bias)))
    assert np.allclose(outputs, inputs * gates[:, None, None, :], atol=1e-5)


def test_both_precisions_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "CHANNELS", 16)
    seconds_by_precision = precision.seconds_of_step(is_processor=True)
    assert set(seconds_by_precision) == {"float32", "mixed_bfloat16"}
    assert all(0 < seconds < float("inf") for seconds in seconds_by_precision.values())


@pytest.mark.parametrize(
    ("listed", "lacks"),
    [
        ("flags\t\t: fpu avx avx2\n", True),
        ("flags\t\t: fpu avx2 avx512_bf16 amx_bf16\n", False),
        ("Features\t: fp asimd bf16\n", False),
    ],
)
def test_a_processor_without_bfloat16_trains_in_float32_unasked(
    listed: str, lacks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{listed}")
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "cpuinfo")
    measured = {"float32": 0.2, "mixed_bfloat16": 0.1}
    monkeypatch.setattr(precision, "seconds_of_step", lambda is_processor: measured)
    monkeypatch.setattr("keras.distribution.list_devices", lambda: ["cpu:0"])
    assert precision.fastest()[0] == ("float32" if lacks else "mixed_bfloat16")
    # With a GPU the processor's instructions say nothing.
    monkeypatch.setattr("keras.distribution.list_devices", lambda: ["gpu:0"])
    assert precision.fastest()[0] == "mixed_bfloat16"
