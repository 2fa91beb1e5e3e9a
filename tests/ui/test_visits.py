"""Visits are forgotten some minutes after their connection ended, and not before."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from streamlit import runtime

from fer.ui.uploads import visits
from fer.ui.uploads.visits import Visits
from tests.support.clock import Clock


class Bench:
    """Visits on a clock of their own: over after 180 s, looked at each 60 s."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.connected: set[str] = set()
        self.forgotten: list[str] = []
        self.visits = Visits(
            *(self.connected.__contains__, self.forgotten.append),
            over=180.0,
            look=60.0,
            clock=lambda: self.clock.now,
            later=self.clock.later,
        )

    def come(self, visit: str) -> None:
        self.connected.add(visit)
        self.visits.see(visit)

    def passes(self, seconds: float) -> None:
        self.clock.pass_to(self.clock.now + seconds)


def test_a_visit_is_forgotten_only_when_its_browser_has_gone_for_good() -> None:
    bench = Bench()
    bench.come("a")
    bench.passes(3600)
    # A browser that comes back begins anew.
    for _ in range(5):
        bench.connected.clear()
        bench.passes(120)
        bench.connected.add("a")
        bench.passes(60)
    assert bench.forgotten == []
    bench.connected.clear()
    bench.passes(120)
    assert bench.forgotten == []
    bench.passes(120)
    assert bench.forgotten == ["a"]


def test_one_timer_runs_while_there_are_visits_and_none_afterwards() -> None:
    bench = Bench()
    # Twice each, as each run of a page does.
    for visit in "abcabc":
        bench.come(visit)
    assert len(bench.clock.due) == 1
    bench.connected.difference_update("ab")
    bench.passes(300)
    assert sorted(bench.forgotten) == ["a", "b"]
    assert len(bench.clock.due) == 1
    bench.connected.clear()
    bench.passes(300)
    assert bench.clock.due == []
    bench.come("d")
    assert len(bench.clock.due) == 1


def test_a_visit_is_connected_while_a_running_server_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for is_running, is_active in ((True, True), (True, False), (False, True)):
        server = Mock(**{"is_active_session.return_value": is_active})
        monkeypatch.setattr(runtime, "exists", Mock(return_value=is_running))
        monkeypatch.setattr(runtime, "get_instance", Mock(return_value=server))
        assert visits.is_there("a") == (is_running and is_active)
