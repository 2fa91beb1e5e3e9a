"""The networks in full precision under OpenVINO, built from the published weights.

int8 rounds differently from processor to processor, and so does not answer every face as a study
made elsewhere. These networks give float32 Keras' answers on each, without TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer import layer_names
from fer.artifacts import model_store
from fer.artifacts.model_store import Artifact
from fer.artifacts.packing import Tensors
from fer.inference import classification, heads, openvino_backend
from fer.inference.classification import Classifier
from fer.inference.complexity import BLOCKS
from fer.inference.heads import Head
from fer.vision.preprocessing import Floats

if TYPE_CHECKING:
    import openvino


def load(folder: Path = model_store.FOLDER, keys: Sequence[str] | None = None) -> Classifier:
    """Return a classifier of every trained model in the folder, or of the named ones, in float32.
    Raise FerError if there is no model, a named one is missing, its files are not those in the
    manifest, or OpenVINO cannot be used here."""
    models = classification.require_models(folder, keys)
    model_store.checked(folder, model_store.TRUNK)
    return Classifier(models, ExactBackend(list(models.values())), "float32")


class ExactBackend:
    """Logits and last feature maps of several trained models in float32."""

    name = "exact"

    def __init__(self, models: Sequence[Artifact]) -> None:
        """Build and compile the networks; a model of 128 pixels takes a second and 170 MB. Raise
        FerError if weights are missing or damaged, or OpenVINO cannot be used here."""
        core = openvino_backend.core()
        self._by_size = model_store.by_input_size(models)
        self._heads: dict[str, Head] = {}
        self._requests: dict[str, openvino.InferRequest] = {}
        for model in models:
            tensors = model.weights()
            self._heads[model.key] = heads.from_tensors(model.scenario, tensors)
            try:
                network = _convolutions(tensors, model.scenario.input_size)
                compiled = core.compile_model(network, "CPU", openvino_backend.OPTIONS)
            except Exception as error:
                raise openvino_backend.unusable(error) from error
            self._requests[model.key] = compiled.create_infer_request()

    def outputs(self, inputs: Floats, layer: str) -> dict[str, Floats]:
        """Return a layer's output by model key, as `classification.Backend`."""
        outputs: dict[str, Floats] = {}
        for model in self._by_size[inputs.shape[1]]:
            infer = self._requests[model.key].infer
            maps = np.concatenate([infer({0: face[None]})[0] for face in inputs])
            # OpenVINO keeps channels before rows and columns.
            maps = maps.transpose(0, 2, 3, 1)
            is_logits = layer == layer_names.LOGITS
            outputs[model.key] = self._heads[model.key].logits(maps) if is_logits else maps
        return outputs


def _convolutions(tensors: Tensors, size: int) -> openvino.Model:
    """Return VGG16 from a face (1, S, S, 3) to the maps of its last convolution (1, 512, h, w)."""
    import openvino
    from openvino import opset13 as ops

    face = ops.parameter([1, size, size, 3], np.float32)
    x = ops.transpose(face, [0, 3, 1, 2]).output(0)
    for block, (_, convolutions) in enumerate(BLOCKS, start=1):
        if block > 1:
            x = ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
        for number in range(1, convolutions + 1):
            name = f"block{block}_conv{number}"
            kernel = np.ascontiguousarray(tensors[f"{name}/kernel"].transpose(3, 2, 0, 1))
            bias = tensors[f"{name}/bias"].reshape(1, -1, 1, 1)
            sums = ops.convolution(x, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
            x = ops.relu(ops.add(sums, bias)).output(0)
    return openvino.Model([x], [face])
