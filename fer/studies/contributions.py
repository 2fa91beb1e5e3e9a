"""The contribution of each ingredient of `proposed` in the ablation: of the SE block over seeds, of
the others in one pair of trainings. Gains are shares of 1 on PrivateTest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

# Not `scipy.stats`, which takes 50 MB that Home can do without.
from scipy.special import stdtrit

from fer.data.dataset import Split
from fer.evaluation.records import Difference
from fer.studies.records import Ablation, AblationRun

SPLIT = Split.PRIVATE_TEST.value
LEVEL = 0.95
# With two seeds, Student's interval has one degree of freedom and reaches 12.7 standard errors
# either way, which says nothing.
SEEDS_FOR_INTERVAL = 3

Effect = Literal["gives", "costs", "unclear"]


@dataclass(frozen=True)
class Estimate:
    """A gain with its 95% interval."""

    gain: float
    low: float
    high: float

    @property
    def effect(self) -> Effect:
        """The direction of the gain, "unclear" if the interval holds zero."""
        if self.low > 0:
            return "gives"
        return "costs" if self.high < 0 else "unclear"


@dataclass(frozen=True)
class SqueezeExcitation:
    """The gain of the SE block: in accuracy for each seed, and means over seeds with Student's
    interval (n - 1 degrees of freedom)."""

    gains: tuple[float, ...]
    gain: Estimate
    macro_f1_gain: Estimate

    @property
    def seeds(self) -> int:
        """The number of pairs of trainings."""
        return len(self.gains)

    @property
    def standard_deviation(self) -> float:
        """The standard deviation (n - 1) of the gains, which differ in their seeds alone."""
        return float(np.std(self.gains, ddof=1))


def comparable(ablation: Ablation) -> list[AblationRun]:
    """Return the runs whose difference from the full run is the gain of the ingredient left out.

    This leaves out the run without fine-tuning: at the learning rate for fine-tuning, its new head
    has not finished learning within the budget, so the difference includes that, too.
    """
    return [run for run in ablation["runs"] if "gain" in run and run["without"] != "fine_tuning"]


def squeeze_excitation(ablation: Ablation) -> SqueezeExcitation | None:
    """Return the gain of the SE block; None below three seeds, which allow no interval."""
    pairs = [run for run in ablation["runs"] if run["without"] == "se"]
    if len(pairs) < SEEDS_FOR_INTERVAL:
        return None
    return SqueezeExcitation(
        gains=tuple(run["gain"]["gain"] for run in pairs),
        gain=interval_over_seeds([run["gain"]["gain"] for run in pairs]),
        macro_f1_gain=interval_over_seeds([run["macro_f1_gain"]["gain"] for run in pairs]),
    )


def runs_with_and_without(ablation: Ablation, without: str) -> tuple[AblationRun, AblationRun]:
    """Return the runs of the record's own seed with all ingredients and without this one."""
    runs = {run["without"]: run for run in ablation["runs"] if run["seed"] == ablation["seed"]}
    return runs["full"], runs[without]


def interval_over_seeds(gains: Sequence[float]) -> Estimate:
    """Return mean and Student's 95% interval of gains measured with several seeds."""
    mean, error = float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))
    half_width = error * float(stdtrit(len(gains) - 1, (1 + LEVEL) / 2))
    return Estimate(mean, mean - half_width, mean + half_width)


def paired(record: Difference) -> Estimate:
    """Return the gain of one model over another on the same images."""
    low, high = record["gain_interval"]
    return Estimate(record["gain"], low, high)
