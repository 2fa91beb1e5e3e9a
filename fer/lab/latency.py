"""The time in which both models answer here, by way of asking: Keras' predict, graphs, the fast
backend.

All ways are timed in one process and take turns, so that whatever else the machine does slows all
of them alike. Importing this module imports TensorFlow.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer import layer_names
from fer.artifacts import model_store
from fer.artifacts.model_store import Artifact
from fer.inference import classification, openvino_backend
from fer.inference.records import Benchmark, ColdStart, Machine, ModelTime, WayTimes
from fer.lab import keras_backend
from fer.progress import Progress, part_of
from fer.vision.preprocessing import FER_SIZE, batch

BATCHES, QUICK_BATCHES = (1, 4, 16), (1,)
# A graph is traced for the first number of faces, and once more for any number.
WARM_UP = 2
# The order in which ways are timed and shown; the first one is what the others are compared with.
WAYS = ("two_predict_calls", "two_float32_graphs", "joined_float32", "fast")
Call = Callable[[NDArray[np.uint8]], object]
FACE = np.zeros((1, FER_SIZE, FER_SIZE), np.uint8)


def run(
    folder: Path = model_store.FOLDER,
    *,
    rounds: int = 30,
    is_quick: bool = False,
    on_estimate: Callable[[float], object] | None = None,
    progress: Progress | None = None,
) -> Benchmark:
    """Time both models together, preprocessing included, by way and number of faces. Raise FerError
    if there is no trained model, or the fast backend does not work here.

    Args:
        rounds: how often each way is timed for each number of faces.
        is_quick: time one face at a time and no fresh processes, for a first look at a machine.
        on_estimate: called with the seconds that the rounds will take, when each way has answered
            once.
        progress: called with the number of faces that every way has answered.
    """
    models = model_store.available(folder)
    ways = _ways(models, folder)
    counts = QUICK_BATCHES if is_quick else BATCHES
    if on_estimate is not None:
        per_face = sum(float(seconds(partial(call, FACE), 1).sum()) for call in ways.values())
        on_estimate(per_face * (WARM_UP + rounds) * sum(counts))
    table: dict[str, dict[str, WayTimes]] = {way: {} for way in ways}
    answered = 0
    for count in counts:
        share = part_of(progress, answered, answered + count * rounds, sum(counts) * rounds)
        answered += count * rounds
        times = _times(ways, count, rounds, share)
        for way, milliseconds in times.items():
            p50 = float(np.median(milliseconds))
            table[way][str(count)] = {
                "p50_ms": round(p50, 2),
                "p95_ms": round(float(np.percentile(milliseconds, 95)), 2),
                "faces_per_second": round(1000 * count / p50, 1),
                "speedup": round(float(np.median(times[WAYS[0]])) / p50, 2),
            }
    return {
        "machine": machine(),
        "weights_sha256": {key: model.digest for key, model in models.items()},
        "input_sizes": {key: model.scenario.input_size for key, model in models.items()},
        "rounds": rounds,
        "ways": table,
        "models": {key: _model_time(model, folder, rounds) for key, model in models.items()},
        "starts": {}
        if is_quick
        else {way: cold_start(folder, way) for way in ("fast", "reference")},
    }


def _times(
    ways: dict[str, Call], count: int, rounds: int, progress: Progress | None
) -> dict[str, list[float]]:
    """Return the milliseconds of every round, by way, for `count` faces at once."""
    faces = np.random.default_rng(count).integers(
        0, 256, (count, FER_SIZE, FER_SIZE), dtype=np.uint8
    )
    for call in ways.values():
        for _ in range(WARM_UP):
            call(faces)
    times: dict[str, list[float]] = {way: [] for way in ways}
    for done in range(1, rounds + 1):
        for way, call in ways.items():
            started = time.perf_counter()
            call(faces)
            times[way].append(1000 * (time.perf_counter() - started))
        if progress is not None:
            progress(done, rounds)
    return times


def _ways(models: dict[str, Artifact], folder: Path) -> dict[str, Call]:
    sizes = {key: model.scenario.input_size for key, model in models.items()}
    single = {key: keras_backend.build_from(model) for key, model in models.items()}
    joined = keras_backend.ReferenceBackend(list(models.values()))
    fast = classification.load(folder)

    def predict_calls(faces: NDArray[np.uint8]) -> object:
        return [m.predict(batch(faces, sizes[key]), verbose=0) for key, m in single.items()]

    def graphs(faces: NDArray[np.uint8]) -> object:
        return [m.predict_on_batch(batch(faces, sizes[key])) for key, m in single.items()]

    def joined_graphs(faces: NDArray[np.uint8]) -> object:
        groups = model_store.by_input_size(models.values())
        return [joined.outputs(batch(faces, size), layer_names.LOGITS) for size in groups]

    return dict(zip(WAYS, (predict_calls, graphs, joined_graphs, fast.logits), strict=True))


def _model_time(model: Artifact, folder: Path, rounds: int) -> ModelTime:
    """Time a model on its own for one face under the fast backend."""
    backend = openvino_backend.FastBackend([model], folder)

    def answer() -> object:
        return backend.outputs(batch(FACE, model.scenario.input_size), layer_names.LOGITS)

    return {"fast_ms": round(1000 * float(np.median(seconds(answer, rounds))), 2)}


def seconds(call: Callable[[], object], repeats: int) -> NDArray[np.float64]:
    """Return the wall-clock seconds of each of the calls, after one that compiles and is not
    counted."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return np.array(times)


COLD_START_CODE = """
import json, sys, time
started = time.perf_counter()
from pathlib import Path
import numpy as np
if sys.argv[2] == "fast":
    from fer.inference.classification import load
else:
    from fer.lab.keras_backend import load
classifier = load(Path(sys.argv[1]))
classifier.predict([np.zeros((48, 48), np.uint8)])
seconds = time.perf_counter() - started
with open("/proc/self/status") as status:
    kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
print(json.dumps({"seconds": round(seconds, 2), "resident_mb": round(kib * 1024 / 1e6)}))
"""


def cold_start(folder: Path, backend: str) -> ColdStart:
    """Measure the seconds from the first import to the first answer in a fresh process, and its
    memory (MB), which Linux' /proc tells; elsewhere the result is empty."""
    if not Path("/proc/self/status").exists():
        return {}
    child = subprocess.run(
        [sys.executable, "-c", COLD_START_CODE, str(folder), backend],
        capture_output=True,
        text=True,
        check=True,
    )
    record: ColdStart = json.loads(child.stdout.strip().splitlines()[-1])
    return record


def machine() -> Machine:
    """Return the processor and the versions that the times belong to."""
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
