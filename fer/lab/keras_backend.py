"""The reference: the networks in Keras, exactly as they were trained.

Importing this module imports TensorFlow. Metrics and studies are computed with it, and what the
dashboard answers with is measured against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from fer import FerError, layers
from fer.artifacts import model_store
from fer.artifacts.model_store import Artifact, by_input_size
from fer.artifacts.packing import Tensors
from fer.inference import classification
from fer.inference.classification import Classifier
from fer.lab.networks import vgg16
from fer.vision import preprocessing
from fer.vision.preprocessing import Floats


def load(
    folder: Path = model_store.FOLDER,
    keys: Sequence[str] | None = None,
    *,
    compute_dtype: str = "float32",
    with_metrics: bool = True,
) -> Classifier:
    """Return a classifier of every trained model in the folder, or of the named ones, in Keras.

    Args:
        compute_dtype: the dtype policy of the convolutions.
        with_metrics: whether damaged metrics count, too; not to make them anew.

    Raises:
        FerError: if there is no model, a named one is missing, or its files are not those in the
            manifest.
    """
    models = classification.require_models(folder, keys, with_metrics=with_metrics)
    model_store.checked(folder, model_store.TRUNK)
    backend = ReferenceBackend(list(models.values()), compute_dtype)
    classifier = Classifier(models, backend, compute_dtype)
    # The first call of a Keras graph traces it.
    classifier.logits([np.zeros((preprocessing.FER_SIZE,) * 2, np.uint8)])
    return classifier


class ReferenceBackend:
    """Logits and last feature maps of several trained models; blocks 1-3 run once for models of the
    same input size."""

    name = "reference"

    def __init__(self, artifacts: Sequence[Artifact], compute_dtype: str = "float32") -> None:
        """Builds the networks and loads their weights.

        Raises:
            FerError: if stored weights do not fit the network.
        """
        self._wholes = {a.key: build_from(a, compute_dtype) for a in artifacts}
        self._logits: dict[int, keras.Model] = {}
        self._maps: dict[int, keras.Model] = {}
        for size, group in by_input_size(artifacts).items():
            wholes = {artifact.key: self._wholes[artifact.key] for artifact in group}
            # Two views of the same layers: weights exist once, and a view that nobody asks is
            # never traced.
            self._logits[size] = _on_one_trunk(wholes, layers.LOGITS)
            self._maps[size] = _on_one_trunk(wholes, layers.LAST_CONVOLUTION)

    def logits(self, inputs: Floats) -> dict[str, NDArray[np.float32]]:
        """Logits (n, 7) by model key, of the models that take input of this size (n, S, S, 3)."""
        return _run(self._logits[inputs.shape[1]], inputs)

    def maps(self, inputs: Floats) -> dict[str, NDArray[np.float32]]:
        """The last convolution's maps (n, h, w, 512) by model key, of the models that take input of
        this size (n, S, S, 3)."""
        return _run(self._maps[inputs.shape[1]], inputs)

    def assign(self, key: str, tensors: Tensors) -> None:
        """Gives variables of one model, by `layer/variable`, other values; blocks 1-3 are those of
        the first model of its input size."""
        found = variables(self._wholes[key])
        for name, value in tensors.items():
            found[name].assign(value)


def _run(network: keras.Model, inputs: Floats) -> dict[str, NDArray[np.float32]]:
    found = network.predict_on_batch(inputs)
    return {key: np.asarray(values, dtype=np.float32) for key, values in found.items()}


def joined(artifacts: Sequence[Artifact], compute_dtype: str = "float32") -> keras.Model:
    """One network for models of one input size: (n, S, S, 3) to logits (n, 7) by model key.

    Blocks 1-3 are frozen in every scenario and stored once, so they are evaluated once.

    Raises:
        FerError: if stored weights do not fit a network.
    """
    wholes = {artifact.key: build_from(artifact, compute_dtype) for artifact in artifacts}
    return _on_one_trunk(wholes, layers.LOGITS)


def _on_one_trunk(wholes: dict[str, keras.Model], layer: str) -> keras.Model:
    """Each network's output of that layer by its key, computed on the first one's blocks 1-3."""
    first = next(iter(wholes.values()))
    middle = first.get_layer(layers.TRUNK_END).output
    outputs = {}
    for key, whole in wholes.items():
        top = keras.Model(
            whole.get_layer(layers.TRUNK_END).output,
            whole.get_layer(layer).output,
            name=f"{key}_{layer}",
        )
        outputs[key] = top(middle)
    return keras.Model(first.input, outputs, name=f"{layer}_of_" + "_and_".join(wholes))


def build_from(artifact: Artifact, compute_dtype: str = "float32") -> keras.Model:
    """The artifact's network with its stored weights; convolutions compute in the given dtype.

    Raises:
        FerError: if a variable is missing or has another shape.
    """
    model = vgg16.build(replace(artifact.scenario, compute_dtype=compute_dtype), None)
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
