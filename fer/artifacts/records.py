"""The records of a trained model, and the provenance of every stored figure.

Shares are of 1 and intervals are the lower and upper end of 95 %, unless a field says otherwise.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class MadeWith(TypedDict):
    """The provenance of figures, as `provenance.record` returns it.

    commit: of the code, 40 hexadecimal digits, with "+" if `fer/` was changed since; outside of
    git, the version. weights_sha256: by model key. versions: by package.
    """

    commit: str
    seed: int
    data_sha256: str
    weights_sha256: dict[str, str]
    versions: dict[str, str]


class ListedFile(TypedDict):
    """A file in `models/manifest.json`, by path below the folder; a text file with Unix line
    ends."""

    bytes: int
    sha256: str


class RunConfig(TypedDict):
    """The run that a model comes from, as `fer publish` records it.

    backbone_sha256: `vgg16.backbone_digest` of the convolutions that the run began from.
    best_val_accuracy: on PublicTest, 0-1, in training. training_seconds: of all epochs. published:
    the day, ISO 8601. parameters: of the whole network, the shared trunk included. versions: by
    package, and Python's.
    """

    seed: int
    data_sha256: str
    backbone_sha256: NotRequired[str | None]
    epochs_run: int
    best_epoch: int
    best_val_accuracy: float
    training_seconds: int
    published: str
    parameters: int
    trainable_parameters: int
    versions: dict[str, str]


class Config(RunConfig):
    """`models/<key>/config.json`. scenario: every hyperparameter, as `Scenario.to_dict` wrote it
    and `Scenario.from_dict` checks it. weights_sha256: of the weights that it belongs to."""

    scenario: dict[str, object]
    weights_sha256: str


class ClassScores(TypedDict):
    """The scores of one emotion. support: images of it."""

    precision: float
    recall: float
    f1: float
    support: int


class Accuracy(TypedDict):
    """The accuracy (top-1) of a model on some images, and its bootstrap interval over images."""

    images: int
    accuracy: float
    accuracy_interval: list[float]
    macro_f1: float


class Scores(Accuracy):
    """Every metric of one model on one split, as `metrics.report` measures it.

    balanced_accuracy, ece: 0-1. log_loss: nats. brier_score: over all seven classes, 0-2.
    per_class: by emotion. confusion: images, (7, 7), a row for each true class and a column for
    each predicted one.
    """

    balanced_accuracy: float
    log_loss: float
    brier_score: float
    ece: float
    per_class: dict[str, ClassScores]
    confusion: list[list[int]]


class SplitScores(Scores):
    """The metrics of calibrated confidences; ece_uncalibrated: that of softmax(logits), 0-1."""

    ece_uncalibrated: float


class Metrics(TypedDict):
    """`models/<key>/metrics.json`, which `fer evaluate` writes.

    data_source: what the data set was imported from, if that was recorded. input_size: pixels a
    side. temperature: the divisor of logits, above 0. ece_bins: how many. splits: by name.
    """

    model: str
    weights_sha256: str
    data_sha256: str
    data_source: NotRequired[str]
    input_size: int
    compute_dtype: str
    temperature: float
    ece_bins: int
    splits: dict[str, SplitScores]
