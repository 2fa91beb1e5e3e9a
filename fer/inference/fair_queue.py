"""Fair queue for the networks: one caller at a time, first come, first served."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class FairQueue:
    """Fair queue of callers, safe between threads.

    A `threading.Lock` keeps no order: a stream of frames that releases it acquires it again before
    a waiting caller wakes up.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # The caller whose turn it is, then those who wait, in order of arrival.
        self._queue: deque[object] = deque()

    @property
    def waiting(self) -> int:
        """The number of callers that wait for their turn."""
        return max(len(self._queue) - 1, 0)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the caller's turn, which lasts as long as the block."""
        caller = object()
        with self._changed:
            self._queue.append(caller)
        try:
            with self._changed:
                self._changed.wait_for(lambda: self._queue[0] is caller)
            yield
        finally:
            with self._changed:
                self._queue.remove(caller)
                self._changed.notify_all()
