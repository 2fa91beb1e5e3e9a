"""Exports for others: loaded by their own runtime, they say what the dashboard says."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from fer import FerError
from fer.lab.export import serving
from tests.support.making import face_like, in_keras

# Faces, and the probabilities of each model for them.
Expected = tuple[np.ndarray, dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def expected(small_models: Path) -> Expected:
    faces = np.stack([face_like(seed) for seed in range(3)])
    answers = in_keras(small_models).predict(list(faces))
    by_key = {key: np.stack([a[key].probabilities for a in answers]) for key in answers[0]}
    return faces.astype(np.float32), by_key


def check(answers: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert set(answers) == set(expected)
    for key, values in expected.items():
        assert np.abs(np.asarray(answers[key]) - values).max() < 1e-4, key


def test_saved_model_has_a_named_signature(
    small_models: Path, expected: Expected, tmp_path: Path
) -> None:
    import tensorflow as tf

    path = serving.export_serving("savedmodel", tmp_path / "fer" / "1", small_models)
    loaded = tf.saved_model.load(path)
    serve = loaded.signatures["serving_default"]
    assert list(serve.structured_input_signature[1]) == ["faces"]
    answers = serve(faces=tf.constant(expected[0]))
    check({key: value.numpy() for key, value in answers.items()}, expected[1])


def test_onnx_runs_under_onnx_runtime(
    small_models: Path, expected: Expected, tmp_path: Path
) -> None:
    import onnxruntime

    path = serving.export_serving("onnx", tmp_path / "fer", small_models)
    assert path.suffix == ".onnx"
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    values = session.run(names, {session.get_inputs()[0].name: expected[0]})
    check(dict(zip(names, values, strict=True)), expected[1])


def test_tflite_runs_under_litert(small_models: Path, expected: Expected, tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    path = serving.export_serving("tflite", tmp_path / "fer.tflite", small_models)
    runner = Interpreter(model_path=str(path)).get_signature_runner()
    answers = runner(faces=expected[0][:1])
    check(answers, {key: values[:1] for key, values in expected[1].items()})


def test_a_missing_converter_is_told_with_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **options: object) -> None:
        raise ImportError("No module named 'onnx'", name="onnx")

    model = Mock(export=fail)
    monkeypatch.setattr(serving, "serving_model", lambda folder: model)
    with pytest.raises(FerError, match=r'onnx is not installed.* pip install -e "\.\[export\]"'):
        serving.export_serving("onnx", tmp_path / "fer")
    assert list(tmp_path.iterdir()) == []
