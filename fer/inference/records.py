"""The records of the networks that answer: `models/fast/export.json`, which `fer export` writes,
and `models/benchmark.json` of `fer benchmark`. Times are wall-clock times."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from fer.artifacts import model_store
from fer.artifacts.stored import Stored


class Calibration(TypedDict):
    """The images that activations were calibrated on: so many of a split, drawn with the seed."""

    split: str
    images: int
    seed: int
    data_sha256: str


class Fidelity(TypedDict):
    """The distance of int8 from float32 on one split, 0-1: top-1 accuracies, the share of images
    with the same answer, and the mean difference of confidences."""

    accuracy: float
    float32_accuracy: float
    top1_agreement: float
    mean_absolute_difference: float


class FastExport(TypedDict):
    """The networks under OpenVINO and what they were made from.

    networks: file by side of the input in pixels. calibration: None of networks in full precision.
    versions: by package. fidelity: by model key and test split; missing until it is measured.
    """

    weights_sha256: dict[str, str]
    networks: dict[str, str]
    files_sha256: dict[str, str]
    calibration: Calibration | None
    versions: dict[str, str]
    fidelity: NotRequired[dict[str, dict[str, Fidelity]]]


FAST_EXPORT = Stored(f"{model_store.FAST}/export.json", FastExport, "fer export")


class Machine(TypedDict):
    """The processor and the versions, by package, that times belong to.

    family, model: as Linux numbers processors; empty elsewhere. cores: logical ones, None where
    Linux does not tell. features: its instructions for int8 and bfloat16.
    """

    processor: str
    family: str
    model: str
    cores: int | None
    features: list[str]
    system: str
    python: str
    versions: dict[str, str]


class WayTimes(TypedDict):
    """The times of one way of asking both models, with so many faces at once; speedup: against the
    first of `latency.WAYS`."""

    p50_ms: float
    p95_ms: float
    faces_per_second: float
    speedup: float


class ModelTime(TypedDict):
    """A model on its own under the fast backend; fast_ms: median for one face, milliseconds."""

    fast_ms: float


class ColdStart(TypedDict):
    """Seconds from a fresh process' first import to its first answer, and its memory then, in 10^6
    bytes; without keys where Linux' /proc is missing."""

    seconds: NotRequired[float]
    resident_mb: NotRequired[float]


class Benchmark(TypedDict):
    """`models/benchmark.json`.

    input_sizes: pixels a side. rounds: of timing each way. ways: by name in `latency.WAYS` and
    number of faces. starts: by backend.
    """

    machine: Machine
    weights_sha256: dict[str, str]
    input_sizes: dict[str, int]
    rounds: int
    ways: dict[str, dict[str, WayTimes]]
    models: dict[str, ModelTime]
    starts: dict[str, ColdStart]


BENCHMARK = Stored(
    model_store.BENCHMARK, Benchmark, f"fer benchmark --out models/{model_store.BENCHMARK}"
)
