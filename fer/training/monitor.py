"""A training run seen from outside: `progress.json`, written while it goes on, and a wish to stop.

Everything lies in the run directory, so that any process can look on and none has to wait. A run
that a visitor started has a file `watched` there, touched as long as somebody looks on; nobody
wants it any more once that has not happened for `UNWATCHED` seconds.
"""

from __future__ import annotations

import _thread
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Literal

from fer import ErrorRecord, FerError, files

logger = logging.getLogger(__name__)

PROGRESS = "progress.json"
STOP = "stop"
WATCHED = "watched"
# A run writes at least this often; one that has been silent for longer was killed.
BEAT = 1.0
SILENCE = 60.0
# So long a run that has not begun to train has to clean up when it is asked to stop.
GRACE = 5.0
UNWATCHED = 600.0
# Why a run was stopped that nobody asked to stop.
NOBODY_WATCHED = "Nobody looked on any more."
# How often a waiting run looks whether its turn has come.
LOOK = 1.0

State = Literal["waiting", "starting", "running", "finished", "stopped", "failed"]
Stage = Literal[
    "starting",
    "loading TensorFlow",
    "choosing a precision",
    "loading VGG16",
    "computing features",
    "preparing the first step",
    "training",
    "checking",
]
# What the run ends by itself when it is asked to stop: a step, or the check and saving of an epoch.
# In all other stages there is nothing to lose.
WORTH_WAITING: tuple[Stage, ...] = ("training", "checking")


@dataclass(frozen=True)
class RunState:
    """Whether a run goes on and how far it is. Times are seconds since 1970; `values` are the
    current metrics.

    reason: why it failed or was stopped, in words; error: the `FerError` that says so. step and
    steps: work done and in all, in the unit that `loop.train` tells. left: the seconds
    left at the pace so far, None before there is a pace; it never grows. stage: what an active run
    is doing.
    """

    state: State
    started: float
    updated: float
    step: float
    steps: float
    epochs: int
    values: dict[str, float]
    reason: str = ""
    error: ErrorRecord | None = None
    left: float | None = None
    stage: Stage = "starting"

    @property
    def is_active(self) -> bool:
        """Whether the run goes on, or will when its turn comes."""
        return self.state in ("waiting", "starting", "running")

    @property
    def share(self) -> float:
        """The share of the work that is done, 0-1."""
        return min(self.step / self.steps, 1.0) if self.steps else 0.0


def read(run_dir: Path, now: float) -> RunState | None:
    """The run's state, None if it keeps none; one that fell silent counts as stopped.

    Raises:
        FerError: if the file is damaged.
    """
    path = run_dir / PROGRESS
    if not path.exists():
        return None
    known = {field.name for field in fields(RunState)}
    try:
        record = files.read_json(path)
        found = RunState(**{name: value for name, value in record.items() if name in known})
    except (AttributeError, TypeError) as error:
        raise FerError(
            "{path} is damaged ({reason}); train again in another --run-dir.",
            path=path,
            reason=error,
        ) from error
    if found.is_active and now - found.updated > SILENCE:
        return replace(found, state="stopped")
    return found


def write(run_dir: Path, run: RunState) -> None:
    """Writes `progress.json`, whole or not at all."""
    files.write_json(run_dir / PROGRESS, asdict(run))


def ask_to_stop(run_dir: Path) -> None:
    """Make the run end: at once before its first step, then after a step, or when the epoch that it
    is checking is saved.

    Raises:
        FerError: if the folder cannot be written.
    """
    files.write_text(run_dir / STOP, "")


def is_stopping(run_dir: Path) -> bool:
    """Whether the run was asked to stop and has not ended yet."""
    return (run_dir / STOP).exists()


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
        now = time.time()
        self._now = RunState("starting", now, now, 0, 0, epochs, {})
        # When the present pace began, and with how much work done.
        self._since, self._since_step = 0.0, 0.0
        self._reason = ""
        self._warned = ""
        self._is_interrupted = False
        self._done = threading.Event()
        self._beat = threading.Thread(target=self._keep_beating, daemon=True)

    def __enter__(self) -> Live:
        """Begins to tell.

        Raises:
            KeyboardInterrupt: if someone asked the run to stop since it was ordered.
            FerError: if the run directory cannot be written.
        """
        ordered = read(self.run_dir, self._now.started)
        if ordered is not None and ordered.state in ("waiting", "starting"):
            # `jobs.start` ordered it: its place in the queue is that of the order.
            self._now = replace(self._now, state=ordered.state, started=ordered.started)
            self._refuse_unwanted()
        # A wish that is older than the order was one for an earlier run in this directory.
        (self.run_dir / STOP).unlink(missing_ok=True)
        self._write()
        self._beat.start()
        return self

    def __call__(
        self, done: float, total: float, /, *, stage: Stage = "training", **details: float
    ) -> None:
        """Takes note of the work done; `details` are the current metrics. Without a total there is
        a new `stage` and nothing else.

        Raises:
            KeyboardInterrupt: if someone asked the run to stop, or nobody watches it any more,
                unless it is checking an epoch.
        """
        self._now = replace(self._now, stage=stage)
        if total:
            self._now = replace(
                self._now,
                state="running",
                left=self._seconds_left(done, total) if stage in WORTH_WAITING else None,
                step=done,
                steps=total,
                values={name: float(value) for name, value in details.items()},
            )
        if stage != "checking":
            self._check()

    def _seconds_left(self, done: float, total: float) -> float | None:
        """What is left at the pace so far; the first step, which compiles, is none of it."""
        now, before = time.time(), self._now
        if total != before.steps or done < before.step:
            self._since, self._since_step = now, done
            return None
        taken, left = done - self._since_step, total - done
        # A pace needs a hundredth of the work.
        if taken < 0.01 * (taken + left):
            return None
        estimate = (now - self._since) * left / taken if taken else 0.0
        return estimate if before.left is None else min(before.left, estimate)

    def wait(self, is_my_turn: Callable[[], bool]) -> None:
        """Returns when it is this run's turn.

        Raises:
            KeyboardInterrupt: as a step.
        """
        while not is_my_turn():
            self._now = replace(self._now, state="waiting")
            self._check()
            time.sleep(LOOK)
        self._now = replace(self._now, state="starting")
        self._tell()

    def _check(self) -> None:
        if self._is_unwanted():
            self._is_interrupted = True
            raise KeyboardInterrupt

    def _is_unwanted(self) -> bool:
        """Whether someone asked the run to stop, or nobody watches it any more."""
        if is_stopping(self.run_dir):
            return True
        try:
            seen = (self.run_dir / WATCHED).stat().st_mtime
        except FileNotFoundError:
            return False
        if time.time() - seen <= UNWATCHED:
            return False
        self._reason = NOBODY_WATCHED
        return True

    def _refuse_unwanted(self) -> None:
        """Ends the run before it began, if someone asked for that since it was ordered."""
        try:
            asked = (self.run_dir / STOP).stat().st_mtime
        except FileNotFoundError:
            return
        # File systems keep times less finely than clocks do.
        if asked < self._now.started - 2:
            return
        self._end("stopped")
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
            self._now = replace(self._now, step=self._now.steps)
            self._end("finished")
        elif self._is_interrupted or isinstance(error, KeyboardInterrupt):
            self._end("stopped")
            if not isinstance(error, KeyboardInterrupt):
                # As an import does of an interruption.
                raise KeyboardInterrupt from error
        else:
            self._reason = str(error)
            if isinstance(error, FerError):
                self._now = replace(self._now, error=error.to_record())
            self._end("failed")

    def _keep_beating(self) -> None:
        while not self._done.wait(BEAT):
            self._tell()
            if (
                not self._is_interrupted
                and self._now.stage not in WORTH_WAITING
                and self._is_unwanted()
            ):
                self._interrupt()
                return

    def _interrupt(self) -> None:
        """Ends a run that has nothing to lose, as Ctrl+C does; where nothing listens to that, such
        as a library that is being loaded, after `GRACE` seconds all the same."""
        self._is_interrupted = True
        _thread.interrupt_main()
        if not self._done.wait(GRACE):
            self._end("stopped")
            os._exit(130)

    def _end(self, state: State) -> None:
        self._now = replace(self._now, state=state, left=None, reason=self._reason)
        self._tell()
        (self.run_dir / STOP).unlink(missing_ok=True)

    def _tell(self) -> None:
        """Writes, or says in the log, once, that it cannot: the run is worth more than what is
        told."""
        try:
            self._write()
        except FerError as error:
            if str(error) != self._warned:
                self._warned = str(error)
                logger.warning("%s", error)

    def _write(self) -> None:
        write(self.run_dir, replace(self._now, updated=time.time()))
