"""The fast backend: the networks in int8 under OpenVINO, without TensorFlow in the process.

`fer export` made the files from the published weights; `export.json` says from which weights, how
they were calibrated and how far they are from float32. A file is used only if it is the recorded
one, was made from the weights beside it, and gives the recorded answers on this processor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from fer import FerError, layer_names
from fer.artifacts import model_store
from fer.artifacts.model_store import Artifact
from fer.inference.complexity import LAYERS
from fer.inference.records import FAST_EXPORT
from fer.vision import upload_gate
from fer.vision.preprocessing import Floats, batch

if TYPE_CHECKING:
    import openvino

RECORD = Path(FAST_EXPORT.name).name
PROBE = "probe.safetensors"
# Processors without VNNI saturate 16-bit sums of int8 products, which moves the probe's logits by
# whole units; rounding of the few float layers moves them by less than this.
TOLERANCE = 0.25
# Known faces whose answers are checked at start: enough to notice, and nobody waits for the rest.
CHECKED_FACES = 2
# The few layers that stay in floating point would be bf16 on some processors: less exact, and no
# faster. A thread pinned to a core waits for whatever else keeps that core busy, a browser or
# another server, while others are free: a face then takes five times as long.
OPTIONS = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_PRECISION_HINT": "f32",
    "ENABLE_CPU_PINNING": False,
}
# The layers whose outputs a network returns of each of its models, in this order.
_SERVED = (layer_names.LOGITS, layer_names.LAST_CONVOLUTION)


class FastBackend:
    """Logits and last feature maps of several trained models; blocks 1-3 run once for models of the
    same input size.

    The maps are outputs of the same compiled networks: they are computed for the answer anyway, and
    returning them costs nothing that can be measured.
    """

    name = "fast"

    def __init__(self, models: Sequence[Artifact], folder: Path = model_store.FOLDER) -> None:
        """Compile the networks in `fast/` of the models' folder for this processor. Raise FerError
        if OpenVINO or a file is missing, or a file is damaged or older than the weights."""
        self._folder = folder / model_store.FAST
        self._by_size = model_store.by_input_size(models)
        # Loaded alone, a model does not wait for the layers of others that share its trunk.
        names = {
            size: [(model.key, layer) for layer in _SERVED for model in group]
            for size, group in self._by_size.items()
        }
        self._requests = requests(models, folder, names)

    def outputs(self, inputs: Floats, layer: str) -> dict[str, Floats]:
        """Return a layer's output by model key, as `classification.Backend`."""
        size = inputs.shape[1]
        group = self._by_size[size]
        # One face a request keeps every core busy; more are no faster, and their memory, 12 to 18
        # MB a face, is never given back.
        results = [self._requests[size].infer({0: face[None]}) for face in inputs]
        outputs: dict[str, Floats] = {}
        for position, model in enumerate(group, start=_SERVED.index(layer) * len(group)):
            values = np.concatenate([result[position] for result in results])
            # OpenVINO keeps channels before rows and columns.
            is_logits = layer == layer_names.LOGITS
            outputs[model.key] = values if is_logits else values.transpose(0, 2, 3, 1)
        return outputs

    def check(self) -> None:
        """Check the answers for known faces. Raise FerError if this processor computes something
        else than was recorded, or nothing was recorded for a model."""
        path = self._folder / PROBE
        try:
            recorded = load_file(path)
            faces = recorded["faces"][:CHECKED_FACES]
        except (OSError, KeyError, SafetensorError) as error:
            raise _unreadable(path) from error
        for size, group in self._by_size.items():
            try:
                logits = self.outputs(batch(faces, size), layer_names.LOGITS)
            except Exception as error:
                raise unusable(error) from error
            for model in group:
                if model.key not in recorded:
                    raise _unreadable(path)
                expected = recorded[model.key][:CHECKED_FACES]
                distance = float(np.abs(logits[model.key] - expected).max())
                if not distance <= TOLERANCE:
                    raise FerError(
                        "This processor computes int8 differently from the one that made the fast "
                        "backend (logits of {model} differ by {distance}); run: fer export",
                        model=model.key,
                        distance=f"{distance:.2f}",
                    )


def _unreadable(path: Path) -> FerError:
    return FerError(
        "{path} is missing or damaged; restore it from the repository or run: fer export",
        path=path,
    )


def core() -> openvino.Core:
    """Return OpenVINO's entry point. Raise FerError if OpenVINO is not installed or cannot be used:
    a library of another version, a processor that it does not know, a file that is not its own."""
    try:
        import openvino

        return openvino.Core()
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "openvino":
            raise FerError(
                "OpenVINO is not installed; install it with: pip install openvino"
            ) from error
        raise unusable(error) from error


def unusable(error: Exception) -> FerError:
    """Return the sentence that OpenVINO cannot be used here, and why."""
    return FerError(
        "OpenVINO cannot be used here ({reason}); reinstall it with: pip install --force-reinstall "
        "openvino",
        reason=upload_gate.one_line(error)[:200],
    )


def requests(
    models: Sequence[Artifact], folder: Path, names: Mapping[int, Sequence[tuple[str, str]]]
) -> dict[int, openvino.InferRequest]:
    """Return a request for outputs of each network by the side of its input in pixels. Raise
    FerError unless the export was made from these models, its files are whole, and OpenVINO can run
    it here.

    Args:
        names: the outputs by that side, each by model key and layer: the logits or one of `LAYERS`.
    """
    record = FAST_EXPORT.read(folder)
    if record is None:
        raise _unreadable(folder / FAST_EXPORT.name)
    for model in models:
        if record["weights_sha256"].get(model.key) != model.digest:
            raise FerError(
                "The fast backend was made from other weights of {model}; run: fer export",
                model=model.key,
            )
    for name, digest in record["files_sha256"].items():
        path = folder / model_store.FAST / name
        if not path.exists() or model_store.known_sha256(path) != digest:
            raise _unreadable(path)
    openvino_core = core()
    by_size: dict[int, openvino.InferRequest] = {}
    for size, names_of_outputs in names.items():
        path = folder / model_store.FAST / record["networks"][str(size)]
        try:
            network = openvino_core.read_model(path)
            by_size[size] = _compiled(openvino_core, network, names_of_outputs)
        except Exception as error:
            raise FerError(
                "OpenVINO cannot run {path} here ({reason}); run: fer export",
                path=path,
                reason=([type(error).__name__, *str(error).strip().splitlines()])[-1],
            ) from error
    return by_size


def _compiled(
    core: openvino.Core, network: openvino.Model, names: Sequence[tuple[str, str]]
) -> openvino.InferRequest:
    """Return a request for the named outputs of a network."""
    import openvino

    outputs: dict[tuple[str, str], openvino.Output] = {}
    for key in {key for key, _ in names}:
        outputs[key, layer_names.LOGITS] = network.output(key)
        # From the last max pooling back to the first convolution.
        activations: list[openvino.Output] = []
        node = network.output(key).get_node()
        while (kind := node.get_type_name()) != "Parameter":
            # The head begins after the last max pooling, and may have a ReLU of its own.
            if kind == "MaxPool" or (kind == "Relu" and activations):
                activations.append(node.output(0))
            # Only the first input can be an activation; an SE block's product has the map first.
            node = node.input_value(0).get_node()
        for layer, output in zip(reversed(LAYERS), activations, strict=True):
            outputs[key, layer] = output
    model = openvino.Model([outputs[name] for name in names], network.get_parameters())
    return core.compile_model(model, "CPU", OPTIONS).create_infer_request()
