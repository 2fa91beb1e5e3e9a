"""What this processor can do at most: bare int8 convolutions, bare float32 matrix products."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import openvino

SIDE = 4096


def seconds(call: Callable[[], object], repeats: int) -> NDArray[np.float64]:
    """The wall-clock times of a call, after one that is not counted."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return np.array(times)


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
