"""The records of the studies in `models/analysis/`: of `fer analyse`, and `ablation.json`.

Shares, accuracies, F1 and calibration errors are of 1; intervals are the ends of 95 % bootstraps
over images. Importing this module is cheap.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict, TypeVar

from fer.artifacts import model_store
from fer.artifacts.records import Accuracy, ClassScores, MadeWith
from fer.artifacts.stored import Stored
from fer.evaluation.records import Difference, PairedGain

T = TypeVar("T")


class RegionShare(TypedDict):
    """A region's mean share of the Grad-CAM mass, 0-1, or the difference of two models' shares.
    ratio: of this share to the region's share of the area; missing from a difference."""

    share: float
    interval: list[float]
    ratio: NotRequired[float]


class ModelRegions(TypedDict):
    """The regions where a model looks, by `regions.REGIONS`, per class by true emotion; empty if
    every map is blank. blank: share of images whose map is."""

    blank: float
    all: dict[str, RegionShare]
    per_class: dict[str, dict[str, RegionShare]]


class RegionFigures(TypedDict):
    """The figures of `attention.study`. landmarks_detected: in what share of the images. area:
    share of the face by region. proposed_minus_baseline: by region, where both models are there."""

    split: str
    layer: str
    explained: str
    images: int
    landmarks_detected: float
    area: dict[str, float]
    models: dict[str, ModelRegions]
    proposed_minus_baseline: NotRequired[dict[str, RegionShare]]


class Regions(MadeWith, RegionFigures):
    """`analysis/regions.json`: how much of Grad-CAM lies on eyes, mouth and the rest."""


class Cascade(TypedDict):
    """Rank correlation (Spearman, -1 to 1) with the trained network's maps after each stage."""

    mean: list[float]
    standard_deviation: list[float]


class SanityFigures(TypedDict):
    """The figures of `attention.sanity`. stages: the layers that are randomised, from the output
    down, each on top of the one before."""

    images: int
    stages: list[str]
    models: dict[str, Cascade]


class Sanity(MadeWith, SanityFigures):
    """`analysis/sanity.json`: how far the maps depend on what was learnt."""


class Patch(TypedDict):
    """An image that drives a channel hardest: its source and true emotion, and where the channel's
    strongest cell begins, as shares of the side."""

    source: str
    label: str
    top: float
    left: float


class Channel(TypedDict):
    """A channel of the SE block, 0-511. contrast: how many standard deviations its gate lies above
    that of all images."""

    channel: int
    contrast: float
    patches: list[Patch]


class GateScores(TypedDict):
    """How well the model does with changed gates. gain: of the gates' own values over the changed
    ones; missing for the own values."""

    accuracy: float
    accuracy_interval: list[float]
    macro_f1: float
    ece: float
    gain: NotRequired[PairedGain]


class GateFigures(TypedDict):
    """The figures of `se_gates.study` on the 512 gates, each 0-1.

    sources_sha256: of the images' names, in their order. public_mean: over PublicTest, (512,).
    mean, standard_deviation: over images, (512,). classes: mean by true class, (7, 512).
    explained: share of each gate's variance that the class accounts for, (512,). channels: the ones
    that open most, by emotion. ablation: with the gates as they are (`own`), at their `mean` over
    PublicTest, and at `ones`. answers: for every image in these settings, as
    `turned_gates.packed_answers`.
    """

    split: str
    images: int
    sources_sha256: str
    public_mean: list[float]
    mean: list[float]
    standard_deviation: list[float]
    classes: list[list[float]]
    explained: list[float]
    channels: dict[str, list[Channel]]
    ablation: dict[str, GateScores]
    answers: dict[str, str]


class Gates(MadeWith, GateFigures):
    """`analysis/gates.json`: what the SE block does."""


class SampleAccuracy(TypedDict):
    """Top-1 accuracy on the sample and its interval, 0-1."""

    accuracy: float
    interval: list[float]


class Strength(TypedDict):
    """Every model under one strength of a corruption, which counts in the corruption's unit."""

    strength: float
    models: dict[str, SampleAccuracy]


class CorruptionFigures(TypedDict):
    """A corruption from mild to strong. unit: what its strengths count."""

    unit: str
    results: list[Strength]


class RobustnessFigures(TypedDict):
    """The figures of `robustness.study`; clean: by model key, corruptions: by key. backend: `fast`
    or `reference`."""

    split: str
    images: int
    backend: str
    clean: dict[str, SampleAccuracy]
    corruptions: dict[str, CorruptionFigures]


class Robustness(MadeWith, RobustnessFigures):
    """`analysis/robustness.json`: accuracy on spoilt faces."""


class GroupAccuracy(SampleAccuracy):
    """Top-1 accuracy on a group of images, and their number."""

    images: int


class LeakageFigures(TypedDict):
    """Accuracies by test split, model key and group, and the gains of `proposed` over `baseline` by
    split and group: `all` images, those `with_twin` in Training and those `without_twin`."""

    splits: dict[str, dict[str, dict[str, GroupAccuracy]]]
    gains: dict[str, dict[str, PairedGain]]


class Leakage(MadeWith, LeakageFigures):
    """`analysis/leakage.json`: accuracy without the test images that also stand in Training."""


class ModelMap(TypedDict):
    """A model's map. coordinates: as `feature_map.packed`. trustworthiness: 0-1. variance_kept: by
    the components that t-SNE was given, 0-1."""

    coordinates: str
    trustworthiness: float
    variance_kept: float


class MapFigures(TypedDict):
    """The figures of `feature_map.study`. sources_sha256: of the images' names, in their order.
    neighbours: of which trustworthiness asks."""

    split: str
    images: int
    sources_sha256: str
    neighbours: int
    models: dict[str, ModelMap]


class FeatureMap(MadeWith, MapFigures):
    """`analysis/map.json`: the places of the test images, like features beside each other."""


class RunScores(Accuracy):
    """The scores of a run's best epoch on PrivateTest, not calibrated; log_loss in nats."""

    log_loss: float
    ece: float
    per_class: dict[str, ClassScores]
    mean_confidence: float


class AblationRun(TypedDict):
    """A training without one ingredient (`full`: without none), and the scores of its best epoch.

    compute_dtype: Keras' name of the precision. public_accuracy, training_accuracy: as Keras
    measured them. seconds: of all epochs. gain: in accuracy, of putting the ingredient back, with
    the same seed; gain_without_twins: on the images without a twin in Training.
    """

    without: str
    seed: int
    compute_dtype: str
    public_accuracy: float
    training_accuracy: float
    best_epoch: int
    private: RunScores
    seconds: int
    gain: NotRequired[PairedGain]
    gain_without_twins: NotRequired[PairedGain]
    macro_f1_gain: NotRequired[Difference]


class Budget(TypedDict):
    """The phase that every run is trained for, as `scenarios.Phase`."""

    image_size: int
    epochs: int
    learning_rate: float
    batch_size: int
    final_learning_rate: float
    warmup_steps: int
    images_per_epoch: int | None


class Ablation(MadeWith):
    """`analysis/ablation.json`, once all runs are done; passes: over Training, of every run."""

    budget: Budget
    passes: float
    runs: list[AblationRun]


def _stored_study(study: str, record: type[T]) -> Stored[T]:
    return Stored(f"{model_store.ANALYSIS}/{study}.json", record, f"fer analyse --only {study}")


REGION_SHARES = _stored_study("regions", Regions)
SANITY = _stored_study("sanity", Sanity)
GATES = _stored_study("gates", Gates)
ROBUSTNESS = _stored_study("robustness", Robustness)
LEAKAGE = _stored_study("leakage", Leakage)
FEATURE_MAP = _stored_study("map", FeatureMap)
ABLATION = Stored(f"{model_store.ANALYSIS}/ablation.json", Ablation, "fer ablate")
