"""Progress reports of a command: after five seconds and then once a minute, how far it is and about
how long it will take. A log file says as much as a progress bar.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Task

from fer.progress import calling

FIRST_SECONDS, EVERY_SECONDS = 5.0, 60.0
# The tasks of the progress bars that are open, the innermost last; None for one that is shown.
_tasks: list[Task | None] = []


def duration(seconds: float) -> str:
    """Return a duration in words, rounded: "40 s", "5 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def sentence(task: Task) -> str:
    """Return how far a task is, as "Evaluating: 1,200 of 7,178 after 65 s, about 5 min left."""
    elapsed = duration(task.elapsed or 0.0)
    if task.total is None:
        return f"{task.description}: {elapsed} so far."
    left = f", about {duration(task.time_remaining)} left" if task.time_remaining else ""
    return f"{task.description}: {task.completed:,.6g} of {task.total:,.6g} after {elapsed}{left}."


@contextmanager
def working(task: Task | None) -> Iterator[None]:
    """Report this task until the block ends; nothing if it is None."""
    _tasks.append(task)
    try:
        yield
    finally:
        _tasks.pop()


@contextmanager
def reported(command: Callable[[], str], say: Callable[[str], object]) -> Iterator[None]:
    """Say from another thread how far the innermost task is, while the block runs; the command's
    name while there is no task."""
    start = time.monotonic()

    def report() -> None:
        task = _tasks[-1] if _tasks else None
        if task is not None:
            say(sentence(task))
        elif not _tasks:
            say(f"{command()}: {duration(time.monotonic() - start)} so far.")

    with calling(report, EVERY_SECONDS, first=FIRST_SECONDS):
        yield
