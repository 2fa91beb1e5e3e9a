"""Keras callbacks of training: averaged normalisation, the record of a run, progress; and the files
of weights that they write. Importing this module imports Keras."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import save

from fer import FerError, files, layer_names
from fer.artifacts import runs
from fer.lab.training import batching
from fer.progress import Progress
from fer.scenarios import Phase
from fer.training.monitor import Stage

# Enough to measure channels that fire on one image in a hundred, at 5 % of an epoch's time.
NORM_IMAGES = 4096
# Least variance of a channel, as a share of the mean variance: a channel that was silent on these
# images would otherwise be scaled up enormously on another.
NORM_FLOOR = 1e-3


class RecalibratedNorm(keras.callbacks.Callback):
    """Batch normalisation with the averaged network's own statistics, set before each validation.

    The moving mean and variance were gathered while the raw weights were in place and do not fit
    the averaged weights (Izmailov et al. 2018, section 3.2). Training itself normalises by batch
    and is not affected.
    """

    def __init__(self, batches: batching.FaceBatches) -> None:
        super().__init__()
        self.batches = batches
        self._model_to_norm: keras.Model | None = None

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        norm = self.model.get_layer(layer_names.NORM)
        if self._model_to_norm is None:
            self._model_to_norm = keras.Model(self.model.input, norm.input)
        vectors = np.concatenate(
            [
                keras.ops.convert_to_numpy(self._model_to_norm.predict_on_batch(self.batches[i][0]))
                for i in range(len(self.batches))
            ]
        )
        variance = vectors.var(axis=0)
        norm.moving_mean.assign(vectors.mean(axis=0))
        norm.moving_variance.assign(np.maximum(variance, NORM_FLOOR * variance.mean()))


class Recorder(keras.callbacks.Callback):
    """The writer of history, best weights and checkpoint after each epoch, each file whole or not
    at all.

    The checkpoint is written last and decides which epochs are finished: if the run is killed
    before, the epoch is run again and its history row replaced. Of an epoch whose loss is not a
    number nothing is written: it ends the training with a FerError.
    """

    def __init__(self, run_dir: Path, phase: Phase) -> None:
        super().__init__()
        self.run_dir, self.phase = run_dir, phase

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        if not all(math.isfinite(value) for value in logs.values()):
            raise FerError(
                "The training in {run_dir} diverged: the loss of epoch {epoch} is not a number. "
                "What was learnt before is kept there; lower the learning rate in "
                "fer/scenarios.py and train anew in another --run-dir.",
                run_dir=self.run_dir,
                epoch=epoch + 1,
            )
        history = [row for row in runs.read_history(self.run_dir) if row["epoch"] <= epoch]
        row = {
            "epoch": epoch + 1,
            **{name: float(logs[name]) for name in runs.HISTORY_COLUMNS[1:5]},
            "learning_rate": float(self.model.optimizer.learning_rate),
            "image_size": self.phase.image_size,
            "seconds": round(time.perf_counter() - self.started, 1),
        }
        if runs.best_epoch([*history, row]) is row:
            save_weights(self.model, self.run_dir / runs.BEST)
        runs.write_history(self.run_dir, [*history, row])
        save_weights(self.model, self.run_dir / runs.checkpoint(epoch + 1), with_optimizer=True)
        for checkpoint in self.run_dir.glob(runs.CHECKPOINTS):
            if checkpoint.name != runs.checkpoint(epoch + 1):
                checkpoint.unlink()


@dataclass(frozen=True)
class PhaseOfRun:
    """A phase and its place in the run: its epochs, counted from 0 through all phases, and the
    training steps of each.

    Costs in training steps of the run's first phase: of a step (`step`), of the images that go
    through the network after an epoch's steps, to measure normalisation and accuracy (`check`), and
    of all epochs `before` the phase.
    """

    phase: Phase
    epochs: range
    steps: int
    step: float
    check: float
    before: float

    def work_before(self, epoch: int) -> float:
        """Return the cost of everything before that epoch of the phase, or before its end."""
        return self.before + (epoch - self.epochs.start) * (self.steps * self.step + self.check)


class WorkProgress(keras.callbacks.Callback):
    """Progress of a run, reported to a function: the work done and the current stage."""

    def __init__(self, progress: Progress, phase: PhaseOfRun, total: float) -> None:
        super().__init__()
        self.progress, self.phase, self.total = progress, phase, total
        self.epoch = 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        # Keras traces the network in the first step, which takes as long as many.
        self.progress(0, 0, stage="preparing the first step")

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        done = self.phase.work_before(self.epoch) + (batch + 1) * self.phase.step
        self._report(done, "training" if batch + 1 < self.phase.steps else "checking", logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._report(self.phase.work_before(epoch + 1), "training", logs)

    def _report(self, done: float, stage: Stage, logs: dict[str, float] | None) -> None:
        self.progress(done, self.total, stage=stage, epoch=self.epoch + 1, **(logs or {}))


def save_weights(model: keras.Model, path: Path, *, with_optimizer: bool = False) -> None:
    """Write the model's weights, and its optimiser's state if asked, whole or not at all. Raises as
    `files.replacing`."""
    state = _state(model, with_optimizer)
    # Made in memory: HDF5, Keras' own format, crashes the process at its end after a full disk.
    arrays = {name: keras.ops.convert_to_numpy(value) for name, value in state.items()}
    with files.replacing(path) as temporary:
        temporary.write_bytes(save(arrays))


def load_weights(model: keras.Model, path: Path) -> None:
    """Give the model what `save_weights` wrote, its optimiser included if it has one. Raise
    FerError if the file is missing, damaged or of another network."""
    arrays = runs.read_weights(path)
    for name, variable in _state(model, with_optimizer=True).items():
        if name not in arrays or arrays[name].shape != tuple(variable.shape):
            raise FerError(
                "{path} does not fit the network ({name}); train again without --resume in "
                "another --run-dir.",
                path=path,
                name=name,
            )
        variable.assign(arrays[name])


def state_bytes(model: keras.Model, *, with_optimizer: bool = False) -> int:
    """Return the bytes in a file of `save_weights`, without the names in it."""
    variables = _state(model, with_optimizer).values()
    return sum(keras.ops.convert_to_numpy(variable).nbytes for variable in variables)


def _state(model: keras.Model, with_optimizer: bool) -> dict[str, keras.Variable]:
    """Return the variables of the network, and of its optimiser if it has one, by names that are
    the same in every process."""
    state = {variable.path: variable for variable in model.weights}
    optimizer = getattr(model, "optimizer", None)
    if with_optimizer and optimizer is not None:
        state |= {f"optimizer/{variable.name}": variable for variable in optimizer.variables}
    return state
