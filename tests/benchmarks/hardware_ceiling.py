"""What this processor can do at most, and how near the models come to it.

    python -m tests.benchmarks.hardware_ceiling

For int8 the limit is bare convolutions of VGG16's shapes under OpenVINO, for float32 one large
product of matrices. Compared with the times in `models/benchmark.json`, which should be of this
machine (`fer benchmark --out models/benchmark.json`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fer.artifacts import model_store
from fer.artifacts.model_store import Artifact
from fer.inference import complexity, openvino_backend
from fer.inference.records import BENCHMARK
from fer.lab.latency import WAYS, seconds

if TYPE_CHECKING:
    import openvino

SIDE = 4096
# Convolutions of blocks 1-3, which both scenarios share.
TRUNK_CONVOLUTIONS = sum(count for _, count in complexity.BLOCKS[:3])


def float32_gflops(repeats: int = 5) -> float:
    """Billions of float32 operations a second in Keras' product of two square matrices, at best."""
    import keras

    a, b = np.random.default_rng(0).normal(size=(2, SIDE, SIDE)).astype(np.float32)
    left, right = keras.ops.convert_to_tensor(a), keras.ops.convert_to_tensor(b)

    def multiply() -> object:
        return keras.ops.convert_to_numpy(keras.ops.matmul(left, right))

    return float(2 * SIDE**3 / seconds(multiply, repeats).min() / 1e9)


def int8_seconds(shapes: list[tuple[int, int, int]], batch: int, repeats: int = 15) -> float:
    """The best time of bare int8 3x3 convolutions of these shapes under OpenVINO, each on its own.

    Only the convolutions are counted, which OpenVINO's own profile times; quantising their input
    and everything between layers is left out. No network of these shapes can beat it with this
    library.
    """
    import openvino

    core = openvino.Core()
    best: dict[tuple[int, int, int], float] = {}
    for shape in set(shapes):
        compiled = core.compile_model(_convolution(*shape, batch), "CPU", {"PERF_COUNT": True})
        request = compiled.create_infer_request()
        times = []
        for _ in range(repeats + 1):
            request.infer()
            nodes = [n for n in request.profiling_info if n.node_type == "Convolution"]
            times.append(max(node.real_time.total_seconds() for node in nodes))
        best[shape] = min(times[1:])
    return sum(best[shape] for shape in shapes)


def _convolution(side: int, channels: int, width: int, batch: int) -> openvino.Model:
    import openvino
    from openvino import opset13 as op

    rng = np.random.default_rng(0)
    low, high = np.float32(0.0), np.float32(255.0)
    inputs = op.parameter([batch, channels, side, side], np.float32)
    levels = op.fake_quantize(inputs, low, high, low, high, 256)
    kernel = rng.integers(-127, 128, (width, channels, 3, 3)).astype(np.int8)
    weights = op.multiply(
        op.convert(op.constant(kernel), "f32"),
        op.constant(np.full((width, 1, 1, 1), 1e-3, np.float32)),
    )
    sums = op.convolution(levels, weights, [1, 1], [1, 1], [1, 1], [1, 1])
    again = op.fake_quantize(op.relu(sums), low, high, low, high, 256)
    # A second, tiny convolution keeps the first one's output in int8.
    small = op.multiply(
        op.convert(op.constant(np.ones((1, width, 1, 1), np.int8)), "f32"),
        op.constant(np.full((1, 1, 1, 1), 1e-3, np.float32)),
    )
    pooled = op.max_pool(again, [side, side], [1, 1], [0, 0], [0, 0], [side, side])
    last = op.convolution(pooled.output(0), small, [1, 1], [0, 0], [0, 0], [1, 1])
    return openvino.Model([last], [inputs], "convolution")


def _flops(found: dict[str, Artifact], way: str) -> float:
    """Floating-point operations for one face, the shared trunk counted once where it is shared."""
    scenarios = [model.scenario for model in found.values()]
    total = sum(complexity.multiply_adds(scenario) for scenario in scenarios)
    if way == "joined_float32":
        for size, group in model_store.by_input_size(found.values()).items():
            trunk = list(complexity.convolutions(size))[:TRUNK_CONVOLUTIONS]
            shared = sum(side * side * 9 * channels * width for side, channels, width in trunk)
            total -= (len(group) - 1) * shared
    return 2.0 * total


def _int8_ceiling(found: dict[str, Artifact], count: int) -> float:
    """Seconds that the bare convolutions of all models take, shared ones once."""
    seconds = 0.0
    for size, group in model_store.by_input_size(found.values()).items():
        shapes = list(complexity.convolutions(size))
        own = shapes[TRUNK_CONVOLUTIONS:]
        seconds += int8_seconds(shapes + own * (len(group) - 1), count)
    return seconds


def main() -> None:
    models = model_store.available()
    record = BENCHMARK.require(model_store.FOLDER)
    gflops = float32_gflops()
    for way in WAYS:
        for count, row in record["ways"][way].items():
            faces = int(count)
            # Bare convolutions of as many faces as the backend takes at once.
            at_once = min(faces, openvino_backend.BATCH)
            least = (
                1000 * faces / at_once * _int8_ceiling(models, at_once)
                if way == WAYS[-1]
                else 1000 * faces * _flops(models, way) / gflops / 1e9
            )
            print(f"{way}, {faces} faces: {least / row['p50_ms']:.0%} of the ceiling")


if __name__ == "__main__":
    main()
