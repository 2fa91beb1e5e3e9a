"""Test-time augmentation: one crop, the mirrored image averaged, ten crops.

Published figures on FER-2013 were found under different protocols, and averaging over views of an
image adds a point by itself; a comparison has to name the one it used.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from fer.artifacts import provenance
from fer.data.dataset import Dataset, Split
from fer.evaluation.calibration import Labels, Probabilities
from fer.evaluation.evaluate import TEST_SPLITS, logits
from fer.evaluation.metrics import CLASSES, accuracy_interval, top1_accuracy
from fer.evaluation.records import Protocols, ProtocolScores
from fer.inference.classification import Classifier, softmax
from fer.progress import Progress, part_of, with_details

# Side of a crop of the 48x48 image: with 44 the face is enlarged by 9 % and moved by at most 4 %,
# both within what training varied.
CROP = 44
SEED = 0


class Protocol(StrEnum):
    """Which views of an image the confidences are averaged over."""

    ONE_CROP = "one_crop"
    MIRROR = "mirror"
    TEN_CROPS = "ten_crops"


PROTOCOLS: tuple[Protocol, ...] = tuple(Protocol)


def views(images: NDArray[np.uint8], protocol: Protocol) -> list[NDArray[np.uint8]]:
    """The views of gray images (n, 48, 48) uint8 that a protocol averages over.

    `one_crop`: the images as they are. `mirror`: these and their mirror images. `ten_crops`: four
    corners and the centre, `CROP` pixels a side, and their mirror images (Krizhevsky et al. 2012,
    section 4.1).
    """
    if protocol is Protocol.ONE_CROP:
        return [images]
    if protocol is Protocol.MIRROR:
        return [images, images[:, :, ::-1]]
    last = images.shape[1] - CROP
    corners = ((0, 0), (0, last), (last, 0), (last, last), (last // 2, last // 2))
    crops = [images[:, top : top + CROP, left : left + CROP] for top, left in corners]
    return [*crops, *(crop[:, :, ::-1] for crop in crops)]


def probabilities(
    classifier: Classifier,
    data: Dataset,
    rows: NDArray[np.int64],
    protocol: Protocol,
    *,
    batch_size: int = 32,
    progress: Progress | None = None,
) -> dict[str, Probabilities]:
    """Each model's calibrated probabilities (m, 7) float64 of those rows, averaged over the views.

    Args:
        progress: called with the views of images that are classified.
    """
    found = views(np.asarray(data.images[rows]), protocol)
    total: dict[str, Probabilities] = {}
    for number, view in enumerate(found):
        whole = len(found) * len(rows)
        told = part_of(progress, number * len(rows), (number + 1) * len(rows), whole)
        answers = logits(classifier, view, np.arange(len(rows)), batch_size, told)
        for key, values in answers.items():
            part = softmax(values / classifier.models[key].temperature) / len(found)
            total[key] = total[key] + part if key in total else part
    return total


def evaluate(
    classifier: Classifier,
    data: Dataset,
    *,
    splits: tuple[Split, ...] = TEST_SPLITS,
    protocols: tuple[Protocol, ...] = PROTOCOLS,
    progress: Progress | None = None,
) -> Protocols:
    """The content of `protocols.json`: every model under every protocol on the test splits.

    Temperatures are those of the stored metrics, fitted on PublicTest with one crop.

    Args:
        progress: called with the views that are done and, as `protocol`, protocol and split.
    """
    found: dict[str, dict[str, dict[str, ProtocolScores]]] = {key: {} for key in classifier.models}
    for protocol in protocols:
        for split in splits:
            rows = data.rows(split)
            labels = data.labels[rows]
            told = with_details(progress, protocol=f"{protocol} {split}")
            for key, values in probabilities(
                classifier, data, rows, protocol, progress=told
            ).items():
                found[key].setdefault(protocol.value, {})[split.value] = summary(labels, values)
    return {
        **provenance.record(data, SEED, classifier.models.values()),
        "compute_dtype": classifier.compute_dtype,
        "crop": CROP,
        "models": found,
    }


def summary(labels: Labels, values: Probabilities) -> ProtocolScores:
    """Images, top-1 accuracy with its 95 % interval, and macro F1."""
    return {
        "images": len(labels),
        "accuracy": top1_accuracy(labels, values),
        "accuracy_interval": accuracy_interval(labels, values),
        "macro_f1": float(
            metrics.f1_score(
                labels, values.argmax(axis=1), labels=CLASSES, average="macro", zero_division=0.0
            )
        ),
    }


def differences(stored: Protocols, now: Protocols, tolerance: float) -> list[str]:
    """One phrase for every stored accuracy that the new ones miss by more than the tolerance."""
    return [
        f"{key} {protocol} {split} accuracy is {row['accuracy']:.4f}, stored {before:.4f}"
        for key, by_protocol in now["models"].items()
        for protocol, by_split in by_protocol.items()
        for split, row in by_split.items()
        if abs((before := stored["models"][key][protocol][split]["accuracy"]) - row["accuracy"])
        > tolerance
    ]
