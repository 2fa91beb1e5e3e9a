"""The computations of a scenario's network for one face, counted from its architecture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fer import emotions
from fer.scenarios import Scenario

# Channels and convolutions of VGG16's five blocks, each followed by a 2x2 pooling; all kernels are
# 3x3 (Simonyan & Zisserman 2015, table 1, configuration D).
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
# In the order in which a face goes through them.
LAYERS: tuple[str, ...] = tuple(
    f"block{block}_{part}"
    for block, (_, convolutions) in enumerate(BLOCKS, start=1)
    for part in (*(f"conv{number}" for number in range(1, convolutions + 1)), "pool")
)


def convolutions(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield side, channels in and channels out of VGG16's 13 convolutions for that input size."""
    side, channels = size, 3
    for width, count in BLOCKS:
        for _ in range(count):
            yield side, channels, width
            channels = width
        side //= 2


def multiply_adds(scenario: Scenario) -> int:
    """Return the multiply-adds for one face; each is two floating-point operations."""
    total = sum(
        side * side * 9 * channels * width
        for side, channels, width in convolutions(scenario.input_size)
    )
    channels, _ = BLOCKS[-1]
    if scenario.se_ratio is not None:
        total += 2 * channels * (channels // scenario.se_ratio)
    vector = 4 * channels if scenario.pooling == "grid" else channels
    dense = [width for width in (vector, scenario.hidden_units, emotions.COUNT) if width]
    return total + sum(inputs * outputs for inputs, outputs in pairwise(dense))
