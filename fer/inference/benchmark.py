"""The record of `fer benchmark`: how fast the models answered on one machine.

Times are wall-clock times.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from fer.artifacts import model_store
from fer.artifacts.stored import Stored


class Machine(TypedDict):
    """The processor and the versions that times belong to.

    family, model: of the processor, as Linux numbers them; empty elsewhere. cores: logical ones,
    None where Linux does not tell. features: which instructions for int8 and bfloat16 it has.
    versions: by package.
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
    """How fast one way of asking both models is with so many faces at once.

    p50_ms, p95_ms: median and 95th percentile in milliseconds. speedup: how many times as fast as
    the first of `latency.WAYS`.
    """

    p50_ms: float
    p95_ms: float
    faces_per_second: float
    speedup: float


class ModelTime(TypedDict):
    """A model on its own under the fast backend; fast_ms: median for one face, milliseconds."""

    fast_ms: float


class ColdStart(TypedDict):
    """A fresh process; without keys where Linux' /proc is missing.

    seconds: from the first import to the first answer. resident_mb: its memory then, in 10^6 bytes.
    """

    seconds: NotRequired[float]
    resident_mb: NotRequired[float]


class Benchmark(TypedDict):
    """`models/benchmark.json`.

    weights_sha256, input_sizes (pixels a side), models: by model key. rounds: how often each way
    was timed. ways: by name in `latency.WAYS` and number of faces. starts: by backend.
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
