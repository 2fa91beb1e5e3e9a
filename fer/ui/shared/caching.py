"""The dashboard's caches: what is made of files lives as long as the files are as they were, and
what is made of uploads lives for minutes within a bound of bytes."""

from __future__ import annotations

import ctypes
import gc
import hashlib
import sys
import threading
import time
from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Generic, ParamSpec, TypeVar, cast
from weakref import WeakValueDictionary

P = ParamSpec("P")
T = TypeVar("T")


def file_state(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with a file: inode, time and size; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


class _Memory:
    """Results for one state of the files, each made once however many visitors ask for it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._making: dict[Hashable, threading.RLock] = {}
        self._made: dict[Hashable, object] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the kept value, made now if there is none."""
        with self._guard:
            lock = self._making.setdefault(key, threading.RLock())
        with lock:
            if key not in self._made:
                self._made[key] = make()
            return cast(T, self._made[key])


# Of the newest state alone. Not Streamlit's cache: it takes 0.2 ms to hash a state, and a page asks
# dozens of times.
@lru_cache(maxsize=1)
def _memory(state: Hashable) -> _Memory:
    return _Memory()


_choosing = threading.Lock()


def following(
    state: Callable[[], Hashable],
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator for functions of files: results are kept until the files change, and then
    all of them go together.

    The results are shared by all visitors and read-only. Arguments are hashable and take few
    values: nothing is dropped before the files change.

    Args:
        state: what changes with the files.
    """

    def follow(function: Callable[P, T]) -> Callable[P, T]:
        name = f"{function.__module__}.{function.__qualname__}"

        @wraps(function)
        def kept(*args: P.args, **kwargs: P.kwargs) -> T:
            key = (name, args, tuple(sorted(kwargs.items())))
            with _choosing:
                memory = _memory(state())
            return memory.get(key, lambda: function(*args, **kwargs))

        return kept

    return follow


def call_later(seconds: float, call: Callable[[], None]) -> None:
    """Call a function after that many seconds, in a thread that keeps no process alive."""
    timer = threading.Timer(seconds, call)
    timer.name, timer.daemon = "forget-uploads", True
    timer.start()


class Recent(Generic[T]):
    """Results for the last uploads, shared and read-only; the oldest go first.

    A value goes when its time is over, whether or not anybody asks: Streamlit's caches hold what
    has expired until the next one is written.

    Args:
        most: of the sizes of all values together; a larger value is returned and not kept.
        seconds: how long a value is kept.
        size: of a value; by default each counts as one.
        clock: seconds, as `time.monotonic`.
        later: calls a function after that many seconds, in a thread that keeps no process alive.
    """

    def __init__(
        self,
        most: int,
        seconds: float,
        size: Callable[[T], int] = lambda value: 1,
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], None] = call_later,
    ) -> None:
        self._most, self._seconds, self._size = most, seconds, size
        self._clock, self._later = clock, later
        # Values with the time at which each ends, the first to end first.
        self._kept: dict[Hashable, tuple[T, float]] = {}
        self._is_timed = False
        self._making: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()
        self._guard = threading.Lock()

    def get(self, content: bytes, make: Callable[[], T], *also: Hashable) -> T:
        """Return what is kept of that content, else what `make` returns, once however many ask.

        Args:
            also: what else the value depends on.
        """
        key = (hashlib.sha256(content).hexdigest(), *also)
        with self._guard:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._guard:
                self._expire()
                if key in self._kept:
                    return self._kept[key][0]
            value = make()
            if self._size(value) <= self._most:
                with self._guard:
                    self._kept[key] = value, self._clock() + self._seconds
                    while sum(self._size(kept) for kept, _ in self._kept.values()) > self._most:
                        del self._kept[next(iter(self._kept))]
                    self._set_timer()
            return value

    def _expire(self) -> None:
        now = self._clock()
        self._kept = {key: kept for key, kept in self._kept.items() if kept[1] > now}

    def _set_timer(self) -> None:
        """Start a timer for what ends first, unless one runs."""
        if self._kept and not self._is_timed:
            self._is_timed = True
            self._later(next(iter(self._kept.values()))[1] - self._clock(), self._wake)

    def _wake(self) -> None:
        with self._guard:
            self._is_timed = False
            self._expire()
            self._set_timer()

    def __len__(self) -> int:
        with self._guard:
            return len(self._kept)


def give_back() -> None:
    """Give the system back the memory of what is garbage by now.

    glibc keeps what was freed for the process: after photos, hundreds of megabytes.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            # musl has no such function, nor the need of it.
            trim(0)


def freeze() -> None:
    """Take what is in memory now out of the collections that Streamlit makes after every rerun.

    What was frozen before and is garbage by now, as models that were replaced, goes first: frozen,
    it would stay for good.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
