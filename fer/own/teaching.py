"""A classifier of one's own on the features of both models: taught with a few faces, at once.

Logistic regression on what each model's own classifier is given, scaled to unit length. The
networks stay as they are, as in the thesis' first scenario. All heads of one model, that of every
frame and those that leave one out, are fitted together: scikit-learn, which fits one after the
other, takes half a minute for what takes tenths of a second here. A test compares both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from fer import FerError, emotions, files
from fer.evaluation import metrics
from fer.evaluation.records import PairedGain
from fer.inference.calibrate import softmax
from fer.inference.gradcam import Explainer
from fer.vision.preprocessing import Floats, Gray, to_fer_resolution

# The weight of the frames against the penalty on large kernels, scikit-learn's `C`.
STRENGTH = 10.0
# Steps after which the fit ends; it does earlier where no slope is larger than this.
MOST_STEPS, SLOPE = 1000, 1e-3
# A head of all seven emotions on both models takes 200 kB.
MOST_BYTES = 1 << 20
# Far above every number of a head.
LARGEST = 1e6

Vectors = dict[str, Floats]


@dataclass(frozen=True)
class Frame:
    """A face (48, 48) uint8, its label (0-6), and its features (D,) by model key."""

    face: Gray
    label: int
    features: Vectors


@dataclass(frozen=True)
class Taught:
    """A classifier for each model's features.

    labels: of the emotions that it knows, ascending, (k,). frames: how many it was taught with, by
    emotion. kernels: (D, k) by model key.
    """

    labels: NDArray[np.int64]
    frames: dict[str, int]
    kernels: Vectors
    weights_sha256: dict[str, str]

    def probabilities(self, features: Vectors) -> dict[str, NDArray[np.float64]]:
        """Return probabilities (n, 7) of features (n, D), by model key; 0 for unknown emotions."""
        return {
            key: spread(softmax(features[key] @ kernel), self.labels)
            for key, kernel in self.kernels.items()
        }


@dataclass(frozen=True)
class LeftOut:
    """The answers for each frame by a head that was taught with all others: labels (n,) of the
    frames, and probabilities (n, 7) by model key."""

    labels: NDArray[np.int64]
    probabilities: dict[str, NDArray[np.float64]]

    def right(self, key: str) -> NDArray[np.bool_]:
        """Mark the frames that are answered right, (n,)."""
        return np.asarray(self.probabilities[key].argmax(axis=1) == self.labels)

    def interval(self, key: str) -> list[float]:
        """Return the 95 % interval of the share of right answers."""
        return metrics.accuracy_interval(self.labels, self.probabilities[key])

    @property
    def is_separated(self) -> bool:
        """True if any model's features tell the emotions apart: better than answering always the
        most frequent one. Of frames that look alike less than that is right, since whichever frame
        is left out makes its emotion the rarer one."""
        guessing = np.bincount(self.labels).max() / len(self.labels)
        return any(self.interval(key)[0] > guessing for key in self.probabilities)

    def compared(self) -> PairedGain:
        """Compare `proposed` with `baseline` on the same frames."""
        return metrics.compare(
            self.labels, self.probabilities["baseline"], self.probabilities["proposed"]
        )


def features(explainer: Explainer, faces: Sequence[Gray]) -> Vectors:
    """Return the features (n, D) of gray faces of any size by model key, each of length 1."""
    vectors = {}
    for key, maps in explainer.maps(faces).items():
        values = explainer.heads[key].features(maps)
        vectors[key] = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)
    return vectors


def frame(explainer: Explainer, face: Gray, label: int) -> Frame:
    """Return a gray face of any size as a frame to teach with."""
    small = np.rint(to_fer_resolution(face)).astype(np.uint8)
    vectors = {key: values[0] for key, values in features(explainer, [face]).items()}
    return Frame(small, label, vectors)


def teach(frames: Sequence[Frame], weights_sha256: Mapping[str, str]) -> tuple[Taught, LeftOut]:
    """Return a classifier of these frames' emotions, of which there are two or more, and the
    answers of those that leave one frame out."""
    frame_labels = np.array([one.label for one in frames])
    labels, targets = np.unique(frame_labels, return_inverse=True)
    kernels, probabilities = {}, {}
    for key in weights_sha256:
        vectors = np.stack([one.features[key] for one in frames]).astype(np.float64)
        kernels[key], scores = _fit(vectors, np.eye(len(labels))[targets])
        probabilities[key] = spread(softmax(scores), labels)
    counts = {emotions.KEYS[label]: int((frame_labels == label).sum()) for label in labels}
    taught = Taught(labels, counts, kernels, dict(weights_sha256))
    return taught, LeftOut(frame_labels, probabilities)


def spread(shares: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return probabilities (n, k) of some emotions as (n, 7), 0 for the others."""
    probabilities = np.zeros((len(shares), emotions.COUNT))
    probabilities[:, labels] = shares
    return probabilities


def _fit(
    vectors: NDArray[np.float64], targets: NDArray[np.float64]
) -> tuple[Floats, NDArray[np.float64]]:
    """Return the kernel (D, k) of all frames, and the scores (n, k) of each by the kernel of all
    others, for vectors (n, D) of length 1 and targets (n, k), one-hot.

    What is fitted lies in the span of the n vectors, so it is fitted in n dimensions. Steps as
    Nesterov's for a strongly convex function (2004, 2.2.11), whose slope changes by at most
    `steepest` (Böhning 1992).
    """
    n, k = targets.shape
    spectrum, axes = np.linalg.eigh(vectors @ vectors.T)
    has_extent = spectrum > 1e-9 * spectrum[-1]
    extent, axes = np.sqrt(spectrum[has_extent]), axes[:, has_extent]
    turned = axes * extent
    # The last fit leaves none out.
    kept = np.vstack([1 - np.eye(n), np.ones(n)])[:, :, None]
    steepest = 1 + STRENGTH / 2 * spectrum[-1]
    momentum = (np.sqrt(steepest) - 1) / (np.sqrt(steepest) + 1)
    weights = ahead = np.zeros((n + 1, turned.shape[1], k))
    for _ in range(MOST_STEPS):
        errors = (softmax(turned @ ahead) - targets) * kept
        slope = ahead + STRENGTH * (turned.T @ errors)
        before, weights = weights, ahead - slope / steepest
        ahead = weights + momentum * (weights - before)
        if np.abs(slope).max() < SLOPE:
            break
    kernel = vectors.T @ (axes / extent) @ weights[-1]
    return kernel.astype(np.float32), np.einsum("nd,ndk->nk", turned, weights[:-1])


class HeadFile(TypedDict):
    """A taught head as a file; emotions: keys in the order of the kernels' columns."""

    format: Literal["fer-head-1"]
    emotions: list[str]
    frames: dict[str, int]
    weights_sha256: dict[str, str]
    kernels: dict[str, list[list[Annotated[float, msgspec.Meta(gt=-LARGEST, lt=LARGEST)]]]]


def to_file(taught: Taught) -> bytes:
    """Return a head as a JSON file."""
    record: HeadFile = {
        "format": "fer-head-1",
        "emotions": [emotions.KEYS[label] for label in taught.labels],
        "frames": taught.frames,
        "weights_sha256": taught.weights_sha256,
        "kernels": {
            key: [[round(float(value), 5) for value in row] for row in kernel]
            for key, kernel in taught.kernels.items()
        },
    }
    return msgspec.json.encode(record)


def from_file(
    content: bytes, name: str, weights_sha256: Mapping[str, str], sizes: Mapping[str, int]
) -> Taught:
    """Return a head from a file that `to_file` made, for features of these sizes by model. Raise
    FerError if it is too large, no such file, or was taught on other weights."""
    if len(content) > MOST_BYTES:
        raise files.too_large(name, MOST_BYTES)
    no_head = FerError("{name} is no head that was taught here; choose another file.", name=name)
    try:
        record = msgspec.json.decode(content, type=HeadFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise no_head from error
    known = [key for key in emotions.KEYS if key in record["emotions"]]
    if len(known) < 2 or known != record["emotions"]:
        raise no_head
    if record["weights_sha256"] != dict(weights_sha256):
        raise FerError("{name} was taught on other weights than those here; teach anew.", name=name)
    kernels = {}
    for key, size in sizes.items():
        rows = record["kernels"].get(key, [])
        if len(rows) != size or any(len(row) != len(known) for row in rows):
            raise no_head
        kernels[key] = np.array(rows, np.float32)
    labels = np.array([emotions.LABEL_OF[key] for key in known])
    counts = {key: count for key, count in record["frames"].items() if key in known}
    return Taught(labels, counts, kernels, dict(weights_sha256))
