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


def fastest() -> tuple[str, str]:
    """Return Keras' name of the precision in which this machine trains faster, and the reason:
    measured in a few seconds, unless the processor has no bfloat16 instructions."""
    is_processor = all(name.startswith("cpu") for name in keras.distribution.list_devices())
    # Linux lists the processor's instructions.
    text = CPU_INFO.read_text("ascii", "ignore") if CPU_INFO.exists() else ""
    lists = re.findall(r"^(?:flags|Features)\s*: (.*)$", text, re.MULTILINE)
    has_bfloat16 = any(INSTRUCTIONS & set(line.split()) for line in lists)
    if is_processor and lists and not has_bfloat16:
        return FLOAT32, "this processor has no instructions for bfloat16"
    seconds = seconds_of_step(is_processor=is_processor)
    chosen, other = sorted(seconds, key=lambda precision: seconds[precision])
    in_chosen, in_other = (f"{1000 * seconds[name]:.1f} ms" for name in (chosen, other))
    return chosen, f"a step takes {in_chosen} in it here and {in_other} in {other}"


def seconds_of_step(*, is_processor: bool) -> dict[str, float]:
    """Return the seconds of a training step of a small convolutional network in each precision.
    Steps alternate and the shortest counts, so that other programs' work favours neither."""
    count, side = ON_PROCESSOR if is_processor else ON_ACCELERATOR
    images = np.zeros((count, side, side, CHANNELS), dtype=np.float32)
    targets = np.zeros((count, CHANNELS), dtype=np.float32)
    networks = {}
    for precision in (FLOAT32, BFLOAT16):
        layers = [
            keras.Input((None, None, CHANNELS)),
            keras.layers.Conv2D(CHANNELS, 3, padding="same", dtype=precision),
            keras.layers.Conv2D(CHANNELS, 3, padding="same", dtype=precision),
            keras.layers.GlobalAveragePooling2D(dtype=FLOAT32),
        ]
        networks[precision] = keras.Sequential(layers)
        networks[precision].compile("sgd", "mse")
        # The first step compiles.
        networks[precision].train_on_batch(images, targets)
    shortest = dict.fromkeys(networks, float("inf"))
    for _ in range(STEPS):
        for precision, network in networks.items():
            start = time.perf_counter()
            network.train_on_batch(images, targets)
            shortest[precision] = min(shortest[precision], time.perf_counter() - start)
    return shortest
