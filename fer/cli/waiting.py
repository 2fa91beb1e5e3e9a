"""What a command says while it works: after five seconds that it does, then now and then how far it
is and about how long it will take. A log file tells as much as a progress bar.
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
    """A part of a command that says how far it is.

    done, total: in any unit, total 0 if unknown. is_shown: whether a progress bar shows it. since:
    `time.monotonic()` at its start.
    """

    text: str
    is_shown: bool = False
    done: float = 0.0
    total: float = 0.0
    since: float = field(default_factory=time.monotonic)
    # When its pace begins to count, and what was done then: loading and what a resumed run had done
    # before say nothing of it.
    paced_since: float | None = None
    done_before: float = 0.0

    def reached(self, text: str, done: float, total: float) -> None:
        """Notes how far it is; a part that begins anew has a pace of its own."""
        if total and (self.paced_since is None or done < self.done):
            self.paced_since, self.done_before = time.monotonic(), done
        self.text, self.done, self.total = text, done, total

    def sentence(self, now: float) -> str:
        """How far it is at that time, as "Evaluating: 1,200 of 7,178 after 65 s, about 5 min
        left."."""
        told, passed = f"{self.text}: ", duration(now - self.since)
        if not self.total or self.paced_since is None:
            return f"{told}{passed} so far."
        told += f"{self.done:,.6g} of {self.total:,.6g} after {passed}"
        won = self.done - self.done_before
        left = (now - self.paced_since) * (self.total - self.done) / won if won else 0.0
        return told + (f", about {duration(left)} left." if left else ".")


# Innermost last.
_at_work: list[Work] = []


def duration(seconds: float) -> str:
    """About how long that is, for people: "40 s", "5 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


@contextmanager
def working(work: Work) -> Iterator[Work]:
    """Makes this what is told about until the block ends."""
    _at_work.append(work)
    try:
        yield work
    finally:
        _at_work.remove(work)


@contextmanager
def reported(command: Callable[[], str], say: Callable[[str], object]) -> Iterator[None]:
    """Tells how far the innermost work is, after five seconds and then once a minute, while the
    block runs; nothing while a progress bar shows it.

    Args:
        command: what runs, where no part of it says more.
        say: called from another thread.
    """
    ended = threading.Event()
    whole = Work("")

    def report() -> None:
        pause = FIRST_SECONDS
        while not ended.wait(pause):
            pause = EVERY_SECONDS
            whole.text = command()
            work = _at_work[-1] if _at_work else whole
            if not work.is_shown:
                say(work.sentence(time.monotonic()))

    reporter = threading.Thread(target=report, name="report", daemon=True)
    reporter.start()
    try:
        yield
    finally:
        ended.set()
        reporter.join()
