"""The reference: the networks in Keras, exactly as they were trained.

Importing this module imports TensorFlow. Metrics and studies are computed with these networks, and
the dashboard's answers are measured against theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from fer import FerError, layer_names
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
    Raise FerError if there is no model, a named one is missing, or its files, metrics among them
    unless they are made anew (`with_metrics` is False), are not those in the manifest."""
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
        """Build the networks and load their weights. Raises as `build_from`."""
        self._networks = {a.key: build_from(a, compute_dtype) for a in artifacts}
        self._by_output: dict[tuple[int, str], keras.Model] = {}
        for size, group in by_input_size(artifacts).items():
            networks = {artifact.key: self._networks[artifact.key] for artifact in group}
            # Two models on the same layers: weights exist once, and a model that is never called
            # is never traced.
            for layer in (layer_names.LOGITS, layer_names.LAST_CONVOLUTION):
                self._by_output[size, layer] = _with_shared_trunk(networks, layer)

    def outputs(self, inputs: Floats, layer: str) -> dict[str, Floats]:
        """Return a layer's output by model key, as `classification.Backend`."""
        outputs = self._by_output[inputs.shape[1], layer].predict_on_batch(inputs)
        return {key: np.asarray(values, dtype=np.float32) for key, values in outputs.items()}

    def assign(self, key: str, tensors: Tensors) -> None:
        """Give variables of one model, by `layer/variable`, other values; its blocks 1-3 are those
        of the first model of its input size."""
        variables_of_model = variables(self._networks[key])
        for name, value in tensors.items():
            variables_of_model[name].assign(value)


def joined(artifacts: Sequence[Artifact]) -> keras.Model:
    """Return one network for models of one input size: (n, S, S, 3) to logits (n, 7) by model key.
    Blocks 1-3, which are the same in all, are computed once. Raises as `build_from`."""
    networks = {artifact.key: build_from(artifact) for artifact in artifacts}
    return _with_shared_trunk(networks, layer_names.LOGITS)


def _with_shared_trunk(networks: dict[str, keras.Model], layer: str) -> keras.Model:
    """Return a model of each network's output of that layer by key, with the blocks 1-3 of the
    first network for all."""
    first = next(iter(networks.values()))
    trunk_output = first.get_layer(layer_names.TRUNK_END).output
    outputs = {}
    for key, network in networks.items():
        top = keras.Model(
            network.get_layer(layer_names.TRUNK_END).output,
            network.get_layer(layer).output,
            name=f"{key}_{layer}",
        )
        outputs[key] = top(trunk_output)
    return keras.Model(first.input, outputs, name=f"{layer}_of_" + "_and_".join(networks))


def build_from(artifact: Artifact, compute_dtype: str = "float32") -> keras.Model:
    """Build the artifact's network with its stored weights; convolutions compute in that dtype.
    Raise FerError if a variable's value is missing or has another shape."""
    model = vgg16.build(replace(artifact.scenario, compute_dtype=compute_dtype), None)
    tensors = artifact.weights()
    for name, variable in variables(model).items():
        if name not in tensors or tuple(tensors[name].shape) != tuple(variable.shape):
            raise FerError(
                "The stored weights do not fit the network: {name} needs {expected}, found "
                "{found}. Publish the model again.",
                name=name,
                expected=variable.shape,
                found=tensors[name].shape if name in tensors else "nothing",
            )
        variable.assign(tensors[name])
    return model


def variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return the model's variables by `layer/variable`, without the dropout's random states."""
    return {v.path: v for v in model.weights if "seed_generator" not in v.path}
