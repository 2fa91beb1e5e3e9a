"""Keras callbacks of training: averaged normalisation, the record of a run, progress.

Importing this module imports Keras.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import keras
import numpy as np

from fer import files, layers
from fer.artifacts import runs
from fer.progress import Progress
from fer.scenarios import Phase
from fer.training import batching

# Enough to see the channels that fire on one image in a hundred, at 5 % of an epoch's time.
NORM_IMAGES = 4096
# Share of the mean variance below which no channel's is taken to lie: a channel that was silent on
# those images would otherwise blow up whatever it says on another.
NORM_FLOOR = 1e-3


class RecalibratedNorm(keras.callbacks.Callback):
    """Gives batch normalisation the averaged network's own statistics before it is validated.

    The moving mean and variance were gathered while the raw weights were in place and do not fit
    the averaged ones (Izmailov et al. 2018, section 3.2). Training itself normalises by batch and
    is not affected.
    """

    def __init__(self, batches: batching.FaceBatches) -> None:
        super().__init__()
        self.batches = batches
        self._into_norm: keras.Model | None = None

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        norm = self.model.get_layer(layers.NORM)
        if self._into_norm is None:
            self._into_norm = keras.Model(self.model.input, norm.input)
        vectors = np.concatenate(
            [
                keras.ops.convert_to_numpy(self._into_norm.predict_on_batch(self.batches[i][0]))
                for i in range(len(self.batches))
            ]
        )
        variance = vectors.var(axis=0)
        norm.moving_mean.assign(vectors.mean(axis=0))
        norm.moving_variance.assign(np.maximum(variance, NORM_FLOOR * variance.mean()))


class Recorder(keras.callbacks.Callback):
    """Writes history, best weights and checkpoint after each epoch, each file whole or not at all.

    The checkpoint comes last and decides what was finished: killed before it, the epoch is run
    again and its history row replaced. `diverged_in` is the epoch whose loss was not a number, of
    which nothing is written; None if there was none.
    """

    def __init__(self, run_dir: Path, phase: Phase) -> None:
        super().__init__()
        self.run_dir, self.phase = run_dir, phase
        self.started = time.perf_counter()
        self.diverged_in: int | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        # Weights that gave no number are not worth keeping: what was recorded before stays.
        if not all(math.isfinite(value) for value in logs.values()):
            self.model.stop_training = True
            self.diverged_in = epoch + 1
            return
        history = [row for row in runs.read_history(self.run_dir) if row["epoch"] <= epoch]
        row = {
            "epoch": epoch + 1,
            **{name: float(logs[name]) for name in runs.HISTORY_COLUMNS[1:5]},
            "learning_rate": float(self.model.optimizer.learning_rate),
            "image_size": self.phase.image_size,
            "seconds": round(time.perf_counter() - self.started, 1),
        }
        if runs.best_epoch([*history, row]) is row:
            with files.replacing(self.run_dir / runs.BEST) as temporary:
                save_weights(self.model, temporary)
        runs.write_history(self.run_dir, [*history, row])
        with files.replacing(self.run_dir / runs.checkpoint(epoch + 1)) as temporary:
            save_weights(self.model, temporary)
        for old in self.run_dir.glob("checkpoint-*.weights.h5"):
            if old.name != runs.checkpoint(epoch + 1):
                old.unlink()


class StepProgress(keras.callbacks.Callback):
    """Tells a function how many steps of the whole run are done."""

    def __init__(self, progress: Progress, first_epoch: int, before: int, total: int) -> None:
        super().__init__()
        self.progress, self.first_epoch, self.before, self.total = (
            progress,
            first_epoch,
            before,
            total,
        )
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        in_phase = (self.epoch - self.first_epoch) * self.params["steps"] + batch + 1
        self.progress(self.before + in_phase, self.total, epoch=self.epoch + 1, **(logs or {}))


def save_weights(model: keras.Model, path: Path) -> None:
    """Writes the model's weights, and its optimiser's state if it has one, whole or not at all."""
    # Keras insists on the double suffix, which a temporary name does not have.
    whole = path.with_name(path.stem + ".weights.h5")
    try:
        model.save_weights(whole)
        whole.replace(path)
    finally:
        whole.unlink(missing_ok=True)
