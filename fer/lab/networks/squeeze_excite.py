"""The Squeeze-and-Excitation block as a Keras 3 layer. Importing this module imports Keras."""

from __future__ import annotations

import keras
from keras import ops


class SqueezeExcite(keras.layers.Layer):
    """Channels of a feature map weighted by gates between 0 and 1 (Hu et al. 2018, eq. 2-4).

    Squeeze: the mean of each channel. Excitation: two dense layers with a bottleneck of
    `channels // ratio`, ReLU and sigmoid. Input and output (n, h, w, channels).
    """

    def __init__(self, ratio: int = 16, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape: tuple[int, ...]) -> None:
        channels = input_shape[-1]
        self.squeeze = keras.layers.GlobalAveragePooling2D(
            keepdims=True, dtype=self.dtype_policy, name="squeeze"
        )
        self.reduce = keras.layers.Dense(
            channels // self.ratio,
            activation="relu",
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
            name="reduce",
        )
        self.expand = keras.layers.Dense(
            channels, activation="sigmoid", dtype=self.dtype_policy, name="expand"
        )
        self.reduce.build((input_shape[0], 1, 1, channels))
        self.expand.build((input_shape[0], 1, 1, channels // self.ratio))

    def gates(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the gate of each channel, (n, 1, 1, channels), between 0 and 1."""
        return self.expand(self.reduce(self.squeeze(inputs)))

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return ops.multiply(inputs, self.gates(inputs))
