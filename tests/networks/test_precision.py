"""The faster precision is measured, not read off the processor's name."""

from __future__ import annotations

import pytest

from fer.networks import precision


def test_both_precisions_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "CHANNELS", 16)
    found = precision.seconds_of_step()
    assert set(found) == {"float32", "mixed_bfloat16"}
    assert all(0 < seconds < float("inf") for seconds in found.values())


@pytest.mark.parametrize("faster", ["float32", "mixed_bfloat16"])
def test_the_shorter_step_is_the_faster_precision(
    faster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = {"float32": 2.0, "mixed_bfloat16": 2.0}
    monkeypatch.setattr(precision, "lacks_bfloat16", lambda: False)
    monkeypatch.setattr(precision, "seconds_of_step", lambda: {**both, faster: 1.0})
    assert precision.fastest().precision == faster
