"""Progress of long work: one callable, two ways to pass it on to a part of the work, and a thread
that asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Progress(Protocol):
    """A function called with the work done and in all, in any unit; `total` is 0 if unknown.

    `details`: further values, such as the epoch and the loss, or the name of a study.
    """

    def __call__(self, done: float, total: float, /, **details: Any) -> object: ...


def part_of(progress: Progress | None, start: float, stop: float, total: float) -> Progress | None:
    """Return a progress for one part of the work, which reports from `start` to `stop` of `total`
    whatever the part's own unit; None if `progress` is None."""
    if progress is None:
        return None

    def report(done: float, of: float, /, **details: Any) -> None:
        progress(start + (stop - start) * done / of, total, **details)

    return report


def with_details(progress: Progress | None, **added: Any) -> Progress | None:
    """Return the same progress with added details; None if `progress` is None."""
    if progress is None:
        return None

    def report(done: float, total: float, /, **details: Any) -> None:
        progress(done, total, **added, **details)

    return report


@contextmanager
def calling(
    report: Callable[[], object], seconds: float, *, first: float | None = None
) -> Iterator[None]:
    """Call a function from another thread while the block runs: after `first` seconds (by default
    `seconds`), and then again after every `seconds`."""
    ended = threading.Event()

    def repeat() -> None:
        pause = seconds if first is None else first
        while not ended.wait(pause):
            pause = seconds
            report()

    reporter = threading.Thread(target=repeat, name="report", daemon=True)
    reporter.start()
    try:
        yield
    finally:
        ended.set()
        reporter.join()
