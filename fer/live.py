"""A training run seen from outside: `progress.json`, written while it goes on, and a wish to stop.

Everything lies in the run directory, so that any process can look on and none has to wait.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from fer import FerError, files

PROGRESS = "progress.json"
STOP = "stop"
# A run writes at least this often; one that has been silent for longer was killed.
BEAT = 2.0
SILENCE = 60.0

State = Literal["starting", "running", "finished", "stopped", "failed"]


@dataclass(frozen=True)
class Progress:
    """How far a run is. Times are seconds since 1970; `values` are the current metrics."""

    state: State
    started: float
    updated: float
    step: int
    steps: int
    epochs: int
    values: dict[str, float]
    reason: str = ""

    @property
    def is_active(self) -> bool:
        """Whether the run goes on."""
        return self.state in ("starting", "running")

    @property
    def share(self) -> float:
        """The share of steps that are done, 0-1."""
        return min(self.step / self.steps, 1.0) if self.steps else 0.0

    def seconds_left(self) -> float | None:
        """What is left at the pace so far, None before there is a pace."""
        if self.share < 0.01:
            return None
        return (self.updated - self.started) * (1 - self.share) / self.share


def read(run_dir: Path, now: float) -> Progress | None:
    """The run's progress, None if it keeps none; one that fell silent counts as stopped.

    Raises:
        FerError: if the file is damaged.
    """
    path = run_dir / PROGRESS
    if not path.exists():
        return None
    try:
        found = Progress(**files.read_json(path))
    except TypeError as error:
        raise FerError(
            "{path} is damaged ({reason}); train again in another --run-dir.",
            path=path,
            reason=error,
        ) from error
    if found.is_active and now - found.updated > SILENCE:
        return Progress(**{**asdict(found), "state": "stopped"})
    return found


def write(run_dir: Path, progress: Progress) -> None:
    """Writes `progress.json`, whole or not at all."""
    files.write_json(run_dir / PROGRESS, asdict(progress))


def ask_to_stop(run_dir: Path) -> None:
    """Makes the run end after its current step."""
    (run_dir / STOP).touch()


class Live:
    """Keeps `progress.json` up to date while a run goes on.

    A context manager, and a callback for `training.train(progress=...)`. Leaving it records
    whether the run finished, was stopped or failed, and why.
    """

    def __init__(self, run_dir: Path, epochs: int) -> None:
        self.run_dir = run_dir
        self.epochs = epochs
        self.started = time.time()
        self._step = self._steps = 0
        self._values: dict[str, float] = {}
        self._state: State = "starting"
        self._done = threading.Event()
        self._beat = threading.Thread(target=self._keep_beating, daemon=True)

    def __enter__(self) -> Live:
        (self.run_dir / STOP).unlink(missing_ok=True)
        self._write()
        self._beat.start()
        return self

    def __call__(self, step: int, steps: int, values: dict[str, float]) -> None:
        """Takes note of a step.

        Raises:
            KeyboardInterrupt: if someone asked the run to stop.
        """
        self._step, self._steps, self._state = step, steps, "running"
        self._values = {name: float(value) for name, value in values.items()}
        if (self.run_dir / STOP).exists():
            raise KeyboardInterrupt

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._beat.join()
        if error is None:
            self._state, self._step = "finished", self._steps
        else:
            self._state = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
        self._write("" if self._state != "failed" else str(error))
        (self.run_dir / STOP).unlink(missing_ok=True)

    def _keep_beating(self) -> None:
        while not self._done.wait(BEAT):
            self._write()

    def _write(self, reason: str = "") -> None:
        now = time.time()
        write(
            self.run_dir,
            Progress(
                self._state,
                self.started,
                now,
                self._step,
                self._steps,
                self.epochs,
                dict(self._values),
                reason,
            ),
        )
