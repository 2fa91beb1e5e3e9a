"""The files in `models/`: weights, configuration, history, metrics, predictions and cards.

Blocks 1-3 of VGG16 are frozen in both scenarios and stored once. Kernels of convolutions and wide
layers are stored in half precision, all else in single. `manifest.json` holds size and SHA-256 of
every file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
from numpy.typing import NDArray
from safetensors.numpy import save

from fer import FerError, emotions, files, layer_names, schema
from fer.artifacts import packing, runs
from fer.artifacts.packing import Tensors
from fer.artifacts.records import Config, ListedFile, Metrics, RunConfig
from fer.data.dataset import Split
from fer.scenarios import SCENARIOS, Scenario

FOLDER = Path("models")
TRUNK = "vgg16_blocks_1_to_3.safetensors"
DETECTOR = "face_detection_yunet_2023mar.onnx"
MANIFEST = "manifest.json"
COMPARISON = "comparison.json"
BENCHMARK = "benchmark.json"
PROTOCOLS = "protocols.json"
TRAINING_FIT = "training_fit.json"
ANALYSIS = "analysis"
FAST = "fast"
WEIGHTS = "weights.safetensors"
CONFIG = "config.json"
METRICS = "metrics.json"
PREDICTIONS = "predictions.parquet"
CARD = "README.md"


@dataclass(frozen=True)
class Artifact:
    """A trained model in `models/<key>/`; files are read when first asked for."""

    folder: Path
    scenario: Scenario
    config: Config

    @property
    def key(self) -> str:
        return self.scenario.key

    @cached_property
    def metrics(self) -> Metrics | None:
        """The metrics that `fer evaluate` wrote, None before it ran. Raises as `schema.read`."""
        path = self.folder / METRICS
        return schema.read(path, Metrics, "fer evaluate") if path.exists() else None

    @property
    def temperature(self) -> float:
        """The divisor of logits before softmax, fitted on PublicTest; 1 before evaluation."""
        return self.metrics["temperature"] if self.metrics else 1.0

    @property
    def size(self) -> int:
        """Bytes of the weights this model does not share. Raises a FerError if there are none."""
        return _existing(self.folder / WEIGHTS).stat().st_size

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights file, the name under which results quote this model. Raises a
        FerError if there are none."""
        return known_sha256(_existing(self.folder / WEIGHTS))

    def weights(self) -> Tensors:
        """Return all variables by `layer/variable`, trunk included, float32. Raise FerError if a
        weights file is missing or damaged."""
        own = packing.read(self.folder / WEIGHTS)
        tensors = {**packing.read(self.folder.parent / TRUNK), **own}
        return {name: np.asarray(value, dtype=np.float32) for name, value in tensors.items()}

    def history(self) -> list[runs.Row]:
        """Return a row for each epoch, as training wrote it."""
        return runs.read_history(self.folder)

    def predictions(self) -> Predictions:
        """Return the stored probabilities of both test splits. Raise FerError if the model was not
        evaluated yet or the file is damaged."""
        path = self.folder / PREDICTIONS
        if not path.exists():
            raise FerError("{model} is not evaluated yet; run: fer evaluate", model=self.key)
        try:
            table = parquet.read_table(path)
            stored = np.stack([table.column(key).to_numpy() for key in emotions.KEYS], axis=1)
            # Stored in single precision, the seven sum to a hair more or less than 1.
            probabilities = stored.astype(np.float64)
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            return Predictions(
                splits=np.asarray(table.column("split").to_pylist()),
                sources=np.asarray(table.column("source").to_pylist()),
                labels=table.column("label").to_numpy().astype(np.int64),
                probabilities=probabilities,
            )
        except (OSError, KeyError, ValueError, arrow.ArrowException) as error:
            raise FerError(
                "{path} is damaged ({reason}); run: fer evaluate", path=path, reason=error
            ) from error


@dataclass(frozen=True)
class Predictions:
    """Probabilities by image: splits (n,), sources (n,), labels (n,), probabilities (n, 7)."""

    splits: NDArray[np.str_]
    sources: NDArray[np.str_]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each image's source."""
        return {source: row for row, source in enumerate(self.sources.tolist())}

    def where(self, rows: NDArray[np.bool_]) -> Predictions:
        """Return the rows that a mask (n,) marks."""
        return Predictions(
            self.splits[rows], self.sources[rows], self.labels[rows], self.probabilities[rows]
        )

    def of(self, split: Split) -> Predictions:
        """Return the rows of one split."""
        return self.where(self.splits == split.value)

    def write(self, path: Path) -> None:
        """Write one row for each image, whole or not at all."""
        columns: dict[str, arrow.Array] = {
            "split": arrow.array(self.splits.tolist()).dictionary_encode(),
            "source": arrow.array(self.sources.tolist()),
            "label": arrow.array(self.labels.astype(np.int8)),
        }
        for position, key in enumerate(emotions.KEYS):
            columns[key] = arrow.array(self.probabilities[:, position].astype(np.float32))
        with files.replacing(path) as temporary:
            parquet.write_table(arrow.table(columns), temporary, compression="zstd")


def available(folder: Path = FOLDER) -> dict[str, Artifact]:
    """Return the trained models in the folder by scenario key, in the order of `SCENARIOS`."""
    return {
        key: open_artifact(key, folder) for key in SCENARIOS if (folder / key / CONFIG).exists()
    }


def by_input_size(models: Iterable[Artifact]) -> dict[int, list[Artifact]]:
    """Return the models grouped by the side of their input in pixels, the smallest first."""
    groups: dict[int, list[Artifact]] = {}
    for model in models:
        groups.setdefault(model.scenario.input_size, []).append(model)
    return dict(sorted(groups.items()))


def open_artifact(key: str, folder: Path = FOLDER) -> Artifact:
    """Return the trained model of a scenario. Raise FerError if it is missing, or its configuration
    is damaged or of another version."""
    if not (folder / key / CONFIG).exists():
        raise FerError(
            "There is no trained model in {path}; run: fer train {key}", path=folder / key, key=key
        )
    config = schema.read(folder / key / CONFIG, Config, f"fer publish runs/{key}")
    return Artifact(folder / key, Scenario.from_dict(config["scenario"]), config)


def write_model(
    folder: Path, scenario: Scenario, tensors: Tensors, history: str, config: RunConfig
) -> None:
    """Write weights, configuration and history of one model, then remove the measurements of the
    model that it replaces. Nothing changes unless all three can be written. Raise FerError if the
    stored trunk differs from this model's (the scenarios share it), or the folder cannot be
    written."""
    packed = packing.pack(tensors)
    trunk = {n: v for n, v in packed.items() if n.startswith(layer_names.TRUNK_BLOCKS)}
    own = {n: v for n, v in packed.items() if n not in trunk}
    path = folder / TRUNK
    if path.exists():
        stored = packing.read(path)
        if any(n not in stored or not np.array_equal(stored[n], v) for n, v in trunk.items()):
            raise FerError(
                "Blocks 1-3 of this {scenario} are not those in {path}; both scenarios must "
                "start from the same ImageNet weights.",
                scenario=scenario.key,
                path=path,
            )
    else:
        with files.replacing(path) as temporary:
            temporary.write_bytes(save(trunk))
    target = folder / scenario.key
    with ExitStack() as stack:
        # Files are moved into place in reverse order: the configuration last. Between two of them,
        # `intact.open_model` raises.
        new = {
            name: stack.enter_context(files.replacing(target / name))
            for name in (CONFIG, runs.HISTORY, WEIGHTS)
        }
        new[WEIGHTS].write_bytes(save(own))
        new[runs.HISTORY].write_text(history, encoding="utf-8", newline="\n")
        record: Config = {
            "scenario": scenario.to_dict(),
            "weights_sha256": sha256(new[WEIGHTS]),
            **config,
        }
        new[CONFIG].write_text(files.as_json(record), encoding="utf-8", newline="\n")
    for stale in (METRICS, PREDICTIONS, CARD):
        (target / stale).unlink(missing_ok=True)
    for stale in (COMPARISON, TRAINING_FIT):
        (folder / stale).unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(folder: Path = FOLDER) -> None:
    """Write `manifest.json`: size and SHA-256 of every file in the folder."""
    record: dict[str, ListedFile] = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name != MANIFEST and not path.name.startswith("."):
            record[path.relative_to(folder).as_posix()] = {
                "bytes": path.stat().st_size,
                "sha256": sha256(path),
            }
    files.write_json(folder / MANIFEST, dict(sorted(record.items())))


def checked(folder: Path, name: str) -> Path:
    """Return the path of a file after checking its content against the manifest. A file that the
    manifest does not list passes: it was made here and not published yet. Raise FerError if the
    file is missing or differs, or if the manifest is damaged."""
    path = _existing(folder / name)
    expected = published(folder).get(name)
    if expected is not None and known_sha256(path) != expected:
        raise FerError(
            "{path} is damaged (it is not the file in the manifest); restore it from the "
            "repository.",
            path=path,
        )
    return path


def _existing(path: Path) -> Path:
    if not path.exists():
        raise FerError("{path} is missing; restore it from the repository.", path=path)
    return path


def published(folder: Path = FOLDER) -> dict[str, str]:
    """Return the SHA-256 of each file by its name in the manifest; empty without a manifest. Raise
    FerError if the manifest is damaged."""
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        return {str(name): str(row["sha256"]) for name, row in files.read_json(path).items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise FerError(
            "{path} is damaged ({reason}); restore it from the repository.", path=path, reason=error
        ) from error


_digest_by_state: dict[tuple[int, int, int, int], str] = {}


def known_sha256(path: Path) -> str:
    """Return `sha256` of a file, computed once in a process until the file changes."""
    status = path.stat()
    state = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    if state not in _digest_by_state:
        _digest_by_state[state] = sha256(path)
    return _digest_by_state[state]


def verify(folder: Path = FOLDER) -> tuple[list[str], list[str]]:
    """Return the names of the manifest's files that are missing, and of those that differ."""
    record = schema.read(folder / MANIFEST, dict[str, ListedFile], "fer evaluate")
    missing = [name for name in record if not (folder / name).exists()]
    changed = [
        name
        for name, expected in record.items()
        if name not in missing and sha256(folder / name) != expected["sha256"]
    ]
    return missing, changed
