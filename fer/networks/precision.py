"""In which precision a machine trains convolutions faster: float32, or bfloat16 with float32
variables.

bfloat16 halves the time where the processor or GPU has matrix units for it; where it has not, it
can take several times as long. What a processor says of itself does not tell: some have the
instructions and are still slower with them. Importing this module imports Keras.
"""

from __future__ import annotations

import time

import keras
import numpy as np

FLOAT32 = "float32"
BFLOAT16 = "mixed_bfloat16"
# Like the convolutions of VGG16's blocks 3 and 4, in a batch that takes milliseconds.
IMAGES, SIDE, CHANNELS = 8, 16, 256
STEPS = 6


def fastest() -> str:
    """Keras' name of the precision with the shorter `seconds_of_step` on this machine."""
    seconds = seconds_of_step()
    return min(seconds, key=lambda precision: seconds[precision])


def seconds_of_step() -> dict[str, float]:
    """Seconds of a training step of a small convolutional network in each precision.

    Takes a few seconds. Steps alternate and the shortest counts, so that other programs' work
    weighs on neither.
    """
    images = np.zeros((IMAGES, SIDE, SIDE, CHANNELS), dtype=np.float32)
    targets = np.zeros((IMAGES, CHANNELS), dtype=np.float32)
    networks = {precision: _network(precision) for precision in (FLOAT32, BFLOAT16)}
    # The first step compiles.
    for network in networks.values():
        network.train_on_batch(images, targets)
    found = dict.fromkeys(networks, float("inf"))
    for _ in range(STEPS):
        for precision, network in networks.items():
            start = time.perf_counter()
            network.train_on_batch(images, targets)
            found[precision] = min(found[precision], time.perf_counter() - start)
    return found


def _network(precision: str) -> keras.Model:
    policy = keras.DTypePolicy(precision)
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, CHANNELS)),
            keras.layers.Conv2D(CHANNELS, 3, padding="same", dtype=policy),
            keras.layers.Conv2D(CHANNELS, 3, padding="same", dtype=policy),
            keras.layers.GlobalAveragePooling2D(dtype=FLOAT32),
        ]
    )
    network.compile("sgd", "mse")
    return network
