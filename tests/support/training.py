"""A scenario that trains in seconds, and the state of a run."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from fer.scenarios import PROPOSED, Phase
from fer.training import monitor

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
