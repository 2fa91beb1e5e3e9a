"""The verdict on both scenarios, in figures: the gain and where it comes from, the effects of SE
and augmentation, and how far each model overfits.

It is read from stored records alone; what was not measured is None or empty. Figures are shares of
1 on PrivateTest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from fer.artifacts.records import Metrics
from fer.evaluation.records import Comparison, TrainingFit
from fer.studies import contributions
from fer.studies.contributions import LEVEL, SPLIT, Estimate, SqueezeExcitation
from fer.studies.records import Ablation, Leakage

Overfitting = Literal["none", "mild", "clear"]

# Gaps of accuracy between Training and PrivateTest from which we speak of overfitting. The limits
# are a convention: a gap below five points is hardly more than the interval of a test split.
MILD_GAP = 0.05
CLEAR_GAP = 0.15


@dataclass(frozen=True)
class Fit:
    """A model's accuracy on Training and on PrivateTest, both without augmentation and dropout, and
    their difference."""

    training: float
    private: float
    gap: Estimate

    @property
    def overfitting(self) -> Overfitting:
        """The degree of overfitting, by the gap."""
        if self.gap.gain >= CLEAR_GAP:
            return "clear"
        return "mild" if self.gap.gain >= MILD_GAP else "none"


@dataclass(frozen=True)
class Augmentation:
    """The gain of augmentation in the ablation with McNemar's exact p, and without twins."""

    gain: Estimate
    p: float
    without_twins: Estimate


@dataclass(frozen=True)
class Twins:
    """The PrivateTest images that have an exact or near twin in Training: `images` of `of`, the
    gain on those without, and each model's accuracy on both groups."""

    images: int
    of: int
    gain: Estimate
    with_twin: dict[str, float]
    without_twin: dict[str, float]


@dataclass(frozen=True)
class Verdict:
    """The verdict that every page states.

    helpful: the ingredients beside fine-tuning that raise accuracy in the ablation. fits: by model
    key. training_images: how many Training images the fits were measured on, of how many.
    """

    gain: Estimate | None
    twins: Twins | None
    helpful: tuple[str, ...] | None
    squeeze_excitation: SqueezeExcitation | None
    augmentation: Augmentation | None
    fits: dict[str, Fit]
    training_images: tuple[int, int]


def read(
    metrics: Mapping[str, Metrics],
    comparison: Comparison | None,
    leakage: Leakage | None,
    ablation: Ablation | None,
    fit: TrainingFit | None,
) -> Verdict:
    """Put the records of `fer evaluate`, `fer analyse` and `fer ablate` together."""
    augmentation = None
    if ablation is not None:
        _, run = contributions.runs_with_and_without(ablation, "augmentation")
        augmentation = Augmentation(
            contributions.paired(run["gain"]),
            run["gain"]["mcnemar_p"],
            contributions.paired(run["gain_without_twins"]),
        )
    return Verdict(
        gain=None if comparison is None else contributions.paired(comparison["splits"][SPLIT]),
        twins=None if leakage is None else _twins(leakage),
        helpful=None if ablation is None else _helpful(ablation),
        squeeze_excitation=None if ablation is None else contributions.squeeze_excitation(ablation),
        augmentation=augmentation,
        fits={} if fit is None else _fits(fit, metrics),
        training_images=(0, 0) if fit is None else (fit["images"], fit["images_of_split"]),
    )


def _twins(leakage: Leakage) -> Twins | None:
    gains, models = leakage["gains"].get(SPLIT, {}), leakage["splits"].get(SPLIT, {})
    if not {"with_twin", "without_twin"} <= gains.keys():
        return None
    return Twins(
        images=gains["with_twin"]["images"],
        of=gains["all"]["images"],
        gain=contributions.paired(gains["without_twin"]),
        with_twin={key: groups["with_twin"]["accuracy"] for key, groups in models.items()},
        without_twin={key: groups["without_twin"]["accuracy"] for key, groups in models.items()},
    )


def _helpful(ablation: Ablation) -> tuple[str, ...]:
    """Return the ingredients whose gain has an interval above zero with the record's own seed; that
    of SE over all seeds, if there are enough."""
    gains = {
        run["without"]: contributions.paired(run["gain"])
        for run in contributions.comparable(ablation)
        if run["seed"] == ablation["seed"]
    }
    se = contributions.squeeze_excitation(ablation)
    if se is not None:
        gains["se"] = se.gain
    return tuple(name for name, estimate in gains.items() if estimate.effect == "gives")


def _fits(fit: TrainingFit, metrics: Mapping[str, Metrics]) -> dict[str, Fit]:
    fits = {}
    for key, training in fit["models"].items():
        if key not in metrics or metrics[key]["data_sha256"] != fit["data_sha256"]:
            continue
        private = metrics[key]["splits"][SPLIT]
        # The two accuracies are of different images, so their variances add up.
        variance = sum(
            part["accuracy"] * (1 - part["accuracy"]) / part["images"]
            for part in (training, private)
        )
        half_width = NormalDist().inv_cdf((1 + LEVEL) / 2) * variance**0.5
        gap = training["accuracy"] - private["accuracy"]
        estimate = Estimate(gap, gap - half_width, gap + half_width)
        fits[key] = Fit(training["accuracy"], private["accuracy"], estimate)
    return fits
