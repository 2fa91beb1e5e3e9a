"""VGG16 with a sixteenth of its channels: the same layers and names, a 256th of the weights.

A whole one costs a test most of a second to start, and 59 MB for each file of weights.
"""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf

from fer.artifacts.model_store import Artifact
from fer.lab import keras_backend

# Channels and convolutions of each block.
BLOCKS = ((4, 2), (8, 2), (16, 3), (32, 3), (32, 3))
CHANNELS = BLOCKS[-1][0]

_whole = keras.applications.VGG16
_build_from = keras_backend.build_from


def narrow_vgg16(
    include_top: bool, weights: str | None, input_shape: tuple[int | None, ...]
) -> keras.Model:
    """Return the narrow network, with a file's weights if one is named; ImageNet's do not fit."""
    assert not include_top
    assert weights != "imagenet"
    inputs = features = keras.Input(input_shape)
    for block, (channels, convolutions) in enumerate(BLOCKS, 1):
        for number in range(1, convolutions + 1):
            name = f"block{block}_conv{number}"
            convolution = keras.layers.Conv2D(channels, 3, 1, "same", activation="relu", name=name)
            features = convolution(features)
        features = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(features)
    model = keras.Model(inputs, features, name="vgg16")
    if weights is not None:
        model.load_weights(weights)
    return model


def _build_as_wide(artifact: Artifact, compute_dtype: str = "float32") -> keras.Model:
    """Return `keras_backend.build_from`'s network, narrow or whole as the stored weights are."""
    if artifact.weights()["block1_conv1/kernel"].shape[-1] == BLOCKS[0][0]:
        return _build_from(artifact, compute_dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.applications, "VGG16", _whole)
        return _build_from(artifact, compute_dtype)


def install(patch: pytest.MonkeyPatch | None = None) -> None:
    """Make `keras.applications.VGG16` the narrow one from now on, or as long as the patch holds.

    A narrow network's steps take milliseconds and tracing them into graphs takes seconds, so from
    now on nothing is traced.
    """
    patch = patch or pytest.MonkeyPatch()
    tf.config.run_functions_eagerly(True)
    patch.setattr(keras.applications, "VGG16", narrow_vgg16)
    patch.setattr(keras_backend, "build_from", _build_as_wide)
