"""Images a second in training: `python -m tests.benchmarks.training_throughput`."""

from __future__ import annotations

import time
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from fer.lab.networks import vgg16
from fer.lab.training import batching, loop
from fer.scenarios import PROPOSED, Scenario
from fer.vision.preprocessing import FER_SIZE


def training_throughput(size: int = 96, steps: int = 12) -> dict[str, float]:
    """Images a second of `proposed`'s training step at that size: as configured, and float32.

    Both are Keras' `fit` on the same random faces, augmentation included, batch 64, and take turns
    twice; compilation is not counted.
    """
    rng = np.random.default_rng(0)
    count = 64 * steps
    faces = rng.integers(0, 256, (count, FER_SIZE, FER_SIZE), dtype=np.uint8)
    labels = rng.integers(0, 7, count)
    speeds: dict[str, list[float]] = {}
    plain = replace(PROPOSED, compute_dtype="float32", ema_momentum=None)
    for scenario in (PROPOSED, plain) * 2:
        name = "ours" if scenario is PROPOSED else "plain_float32_fit"
        speeds.setdefault(name, []).append(_fit_speed(scenario, faces, labels, size, steps))
    result = {name: round(max(values), 1) for name, values in speeds.items()}
    return {**result, "ratio": round(result["ours"] / result["plain_float32_fit"], 2)}


def _fit_speed(
    scenario: Scenario,
    faces: NDArray[np.uint8],
    labels: NDArray[np.int64],
    size: int,
    steps: int,
) -> float:
    keras.utils.clear_session()
    model = vgg16.build(scenario, None)
    loop.compile_for(model, scenario, replace(scenario.phases[-1], image_size=size), steps)
    batches = batching.FaceBatches(
        faces,
        labels,
        np.arange(len(faces)),
        size=size,
        batch_size=64,
        augmentation=scenario.augmentation,
        seed=0,
    )
    model.fit(batches, steps_per_epoch=2, epochs=1, verbose=0)
    started = time.perf_counter()
    model.fit(batches, epochs=1, verbose=0)
    return len(faces) / (time.perf_counter() - started)


if __name__ == "__main__":
    print(training_throughput())
