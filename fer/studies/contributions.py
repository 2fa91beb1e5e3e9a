"""What gives the gain of `proposed`, read from the stored studies: the ingredient that gives most,
and what the SE block gives, with its uncertainty, with and without duplicates.

Gains are shares of 1 on PrivateTest. A part that was not studied is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

# Not `scipy.stats`, which takes 50 MB that Home can do without.
from scipy.special import stdtrit

from fer.data.dataset import Split

SPLIT = Split.PRIVATE_TEST.value
LEVEL = 0.95

Effect = Literal["gives", "costs", "unclear"]


@dataclass(frozen=True)
class Estimate:
    """A gain with its 95% interval."""

    gain: float
    low: float
    high: float

    @property
    def effect(self) -> Effect:
        """What the interval allows to say."""
        if self.low > 0:
            return "gives"
        return "costs" if self.high < 0 else "unclear"


@dataclass(frozen=True)
class SqueezeExcitation:
    """What the SE block gives: trained with and without it, with `seeds` seeds.

    The interval over seeds is Student's (n - 1 degrees of freedom); `gates` is what the gates' own
    values give over their mean in the published model, its interval over images.
    """

    seeds: int
    over_seeds: Estimate
    over_seeds_without_twins: Estimate | None
    gates: Estimate | None


@dataclass(frozen=True)
class Contributions:
    """The gain of the published models, the ingredient that gives most in the ablation, and SE."""

    gain: Estimate | None
    gain_without_twins: Estimate | None
    largest: tuple[str, Estimate] | None
    squeeze_excitation: SqueezeExcitation | None


def read(
    comparison: Mapping[str, Any] | None,
    leakage: Mapping[str, Any] | None,
    ablation: Mapping[str, Any] | None,
    gates: Mapping[str, Any] | None,
) -> Contributions:
    """Puts the records of `fer evaluate`, `fer analyse` and `fer ablate` together."""
    gains = (leakage or {}).get("gains", {}).get(SPLIT, {})
    ingredients = {
        run["without"]: _paired(run["gain"])
        for run in (ablation or {}).get("runs", ())
        if "gain" in run and run["seed"] == (ablation or {})["seed"]
    }
    return Contributions(
        gain=None if comparison is None else _paired(comparison["splits"][SPLIT]),
        gain_without_twins=_paired(gains["without_twin"]) if "without_twin" in gains else None,
        largest=max(ingredients.items(), key=lambda found: found[1].gain) if ingredients else None,
        squeeze_excitation=_squeeze_excitation(ablation, gates),
    )


def _squeeze_excitation(
    ablation: Mapping[str, Any] | None, gates: Mapping[str, Any] | None
) -> SqueezeExcitation | None:
    repeated = (ablation or {}).get("repeated", {}).get("se")
    if repeated is None:
        return None
    over_seeds = interval_over_seeds(repeated["gains"])
    if over_seeds is None:
        return None
    return SqueezeExcitation(
        seeds=len(repeated["gains"]),
        over_seeds=over_seeds,
        over_seeds_without_twins=interval_over_seeds(repeated.get("gains_without_twins", ())),
        gates=None if gates is None else _paired(gates["ablation"]["mean"]["gain"]),
    )


def interval_over_seeds(gains: Sequence[float]) -> Estimate | None:
    """Mean and Student's 95% interval of gains found with several seeds; None below two."""
    if len(gains) < 2:
        return None
    mean, error = float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))
    reach = error * float(stdtrit(len(gains) - 1, (1 + LEVEL) / 2))
    return Estimate(mean, mean - reach, mean + reach)


def _paired(record: Mapping[str, Any]) -> Estimate:
    low, high = record["gain_interval"]
    return Estimate(float(record["gain"]), float(low), float(high))
