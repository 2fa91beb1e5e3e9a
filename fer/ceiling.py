"""What this processor can do at most: bare int8 convolutions, bare float32 matrix products."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fer.complexity import BLOCKS

SIDE = 2048


def median_seconds(call: Callable[[], object], repeats: int) -> float:
    """The median wall-clock time of a call, after one that is not counted."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def float32_gflops(repeats: int = 5) -> float:
    """Billions of float32 operations a second in a product of two square matrices."""
    a, b = np.random.default_rng(0).normal(size=(2, SIDE, SIDE)).astype(np.float32)
    return 2 * SIDE**3 / median_seconds(lambda: a @ b, repeats) / 1e9


def convolution_shapes(size: int) -> list[tuple[int, int, int]]:
    """Side, channels in and channels out of VGG16's 13 convolutions for an input of that size."""
    side, channels, shapes = size, 3, []
    for width, convolutions in BLOCKS:
        for _ in range(convolutions):
            shapes.append((side, channels, width))
            channels = width
        side //= 2
    return shapes


def int8_seconds(shapes: list[tuple[int, int, int]], batch: int, repeats: int = 15) -> float:
    """The time of bare int8 3x3 convolutions of these shapes under OpenVINO, each on its own.

    Only the convolutions are counted, which OpenVINO's own profile times; quantising their input
    and everything between layers is left out. No network of these shapes can beat it with this
    library.
    """
    import openvino

    core = openvino.Core()
    seconds: dict[tuple[int, int, int], float] = {}
    for shape in set(shapes):
        compiled = core.compile_model(_convolution(*shape, batch), "CPU", {"PERF_COUNT": True})
        request = compiled.create_infer_request()
        times = []
        for _ in range(repeats + 1):
            request.infer()
            nodes = [n for n in request.profiling_info if n.node_type == "Convolution"]
            times.append(max(node.real_time.total_seconds() for node in nodes))
        seconds[shape] = float(np.median(times[1:]))
    return sum(seconds[shape] for shape in shapes)


def _convolution(side: int, channels: int, width: int, batch: int) -> Any:
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
