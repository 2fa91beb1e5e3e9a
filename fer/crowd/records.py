"""The figures of models against people.

Shares are of 1 and intervals are the ends of 95 % bootstraps over images. A majority is that of
`agreement.has_majority`.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from fer.evaluation.calibration import Bin

Yardstick = Literal["label", "label_with_majority", "majority", "others", "voters"]
# The yardsticks of a gain: "others" compares one answer with nine voters, never two answers.
GainYardstick = Literal["label", "label_with_majority", "majority", "voters"]
# A model's figures that are not shares.
CrowdNumber = Literal["divergence", "cross_entropy", "ece_voters", "ece_majority"]


class Proportion(TypedDict):
    """A mean over images, 0-1 (of a gain -1 to 1), and the ends of its interval."""

    share: float
    interval: list[float]


class SideShare(Proportion):
    """Number of a model's errors in which the crowd takes one side, and their share of all."""

    images: int


class Agreement(TypedDict):
    """Rates at which answers agree with the crowd's most frequent one (majority) or that of nine
    voters (others), on images with a majority; with a voter drawn at random (voters), on all."""

    majority: Proportion
    voters: Proportion
    others: Proportion


class HumanAgreement(TypedDict):
    """A voter's agreement with the nine others, on images with a majority, and with another voter,
    on all images."""

    others: Proportion
    voters: Proportion


class ErrorSides(TypedDict):
    """A model's answers that are not the label: their number, and the crowd's sides, if any."""

    images: int
    model: NotRequired[SideShare]
    label: NotRequired[SideShare]
    both: NotRequired[SideShare]
    neither: NotRequired[SideShare]
    no_majority: NotRequired[SideShare]


class ModelAgreement(Agreement):
    """A model against the label and the crowd.

    label: agreement with the label, on all images; label_with_majority: on those with a majority.
    divergence: Kullback-Leibler, of the model from the votes; cross_entropy: with them; both nats.
    ece_voters, ece_majority: 0-1, with the crowd in place of the label. reliability_voters,
    reliability_majority: the bins of confidence behind them.
    """

    label: Proportion
    label_with_majority: Proportion
    divergence: float
    cross_entropy: float
    ece_voters: float
    ece_majority: float
    reliability_voters: list[Bin]
    reliability_majority: list[Bin]
    errors: ErrorSides


class LevelAgreement(TypedDict):
    """A model on the images of one level; majority: only where there is one."""

    voters: Proportion
    label: Proportion
    majority: NotRequired[Proportion]


class Level(TypedDict):
    """Images in which the same number of voters, 0-10, chose the most frequent emotion.
    fer2013_label, human: their agreement with the majority, only where there is one."""

    votes: int
    images: int
    models: dict[str, LevelAgreement]
    fer2013_label: NotRequired[Proportion]
    human: NotRequired[Proportion]


class CrowdSplit(TypedDict):
    """The figures of one split, of its images with votes. levels: from all ten voters down. gain:
    of `proposed` over `baseline`, if both are there."""

    images: int
    images_with_majority: int
    human: HumanAgreement
    fer2013_label: Agreement
    models: dict[str, ModelAgreement]
    levels: list[Level]
    gain: NotRequired[dict[GainYardstick, Proportion]]
