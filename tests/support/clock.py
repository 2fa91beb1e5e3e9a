"""A clock for what waits: its time passes when a test says so."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """due: at which second each timer calls what."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.due.append((self.now + seconds, call))

    def pass_to(self, end: float, *, is_ringing: bool = True) -> None:
        """Let time pass, and timers call as they become due."""
        while is_ringing and self.due and self.due[0][0] <= end:
            self.now, call = self.due.pop(0)
            call()
        self.now = end
