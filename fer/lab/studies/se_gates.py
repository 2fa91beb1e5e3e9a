"""The gates of the SE block: how the 512 depend on the expression, and whether that matters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.artifacts.model_store import Artifact
from fer.data.dataset import Dataset, Split
from fer.evaluation import metrics
from fer.inference.calibrate import softmax
from fer.inference.gradcam import Explainer
from fer.inference.heads import Head
from fer.progress import Progress, part_of
from fer.studies import turned_gates
from fer.studies.feature_map import digest_of
from fer.studies.records import Channel, GateFigures, GateScores

BATCH = 32
# Number of channels shown for each emotion, those that open most for it, and of images for each.
CHANNELS = 4
PATCHES = 6


def study(
    data: Dataset,
    explainer: Explainer,
    model: Artifact,
    *,
    seed: int,
    progress: Progress | None = None,
) -> GateFigures:
    """Measure the gates of the SE block over PrivateTest by class, and the loss from fixing them.

    `explained` is eta squared. `channels`: for each emotion those whose mean gate for it lies most
    standard deviations above that of all images, each with the images that drive it hardest.
    """
    head = explainer.heads[model.key]
    public, private = data.rows(Split.PUBLIC_TEST), data.rows(Split.PRIVATE_TEST)
    public_count, total = len(public), len(public) + len(private)
    reference_gates, _, _, _ = _measure_channels(
        data, explainer, model.key, public, part_of(progress, 0, public_count, total), {}
    )
    # From PublicTest, so that the ablation learns nothing from the images that it is measured on.
    public_mean = _rounded(reference_gates.mean(axis=0))
    heads = {
        "own": head,
        "mean": head.with_fixed_gates(turned_gates.fixed_gates("mean", public_mean)),
        "ones": head.with_fixed_gates(turned_gates.fixed_gates("ones", public_mean)),
    }
    gates, maxima, positions, logits = _measure_channels(
        data, explainer, model.key, private, part_of(progress, public_count, total, total), heads
    )
    labels = data.labels[private]
    classes, explained, contrast = _by_class(gates, labels)
    return {
        "split": Split.PRIVATE_TEST.value,
        "images": len(private),
        "sources_sha256": digest_of(data.sources[private]),
        "public_mean": public_mean,
        "mean": _rounded(gates.mean(axis=0)),
        "standard_deviation": _rounded(gates.std(axis=0)),
        "classes": [_rounded(row) for row in classes],
        "explained": _rounded(explained),
        "channels": {
            name: [
                _channel(int(c), contrast[label, c], maxima[:, c], positions[:, c], data, private)
                for c in np.argsort(-contrast[label])[:CHANNELS]
            ]
            for label, name in enumerate(emotions.KEYS)
        },
        "ablation": _ablation(labels, logits, model.temperature, seed),
        "answers": {
            name: turned_gates.packed_answers(values.argmax(axis=1))
            for name, values in logits.items()
        },
    }


def _measure_channels(
    data: Dataset,
    explainer: Explainer,
    key: str,
    rows: NDArray[np.int64],
    progress: Progress | None,
    heads: dict[str, Head],
) -> tuple[
    NDArray[np.float64], NDArray[np.float32], NDArray[np.float64], dict[str, NDArray[np.float32]]
]:
    """Return gates (n, 512), channel maxima (n, 512), top and left of the maxima's cells as shares
    of the side (n, 512, 2), and logits by head."""
    gates, maxima, positions = [], [], []
    logits: dict[str, list[NDArray[np.float32]]] = {name: [] for name in heads}
    for start in range(0, len(rows), BATCH):
        batch_rows = rows[start : start + BATCH]
        maps = explainer.maps(data.images[batch_rows], (key,))[key]
        n, height, width, channels = maps.shape
        flat = maps.reshape(n, height * width, channels)
        cells = flat.argmax(axis=1)
        gates.append(explainer.heads[key].gates(maps))
        maxima.append(flat.max(axis=1))
        positions.append(np.stack([cells // width / height, cells % width / width], axis=-1))
        for name, head in heads.items():
            logits[name].append(head.logits(maps))
        if progress is not None:
            progress(start + len(batch_rows), len(rows))
    return (
        np.concatenate(gates).astype(np.float64),
        np.concatenate(maxima),
        np.concatenate(positions),
        {name: np.concatenate(values) for name, values in logits.items()},
    )


def _by_class(
    gates: NDArray[np.float64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return each class's mean gates (7, 512), the share of their variance that classes explain
    (512,), and by how many standard deviations each class's mean exceeds that of all (7, 512)."""
    classes = np.stack([gates[labels == label].mean(axis=0) for label in range(emotions.COUNT)])
    mean, spread = gates.mean(axis=0), gates.std(axis=0)
    between = sum(
        (labels == label).mean() * (classes[label] - mean) ** 2 for label in range(emotions.COUNT)
    )
    explained = np.divide(between, spread**2, out=np.zeros_like(spread), where=spread > 1e-6)
    contrast = np.divide(classes - mean, spread, out=np.zeros_like(classes), where=spread > 1e-6)
    return classes, explained, contrast


def _channel(
    channel: int,
    contrast: float,
    maxima: NDArray[np.float32],
    positions: NDArray[np.float64],
    data: Dataset,
    rows: NDArray[np.int64],
) -> Channel:
    """Return the record of a channel, with the images of these `rows` whose maxima are largest."""
    largest = np.argsort(-maxima, kind="stable")[:PATCHES]
    return {
        "channel": channel,
        "contrast": round(float(contrast), 4),
        "patches": [
            {
                "source": str(data.sources[rows[image]]),
                "label": emotions.KEYS[int(data.labels[rows[image]])],
                "top": round(float(positions[image, 0]), 4),
                "left": round(float(positions[image, 1]), 4),
            }
            for image in largest
        ],
    }


def _ablation(
    labels: NDArray[np.int64],
    logits: dict[str, NDArray[np.float32]],
    temperature: float,
    seed: int,
) -> dict[str, GateScores]:
    by_setting = {name: softmax(values, temperature) for name, values in logits.items()}
    record: dict[str, GateScores] = {}
    for name, probabilities in by_setting.items():
        report = metrics.report(labels, probabilities)
        record[name] = {
            "accuracy": report["accuracy"],
            "accuracy_interval": report["accuracy_interval"],
            "macro_f1": report["macro_f1"],
            "ece": report["ece"],
        }
        if name != "own":
            # The gain of the gates' own values over fixed ones.
            record[name]["gain"] = metrics.compare(labels, probabilities, by_setting["own"], seed)
    return record


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 4) for value in values]
