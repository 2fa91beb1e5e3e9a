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
from fer.lab.evaluation.evaluate import figure_differences, logits
from fer.progress import Progress, part_of, with_details

SEED = 0


def views(images: NDArray[np.uint8], protocol: Protocol) -> list[NDArray[np.uint8]]:
    """Return the views of gray images (n, 48, 48) uint8 that a protocol averages over.

    `one_crop`: the images as they are. `mirror`: the images and their mirror images. `ten_crops`:
    four corners and the centre, `CROP` pixels a side, and their mirror images (Krizhevsky et al.
    2012, section 4.1).
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
    progress: Progress | None = None,
) -> dict[str, Probabilities]:
    """Return each model's calibrated probabilities (n, 7) float64 of gray images (n, 48, 48) uint8,
    averaged over the views.

    Args:
        known: every model's probabilities for the images as they are, which are then not computed
            again.
        progress: called with the views of images that are classified.
    """
    all_views = views(images, protocol)
    mean: dict[str, Probabilities] = {}
    for number, view in enumerate(all_views):
        if known is not None and view is images:
            view_answers = known
        else:
            start, stop = number * len(images), (number + 1) * len(images)
            part = part_of(progress, start, stop, len(all_views) * len(images))
            view_answers = {
                key: softmax(values, classifier.models[key].temperature)
                for key, values in logits(classifier, view, part).items()
            }
        for key, values in view_answers.items():
            mean[key] = mean.get(key, 0.0) + values / len(all_views)
    return mean


def evaluate(
    classifier: Classifier,
    data: Dataset,
    *,
    protocols: Sequence[Protocol] = AVERAGING,
    progress: Progress | None = None,
    on_protocol: Callable[[Protocols], None] | None = None,
) -> Protocols:
    """Return the content of `protocols.json`: the scores of the classifier's models on PrivateTest,
    the split on which others report theirs.

    Temperatures are the stored metrics', fitted on PublicTest with one crop.

    Args:
        progress: called with the number of classified views and the name of the `protocol`.
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
    # Only these views include the uncropped images, whose answers are stored.
    uses_whole_images = {Protocol.ONE_CROP, Protocol.MIRROR} & set(protocols)
    stored = _stored_answers(classifier, data) if uses_whole_images else None
    for protocol in protocols:
        averaged = probabilities(
            classifier,
            images,
            protocol,
            known=stored,
            progress=with_details(progress, protocol=protocol.value),
        )
        for key, values in averaged.items():
            record["models"][key][protocol.value] = {
                **summary(labels, values),
                "compute_dtype": classifier.compute_dtype,
                "commit": record["commit"],
            }
        if on_protocol is not None:
            on_protocol(record)
    return record


def _stored_answers(classifier: Classifier, data: Dataset) -> dict[str, Probabilities] | None:
    """Return the stored probabilities (n, 7) for PrivateTest, by model key; None unless every model
    has some, computed on the same data in the classifier's precision."""
    answers = {}
    for key, model in classifier.models.items():
        stored = model.metrics
        # Equal names are no proof: the rows of every table are numbered alike.
        if stored is None or (stored["compute_dtype"], stored["data_sha256"]) != (
            classifier.compute_dtype,
            data.digest,
        ):
            return None
        answers[key] = model.predictions().of(SPLIT).probabilities
    return answers


def merged(stored: Protocols | None, new: Protocols, digests: Mapping[str, str]) -> Protocols:
    """Return the new record with the stored scores of other models and protocols added.

    Stored scores are kept if they were measured on the same images with the weights of `digests`
    (by model key), so that an hour of work may be spread over several calls and machines.
    """
    if stored is None or (stored["data_sha256"], stored["split"], stored["crop"]) != (
        new["data_sha256"],
        new["split"],
        new["crop"],
    ):
        return new
    weights = {
        key: digest
        for key, digest in stored["weights_sha256"].items()
        if digests.get(key) == digest
    }
    models = {key: rows for key, rows in stored["models"].items() if key in weights}
    for key, rows in new["models"].items():
        models[key] = {**models.get(key, {}), **rows}
    weights |= new["weights_sha256"]
    return {**new, "weights_sha256": weights, "models": models}


def summary(labels: Labels, values: Probabilities) -> Accuracy:
    """Return the number of images, top-1 accuracy with its 95 % interval, and macro F1."""
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


def differences(stored: Protocols, new: Protocols, tolerance: float) -> list[str]:
    """Return a phrase for every new accuracy that is not stored for these weights, or that differs
    from the stored one by more than the tolerance."""
    stored_figures, new_figures = (
        {
            f"{key} {protocol} accuracy": row["accuracy"]
            for key, rows in record["models"].items()
            if record["weights_sha256"][key] == new["weights_sha256"].get(key)
            for protocol, row in rows.items()
        }
        for record in (stored, new)
    )
    return figure_differences(stored_figures, new_figures, tolerance)
