"""A scenario that trains in seconds, batches of small images, and the state of a run."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer.data.dataset import Dataset, Split
from fer.scenarios import PROPOSED, Phase
from fer.training import monitor

if TYPE_CHECKING:
    from fer.lab.training.batching import FaceBatches

TINY = replace(
    PROPOSED,
    input_size=40,
    # Much faster than bfloat16 on processors that have none.
    compute_dtype="float32",
    phases=(
        Phase(32, 2, 2e-4, 8, warmup_steps=2),
        Phase(40, 2, 1e-4, 8, images_per_epoch=16),
    ),
)


def state_of(run_dir: Path, now: float | None = None) -> monitor.RunState:
    """Return the state of a run that has one."""
    run = monitor.read(run_dir, time.time() if now is None else now)
    assert run is not None
    return run


def training_batches(
    data: Dataset, *, size: int = 32, batch_size: int = 8, **options: Any
) -> FaceBatches:
    """Return batches of the Training images; Keras is imported only now."""
    from fer.lab.training.batching import FaceBatches

    rows = data.rows(Split.TRAINING)
    return FaceBatches(data.images, data.labels, rows, size=size, batch_size=batch_size, **options)
