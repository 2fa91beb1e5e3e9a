"""Batches for training steps, of faces or of cached features, the same for a seed."""

from __future__ import annotations

import math
from typing import Any

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
        images: NDArray[Any],
        labels: NDArray[np.int64],
        rows: NDArray[np.int64],
        *,
        size: int,
        batch_size: int = 64,
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
        self.epoch, self.share = epoch, share
        self._order: tuple[int, NDArray[np.int64]] = (-1, rows)

    def __len__(self) -> int:
        return math.ceil(self.images_per_epoch / self.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        start = index * self.batch_size
        rows = self.epoch_rows()[start : start + self.batch_size]
        positions = self.share.positions(len(rows))
        one_hot = np.eye(emotions.COUNT, dtype=np.float32)[self.labels[rows[positions]]]
        return self._inputs(rows, positions, start), one_hot

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def epoch_rows(self) -> NDArray[np.int64]:
        """Return the rows of the current epoch: with a seed, a section of an endless stream of
        shuffled passes."""
        if self.seed is None:
            return self.rows[: self.images_per_epoch]
        if self._order[0] != self.epoch:
            total, length = len(self.rows), self.images_per_epoch
            start = self.epoch * length
            stream = []
            for number in range(start // total, (start + length - 1) // total + 1):
                shuffled = np.random.default_rng((self.seed, number)).permutation(self.rows)
                low = max(start - number * total, 0)
                stream.append(shuffled[low : start + length - number * total])
            self._order = (self.epoch, np.concatenate(stream))
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


def class_weights(labels: NDArray[np.int64]) -> dict[int, float]:
    """Return a weight per class: the square root of its inverse frequency, with mean 1 over images.

    The root tempers the weights: with the plain inverse, disgust (436 images) would count 16 times
    as much as happy (7,215).
    """
    counts = np.bincount(labels, minlength=emotions.COUNT).astype(np.float64)
    weights = np.sqrt(counts.sum() / np.maximum(counts, 1))
    weights /= (weights * counts).sum() / counts.sum()
    return {label: float(weight) for label, weight in enumerate(weights)}
