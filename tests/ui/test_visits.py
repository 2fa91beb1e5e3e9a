"""Visits are forgotten some minutes after their connection ended, and not before."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import Mock

import pytest
from streamlit import runtime

from fer.ui import visits
from fer.ui.visits import Visits


class Bench:
    """Visits on a clock of their own: over after 180 s, looked at each 60 s."""

    def __init__(self) -> None:
        self.now = 0.0
        self.connected: set[str] = set()
        self.forgotten: list[str] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.visits = Visits(
            self.connected.__contains__,
            self.forgotten.append,
            over=180.0,
            look=60.0,
            clock=lambda: self.now,
            later=lambda seconds, call: self.timers.append((self.now + seconds, call)),
        )

    def come(self, visit: str) -> None:
        self.connected.add(visit)
        self.visits.see(visit)

    def passes(self, seconds: float) -> None:
        end = self.now + seconds
        while self.timers and self.timers[0][0] <= end:
            self.now, call = self.timers.pop(0)
            call()
        self.now = end


def test_a_visit_is_forgotten_only_when_its_browser_has_gone_for_good() -> None:
    bench = Bench()
    bench.come("a")
    bench.passes(3600)
    assert bench.forgotten == []
    bench.connected.clear()
    bench.passes(120)
    assert bench.forgotten == []
    bench.passes(120)
    assert bench.forgotten == ["a"]


def test_a_browser_that_comes_back_begins_anew() -> None:
    bench = Bench()
    bench.come("a")
    bench.passes(60)
    for _ in range(5):
        bench.connected.clear()
        bench.passes(120)
        bench.connected.add("a")
        bench.passes(60)
    assert bench.forgotten == []


def test_one_timer_runs_while_there_are_visits_and_none_afterwards() -> None:
    bench = Bench()
    for visit in "abc":
        bench.come(visit)
        # As each run of a page does.
        bench.come(visit)
    assert len(bench.timers) == 1
    bench.connected.difference_update("ab")
    bench.passes(300)
    assert sorted(bench.forgotten) == ["a", "b"]
    assert len(bench.timers) == 1
    bench.connected.clear()
    bench.passes(300)
    assert sorted(bench.forgotten) == ["a", "b", "c"]
    assert bench.timers == []
    bench.come("d")
    assert len(bench.timers) == 1


@pytest.mark.parametrize("is_active", [True, False])
def test_a_visit_is_connected_while_the_server_says_so(
    is_active: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Mock()
    server.is_active_session.return_value = is_active
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: server)
    assert visits.is_there("a") == is_active
    server.is_active_session.assert_called_once_with("a")


def test_no_visit_is_connected_to_a_server_that_has_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "exists", lambda: False)
    assert not visits.is_there("a")
