"""The maps of every layer of the networks that answer, and one value of a map taken apart.

The maps are what ReLU and pooling hand on in the served networks. Where those compute in int8, what
goes into a convolution and its kernels are rounded, so a map differs a little from full precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer import layer_names
from fer.artifacts import model_store
from fer.inference import openvino_backend
from fer.inference.classification import Classifier
from fer.inference.complexity import LAYERS
from fer.vision.preprocessing import FER_SIZE, Floats, Gray, Rgb, batch


class FeatureMaps:
    """The maps of every layer; safe to share between threads, in the classifier's queue.

    `trunk`: the model whose maps of blocks 1-3 are shown, one with the largest input: the weights
    are the same in all models.
    """

    def __init__(self, classifier: Classifier, folder: Path = model_store.FOLDER) -> None:
        """Compile the networks once more, every layer an output. Raises as
        `openvino_backend.FastBackend`."""
        models = list(classifier.models.values())
        self.trunk = max(models, key=lambda model: model.scenario.input_size).key
        self._classifier = classifier
        # Model and layer of each output of the network of that input size.
        self._names = {
            size: [(model.key, layer) for model in group for layer in self.layers_of(model.key)]
            for size, group in model_store.by_input_size(models).items()
        }
        self._requests = openvino_backend.requests(models, folder, self._names)

    def layers_of(self, model: str) -> tuple[str, ...]:
        """Return the layers whose maps there are of a model: all of `trunk`, blocks 4 and 5 of
        others."""
        return LAYERS if model == self.trunk else tuple(x for x in LAYERS if not is_shared(x))

    def of(self, face: Gray) -> dict[str, dict[str, Floats]]:
        """Return the maps (h, w, C) of a gray face of any size by model key and layer, from 0 up.
        Raises as `preprocessing.require_faces`."""
        inputs = {size: batch([face], size) for size in self._requests}
        maps: dict[str, dict[str, Floats]] = {key: {} for key in self._classifier.models}
        with self._classifier.queue.turn():
            for size, request in self._requests.items():
                outputs = request.infer({0: inputs[size]})
                for at, (model, layer) in enumerate(self._names[size]):
                    # OpenVINO keeps channels before rows and columns.
                    maps[model][layer] = outputs[at][0].transpose(1, 2, 0)
        return maps


def is_shared(layer: str) -> bool:
    """Return whether a layer is of blocks 1-3, whose weights are the same in all models."""
    return layer.startswith(layer_names.TRUNK_BLOCKS)


def strongest(maps: Floats, count: int) -> list[int]:
    """Return the channels of maps (h, w, C) with the largest means, the strongest first."""
    return [int(c) for c in np.argsort(-maps.mean(axis=(0, 1)), kind="stable")[:count]]


def rows(maps: Floats) -> list[dict[str, float]]:
    """Return a row for each channel of maps (h, w, C): mean and largest value, and the share of
    positions at which it is above 0; the strongest channel first."""
    return [
        {
            "channel": channel,
            "mean": round(float(maps[..., channel].mean()), 4),
            "largest": round(float(maps[..., channel].max()), 4),
            "active": round(float((maps[..., channel] > 0).mean()), 4),
        }
        for channel in strongest(maps, maps.shape[2])
    ]


def tile(values: Floats) -> Gray:
    """Return a channel's map (h, w) as a picture (48, 48) uint8, scaled to its own largest
    value."""
    method = cv2.INTER_AREA if values.shape[0] > FER_SIZE else cv2.INTER_NEAREST
    return _shades(values, FER_SIZE, method)


def enlarged(
    values: Floats, side: int, mark: tuple[int, int] | None = None, colour: str = "#FFFFFF"
) -> Rgb:
    """Return a channel's map (h, w) cell by cell, (side, side, 3) uint8, scaled to its own largest
    value.

    Args:
        mark: row and column, around which the 3x3 cells of a kernel are framed.
        colour: of the frame, as #RRGGBB.
    """
    picture = np.repeat(_shades(values, side, cv2.INTER_NEAREST)[:, :, None], 3, axis=2)
    if mark is not None:
        cell = side / values.shape[0]
        row, column = mark
        first = (round((column - 1) * cell) - 1, round((row - 1) * cell) - 1)
        last = (round((column + 2) * cell), round((row + 2) * cell))
        cv2.rectangle(picture, first, last, tuple(bytes.fromhex(colour[1:])), 2)
    return picture


def _shades(values: Floats, side: int, method: int) -> Gray:
    resized = cv2.resize(values, (side, side), interpolation=method)
    top = float(resized.max())
    return np.rint(255 * resized / top if top > 0 else resized).astype(np.uint8)


@dataclass(frozen=True)
class KernelStep:
    """One value of a convolution's map, taken apart.

    patch: the input below the kernel, (3, 3, C); 0 beyond the edge. kernel: (3, 3, C).
    """

    patch: NDArray[np.float64]
    kernel: NDArray[np.float64]
    bias: float

    @property
    def products(self) -> NDArray[np.float64]:
        """Each input value times its weight, (3, 3, C)."""
        return self.patch * self.kernel

    @property
    def sum(self) -> float:
        """The sum of the products and the bias."""
        return float(self.products.sum()) + self.bias

    @property
    def value(self) -> float:
        """The sum after ReLU."""
        return max(self.sum, 0.0)


def take_apart(
    inputs: Floats, kernels: Floats, biases: Floats, channel: int, row: int, column: int
) -> KernelStep:
    """Return the value of a 3x3 convolution's map at one position of one channel.

    Args:
        inputs: of the convolution, (h, w, C). kernels: (3, 3, C, K). biases: (K,).
    """
    framed = np.pad(inputs.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    return KernelStep(
        patch=framed[row : row + 3, column : column + 3],
        kernel=kernels[..., channel].astype(np.float64),
        bias=float(biases[channel]),
    )
