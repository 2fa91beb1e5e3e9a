"""Progress reports of a command: after five seconds and then once a minute, how far it is and about
how long it will take. A log file says as much as a progress bar.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

FIRST_SECONDS, EVERY_SECONDS = 5.0, 60.0


@dataclass
class Work:
    """A part of a command, and how far it is.

    done, total: in any unit, total 0 if unknown. is_shown: whether a progress bar shows it. start:
    `time.monotonic()` when it began.
    """

    text: str
    is_shown: bool = False
    done: float = 0.0
    total: float = 0.0
    start: float = field(default_factory=time.monotonic)
    # The pace counts from this time, when so much was done: loading, and what a resumed run had
    # done before, say nothing about it.
    pace_start: float | None = None
    done_at_pace_start: float = 0.0

    def update(self, text: str, done: float, total: float) -> None:
        """Record how far the work is; work that begins anew gets a new pace."""
        if total and (self.pace_start is None or done < self.done):
            self.pace_start, self.done_at_pace_start = time.monotonic(), done
        self.text, self.done, self.total = text, done, total

    def sentence(self, now: float) -> str:
        """How far the work is, as "Evaluating: 1,200 of 7,178 after 65 s, about 5 min left."

        Args:
            now: `time.monotonic()`.
        """
        sentence, elapsed = f"{self.text}: ", duration(now - self.start)
        if not self.total or self.pace_start is None:
            return f"{sentence}{elapsed} so far."
        sentence += f"{self.done:,.6g} of {self.total:,.6g} after {elapsed}"
        progress = self.done - self.done_at_pace_start
        left = (now - self.pace_start) * (self.total - self.done) / progress if progress else 0.0
        return sentence + (f", about {duration(left)} left." if left else ".")


# The work that is going on, the innermost last.
_active_work: list[Work] = []


def duration(seconds: float) -> str:
    """A duration in words, rounded: "40 s", "5 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


@contextmanager
def working(work: Work) -> Iterator[Work]:
    """Make this the work that is reported until the block ends."""
    _active_work.append(work)
    try:
        yield work
    finally:
        _active_work.remove(work)


@contextmanager
def reported(command: Callable[[], str], say: Callable[[str], object]) -> Iterator[None]:
    """Report how far the innermost work is, after five seconds and then once a minute, while the
    block runs; nothing while a progress bar shows it.

    Args:
        command: returns the command's name, which is reported while no `Work` is going on.
        say: called with each sentence, from another thread.
    """
    ended = threading.Event()
    whole_command = Work("")

    def report() -> None:
        pause = FIRST_SECONDS
        while not ended.wait(pause):
            pause = EVERY_SECONDS
            whole_command.text = command()
            work = _active_work[-1] if _active_work else whole_command
            if not work.is_shown:
                say(work.sentence(time.monotonic()))

    reporter = threading.Thread(target=report, name="report", daemon=True)
    reporter.start()
    try:
        yield
    finally:
        ended.set()
        reporter.join()
