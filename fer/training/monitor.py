"""A training run seen from outside: `progress.json`, written while it goes on, and a wish to stop.

Everything lies in the run directory, so that any process can look on and none has to wait. A run
that a visitor started has a file `watched` there, touched as long as somebody looks on; nobody
wants it any more once that has not happened for `UNWATCHED` seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from fer import FerError, files

logger = logging.getLogger(__name__)

PROGRESS = "progress.json"
STOP = "stop"
WATCHED = "watched"
# A run writes at least this often; one that has been silent for longer was killed.
BEAT = 2.0
SILENCE = 60.0
UNWATCHED = 600.0
# Why a run was stopped that nobody asked to stop.
NOBODY_WATCHED = "Nobody looked on any more."
# How often a waiting run looks whether its turn has come.
LOOK = 1.0

State = Literal["waiting", "starting", "running", "finished", "stopped", "failed"]


@dataclass(frozen=True)
class RunState:
    """Whether a run goes on and how far it is. Times are seconds since 1970; `values` are the
    current metrics.

    `since` and `since_step`: when the present pace began and with how many steps done, which a
    resumed run did not take in this process. 0 where it has no pace yet.
    """

    state: State
    started: float
    updated: float
    step: int
    steps: int
    epochs: int
    values: dict[str, float]
    reason: str = ""
    since: float = 0.0
    since_step: int = 0

    @property
    def is_active(self) -> bool:
        """Whether the run goes on, or will when its turn comes."""
        return self.state in ("waiting", "starting", "running")

    @property
    def share(self) -> float:
        """The share of steps that are done, 0-1."""
        return min(self.step / self.steps, 1.0) if self.steps else 0.0

    def seconds_left(self) -> float | None:
        """What is left at the pace so far, None before there is a pace."""
        taken, left = self.step - self.since_step, self.steps - self.step
        if not self.since or taken <= 0 or taken < 0.01 * (taken + left):
            return None
        return (self.updated - self.since) * left / taken


def read(run_dir: Path, now: float) -> RunState | None:
    """The run's state, None if it keeps none; one that fell silent counts as stopped.

    Raises:
        FerError: if the file is damaged.
    """
    path = run_dir / PROGRESS
    if not path.exists():
        return None
    try:
        found = RunState(**files.read_json(path))
    except TypeError as error:
        raise FerError(
            "{path} is damaged ({reason}); train again in another --run-dir.",
            path=path,
            reason=error,
        ) from error
    if found.is_active and now - found.updated > SILENCE:
        return RunState(**{**asdict(found), "state": "stopped"})
    return found


def write(run_dir: Path, run: RunState) -> None:
    """Writes `progress.json`, whole or not at all."""
    files.write_json(run_dir / PROGRESS, asdict(run))


def ask_to_stop(run_dir: Path) -> None:
    """Makes the run end after its current step, or before its first one."""
    (run_dir / STOP).touch()


def watch(run_dir: Path) -> None:
    """Tells a run that ends when nobody watches it that somebody does."""
    (run_dir / WATCHED).touch()


def is_watched_only(run_dir: Path) -> bool:
    """Whether the run ends when nobody watches it."""
    return (run_dir / WATCHED).exists()


class Live:
    """Keeps `progress.json` up to date while a run goes on.

    A context manager, and a `Progress` for `loop.train`. Leaving it records whether the run
    finished, was stopped or failed, and why.
    """

    def __init__(self, run_dir: Path, epochs: int) -> None:
        self.run_dir = run_dir
        self.epochs = epochs
        self.started = time.time()
        self._step = self._steps = 0
        self._since, self._since_step = 0.0, 0
        self._reason = ""
        self._values: dict[str, float] = {}
        self._state: State = "starting"
        self._done = threading.Event()
        self._beat = threading.Thread(target=self._keep_beating, daemon=True)

    def __enter__(self) -> Live:
        """Begins to tell.

        Raises:
            KeyboardInterrupt: if someone asked the run to stop since it was ordered.
            FerError: if the run directory cannot be written.
        """
        ordered = read(self.run_dir, self.started)
        if ordered is not None and ordered.state in ("waiting", "starting"):
            # `jobs.start` ordered it: its place in the queue is that of the order.
            self._state, self.started = ordered.state, ordered.started
            self._refuse_unwanted()
        # A wish that is older than the order was one for an earlier run in this directory.
        (self.run_dir / STOP).unlink(missing_ok=True)
        self._write()
        self._beat.start()
        return self

    def __call__(self, done: float, total: float, /, **details: float) -> None:
        """Takes note of a step; `details` are the current metrics.

        Raises:
            KeyboardInterrupt: if someone asked the run to stop, or nobody watches it any more.
        """
        step, steps = int(done), int(total)
        if steps != self._steps or step < self._step:
            # A stretch of its own: the steps before it were taken elsewhere or are of another kind.
            self._since, self._since_step = time.time(), step
        self._step, self._steps, self._state = step, steps, "running"
        self._values = {name: float(value) for name, value in details.items()}
        self._check()

    def wait(self, is_my_turn: Callable[[], bool]) -> None:
        """Returns when it is this run's turn.

        Raises:
            KeyboardInterrupt: as a step.
        """
        while not is_my_turn():
            self._state = "waiting"
            self._check()
            time.sleep(LOOK)
        self._state = "starting"
        self._tell()

    def _check(self) -> None:
        if (self.run_dir / STOP).exists():
            raise KeyboardInterrupt
        try:
            seen = (self.run_dir / WATCHED).stat().st_mtime
        except FileNotFoundError:
            return
        if time.time() - seen > UNWATCHED:
            self._reason = NOBODY_WATCHED
            raise KeyboardInterrupt

    def _refuse_unwanted(self) -> None:
        """Ends the run before it began, if someone asked for that since it was ordered."""
        try:
            asked = (self.run_dir / STOP).stat().st_mtime
        except FileNotFoundError:
            return
        # File systems keep times less finely than clocks do.
        if asked < self.started - 2:
            return
        self._state = "stopped"
        self._write()
        (self.run_dir / STOP).unlink(missing_ok=True)
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
        elif isinstance(error, KeyboardInterrupt):
            self._state = "stopped"
        else:
            self._state, self._reason = "failed", str(error)
        self._tell()
        (self.run_dir / STOP).unlink(missing_ok=True)

    def _keep_beating(self) -> None:
        while not self._done.wait(BEAT):
            self._tell()

    def _tell(self) -> None:
        """Writes, or says in the log that it cannot: the run is worth more than what is told."""
        try:
            self._write()
        except FerError as error:
            logger.warning("%s", error)

    def _write(self) -> None:
        now = time.time()
        write(
            self.run_dir,
            RunState(
                self._state,
                self.started,
                now,
                self._step,
                self._steps,
                self.epochs,
                dict(self._values),
                self._reason,
                self._since,
                self._since_step,
            ),
        )
