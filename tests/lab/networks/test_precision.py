"""The precision in which a machine trains: told by the processor, or measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer.lab.networks import precision


def test_both_precisions_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "CHANNELS", 16)
    seconds_by_precision = precision.seconds_of_step(is_processor=True)
    assert set(seconds_by_precision) == {"float32", "mixed_bfloat16"}
    assert all(0 < seconds < float("inf") for seconds in seconds_by_precision.values())


@pytest.mark.parametrize(
    ("listed", "lacks"),
    [
        ("flags\t\t: fpu avx avx2\n", True),
        ("flags\t\t: fpu avx2 avx512_bf16 amx_bf16\n", False),
        ("Features\t: fp asimd\n", True),
        ("Features\t: fp asimd bf16\n", False),
        ("", False),
    ],
)
def test_a_processor_without_bfloat16_trains_in_float32_unasked(
    listed: str, lacks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\n{listed}")
    monkeypatch.setattr(precision, "CPU_INFO", info)
    measured = {"float32": 0.2, "mixed_bfloat16": 0.1}
    monkeypatch.setattr(precision, "seconds_of_step", lambda is_processor: measured)
    monkeypatch.setattr("keras.distribution.list_devices", lambda: ["cpu:0"])
    timed = ("mixed_bfloat16", "a step takes 100.0 ms in it here and 200.0 ms in float32")
    untimed = ("float32", "this processor has no instructions for bfloat16")
    assert precision.fastest() == (untimed if lacks else timed)
    # With a GPU the processor's instructions say nothing.
    monkeypatch.setattr("keras.distribution.list_devices", lambda: ["gpu:0"])
    assert precision.fastest() == timed
