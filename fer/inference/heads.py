"""The heads after VGG16's last convolution, in NumPy: SE block, pooling, classifier, gradient.

Grad-CAM and the SE gates need the gradient of this part alone, which is small enough to be written
out, so they need no TensorFlow. Tests compare it with Keras and its gradients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from fer import layer_names
from fer.artifacts.packing import Tensors
from fer.scenarios import Scenario
from fer.vision.preprocessing import Floats

# Keras' default, which `vgg16.classify` leaves as it is.
EPSILON = 1e-3


@dataclass(frozen=True)
class Gate:
    """The two layers of an SE block's excitation (Hu et al. 2018, eq. 3): (C, C/r) and (C/r, C)."""

    reduce: Floats
    reduce_bias: Floats
    expand: Floats
    expand_bias: Floats


@dataclass(frozen=True)
class Head:
    """The head of a network, from the last convolution's maps to logits. `fixed_gates` (C,), if
    given, replace those of the SE block."""

    is_grid: bool
    gate: Gate | None
    scale: Floats
    shift: Floats
    hidden: tuple[Floats, Floats] | None
    kernel: Floats
    bias: Floats
    fixed_gates: Floats | None = None

    def with_fixed_gates(self, gates: Floats) -> Head:
        """Return the head with the same gates (C,) for every image."""
        return replace(self, fixed_gates=np.asarray(gates, np.float32))

    def gates(self, maps: Floats) -> Floats:
        """Return the gate of each channel, (n, C) between 0 and 1, for the last convolution's maps
        (n, h, w, C); ones without an SE block."""
        return self._gates(_pooled(maps).mean(axis=(1, 2)))[0]

    def features(self, maps: Floats) -> Floats:
        """Return the classifier's features of the last convolution's maps (n, h, w, C): pooled,
        gated and normalised, (n, C) or, of quadrants, (n, 4 C)."""
        pooled = _pooled(maps)
        gates, _ = self._gates(pooled.mean(axis=(1, 2)))
        vectors = (self._means(pooled) * gates[:, None, :]).reshape(len(maps), -1)
        return np.asarray(vectors * self.scale + self.shift, dtype=np.float32)

    def logits(self, maps: Floats) -> Floats:
        """Return logits (n, 7) of the last convolution's maps (n, h, w, C)."""
        x = self.features(maps)
        if self.hidden is not None:
            x = np.maximum(x @ self.hidden[0] + self.hidden[1], 0.0)
        return np.asarray(x @ self.kernel + self.bias, dtype=np.float32)

    def summed_gradient(self, maps: Floats, targets: NDArray[np.int64]) -> Floats:
        """Return the gradient of each image's target logit by the last convolution's maps
        (n, h, w, C), summed over positions, (n, C).

        Pooling hands each gradient to one position, so its sum is that of the pooled map.

        Args:
            targets: the class of each image, (n,) with 0-6.
        """
        pooled = _pooled(maps)
        gates, is_open = self._gates(pooled.mean(axis=(1, 2)))
        means = self._means(pooled)
        slope = self.kernel.T[targets]
        if self.hidden is not None:
            x = (means * gates[:, None, :]).reshape(len(maps), -1) * self.scale + self.shift
            active = (x @ self.hidden[0] + self.hidden[1]) > 0
            slope = (slope * active) @ self.hidden[0].T
        by_mean = (slope * self.scale).reshape(means.shape)
        gradient = by_mean.sum(axis=1) * gates
        if self.gate is not None and self.fixed_gates is None:
            by_gate = (by_mean * means).sum(axis=1) * gates * (1.0 - gates)
            by_squeezed = ((by_gate @ self.gate.expand.T) * is_open) @ self.gate.reduce.T
            gradient = gradient + by_squeezed
        return np.asarray(gradient, dtype=np.float32)

    def _gates(self, squeezed: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Return gates (n, C), and whether units of the bottleneck are above zero (n, C/r or 0)."""
        no_units = np.zeros((len(squeezed), 0), bool)
        if self.fixed_gates is not None:
            return np.broadcast_to(self.fixed_gates, squeezed.shape), no_units
        if self.gate is None:
            return np.ones_like(squeezed), no_units
        narrow = squeezed @ self.gate.reduce + self.gate.reduce_bias
        wide = np.maximum(narrow, 0.0) @ self.gate.expand + self.gate.expand_bias
        return np.asarray(expit(wide), dtype=np.float32), narrow > 0

    def _means(self, pooled: Floats) -> Floats:
        """Return the means of the whole map, or of its quadrants as `vgg16.QuadrantPooling` cuts
        them, (n, 1 or 4, C)."""
        if not self.is_grid:
            return np.asarray(pooled.mean(axis=(1, 2), keepdims=True)[:, 0])
        height, width = pooled.shape[1:3]
        top, left = (height + 1) // 2, (width + 1) // 2
        corners = [
            pooled[:, :top, :left],
            pooled[:, :top, width - left :],
            pooled[:, height - top :, :left],
            pooled[:, height - top :, width - left :],
        ]
        return np.stack([corner.mean(axis=(1, 2)) for corner in corners], axis=1)


def _pooled(maps: Floats) -> Floats:
    """Return the largest of each 2x2 positions, as `block5_pool` does; a last odd row or column is
    left out."""
    n, height, width, channels = maps.shape
    even = maps[:, : height // 2 * 2, : width // 2 * 2]
    cells = even.reshape(n, height // 2, 2, width // 2, 2, channels)
    return np.asarray(cells.max(axis=(2, 4)))


def from_tensors(scenario: Scenario, tensors: Tensors) -> Head:
    """Return the head whose variables are `tensors`, by `layer/variable`."""
    deviation = np.sqrt(tensors[f"{layer_names.NORM}/moving_variance"] + np.float32(EPSILON))
    scale = np.asarray(tensors[f"{layer_names.NORM}/gamma"] / deviation, dtype=np.float32)
    shift = np.asarray(
        tensors[f"{layer_names.NORM}/beta"] - tensors[f"{layer_names.NORM}/moving_mean"] * scale,
        dtype=np.float32,
    )
    gate = None
    if scenario.se_ratio is not None:
        names = ("reduce/kernel", "reduce/bias", "expand/kernel", "expand/bias")
        gate = Gate(*(tensors[f"{layer_names.SQUEEZE_EXCITE}/{name}"] for name in names))
    hidden = None
    if scenario.hidden_units is not None:
        hidden = (tensors[f"{layer_names.HIDDEN}/kernel"], tensors[f"{layer_names.HIDDEN}/bias"])
    return Head(
        is_grid=scenario.pooling == "grid",
        gate=gate,
        scale=scale,
        shift=shift,
        hidden=hidden,
        kernel=tensors[f"{layer_names.LOGITS}/kernel"],
        bias=tensors[f"{layer_names.LOGITS}/bias"],
    )
