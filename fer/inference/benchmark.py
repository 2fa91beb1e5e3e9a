"""The record of `fer benchmark`: how fast the models answered on one machine.

Times are wall-clock times.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from fer.artifacts import model_store
from fer.artifacts.stored import Stored


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
