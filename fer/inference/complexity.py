"""The computations of a scenario's network for one face, counted from its architecture."""

from __future__ import annotations

from itertools import pairwise

from fer import emotions
from fer.scenarios import Scenario

# Channels and convolutions of VGG16's five blocks, each followed by a 2x2 pooling; all kernels are
# 3x3 (Simonyan & Zisserman 2015, table 1, configuration D).
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def multiply_adds(scenario: Scenario) -> int:
    """The multiply-adds for one face; each is two floating-point operations."""
    side, channels, total = scenario.input_size, 3, 0
    for width, convolutions in BLOCKS:
        for _ in range(convolutions):
            total += side * side * 9 * channels * width
            channels = width
        side //= 2
    if scenario.se_ratio is not None:
        total += 2 * channels * (channels // scenario.se_ratio)
    vector = 4 * channels if scenario.pooling == "grid" else channels
    dense = [width for width in (vector, scenario.hidden_units, emotions.COUNT) if width]
    return total + sum(inputs * outputs for inputs, outputs in pairwise(dense))
