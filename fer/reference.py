"""The reference backend: both networks in Keras, exactly as they were trained.

Importing this module imports TensorFlow. Faster backends are measured against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from fer import FerError, models
from fer.artifacts import Artifact, Tensors
from fer.preprocessing import Floats

TRUNK_END = "block3_pool"


class ReferenceBackend:
    """Logits of several trained models; blocks 1-3 run once for models of the same input size."""

    def __init__(self, artifacts: Sequence[Artifact], compute_dtype: str = "float32") -> None:
        """Builds the networks and loads their weights.

        Raises:
            FerError: if stored weights do not fit the network.
        """
        self._tops: dict[str, keras.Model] = {}
        self._trunk: keras.Model | None = None
        for artifact in artifacts:
            whole = build_from(artifact, compute_dtype)
            middle = whole.get_layer(TRUNK_END).output
            self._tops[artifact.key] = keras.Model(middle, whole.output)
            if self._trunk is None:
                self._trunk = keras.Model(whole.input, middle)

    def logits(self, inputs: Floats, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Logits (n, 7) by model key for network input (n, S, S, 3)."""
        if self._trunk is None:
            return {}
        middle = self._trunk(inputs, training=False)
        return {
            key: np.asarray(self._tops[key](middle, training=False), dtype=np.float32)
            for key in keys
        }


def build_from(artifact: Artifact, compute_dtype: str = "float32") -> keras.Model:
    """The artifact's network with its stored weights; convolutions compute in the given dtype.

    Raises:
        FerError: if a variable is missing or has another shape.
    """
    model = models.build(replace(artifact.scenario, compute_dtype=compute_dtype), None)
    load_variables(model, artifact.weights())
    return model


def variables(model: keras.Model) -> dict[str, keras.Variable]:
    """The model's variables by `layer/variable`, without the dropout's random states."""
    return {v.path: v for v in model.weights if "seed_generator" not in v.path}


def load_variables(model: keras.Model, tensors: Tensors) -> None:
    """Assigns every variable of the model.

    Raises:
        FerError: if one is missing or has another shape.
    """
    for name, variable in variables(model).items():
        if name not in tensors or tuple(tensors[name].shape) != tuple(variable.shape):
            found = tensors[name].shape if name in tensors else "nothing"
            raise FerError(
                "The stored weights do not fit the network: {name} needs {expected}, found "
                "{found}. Publish the model again.",
                name=name,
                expected=variable.shape,
                found=found,
            )
        variable.assign(tensors[name])
