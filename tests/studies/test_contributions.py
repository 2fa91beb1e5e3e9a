"""The contribution of each ingredient follows the records, whichever way they come out."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from fer.studies import contributions


def ablation(gains: list[float]) -> dict[str, Any]:
    return {
        "runs": [
            {
                "without": "se",
                "gain": {"gain": gain},
                "macro_f1_gain": {"gain": gain / 10},
            }
            for gain in gains
        ]
    }


@pytest.mark.parametrize(
    ("gains", "effect"),
    [
        ([0.020, 0.022, 0.021], "gives"),
        ([-0.020, -0.022, -0.021], "costs"),
        ([0.02, -0.01, 0.001], "unclear"),
        ([0.01, 0.01, 0.01], "gives"),
    ],
)
def test_verdict_on_the_se_block_follows_the_seeds(gains: list[float], effect: str) -> None:
    se = contributions.squeeze_excitation(ablation(gains))
    assert se is not None
    assert (se.seeds, se.gain.effect, se.macro_f1_gain.effect) == (3, effect, effect)
    assert se.gain.gain == pytest.approx(sum(gains) / 3)
    assert se.macro_f1_gain.gain == pytest.approx(sum(gains) / 30)
    assert se.standard_deviation == pytest.approx(statistics.stdev(gains))


def test_two_seeds_say_nothing_about_the_se_block() -> None:
    assert contributions.squeeze_excitation(ablation([0.02, -0.01])) is None


def test_interval_over_seeds_is_students() -> None:
    estimate = contributions.interval_over_seeds([1.0, 2.0, 3.0])
    # t(0.975, 2) = 4.303, standard error 1 / sqrt(3).
    half_width = 4.3027 / 3**0.5
    assert (estimate.low, estimate.high) == pytest.approx((2 - half_width, 2 + half_width), 1e-4)
