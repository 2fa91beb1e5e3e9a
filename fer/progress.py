"""How long work tells how far it is: one call, and two ways to pass it on to a part of the work."""

from __future__ import annotations

from typing import Any, Protocol


class Progress(Protocol):
    """Called with what is done and what there is in all, in any unit; `total` is 0 if unknown.

    `details`: what else is known, such as the epoch and the loss, or the name of a study.
    """

    def __call__(self, done: float, total: float, /, **details: Any) -> object: ...


def part_of(progress: Progress | None, start: float, stop: float, total: float) -> Progress | None:
    """The progress of the part of some work from `start` to `stop` of `total`, whatever its own
    unit; None if nobody listens."""
    if progress is None:
        return None

    def tell(done: float, of: float, /, **details: Any) -> None:
        progress(start + (stop - start) * done / of, total, **details)

    return tell


def with_details(progress: Progress | None, **known: Any) -> Progress | None:
    """The same progress with details that the work itself does not know; None if nobody listens."""
    if progress is None:
        return None

    def tell(done: float, total: float, /, **details: Any) -> None:
        progress(done, total, **known, **details)

    return tell
