"""Exports for others: loaded by their own runtime, they say what the dashboard says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer import FerError
from fer.lab.export import serving
from tests.support.making import face_like, in_keras


@pytest.fixture(scope="module")
def expected(small_models: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    faces = np.stack([face_like(seed) for seed in range(3)])
    answers = in_keras(small_models).predict(list(faces))
    by_key = {key: np.stack([a[key].probabilities for a in answers]) for key in answers[0]}
    return faces.astype(np.float32), by_key


def check(answers: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert set(answers) == set(expected)
    for key, values in expected.items():
        assert np.abs(np.asarray(answers[key]) - values).max() < 1e-4, key


def test_saved_model_has_a_named_signature(
    small_models: Path, expected: tuple[np.ndarray, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    import tensorflow as tf

    path = serving.export_serving("savedmodel", tmp_path / "fer" / "1", small_models)
    loaded = tf.saved_model.load(path)
    serve = loaded.signatures["serving_default"]
    assert list(serve.structured_input_signature[1]) == ["faces"]
    answers = serve(faces=tf.constant(expected[0]))
    check({key: value.numpy() for key, value in answers.items()}, expected[1])


def test_onnx_runs_under_onnx_runtime(
    small_models: Path, expected: tuple[np.ndarray, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    import onnxruntime

    path = serving.export_serving("onnx", tmp_path / "fer", small_models)
    assert path.suffix == ".onnx"
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    values = session.run(names, {session.get_inputs()[0].name: expected[0]})
    check(dict(zip(names, values, strict=True)), expected[1])


def test_tflite_runs_under_litert(
    small_models: Path, expected: tuple[np.ndarray, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    path = serving.export_serving("tflite", tmp_path / "fer.tflite", small_models)
    runner = Interpreter(model_path=str(path)).get_signature_runner()
    for position in range(len(expected[0])):
        one = slice(position, position + 1)
        answers = runner(faces=expected[0][one])
        check(answers, {key: values[one] for key, values in expected[1].items()})


def test_existing_file_is_not_overwritten(small_models: Path, tmp_path: Path) -> None:
    (tmp_path / "fer.onnx").write_text("mine")
    with pytest.raises(FerError, match="exists"):
        serving.export_serving("onnx", tmp_path / "fer", small_models)
    assert (tmp_path / "fer.onnx").read_text() == "mine"


def test_a_missing_converter_is_told_with_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Model:
        def __call__(self, faces: np.ndarray, training: bool) -> None: ...

        def export(self, *_: object, **options: object) -> None:
            raise ImportError("No module named 'onnx'", name="onnx")

    monkeypatch.setattr(serving, "serving_model", lambda folder: Model())
    with pytest.raises(FerError) as raised:
        serving.export_serving("onnx", tmp_path / "fer")
    assert str(raised.value) == (
        'onnx is not installed; in the repository run: pip install -e ".[export]"'
    )
    assert list(tmp_path.iterdir()) == []
