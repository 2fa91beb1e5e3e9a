"""Following and stopping a training run from outside, by `progress.json` and other files.

All files lie in the run directory, so that any process can read them and none has to wait. A run
that a visitor started has a file `watched` there, touched as long as somebody watches; the run ends
when the file has not been touched for `UNWATCHED_SECONDS`.
"""

from __future__ import annotations

import _thread
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal

import msgspec

from fer import ErrorRecord, FerError, files

logger = logging.getLogger(__name__)

PROGRESS = "progress.json"
STOP = "stop"
WATCHED = "watched"
# A run writes every BEAT_SECONDS; one that has been silent for SILENCE_SECONDS was killed.
BEAT_SECONDS = 1.0
SILENCE_SECONDS = 60.0
# The time that a run which has not begun to train has to clean up when it is asked to stop.
GRACE_SECONDS = 5.0
UNWATCHED_SECONDS = 600.0
# The recorded reason of a run that ended because nobody watched it.
NOBODY_WATCHED = "Nobody looked on any more."
# The time between two checks of a waiting run for its turn.
TURN_CHECK_SECONDS = 1.0

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
# Stages that a run finishes when it is asked to stop: a step, or the check and saving of an epoch.
# In all other stages there is nothing to lose.
WORTH_WAITING: tuple[Stage, ...] = ("training", "checking")


@dataclass(frozen=True)
class RunState:
    """A run's state and progress. Times are seconds since 1970; `values` are the current metrics.

    reason: why it failed or was stopped, in words; error: the `FerError` of a failure. step and
    steps: work done and in all, in the unit that `loop.train` reports. left: the seconds left at
    the pace so far, None before there is a pace; it never grows. stage: the present activity of an
    active run.
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
        """The run goes on, or will when its turn comes."""
        return self.state in ("waiting", "starting", "running")

    @property
    def share(self) -> float:
        """The share of the work that is done, 0-1."""
        return min(self.step / self.steps, 1.0) if self.steps else 0.0


def read(run_dir: Path, now: float) -> RunState | None:
    """Return the run's state, None if it has none; a run that fell silent counts as stopped. Raise
    FerError if the file is damaged."""
    path = run_dir / PROGRESS
    if not path.exists():
        return None
    try:
        state = msgspec.convert(files.read_json(path), RunState)
    except msgspec.ValidationError as error:
        raise FerError(
            "{path} is damaged ({reason}); train again in another --run-dir.",
            path=path,
            reason=error,
        ) from error
    if state.is_active and now - state.updated > SILENCE_SECONDS:
        return replace(state, state="stopped")
    return state


def write(run_dir: Path, run: RunState) -> None:
    """Write `progress.json`, whole or not at all."""
    files.write_json(run_dir / PROGRESS, asdict(run))


def ask_to_stop(run_dir: Path) -> None:
    """Make the run end: at once before its first step, later after the present step, or when the
    epoch that it is checking is saved. Raises as `files.write_text`."""
    files.write_text(run_dir / STOP, "")


def is_stopping(run_dir: Path) -> bool:
    """Return whether the run was asked to stop and has not ended yet."""
    return (run_dir / STOP).exists()


def watch(run_dir: Path) -> None:
    """Touch the run's file `watched`, so that it goes on."""
    (run_dir / WATCHED).touch()


def is_watched_only(run_dir: Path) -> bool:
    """Return whether the run ends when nobody watches it."""
    return (run_dir / WATCHED).exists()


def _modified(path: Path) -> float | None:
    """Return the time of a file's last change, in seconds since 1970; None if there is none."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


class Live:
    """The writer of `progress.json` while a run goes on, and at its end of the reason.

    A context manager, and a `Progress` for `loop.train`.
    """

    def __init__(self, run_dir: Path, epochs: int) -> None:
        self.run_dir = run_dir
        now = time.time()
        self._state = RunState("starting", now, now, 0, 0, epochs, {})
        # The start of the present pace, and how much work was done by then.
        self._pace_time, self._pace_step = 0.0, 0.0
        self._reason = ""
        self._last_warning = ""
        self._is_interrupted = False
        self._done = threading.Event()
        self._heartbeat = threading.Thread(target=self._keep_beating, daemon=True)

    def __enter__(self) -> Live:
        """Begin to write, or raise KeyboardInterrupt if someone asked the run to stop since
        `jobs.start` queued it."""
        queued = read(self.run_dir, self._state.started)
        if queued is not None and queued.state in ("waiting", "starting"):
            # The run keeps the time at which `jobs.start` queued it, and so its place.
            self._state = replace(self._state, state=queued.state, started=queued.started)
            # File systems round times: allow two seconds.
            stopped_at = _modified(self.run_dir / STOP)
            if stopped_at is not None and stopped_at >= queued.started - 2:
                self._end("stopped")
                raise KeyboardInterrupt
        # An older request to stop was meant for an earlier run in this directory.
        (self.run_dir / STOP).unlink(missing_ok=True)
        self._write()
        self._heartbeat.start()
        return self

    def __call__(
        self, done: float, total: float, /, *, stage: Stage = "training", **details: float
    ) -> None:
        """Record the work done and the current metrics, `details`; without a total, the `stage`.
        Raise KeyboardInterrupt if someone asked the run to stop, or nobody watches it any more,
        unless it is checking an epoch."""
        self._state = replace(self._state, stage=stage)
        if total:
            self._state = replace(
                self._state,
                state="running",
                left=self._seconds_left(done, total) if stage in WORTH_WAITING else None,
                step=done,
                steps=total,
                values={name: float(value) for name, value in details.items()},
            )
        if stage != "checking":
            self._check()

    def _seconds_left(self, done: float, total: float) -> float | None:
        """Estimate the seconds left at the pace so far, without the first step, which compiles."""
        now, last_state = time.time(), self._state
        if total != last_state.steps or done < last_state.step:
            self._pace_time, self._pace_step = now, done
            return None
        work_done, work_left = done - self._pace_step, total - done
        # A pace is measured over at least a hundredth of the work.
        if work_done < 0.01 * (work_done + work_left):
            return None
        estimate = (now - self._pace_time) * work_left / work_done if work_done else 0.0
        return estimate if last_state.left is None else min(last_state.left, estimate)

    def wait(self, is_my_turn: Callable[[], bool]) -> None:
        """Wait until it is this run's turn. Raises KeyboardInterrupt as a step."""
        while not is_my_turn():
            self._state = replace(self._state, state="waiting")
            self._check()
            time.sleep(TURN_CHECK_SECONDS)
        self._state = replace(self._state, state="starting")
        self._write_or_warn()

    def _check(self) -> None:
        if self._is_unwanted():
            self._is_interrupted = True
            raise KeyboardInterrupt

    def _is_unwanted(self) -> bool:
        """Return whether someone asked the run to stop, or nobody watches it any more."""
        if is_stopping(self.run_dir):
            return True
        watched_at = _modified(self.run_dir / WATCHED)
        if watched_at is None or time.time() - watched_at <= UNWATCHED_SECONDS:
            return False
        self._reason = NOBODY_WATCHED
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._heartbeat.join()
        if error is None:
            self._state = replace(self._state, step=self._state.steps)
            self._end("finished")
        elif self._is_interrupted or isinstance(error, KeyboardInterrupt):
            self._end("stopped")
            if not isinstance(error, KeyboardInterrupt):
                # A library that is being imported turns the interruption into an error of its own.
                raise KeyboardInterrupt from error
        else:
            self._reason = str(error)
            if isinstance(error, FerError):
                self._state = replace(self._state, error=error.to_record())
            self._end("failed")

    def _keep_beating(self) -> None:
        while not self._done.wait(BEAT_SECONDS):
            self._write_or_warn()
            if (
                not self._is_interrupted
                and self._state.stage not in WORTH_WAITING
                and self._is_unwanted()
            ):
                # End it as Ctrl+C does, and after `GRACE_SECONDS` also if nothing reacts to that,
                # as while a library is being loaded.
                self._is_interrupted = True
                _thread.interrupt_main()
                if not self._done.wait(GRACE_SECONDS):
                    self._end("stopped")
                    os._exit(130)
                return

    def _end(self, state: State) -> None:
        self._state = replace(self._state, state=state, left=None, reason=self._reason)
        self._write_or_warn()
        (self.run_dir / STOP).unlink(missing_ok=True)

    def _write_or_warn(self) -> None:
        """Write `progress.json`; log once if that fails, because the run is worth more."""
        try:
            self._write()
        except FerError as error:
            if str(error) != self._last_warning:
                self._last_warning = str(error)
                logger.warning("%s", error)

    def _write(self) -> None:
        write(self.run_dir, replace(self._state, updated=time.time()))
