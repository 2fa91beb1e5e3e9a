"""Test-time augmentation: one crop, the mirrored image averaged, ten crops.

Published figures on FER-2013 were found under different protocols, and averaging over views of an
image changes accuracy by itself; a comparison has to name the one it used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from fer.artifacts.records import Accuracy
from fer.data.dataset import Dataset
from fer.evaluation.calibration import Labels, Probabilities
from fer.evaluation.metrics import CLASSES, accuracy_interval, top1_accuracy
from fer.evaluation.protocols import AVERAGING, CROP, SPLIT, Protocol
from fer.evaluation.records import Protocols
from fer.inference.calibrate import softmax
from fer.inference.classification import Classifier
from fer.lab import provenance
from fer.lab.evaluation.evaluate import logits
from fer.progress import Progress, part_of, with_details

SEED = 0


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
    images: NDArray[np.uint8],
    protocol: Protocol,
    *,
    known: dict[str, Probabilities] | None = None,
    batch_size: int = 32,
    progress: Progress | None = None,
) -> dict[str, Probabilities]:
    """Each model's calibrated probabilities (n, 7) float64 of gray images (n, 48, 48) uint8,
    averaged over the views.

    Args:
        known: every model's probabilities for the images as they are, which are then not asked for
            again.
        progress: called with the views of images that are classified.
    """
    found = views(images, protocol)
    total: dict[str, Probabilities] = {}
    for number, view in enumerate(found):
        whole = len(found) * len(images)
        told = part_of(progress, number * len(images), (number + 1) * len(images), whole)
        if known is not None and view is images:
            parts = known
        else:
            answers = logits(classifier, view, np.arange(len(images)), batch_size, told)
            parts = {
                key: softmax(values, classifier.models[key].temperature)
                for key, values in answers.items()
            }
        for key, part in parts.items():
            total[key] = total.get(key, 0.0) + part / len(found)
    return total


def evaluate(
    classifier: Classifier,
    data: Dataset,
    *,
    protocols: Sequence[Protocol] = AVERAGING,
    progress: Progress | None = None,
    on_protocol: Callable[[Protocols], None] | None = None,
) -> Protocols:
    """The content of `protocols.json`: the models of the classifier on PrivateTest, which is what
    others report.

    Temperatures are those of the stored metrics, fitted on PublicTest with one crop.

    Args:
        progress: called with the views that are done and the name of the `protocol`.
        on_protocol: called with the record so far after each protocol.
    """
    rows = data.rows(SPLIT)
    images, labels = np.asarray(data.images[rows]), data.labels[rows]
    record: Protocols = {
        **provenance.record(data, SEED, classifier.models.values()),
        "split": SPLIT.value,
        "crop": CROP,
        "models": {key: {} for key in classifier.models},
    }
    # Crops are other images than those whose answers are stored.
    whole = {Protocol.ONE_CROP, Protocol.MIRROR} & set(protocols)
    stored = _stored_answers(classifier, data) if whole else None
    for protocol in protocols:
        found = probabilities(
            classifier,
            images,
            protocol,
            known=stored,
            progress=with_details(progress, protocol=protocol.value),
        )
        for key, values in found.items():
            record["models"][key][protocol.value] = {
                **summary(labels, values),
                "compute_dtype": classifier.compute_dtype,
                "commit": record["commit"],
            }
        if on_protocol is not None:
            on_protocol(record)
    return record


def _stored_answers(classifier: Classifier, data: Dataset) -> dict[str, Probabilities] | None:
    """What `fer evaluate` stored of these images, computed as the classifier computes; None unless
    every model has it."""
    found = {}
    for key, model in classifier.models.items():
        made = model.metrics
        # Names alone do not tell: every table's rows are numbered alike.
        if made is None or (made["compute_dtype"], made["data_sha256"]) != (
            classifier.compute_dtype,
            data.digest,
        ):
            return None
        found[key] = model.predictions().of(SPLIT).probabilities
    return found


def merged(stored: Protocols | None, now: Protocols, digests: Mapping[str, str]) -> Protocols:
    """The new record with what is stored of other models and protocols, as far as it was found with
    the weights of these digests, by model key, and on the same images.

    So that an hour of work may be spread over several calls, and over machines.
    """
    if stored is None or (stored["data_sha256"], stored["split"], stored["crop"]) != (
        now["data_sha256"],
        now["split"],
        now["crop"],
    ):
        return now
    weights = {
        key: digest
        for key, digest in stored["weights_sha256"].items()
        if digests.get(key) == digest
    }
    kept = {key: stored["models"][key] for key in weights}
    return {
        **now,
        "weights_sha256": {**weights, **now["weights_sha256"]},
        "models": {
            key: {**kept.get(key, {}), **now["models"].get(key, {})}
            for key in {**kept, **now["models"]}
        },
    }


def summary(labels: Labels, values: Probabilities) -> Accuracy:
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
    """One phrase for every new accuracy that is not stored of these weights, or that the stored one
    misses by more than the tolerance."""
    problems = []
    for key, by_protocol in now["models"].items():
        fits = stored["weights_sha256"].get(key) == now["weights_sha256"][key]
        known = stored["models"].get(key, {}) if fits else {}
        for protocol, row in by_protocol.items():
            before = known.get(protocol)
            if before is None:
                problems.append(f"{key} {protocol} is not stored")
            elif abs(before["accuracy"] - row["accuracy"]) > tolerance:
                problems.append(
                    f"{key} {protocol} accuracy is {row['accuracy']:.4f}, "
                    f"stored {before['accuracy']:.4f}"
                )
    return problems
