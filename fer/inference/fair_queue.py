"""Fair queue for the networks: one caller at a time, first come, first served."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class FairQueue:
    """Fair queue of callers, safe between threads.

    A `threading.Lock` is no queue: a stream of frames that lets go of it has it again before a
    caller who waits wakes up.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # Whose turn it is, and behind it who waits, in the order of their coming.
        self._queue: deque[object] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return max(len(self._queue) - 1, 0)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The caller's turn, for as long as the block lasts."""
        mine = object()
        with self._changed:
            self._queue.append(mine)
        try:
            with self._changed:
                self._changed.wait_for(lambda: self._queue[0] is mine)
            yield
        finally:
            with self._changed:
                self._queue.remove(mine)
                self._changed.notify_all()
