"""How fast both models answer here: everyone's way, the exact graphs, the fast backend.

All ways are timed in one process and take turns, so that what else the machine does falls on each
of them alike. Importing this module imports TensorFlow.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from fer.artifacts import model_store
from fer.artifacts.model_store import Artifact
from fer.benchmark import hardware_ceiling
from fer.benchmark.records import (
    Benchmark,
    ColdStart,
    Machine,
    ModelTime,
    TrainingSpeed,
    WayTimes,
)
from fer.inference import classification, keras_backend, openvino_backend
from fer.networks import complexity, vgg16
from fer.progress import Progress, part_of
from fer.scenarios import PROPOSED, Scenario
from fer.training import batching, loop
from fer.vision.preprocessing import FER_SIZE, batch

BATCHES = (1, 4, 16)
# The order in which ways are timed and shown; the first one is what the others are compared with.
WAYS = ("two_predict_calls", "two_float32_graphs", "joined_float32", "fast")
FASTEST = WAYS[-1]
Ask = Callable[[NDArray[np.uint8]], object]


def run(
    folder: Path = model_store.FOLDER,
    *,
    rounds: int = 30,
    progress: Progress | None = None,
) -> Benchmark:
    """Times of both models together, by way and number of faces.

    Each way is given gray 48x48 faces and returns logits, preprocessing included. Times are in
    milliseconds; `speedup` is against two calls of Keras' `predict`; `share_of_ceiling` is the time
    of bare convolutions (int8) or matrix products (float32) over the median.

    Args:
        rounds: how often each way is timed for each number of faces.
        progress: called with the rounds that are done.

    Raises:
        FerError: if there is no trained model, or the fast backend does not work here.
    """
    found = model_store.available(folder)
    ways = _ways(found, folder)
    gflops = hardware_ceiling.float32_gflops()
    table: dict[str, dict[str, WayTimes]] = {}
    for position, count in enumerate(BATCHES):
        whole = len(BATCHES) * rounds
        told = part_of(progress, position * rounds, (position + 1) * rounds, whole)
        times = _times(ways, count, rounds, told)
        # Bare convolutions of as many faces as the backend takes at once.
        at_once = min(count, openvino_backend.AT_ONCE)
        int8 = 1000 * count / at_once * _int8_ceiling(found, at_once)
        for way, taken in times.items():
            least = int8 if way == FASTEST else 1000 * count * _flops(found, way) / gflops / 1e9
            table.setdefault(way, {})[str(count)] = _figures(taken, times[WAYS[0]], least, count)
    return {
        "machine": machine(),
        "weights_sha256": {key: model.digest for key, model in found.items()},
        "input_sizes": {key: model.scenario.input_size for key, model in found.items()},
        "rounds": rounds,
        "ways": table,
        "models": latencies(found, folder, rounds),
        "float32_gflops": round(gflops, 1),
        "starts": {way: cold_start(folder, way) for way in ("fast", "reference")},
    }


def _times(
    ways: dict[str, Ask], count: int, rounds: int, progress: Progress | None
) -> dict[str, list[float]]:
    """Milliseconds of every way on so many faces."""
    faces = np.random.default_rng(count).integers(
        0, 256, (count, FER_SIZE, FER_SIZE), dtype=np.uint8
    )
    for ask in ways.values():
        ask(faces)
        ask(faces)
    times: dict[str, list[float]] = {way: [] for way in ways}
    for done in range(1, rounds + 1):
        for way, ask in ways.items():
            started = time.perf_counter()
            ask(faces)
            times[way].append(1000 * (time.perf_counter() - started))
        if progress is not None:
            progress(done, rounds)
    return times


def _figures(taken: list[float], compared_with: list[float], least: float, count: int) -> WayTimes:
    """What is shown of a way's milliseconds for so many faces; `least`: those of the ceiling."""
    p50 = float(np.median(taken))
    return {
        "p50_ms": round(p50, 2),
        "p95_ms": round(float(np.percentile(taken, 95)), 2),
        "faces_per_second": round(1000 * count / p50, 1),
        "speedup": round(float(np.median(compared_with)) / p50, 2),
        "share_of_ceiling": round(least / p50, 3),
    }


def _ways(found: dict[str, Artifact], folder: Path) -> dict[str, Ask]:
    sizes = {key: model.scenario.input_size for key, model in found.items()}
    single = {key: keras_backend.build_from(model) for key, model in found.items()}
    joined = keras_backend.ReferenceBackend(list(found.values()))
    quick = classification.load(folder, backend="fast")

    def predict_calls(faces: NDArray[np.uint8]) -> object:
        return [m.predict(batch(faces, sizes[key]), verbose=0) for key, m in single.items()]

    def graphs(faces: NDArray[np.uint8]) -> object:
        return [m.predict_on_batch(batch(faces, sizes[key])) for key, m in single.items()]

    def joined_graphs(faces: NDArray[np.uint8]) -> object:
        groups = model_store.by_input_size(found.values())
        return [joined.logits(batch(faces, size)) for size in groups]

    return dict(zip(WAYS, (predict_calls, graphs, joined_graphs, quick.logits), strict=True))


def _flops(found: dict[str, Artifact], way: str) -> float:
    """Floating-point operations for one face, the shared trunk counted once where it is shared."""
    scenarios = [model.scenario for model in found.values()]
    total = sum(complexity.multiply_adds(scenario) for scenario in scenarios)
    if way == "joined_float32":
        for size, group in model_store.by_input_size(found.values()).items():
            total -= (len(group) - 1) * complexity.trunk_multiply_adds(size)
    return 2.0 * total


def _int8_ceiling(found: dict[str, Artifact], count: int) -> float:
    """Seconds that the bare convolutions of all models take, shared ones once."""
    seconds = 0.0
    for size, group in model_store.by_input_size(found.values()).items():
        shapes = complexity.convolution_shapes(size)
        own = shapes[complexity.TRUNK_CONVOLUTIONS :]
        seconds += hardware_ceiling.int8_seconds(shapes + own * (len(group) - 1), count)
    return seconds


def latencies(found: dict[str, Artifact], folder: Path, rounds: int) -> dict[str, ModelTime]:
    """Milliseconds for one face of each model on its own, under the fast backend."""
    face = np.zeros((1, FER_SIZE, FER_SIZE), np.uint8)
    shown: dict[str, ModelTime] = {}
    for key, model in found.items():
        backend = openvino_backend.FastBackend([model], folder)
        size = model.scenario.input_size

        def ask(backend: openvino_backend.FastBackend = backend, size: int = size) -> object:
            return backend.logits(batch(face, size))

        shown[key] = {
            "fast_ms": round(1000 * float(np.median(hardware_ceiling.seconds(ask, rounds))), 2)
        }
    return shown


COLD = """
import json, sys, time
started = time.perf_counter()
from pathlib import Path
import numpy as np
from fer.inference import classification
classifier = classification.load(Path(sys.argv[1]), backend=sys.argv[2])
classifier.predict([np.zeros((48, 48), np.uint8)])
seconds = time.perf_counter() - started
with open("/proc/self/status") as status:
    kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
print(json.dumps({"seconds": round(seconds, 2), "resident_mb": round(kib * 1024 / 1e6)}))
"""


def cold_start(folder: Path, backend: str) -> ColdStart:
    """Seconds from the first import to the first answer in a fresh process, and its memory (MB).

    Memory is read from Linux' /proc; elsewhere the result is empty.
    """
    if not Path("/proc/self/status").exists():
        return {}
    child = subprocess.run(
        [sys.executable, "-c", COLD, str(folder), backend],
        capture_output=True,
        text=True,
        check=True,
    )
    found: ColdStart = json.loads(child.stdout.strip().splitlines()[-1])
    return found


def training_throughput(size: int = 96, steps: int = 12) -> TrainingSpeed:
    """Images a second of `proposed`'s training step at that size: as configured, and float32.

    Both are Keras' `fit` on the same random faces, augmentation included, batch 64, and take turns
    twice; compilation is not counted.
    """
    rng = np.random.default_rng(0)
    count = 64 * steps
    faces = rng.integers(0, 256, (count, FER_SIZE, FER_SIZE), dtype=np.uint8)
    labels = rng.integers(0, 7, count)
    speeds: dict[str, list[float]] = {}
    plain = replace(PROPOSED, compute_dtype="float32", ema_momentum=None)
    for scenario in (PROPOSED, plain) * 2:
        name = "ours" if scenario is PROPOSED else "plain_float32_fit"
        speeds.setdefault(name, []).append(_fit_speed(scenario, faces, labels, size, steps))
    result = {name: round(max(values), 1) for name, values in speeds.items()}
    return {
        "image_size": size,
        "images_per_second": result,
        "ratio": round(result["ours"] / result["plain_float32_fit"], 2),
    }


def _fit_speed(
    scenario: Scenario,
    faces: NDArray[np.uint8],
    labels: NDArray[np.int64],
    size: int,
    steps: int,
) -> float:
    keras.utils.clear_session()
    model = vgg16.build(scenario, None)
    loop.compile_for(model, scenario, replace(scenario.phases[-1], image_size=size), steps)
    batches = batching.FaceBatches(
        faces,
        labels,
        np.arange(len(faces)),
        size=size,
        batch_size=64,
        augmentation=scenario.augmentation,
        seed=0,
    )
    model.fit(batches, steps_per_epoch=2, epochs=1, verbose=0)
    started = time.perf_counter()
    model.fit(batches, epochs=1, verbose=0)
    return len(faces) / (time.perf_counter() - started)


def machine() -> Machine:
    """The processor and the versions that the times belong to."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="ascii", errors="ignore") if info.exists() else ""
    fields = {
        name.strip(): value.strip()
        for name, _, value in (line.partition(":") for line in text.splitlines())
    }
    flags = set(fields.get("flags", "").split())
    return {
        "processor": fields.get("model name", platform.processor() or platform.machine()),
        "family": fields.get("cpu family", ""),
        "model": fields.get("model", ""),
        "cores": text.count("processor\t") or None,
        "features": sorted(flags & {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni"}),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {n: version(n) for n in ("tensorflow", "keras", "openvino", "numpy")},
    }
