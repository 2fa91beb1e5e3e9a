"""Training on several devices or hosts, by configuration alone: Keras' data parallelism on JAX.

Every process runs the same `fer train`; each feeds its part of every batch, and the gradients are
those of the whole batch. Keras' environment variables say who takes part. Keras 3 on TensorFlow
cannot do this: `fit` under a multi-worker strategy fails in its own reductions.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer import FerError
from fer.artifacts import runs

PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"
PROCESS_ID = "KERAS_DISTRIBUTION_PROCESS_ID"
ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
BACKEND = "KERAS_BACKEND"


@dataclass(frozen=True)
class Share:
    """The part of process number `process` in training: there are `processes`, which have `devices`
    together."""

    process: int = 0
    processes: int = 1
    devices: int = 1

    @property
    def is_chief(self) -> bool:
        """This process's files are the run's, as those of exactly one process are."""
        return self.process == 0

    def positions(self, images: int) -> NDArray[np.int64]:
        """Return the positions (m,) in a batch of that many images that this process feeds.

        Every device must be given equally many, so if the batch does not divide evenly its first
        images are repeated: with d devices, at most d - 1 images of an epoch's last batch.
        """
        padded = -(-images // self.devices) * self.devices
        count = padded // self.processes
        start = self.process * count
        return np.arange(start, start + count, dtype=np.int64) % max(images, 1)


ALONE = Share()


def begin() -> Share:
    """Join the processes that the environment names, and return this one's share.

    Without KERAS_BACKEND=jax nothing is done, and Keras is not even imported. With it, all GPUs of
    this machine take part; with Keras' KERAS_DISTRIBUTION_NUM_PROCESSES, _PROCESS_ID and
    _JOB_ADDRESSES, all devices of all those processes. Call it before anything is computed. Raise
    FerError if several processes are asked for and the backend is not JAX, a variable is missing or
    invalid, or the other processes cannot be reached.
    """
    process_count = os.environ.get(PROCESSES)
    if os.environ.get(BACKEND) != "jax":
        if process_count is not None:
            raise FerError(
                "Training in several processes needs Keras' JAX backend; install jax and set "
                "KERAS_BACKEND=jax."
            )
        return ALONE
    process, processes = _process_numbers(process_count)
    try:
        import keras

        if process_count is not None:
            keras.distribution.initialize()
        devices = keras.distribution.get_device_count()
        if devices > 1:
            # `FaceBatches` gives each process its own part already.
            keras.distribution.set_distribution(
                keras.distribution.DataParallel(auto_shard_dataset=False)
            )
    except ImportError as error:
        raise FerError(
            "KERAS_BACKEND is jax, which is not installed; in the repository run: pip install -e "
            '".[distributed]"'
        ) from error
    except (RuntimeError, ValueError) as error:
        raise FerError(
            "The processes of this training cannot find each other ({reason}); check {addresses}, "
            "the same in all of them.",
            reason=str(error).splitlines()[0],
            addresses=ADDRESSES,
        ) from error
    return Share(process, processes, devices)


@contextmanager
def folder(share: Share, run_dir: Path) -> Iterator[Path]:
    """Give the chief the run directory, and the other processes a copy that is deleted afterwards.

    Saving a distributed model is a step that all processes take together; only the chief's files
    are kept. To resume, the other processes must see `run_dir`, too.
    """
    if share.is_chief:
        yield run_dir
        return
    with tempfile.TemporaryDirectory(prefix="fer-run-") as scratch:
        checkpoint = runs.checkpoint(runs.finished_epochs(run_dir))
        for name in (runs.RUN, runs.HISTORY, runs.BEST, checkpoint):
            if (run_dir / name).exists() and (run_dir / checkpoint).exists():
                shutil.copy2(run_dir / name, scratch)
        yield Path(scratch)


def _process_numbers(count: str | None) -> tuple[int, int]:
    if count is None:
        return 0, 1
    process_id = os.environ.get(PROCESS_ID, "")
    if not (count.isdigit() and process_id.isdigit() and int(process_id) < int(count)):
        raise FerError(
            "{hosts} is {count} and {name} is {number}; the second must be a number from 0 up, "
            "smaller than the first.",
            hosts=PROCESSES,
            count=count,
            name=PROCESS_ID,
            number=process_id or "missing",
        )
    return int(process_id), int(count)
