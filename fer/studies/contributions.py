"""The contribution of each ingredient of `proposed` in the ablation: of the SE block over seeds, of
class weights to the rarest emotion, of label smoothing to confidence, of augmentation to the fit.

Gains are shares of 1 on PrivateTest.
"""

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
    gain_without_twins: Estimate
    macro_f1_gain: Estimate

    @property
    def seeds(self) -> int:
        """The number of pairs of trainings."""
        return len(self.gains)

    @property
    def standard_deviation(self) -> float:
        """The standard deviation (n - 1) of the gains, which differ in their seeds alone."""
        return float(np.std(self.gains, ddof=1))


@dataclass(frozen=True)
class RareEmotion:
    """The effect of class weights on the emotion with the fewest images, in one pair of trainings.

    found: how many of its `images` were recognised. right: the share of the answers with this
    emotion that was right, 0-1.
    """

    emotion: str
    images: int
    found_with: int
    found_without: int
    right_with: float
    right_without: float


@dataclass(frozen=True)
class Confidence:
    """A model's mean confidence on PrivateTest, not calibrated, the accuracy that it should equal,
    and the ECE."""

    mean: float
    accuracy: float
    ece: float


@dataclass(frozen=True)
class Smoothing:
    """The effect of label smoothing on confidence, in one pair of trainings."""

    smoothed: Confidence
    without: Confidence


@dataclass(frozen=True)
class Fit:
    """The fit of a training: accuracy on Training, as Keras measured it while the network learnt
    (augmented where the run augments, dropout active), and on PrivateTest; the epoch, from 1, that
    is best on PublicTest."""

    training: float
    private: float
    best_epoch: int


@dataclass(frozen=True)
class Regularisation:
    """The effect of augmentation on overfitting, in one pair of trainings, with its gain in
    accuracy, also on the images without a twin in Training."""

    augmented: Fit
    plain: Fit
    gain: float
    gain_without_twins: float


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
        gain_without_twins=interval_over_seeds(
            [run["gain_without_twins"]["gain"] for run in pairs]
        ),
        macro_f1_gain=interval_over_seeds([run["macro_f1_gain"]["gain"] for run in pairs]),
    )


def rare_emotion(ablation: Ablation) -> RareEmotion:
    """Compare the runs with and without class weights, of the record's own seed."""
    full, without = (
        run["private"]["per_class"] for run in runs_with_and_without(ablation, "class_weights")
    )
    emotion = min(full, key=lambda key: full[key]["support"])
    images = full[emotion]["support"]
    return RareEmotion(
        emotion=emotion,
        images=images,
        found_with=round(images * full[emotion]["recall"]),
        found_without=round(images * without[emotion]["recall"]),
        right_with=full[emotion]["precision"],
        right_without=without[emotion]["precision"],
    )


def smoothing(ablation: Ablation) -> Smoothing:
    """Compare the runs with and without label smoothing, of the record's own seed."""
    runs = (run["private"] for run in runs_with_and_without(ablation, "label_smoothing"))
    return Smoothing(
        *(Confidence(run["mean_confidence"], run["accuracy"], run["ece"]) for run in runs)
    )


def regularisation(ablation: Ablation) -> Regularisation:
    """Compare the runs with and without augmentation, of the record's own seed."""
    runs = runs_with_and_without(ablation, "augmentation")
    augmented, plain = (
        Fit(run["training_accuracy"], run["private"]["accuracy"], run["best_epoch"]) for run in runs
    )
    gain, without_twins = runs[1]["gain"], runs[1]["gain_without_twins"]
    return Regularisation(augmented, plain, gain["gain"], without_twins["gain"])


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
