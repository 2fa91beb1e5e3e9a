"""Progress of long work: one callable, and two ways to pass it on to a part of the work."""

from __future__ import annotations

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
