"""The learning rate of a phase, step by step."""

from __future__ import annotations

import keras

from fer.scenarios import Phase


def cosine(phase: Phase, steps: int) -> keras.optimizers.schedules.CosineDecay:
    """Return a linear warm-up from 0, then a cosine down to the phase's final rate.

    Args:
        steps: of an epoch. Warm-up takes half of the phase at most.
    """
    total = steps * phase.epochs
    warmup = min(phase.warmup_steps, total // 2)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else phase.learning_rate,
        decay_steps=max(total - warmup, 1),
        alpha=phase.final_learning_rate / phase.learning_rate,
        warmup_target=phase.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
