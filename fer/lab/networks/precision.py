"""The precision in which a machine trains convolutions faster: float32, or bfloat16 with float32
variables.

bfloat16 halves the time where the processor or GPU has matrix units for it; without them it can
take several times as long. A processor that lists no instructions for it need not be timed; the
others must be, because some have the instructions and are still slower with them. Importing this
module imports Keras.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

FLOAT32 = "float32"
BFLOAT16 = "mixed_bfloat16"
# Number of images in a timed batch and their side in pixels. A processor takes milliseconds for
# its batch; an accelerator so long that the time for calling it hardly counts.
ON_PROCESSOR, ON_ACCELERATOR = (8, 16), (64, 32)
# As in VGG16's block 3.
CHANNELS = 256
STEPS = 6
# Linux' names of instructions for bfloat16: avx512_bf16 and amx_bf16 on x86, bf16 and svebf16 on
# ARM.
INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16", "svebf16"}
CPU_INFO = Path("/proc/cpuinfo")


class Choice(NamedTuple):
    """Keras' name of a precision, and in words why it was chosen."""

    precision: str
    reason: str


def fastest() -> Choice:
    """Return the precision in which this machine trains faster: measured in a few seconds, unless
    the processor has no bfloat16 instructions."""
    is_processor = all(name.startswith("cpu") for name in keras.distribution.list_devices())
    if is_processor and lacks_bfloat16():
        return Choice(FLOAT32, "this processor has no instructions for bfloat16")
    seconds = seconds_of_step(is_processor=is_processor)
    chosen, other = sorted(seconds, key=lambda precision: seconds[precision])
    return Choice(
        chosen,
        f"a step takes {1000 * seconds[chosen]:.1f} ms in it here and "
        f"{1000 * seconds[other]:.1f} ms in {other}",
    )


def lacks_bfloat16() -> bool:
    """Return whether Linux lists the processor's instructions and none of them is for bfloat16."""
    try:
        text = CPU_INFO.read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False
    lists = re.findall(r"^(?:flags|Features)\s*: (.*)$", text, re.MULTILINE)
    return bool(lists) and not any(INSTRUCTIONS & set(line.split()) for line in lists)


def seconds_of_step(*, is_processor: bool) -> dict[str, float]:
    """Return the seconds of a training step of a small convolutional network in each precision.
    Steps alternate and the shortest counts, so that other programs' work favours neither."""
    count, side = ON_PROCESSOR if is_processor else ON_ACCELERATOR
    images = np.zeros((count, side, side, CHANNELS), dtype=np.float32)
    targets = np.zeros((count, CHANNELS), dtype=np.float32)
    networks = {precision: _network(precision) for precision in (FLOAT32, BFLOAT16)}
    # The first step compiles.
    for network in networks.values():
        network.train_on_batch(images, targets)
    shortest = dict.fromkeys(networks, float("inf"))
    for _ in range(STEPS):
        for precision, network in networks.items():
            start = time.perf_counter()
            network.train_on_batch(images, targets)
            shortest[precision] = min(shortest[precision], time.perf_counter() - start)
    return shortest


def _network(precision: str) -> keras.Model:
    policy = keras.DTypePolicy(precision)
    network = keras.Sequential(
        [
            keras.Input((None, None, CHANNELS)),
            keras.layers.Conv2D(CHANNELS, 3, padding="same", dtype=policy),
            keras.layers.Conv2D(CHANNELS, 3, padding="same", dtype=policy),
            keras.layers.GlobalAveragePooling2D(dtype=FLOAT32),
        ]
    )
    network.compile("sgd", "mse")
    return network
