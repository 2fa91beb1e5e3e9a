"""The fast backend: the networks in int8 under OpenVINO, without TensorFlow in the process.

`fer export` made the files from the published weights; `export.json` says from which weights, how
they were calibrated and how far they are from float32. A file is used only if it is the recorded
one, was made from the weights beside it, and gives the recorded answers on this processor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from fer import FerError
from fer.artifacts import model_store
from fer.artifacts.model_store import Artifact
from fer.inference.records import FAST_EXPORT, FastExport
from fer.vision import upload_gate
from fer.vision.preprocessing import Floats, batch

if TYPE_CHECKING:
    import openvino

RECORD = Path(FAST_EXPORT.name).name
PROBE = "probe.safetensors"
# Processors without VNNI saturate 16-bit sums of int8 products, which moves the probe's logits by
# whole units; rounding of the few float layers moves them by less than this.
TOLERANCE = 0.25
# Faces per request: one keeps every core busy; more are no faster, and their memory, 12 to 18 MB a
# face, is never given back.
BATCH = 1
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


class FastBackend:
    """Logits and last feature maps of several trained models; blocks 1-3 run once for models of the
    same input size.

    The maps are outputs of the same compiled networks: they are computed for the answer anyway, and
    returning them costs nothing that can be measured.
    """

    name = "fast"

    def __init__(self, models: Sequence[Artifact], folder: Path = model_store.FOLDER) -> None:
        """Compile the networks for this processor.

        Args:
            folder: the models' folder, whose `fast/` holds the export.

        Raises:
            FerError: if OpenVINO or a file is missing, or a file is damaged or older than the
                weights.
        """
        self.folder = folder / model_store.FAST
        record = checked_record(models, folder)
        openvino_core = core()
        self._models, self._by_size = models, model_store.by_input_size(models)
        self._requests: dict[int, openvino.InferRequest] = {}
        for size, group in self._by_size.items():
            path = self.folder / record["networks"][str(size)]
            # Loaded alone, a model does not wait for the layers of others that share its trunk.
            keys = [model.key for model in group]
            self._requests[size] = request(openvino_core, path, partial(_answers, keys=keys))

    def logits(self, inputs: Floats) -> dict[str, Floats]:
        """Return logits (n, 7) by model key, of the models that take input of this size
        (n, S, S, 3)."""
        return self._outputs(inputs, 0)

    def maps(self, inputs: Floats) -> dict[str, Floats]:
        """Return the last convolution's maps (n, h, w, 512) by model key, of the models that take
        input of this size (n, S, S, 3)."""
        first = len(self._by_size[inputs.shape[1]])
        # OpenVINO keeps channels before rows and columns.
        outputs = self._outputs(inputs, first)
        return {key: maps.transpose(0, 2, 3, 1) for key, maps in outputs.items()}

    def _outputs(self, inputs: Floats, first: int) -> dict[str, Floats]:
        """Return an output of each model of this input size, from that position on."""
        size = inputs.shape[1]
        outputs: dict[str, list[Floats]] = {model.key: [] for model in self._by_size[size]}
        for start in range(0, len(inputs), BATCH):
            result = self._requests[size].infer(
                {0: np.ascontiguousarray(inputs[start : start + BATCH])}
            )
            for position, values in enumerate(outputs.values(), start=first):
                # Copied: the request's next call overwrites its memory.
                values.append(np.array(result[position]))
        return {key: np.concatenate(values) for key, values in outputs.items()}

    def check(self) -> None:
        """Check the answers for known faces.

        Raises:
            FerError: if this processor computes something else than was recorded, or nothing was
                recorded for a model.
        """
        faces, recorded = read_probe(self.folder)
        faces = faces[:CHECKED_FACES]
        if not recorded.keys() >= {model.key for model in self._models}:
            raise _unreadable(self.folder / PROBE)
        for size, group in self._by_size.items():
            try:
                answers = self.logits(batch(faces, size))
            except Exception as error:
                raise unusable(error) from error
            for model in group:
                expected = recorded[model.key][:CHECKED_FACES]
                distance = float(np.abs(answers[model.key] - expected).max())
                if not distance <= TOLERANCE:
                    raise FerError(
                        "This processor computes int8 differently from the one that made the fast "
                        "backend (logits of {model} differ by {distance}); run: fer export",
                        model=model.key,
                        distance=f"{distance:.2f}",
                    )


def checked_record(models: Sequence[Artifact], folder: Path) -> FastExport:
    """Return the record of the export.

    Raises:
        FerError: unless it was made from these models and its files are whole.
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
    return record


def _unreadable(path: Path) -> FerError:
    return FerError(
        "{path} is missing or damaged; restore it from the repository or run: fer export",
        path=path,
    )


def core() -> openvino.Core:
    """Return OpenVINO's entry point.

    Raises:
        FerError: if OpenVINO is not installed or cannot be used: a library of another version, a
            processor that it does not know, a file that is not its own.
    """
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


def request(
    core: openvino.Core, path: Path, outputs: Callable[[openvino.Model], list[openvino.Output]]
) -> openvino.InferRequest:
    """Return a request for the outputs that `outputs` picks of a network, in their order.

    Raises:
        FerError: if OpenVINO cannot run it here.
    """
    import openvino

    try:
        network = core.read_model(path)
        model = openvino.Model(outputs(network), network.get_parameters())
        return core.compile_model(model, "CPU", OPTIONS).create_infer_request()
    except Exception as error:
        raise FerError(
            "OpenVINO cannot run {path} here ({reason}); run: fer export",
            path=path,
            reason=([type(error).__name__, *str(error).strip().splitlines()])[-1],
        ) from error


def _answers(network: openvino.Model, keys: Sequence[str]) -> list[openvino.Output]:
    """Return the logits of each of these models, then the last convolution's maps of each."""
    logits = [network.output(key) for key in keys]
    maps = []
    for output in logits:
        node = output.get_node()
        while node.get_type_name() != "MaxPool":
            # Only the first input can be an activation; an SE block's product has the map first.
            node = node.input_value(0).get_node()
        maps.append(node.input_value(0))
    return logits + maps


def read_probe(folder: Path) -> tuple[NDArray[np.uint8], dict[str, Floats]]:
    """Read known faces (n, 48, 48) uint8 and each model's int8 logits (n, 7) for them.

    Raises:
        FerError: if the file is missing or damaged.
    """
    path = folder / PROBE
    try:
        tensors = load_file(path)
        return tensors.pop("faces"), tensors
    except (OSError, KeyError, SafetensorError) as error:
        raise _unreadable(path) from error
