"""The two networks: VGG16's convolutions, an optional Squeeze-and-Excitation block, a small head.

Keras 3 throughout, so any of its backends runs them. Importing this module imports Keras.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TypeAlias

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fer import FerError, emotions, layer_names
from fer.lab.networks.squeeze_excite import SqueezeExcite
from fer.scenarios import Scenario

Weights: TypeAlias = str | Path | dict[str, NDArray[np.floating]] | None


def backbone(weights: Weights = "imagenet") -> keras.Model:
    """Return VGG16 without its top (Simonyan & Zisserman 2015): 19 layers, any input size from 32.
    Raise FerError if the weights can be neither loaded nor downloaded.

    Args:
        weights: "imagenet" lets Keras download them; a path loads a file of the same layout;
            tensors by `layer/variable` are taken as they are; None leaves random values.
    """
    if isinstance(weights, Path) and not weights.is_file():
        raise FerError(
            "There is no weights file {weights}; check --backbone-weights.", weights=weights
        )
    tensors = weights if isinstance(weights, dict) else None
    source = str(weights) if isinstance(weights, Path) else weights
    try:
        model = keras.applications.VGG16(
            include_top=False,
            weights=None if tensors is not None else source,
            input_shape=(None, None, 3),
        )
        if tensors is not None:
            for variable in model.weights:
                variable.assign(tensors[variable.path])
        return model
    except Exception as error:
        raise FerError(
            "VGG16's ImageNet weights could not be loaded ({reason}); connect to the internet, "
            "name the file with --backbone-weights, or train from the published model's with "
            "--backbone-from models.",
            reason=error,
        ) from error


def backbone_digest(model: keras.Model) -> str:
    """Return the SHA-256 of VGG16's convolutions in a network, by name and float32 values,
    hexadecimal. A published model's differs, because its kernels are stored in half precision."""
    digest = hashlib.sha256()
    for layer in model.layers:
        if layer.name.startswith("block"):
            for variable in layer.weights:
                digest.update(f"{layer.name}/{variable.name}".encode())
                digest.update(np.asarray(variable.numpy(), dtype=np.float32).tobytes())
    return digest.hexdigest()


def run(model: keras.Model, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model's output for one batch in inference mode, float32."""
    return np.asarray(model.predict_on_batch(inputs), dtype=np.float32)


def build(scenario: Scenario, weights: Weights = "imagenet") -> keras.Model:
    """Build the scenario's network: (n, S, S, 3) as `preprocessing.network_input` makes it, to
    (n, 7) float32 logits, for any S from 32 up.

    Convolutions compute in the scenario's dtype; variables and logits are float32.
    """
    base = backbone(weights)
    first, last = scenario.trainable_layers or (1, 0)
    for index, layer in enumerate(base.layers):
        layer.trainable = first <= index <= last
        layer.dtype_policy = scenario.compute_dtype
    features = base.output
    if scenario.se_ratio is not None:
        features = SqueezeExcite(
            scenario.se_ratio, dtype=scenario.compute_dtype, name=layer_names.SQUEEZE_EXCITE
        )(features)
    logits = classify(pool(features, scenario), scenario)
    return keras.Model(base.input, logits, name=scenario.key)


def pool(features: keras.KerasTensor, scenario: Scenario) -> keras.KerasTensor:
    """Pool each feature map into a float32 vector: the mean of each channel, or with `pooling`
    "grid" of each quadrant, so that the head knows roughly where a feature was seen."""
    if scenario.pooling == "grid":
        return QuadrantPooling(dtype="float32", name=layer_names.POOL)(features)
    return keras.layers.GlobalAveragePooling2D(dtype="float32", name=layer_names.POOL)(features)


def classify(vectors: keras.KerasTensor, scenario: Scenario) -> keras.KerasTensor:
    """Return logits (n, 7) of pooled vectors: normalisation, any hidden layer, dropout, logits."""
    x = keras.layers.BatchNormalization(dtype="float32", name=layer_names.NORM)(vectors)
    seed = scenario.seed
    if scenario.hidden_units is not None:
        if scenario.dropout:
            x = keras.layers.Dropout(scenario.dropout, seed=seed, name="dropout_in")(x)
        x = keras.layers.Dense(
            scenario.hidden_units, activation="relu", dtype="float32", name=layer_names.HIDDEN
        )(x)
    if scenario.dropout:
        x = keras.layers.Dropout(scenario.dropout, seed=seed + 1, name="dropout")(x)
    # Small first weights make all classes nearly equally likely: with Keras' larger ones,
    # fine-tuning at a low rate spends its first passes on unlearning them (Kolesnikov et al. 2020
    # begin from zeros).
    return keras.layers.Dense(
        emotions.COUNT,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        dtype="float32",
        name=layer_names.LOGITS,
    )(x)


class QuadrantPooling(keras.layers.Layer):
    """Channel means over the four overlapping quadrants of a map: (n, h, w, c) to (n, 4c)."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        x = ops.cast(inputs, "float32")
        height, width = ops.shape(x)[1], ops.shape(x)[2]
        top, left = (height + 1) // 2, (width + 1) // 2
        quadrants = [
            x[:, :top, :left],
            x[:, :top, width - left :],
            x[:, height - top :, :left],
            x[:, height - top :, width - left :],
        ]
        return ops.concatenate([ops.mean(quadrant, axis=(1, 2)) for quadrant in quadrants], axis=-1)
