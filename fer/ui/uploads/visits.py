"""Visits, forgotten when they are over with what was uploaded in them, on a quiet server too.

Streamlit keeps a visit for two minutes after its connection ended, so that a browser may come back,
and lets go of it when another visitor comes or goes: where nobody does, not for days. It has no
public way to ask which visit this is or to end one, see
https://github.com/streamlit/streamlit/issues/9218 and
https://github.com/streamlit/streamlit/issues/10041: what of it is Streamlit's own is used in this
module alone, and a test holds it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from streamlit import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer.ui.shared import caching

# Longer than Streamlit lets a browser come back.
OVER_SECONDS = 180.0
LOOK_SECONDS = 60.0


class Visits:
    """The visits of a server, each forgotten some minutes after its connection ended.

    Args:
        is_connected: whether a visit has a connection.
        forget: lets go of what belongs to a visit that is over.
        over: seconds without a connection after which a visit is over.
        look: seconds between two looks at the connections.
        clock: seconds, as `time.monotonic`.
        later: calls a function after that many seconds, in a thread that keeps no process alive.
    """

    def __init__(
        self,
        is_connected: Callable[[AppSession], bool],
        forget: Callable[[AppSession], None],
        *,
        over: float,
        look: float,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], None] = caching.call_later,
    ) -> None:
        self._is_connected, self._forget = is_connected, forget
        self._over, self._pause = over, look
        self._clock, self._later = clock, later
        # When each had a connection last.
        self._connected: dict[AppSession, float] = {}
        self._guard = threading.Lock()

    def see(self, visit: AppSession) -> None:
        """Note that the visit has a connection now."""
        with self._guard:
            is_first = not self._connected
            self._connected[visit] = self._clock()
        if is_first:
            self._later(self._pause, self._look)

    def _look(self) -> None:
        now = self._clock()
        with self._guard:
            for visit in self._connected:
                if self._is_connected(visit):
                    self._connected[visit] = now
            over = [visit for visit, at in self._connected.items() if now - at >= self._over]
            for visit in over:
                del self._connected[visit]
            are_left = bool(self._connected)
        if are_left:
            self._later(self._pause, self._look)
        for visit in over:
            self._forget(visit)


def is_there(visit: str) -> bool:
    """Return whether there is a visit of that id, and it has a connection."""
    # A server that has stopped has no connections.
    return runtime.exists() and runtime.get_instance().is_active_session(visit)


def current() -> str:
    """Return the id of the visit whose page runs; of no visit outside of one."""
    run = get_script_run_ctx(suppress_warning=True)
    return "none" if run is None else run.session_id


_visits: Visits | None = None
_making = threading.Lock()


def forget_when_over(forget: Callable[[str], None]) -> None:
    """Forget what belongs to this visit some minutes after its browser has gone.

    Args:
        forget: lets go of what there is of a visit of that id besides Streamlit's.
    """
    global _visits
    if not runtime.exists():
        return
    visit = runtime.get_instance().get_app_session(current())

    def forget_all(visit: AppSession) -> None:
        forget(visit.id)
        # Streamlit's loop waits for the next visitor with the last one's session at hand.
        visit.shutdown()
        visit.session_state.clear()
        # Fragments hold what they were called with, the webcam's the last frame.
        visit._fragment_storage.clear()
        # Streamlit collects garbage after a page has run, and none may run for days.
        caching.give_back()

    with _making:
        if _visits is None:
            _visits = Visits(
                lambda visit: is_there(visit.id), forget_all, over=OVER_SECONDS, look=LOOK_SECONDS
            )
    if visit is not None:
        _visits.see(visit)
