"""FER-2013 on disk: one memory-mapped array of images and one index beside it.

`data/fer2013/` holds a generation of files named after the digest of their content and
`dataset.json`, which names the generation in use. Replacing that one small file is what makes an
import atomic. `fer.importing` writes it; everything else opens it here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from fer import FerError, emotions, files
from fer.preprocessing import FER_SIZE

MANIFEST = "dataset.json"
FOLDER = Path("data") / "fer2013"


class Split(StrEnum):
    """The official splits of the ICML 2013 challenge, by the names the challenge gave them."""

    TRAINING = "Training"
    PUBLIC_TEST = "PublicTest"
    PRIVATE_TEST = "PrivateTest"


SPLITS: tuple[Split, ...] = tuple(Split)

# Images per class in the order of `emotions.EMOTIONS` (Goodfellow et al. 2013).
OFFICIAL_COUNTS: dict[Split, tuple[int, ...]] = {
    Split.TRAINING: (3995, 436, 4097, 7215, 4830, 3171, 4965),
    Split.PUBLIC_TEST: (467, 56, 496, 895, 653, 415, 607),
    Split.PRIVATE_TEST: (491, 55, 528, 879, 594, 416, 626),
}


def class_counts(
    labels: NDArray[np.integer], splits: NDArray[np.str_]
) -> dict[Split, tuple[int, ...]]:
    """Images per class of each split, in the order of `emotions.EMOTIONS`, of labels (n,) and
    splits (n,)."""
    return {
        split: tuple(
            int(n) for n in np.bincount(labels[splits == split.value], minlength=emotions.COUNT)
        )
        for split in SPLITS
    }


@dataclass(frozen=True)
class Dataset:
    """The imported data set. Row i of every array is the same image.

    images: (N, 48, 48) uint8, memory-mapped and read-only. labels: (N,) int64, 0-6. splits: (N,)
    str. sources: (N,) str, the file or row the image came from.
    """

    folder: Path
    manifest: dict[str, Any]
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    splits: NDArray[np.str_]
    sources: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, split: Split | None = None, emotion: str | None = None) -> NDArray[np.int64]:
        """Row numbers of a split and a class, ascending; None means all."""
        chosen = np.ones(len(self), dtype=bool)
        if split is not None:
            chosen &= self.splits == split.value
        if emotion is not None:
            chosen &= self.labels == emotions.LABEL_OF[emotion]
        return np.flatnonzero(chosen)

    @cached_property
    def counts(self) -> dict[Split, tuple[int, ...]]:
        """Images per class of each split, in the order of `emotions.EMOTIONS`."""
        return class_counts(self.labels, self.splits)

    @property
    def digest(self) -> str:
        """SHA-256 over images, labels and splits: two imports of the same data have the same."""
        return str(self.manifest["digest"])


def is_imported(folder: Path = FOLDER) -> bool:
    """Whether a data set lies in the folder."""
    return (folder / MANIFEST).is_file()


def open_dataset(folder: Path = FOLDER) -> Dataset:
    """The imported data set, without copying the images into memory.

    Raises:
        FerError: if none is imported, or its files are damaged.
    """
    if not is_imported(folder):
        raise FerError(
            "FER-2013 is not imported yet (nothing in {folder}); run: fer data import PATH "
            "or: fer data download",
            folder=folder,
        )
    manifest = files.read_json(folder / MANIFEST)
    try:
        images = np.load(folder / manifest["images"], mmap_mode="r", allow_pickle=False)
        index = parquet.read_table(folder / manifest["index"], memory_map=True)
        labels = index.column("emotion").to_numpy().astype(np.int64)
        splits = np.asarray(index.column("split").to_pylist(), dtype=np.str_)
        sources = np.asarray(index.column("source").to_pylist(), dtype=np.str_)
    except (OSError, KeyError, ValueError) as error:
        raise FerError(
            "The data set in {folder} is damaged ({reason}); import it again: fer data import PATH",
            folder=folder,
            reason=error,
        ) from error
    if images.shape != (len(labels), FER_SIZE, FER_SIZE) or images.dtype != np.uint8:
        raise FerError(
            "The data set in {folder} does not fit its index (images {shape}, {rows} rows); "
            "import it again: fer data import PATH",
            folder=folder,
            shape=images.shape,
            rows=len(labels),
        )
    return Dataset(folder, manifest, images, labels, splits, sources)


def content_digest(
    images: NDArray[np.uint8], labels: NDArray[np.integer], splits: NDArray[np.str_]
) -> str:
    """SHA-256 over images, labels and splits, hexadecimal."""
    digest = hashlib.sha256(np.ascontiguousarray(images).tobytes())
    digest.update(labels.astype(np.int8).tobytes())
    digest.update("\n".join(splits.tolist()).encode())
    return digest.hexdigest()


def subset(data: Dataset, fraction: float, seed: int) -> Dataset:
    """The same share of every class of every split, at least one image, drawn by the seed.

    Its digest is that of its own content: results of a subset are never taken for those of the
    whole.

    Raises:
        FerError: if the fraction is not above 0 and at most 1.
    """
    if not 0 < fraction <= 1:
        raise FerError(
            "The fraction is {fraction}; it must lie above 0 and be at most 1.", fraction=fraction
        )
    if fraction == 1:
        return data
    rng = np.random.default_rng(seed)
    parts = []
    for split in SPLITS:
        for key in emotions.KEYS:
            rows = data.rows(split, key)
            if len(rows):
                count = max(1, round(fraction * len(rows)))
                parts.append(rng.choice(rows, count, replace=False))
    kept = np.sort(np.concatenate(parts))
    images, labels, splits = data.images[kept], data.labels[kept], data.splits[kept]
    manifest = {
        **data.manifest,
        "digest": content_digest(images, labels, splits),
        "fraction": fraction,
        "whole": data.digest,
    }
    return Dataset(data.folder, manifest, images, labels, splits, data.sources[kept])


def count_differences(counts: dict[Split, tuple[int, ...]]) -> list[str]:
    """One sentence for every class of a split whose count is not the official one."""
    return [
        f"{split} {emotion.key}: {found} images, officially {official}"
        for split in SPLITS
        for emotion, found, official in zip(
            emotions.EMOTIONS, counts[split], OFFICIAL_COUNTS[split], strict=True
        )
        if found != official
    ]
