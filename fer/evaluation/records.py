"""The records that `fer evaluate` stores besides each model's metrics: the comparison, the
protocols, and how the models do on Training.

Shares are of 1 and intervals are the lower and upper end of 95 %.
"""

from __future__ import annotations

from typing import TypedDict

from fer.artifacts import model_store
from fer.artifacts.records import Accuracy, MadeWith
from fer.artifacts.stored import Stored


class Difference(TypedDict):
    """The gain of the second of two models in a metric on the same images, -1 to 1, with its 95 %
    bootstrap interval over images."""

    gain: float
    gain_interval: list[float]


class PairedGain(Difference):
    """The gain in accuracy as `metrics.compare` measures it, the images that only one, both or none
    gets right, and p of McNemar's exact test."""

    images: int
    both_right: int
    only_baseline_right: int
    only_proposed_right: int
    both_wrong: int
    mcnemar_p: float


class Comparison(TypedDict):
    """`models/comparison.json`: `proposed` against `baseline`. weights_sha256: by model key.
    splits: by name of both test splits."""

    weights_sha256: dict[str, str]
    splits: dict[str, PairedGain]


class ProtocolScores(Accuracy):
    """The scores under one protocol, with the precision (by Keras' name, or "int8") and the commit
    that found them: the protocols of one record may come from several calls."""

    compute_dtype: str
    commit: str


class Protocols(MadeWith):
    """`models/protocols.json`. crop: side in pixels. models: scores by key and protocol."""

    split: str
    crop: int
    models: dict[str, dict[str, ProtocolScores]]


class TrainingFit(MadeWith):
    """`models/training_fit.json`, of `images` of the split's `images_of_split`, drawn with the
    seed, the same share of every class. compute_dtype: Keras' name of the precision."""

    split: str
    images: int
    images_of_split: int
    compute_dtype: str
    models: dict[str, Accuracy]


COMPARISON = Stored(model_store.COMPARISON, Comparison, "fer evaluate")
PROTOCOL_SCORES = Stored(
    model_store.PROTOCOLS, Protocols, "fer evaluate --protocol mirror --protocol ten_crops"
)
TRAINING_FIT = Stored(model_store.TRAINING_FIT, TrainingFit, "fer evaluate --training 1200")
