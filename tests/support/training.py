"""A scenario that trains in seconds."""

from __future__ import annotations

from dataclasses import replace

from fer.scenarios import PROPOSED, Phase

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
