"""Both models as one network for other servers: SavedModel, ONNX, TFLite.

Importing this module imports TensorFlow.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from fer import FerError
from fer.artifacts import intact, model_store
from fer.lab import keras_backend
from fer.vision.preprocessing import CAFFE_MEANS_BGR, FER_SIZE

Format = Literal["savedmodel", "onnx", "tflite"]
KERAS_FORMATS: dict[Format, tuple[str, str]] = {
    "savedmodel": ("tf_saved_model", ""),
    "onnx": ("onnx", ".onnx"),
    "tflite": ("litert", ".tflite"),
}


def serving_model(folder: Path = model_store.FOLDER) -> keras.Model:
    """Return both models as one network: gray faces (n, 48, 48) float32 on 0-255 in; calibrated
    probabilities (n, 7) by model key out. It resizes and subtracts ImageNet's means itself. Raise
    FerError if there is no trained model or its files are damaged."""
    models = intact.require(folder)
    if not models:
        raise FerError("There is no trained model in {folder}; run: fer train", folder=folder)
    faces = keras.Input((FER_SIZE, FER_SIZE), dtype="float32", name="faces")
    gray = keras.ops.expand_dims(faces, axis=-1)
    outputs: dict[str, keras.KerasTensor] = {}
    for size, group in model_store.by_input_size(models.values()).items():
        # Not Keras' Resizing layer: once exported, it puts the next layers into training mode.
        enlarged = keras.ops.image.resize(gray, (size, size), interpolation="bilinear")
        three_channels = keras.ops.repeat(enlarged, 3, axis=-1)
        centred = keras.layers.Rescaling(
            1.0, offset=[-float(mean) for mean in CAFFE_MEANS_BGR], name=f"centred_{size}"
        )(three_channels)
        for key, logits in keras_backend.joined(group)(centred).items():
            scaled = keras.layers.Rescaling(1.0 / models[key].temperature, name=f"cooled_{key}")(
                logits
            )
            outputs[key] = keras.layers.Softmax(name=key)(scaled)
    return keras.Model(faces, outputs, name="fer")


def export_serving(format: Format, out: Path, folder: Path = model_store.FOLDER) -> Path:
    """Write `serving_model` as a TensorFlow SavedModel (signature `serve`), ONNX or TFLite file.

    Return the path that was written; `out` gets the format's suffix if it has none. Raise FerError
    if the path exists, a converter is not installed, or the path cannot be written.
    """
    keras_format, suffix = KERAS_FORMATS[format]
    if suffix and out.suffix != suffix:
        out = out.with_name(out.name + suffix)
    if out.exists():
        raise FerError("{path} exists; choose another --out or remove it.", path=out)
    model = serving_model(folder)
    # Keras' ONNX exporter takes the outputs' names from a call.
    model(np.zeros((1, FER_SIZE, FER_SIZE), np.float32), training=False)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
            temporary = Path(scratch) / out.name
            model.export(temporary, format=keras_format, verbose=False)
            temporary.replace(out)
    except ImportError as error:
        raise FerError(
            '{package} is not installed; in the repository run: pip install -e ".[export]"',
            package=error.name or "tf2onnx",
        ) from error
    except OSError as error:
        raise FerError(
            "{path} cannot be written ({reason}).", path=out, reason=error.strerror or error
        ) from error
    return out
