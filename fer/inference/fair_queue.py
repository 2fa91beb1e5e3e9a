"""Fair queue for the networks: one caller at a time, first come, first served, never endless."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from fer import FerError

MOST_WAITING = 32
# How often and for how long `patiently` asks again, in seconds.
AGAIN = 1.0
PATIENCE = 60.0

T = TypeVar("T")


class BusyError(FerError):
    """Too many are waiting already; ask again in a moment."""


class FairQueue:
    """Fair queue of callers, safe between threads.

    Args:
        most_waiting: with so many waiting, who comes now is told that it is busy.
    """

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most = most_waiting
        self._changed = threading.Condition()
        # Whose turn it is, and behind it who waits, in the order of their coming.
        self._queue: deque[object] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        with self._changed:
            return max(len(self._queue) - 1, 0)

    @contextmanager
    def turn(self, *, is_begun: bool = False) -> Iterator[None]:
        """The caller's turn, for as long as the block lasts.

        Args:
            is_begun: the caller goes on with what it had a turn for: it waits like everybody else,
                but is not refused.

        Raises:
            BusyError: at once, if as many as may are waiting.
        """
        mine = object()
        with self._changed:
            if not is_begun and len(self._queue) > self._most:
                raise BusyError("The server is busy with others' images; trying again in a moment.")
            self._queue.append(mine)
            try:
                self._changed.wait_for(lambda: self._queue[0] is mine)
            except BaseException:
                self._leave(mine)
                raise
        try:
            yield
        finally:
            with self._changed:
                self._leave(mine)

    def _leave(self, mine: object) -> None:
        self._queue.remove(mine)
        self._changed.notify_all()


def patiently(
    ask: Callable[[], T],
    busy: Callable[[BusyError], object] | None = None,
    *,
    again: float = AGAIN,
    patience: float = PATIENCE,
) -> T:
    """What `ask` returns, asked again every so many seconds as long as it raises `BusyError`.

    Args:
        busy: told of every refusal before the wait.

    Raises:
        BusyError: if it is still busy after `patience` seconds.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return ask()
        except BusyError as error:
            if time.monotonic() >= end:
                raise
            if busy is not None:
                busy(error)
            time.sleep(again)
