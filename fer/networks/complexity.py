"""What a scenario's network costs, counted from its architecture: multiply-adds and parameters."""

from __future__ import annotations

from itertools import pairwise

from fer import emotions
from fer.scenarios import Scenario

# Channels and convolutions of VGG16's five blocks, each followed by a 2x2 pooling; all kernels are
# 3x3 (Simonyan & Zisserman 2015, table 1, configuration D).
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
FEATURES = BLOCKS[-1][0]
# Blocks 1-3, which both scenarios share.
TRUNK_CONVOLUTIONS = sum(count for _, count in BLOCKS[:3])


def multiply_adds(scenario: Scenario, size: int | None = None) -> int:
    """Multiplications with addition for one face; twice as many floating-point operations.

    Args:
        size: side of the input in pixels; the scenario's own if None.
    """
    side = size or scenario.input_size
    return sum(_convolutions(side)) + sum(a * b for a, b in _dense(scenario))


def trunk_multiply_adds(size: int) -> int:
    """Multiplications with addition of blocks 1-3 for one face of that many pixels a side."""
    return sum(_convolutions(size)[:TRUNK_CONVOLUTIONS])


def convolution_shapes(size: int) -> list[tuple[int, int, int]]:
    """Side, channels in and channels out of VGG16's 13 convolutions for an input of that size."""
    side, channels, shapes = size, 3, []
    for width, convolutions in BLOCKS:
        for _ in range(convolutions):
            shapes.append((side, channels, width))
            channels = width
        side //= 2
    return shapes


def _convolutions(size: int) -> list[int]:
    return [side * side * 9 * a * b for side, a, b in convolution_shapes(size)]


def parameters(scenario: Scenario) -> int:
    """Numbers the network holds, the means and variances of its normalisation included."""
    convolutions = sum(_block_parameters())
    dense = sum(a * b + b for a, b in _dense(scenario))
    return convolutions + dense + 4 * _vector(scenario)


def trainable_parameters(scenario: Scenario) -> int:
    """Numbers that training may change."""
    dense = sum(a * b + b for a, b in _dense(scenario))
    # Blocks 4 and 5 are trained as a whole or not at all.
    tuned = sum(_block_parameters()[3:]) if scenario.trainable_layers else 0
    return tuned + dense + 2 * _vector(scenario)


def _block_parameters() -> list[int]:
    channels, counts = 3, []
    for width, convolutions in BLOCKS:
        inputs = [channels] + [width] * (convolutions - 1)
        counts.append(sum(9 * count * width + width for count in inputs))
        channels = width
    return counts


def _vector(scenario: Scenario) -> int:
    return 4 * FEATURES if scenario.pooling == "grid" else FEATURES


def _dense(scenario: Scenario) -> list[tuple[int, int]]:
    layers = []
    if scenario.se_ratio is not None:
        squeezed = FEATURES // scenario.se_ratio
        layers += [(FEATURES, squeezed), (squeezed, FEATURES)]
    widths = [_vector(scenario), scenario.hidden_units, emotions.COUNT]
    kept = [width for width in widths if width is not None]
    return layers + list(pairwise(kept))
