"""Batches for training steps, of faces or of cached features, the same for a seed."""

from __future__ import annotations

import math

import keras
import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.lab.training.distribution import ALONE, Share
from fer.scenarios import Augmentation
from fer.vision import preprocessing


class FaceBatches(keras.utils.PyDataset):
    """Batches of network input and one-hot labels for `Model.fit`.

    With a seed, rows come in a new random order each pass and are augmented if asked; every batch
    depends only on seed, epoch and position, so a resumed run gets the batches that it would have
    got. Without a seed, rows come in order and unchanged. `batch_size` counts the images of all
    processes together; `share` says which of them this process feeds.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        rows: NDArray[np.int64],
        *,
        size: int,
        batch_size: int,
        augmentation: Augmentation | None = None,
        seed: int | None = None,
        images_per_epoch: int | None = None,
        epoch: int = 0,
        share: Share = ALONE,
    ) -> None:
        super().__init__()
        self.images, self.labels, self.rows = images, labels, rows
        self.size, self.batch_size = size, batch_size
        self.augmentation, self.seed = augmentation, seed
        self.images_per_epoch = min(images_per_epoch or len(rows), len(rows))
        self.epoch = epoch
        self.share = share
        self._order: tuple[int, NDArray[np.int64]] = (-1, rows)

    def __len__(self) -> int:
        return math.ceil(self.images_per_epoch / self.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        order = self._epoch_rows()
        start = index * self.batch_size
        rows = order[start : start + self.batch_size]
        positions = self.share.positions(len(rows))
        return self._inputs(rows, positions, start), one_hot(self.labels[rows[positions]])

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def _epoch_rows(self) -> NDArray[np.int64]:
        if self.seed is None:
            return self.rows[: self.images_per_epoch]
        if self._order[0] != self.epoch:
            self._order = (self.epoch, epoch_rows(self))
        return self._order[1]

    def _inputs(
        self, rows: NDArray[np.int64], positions: NDArray[np.int64], start: int
    ) -> NDArray[np.float32]:
        if self.augmentation is None or self.seed is None:
            return preprocessing.batch(self.images[rows[positions]], self.size)
        # Drawn for the whole batch, so that an image is changed alike whichever process feeds it.
        rng = np.random.default_rng((self.seed, self.epoch, start))
        changes = [preprocessing.draw_change(self.augmentation, rng) for _ in rows]
        faces = [
            preprocessing.apply_change(
                preprocessing.resize(self.images[rows[position]], self.size), changes[position]
            )
            for position in positions
        ]
        return preprocessing.network_input(preprocessing.to_three_channels(np.stack(faces)))


class VectorBatches(FaceBatches):
    """Batches of pooled features that the frozen backbone made once; otherwise like `FaceBatches`.

    `images` holds the vectors, (N, channels) float32, a row for each image.
    """

    def _inputs(
        self, rows: NDArray[np.int64], positions: NDArray[np.int64], start: int
    ) -> NDArray[np.float32]:
        return np.asarray(self.images[rows[positions]], dtype=np.float32)


def epoch_rows(batches: FaceBatches) -> NDArray[np.int64]:
    """Return the rows of the current epoch, which is a section of an endless stream of shuffled
    passes."""
    total, length = len(batches.rows), batches.images_per_epoch
    start = batches.epoch * length
    stream = []
    for number in range(start // total, (start + length - 1) // total + 1):
        shuffled = np.random.default_rng((batches.seed or 0, number)).permutation(batches.rows)
        low, high = max(start - number * total, 0), min(start + length - number * total, total)
        stream.append(shuffled[low:high])
    return np.concatenate(stream)


def one_hot(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return labels (n,) as rows of the unit matrix, (n, 7) float32."""
    return np.eye(emotions.COUNT, dtype=np.float32)[labels]


def class_weights(labels: NDArray[np.int64]) -> dict[int, float]:
    """Return a weight per class: the square root of its inverse frequency, with mean 1 over images.

    The root tempers the weights: with the plain inverse, disgust (436 images) would count 16 times
    as much as happy (7,215).
    """
    counts = np.bincount(labels, minlength=emotions.COUNT).astype(np.float64)
    weights = np.sqrt(counts.sum() / np.maximum(counts, 1))
    weights /= (weights * counts).sum() / counts.sum()
    return {label: float(weight) for label, weight in enumerate(weights)}
