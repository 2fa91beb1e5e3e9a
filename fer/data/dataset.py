"""FER-2013 on disk: one memory-mapped array of images and one index beside it.

`data/fer2013/` holds a generation of files named after the digest of their content and
`dataset.json`, which names the generation in use. Replacing that one small file is what makes an
import atomic. `fer.data.importing` writes it; everything else opens it here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from fer import FerError, emotions, schema
from fer.vision.preprocessing import FER_SIZE

MANIFEST = "dataset.json"
FOLDER = Path("data") / "fer2013"
# Images counted at once: numpy widens each of their pixels to eight bytes.
BLOCK = 2048


class Split(StrEnum):
    """The official splits of the ICML 2013 challenge, by the names the challenge gave them."""

    TRAINING = "Training"
    PUBLIC_TEST = "PublicTest"
    PRIVATE_TEST = "PrivateTest"


SPLITS: tuple[Split, ...] = tuple(Split)
TEST_SPLITS = (Split.PUBLIC_TEST, Split.PRIVATE_TEST)

# Images per class in the order of `emotions.EMOTIONS` (Goodfellow et al. 2013).
OFFICIAL_COUNTS: dict[Split, tuple[int, ...]] = {
    Split.TRAINING: (3995, 436, 4097, 7215, 4830, 3171, 4965),
    Split.PUBLIC_TEST: (467, 56, 496, 895, 653, 415, 607),
    Split.PRIVATE_TEST: (491, 55, 528, 879, 594, 416, 626),
}
OFFICIAL_IMAGES = sum(map(sum, OFFICIAL_COUNTS.values()))

# The content digest of Kaggle's msambare/fer2013, and how the original table's begins.
KAGGLE_DIGEST = "d8c5c1f95e78e2030ef1d9c41ee70c6be437e1a60ed4d66af0004f58281728a1"
ORIGINAL_DIGEST = "07df9bc5"
# MD5 of the original fer2013.csv and icml_face_data.csv, as torchvision's FER2013 checks them.
ORIGINAL_MD5 = {"f8428a1edbd21e88f42c73edd2a14f95", "b114b9e04e6949e5fe8b6a98b3892b1d"}


class Origin(StrEnum):
    """The source of a set's pixels: Kaggle's JPEG files; the challenge's own table, without loss;
    a copy with FER-2013's counts and other pixels; another set, or a part of FER-2013."""

    KAGGLE = "kaggle"
    ORIGINAL = "original"
    COPY = "copy"
    OTHER = "other"


@dataclass(frozen=True)
class LabelledFace:
    """An image as an import reads it; source: file or row, number: place among those of its split,
    pixels: (48, 48) uint8."""

    split: Split
    label: int
    source: str
    number: int
    pixels: NDArray[np.uint8]


def class_counts(
    labels: NDArray[np.integer], splits: NDArray[np.str_]
) -> dict[Split, tuple[int, ...]]:
    """Count the images per class of each split, in the order of `emotions.EMOTIONS`, from labels
    (n,) and splits (n,)."""
    return {
        split: tuple(
            int(n) for n in np.bincount(labels[splits == split.value], minlength=emotions.COUNT)
        )
        for split in SPLITS
    }


class GrayStatistics(TypedDict):
    """Mean and standard deviation of all gray values (0-255)."""

    mean: float
    standard_deviation: float


class Manifest(TypedDict):
    """`dataset.json`; images, index: files in its folder. digest: as `content_digest`; a subset
    has its own, its `fraction` (0-1) of the full set, and in `whole` the full set's digest. md5: of
    an imported table, None for other sources. imported: ISO 8601. counts: as `class_counts`.
    differences: a sentence for every class of a split whose count is not the official one."""

    images: str
    index: str
    digest: str
    md5: str | None
    imported: str
    source: str
    counts: dict[str, list[int]]
    gray: GrayStatistics
    skipped: list[str]
    differences: list[str]
    fraction: NotRequired[float]
    whole: NotRequired[str]


@dataclass(frozen=True)
class Dataset:
    """The imported data set. Row i of every array is the same image.

    images: (N, 48, 48) uint8, memory-mapped and read-only. labels: (N,) int64, 0-6. splits: (N,)
    str. sources: (N,) str, the file or row the image came from.
    """

    folder: Path
    manifest: Manifest
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    splits: NDArray[np.str_]
    sources: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, split: Split | None = None, emotion: str | None = None) -> NDArray[np.int64]:
        """Return the row numbers of a split and a class, ascending; None means all."""
        is_chosen = np.ones(len(self), dtype=bool)
        if split is not None:
            is_chosen &= self.splits == split.value
        if emotion is not None:
            is_chosen &= self.labels == emotions.LABEL_OF[emotion]
        return np.flatnonzero(is_chosen)

    @cached_property
    def counts(self) -> dict[Split, tuple[int, ...]]:
        """Images per class of each split, in the order of `emotions.EMOTIONS`."""
        return class_counts(self.labels, self.splits)

    @property
    def notice(self) -> FerError | None:
        """The warning that these images are not FER-2013's; None if they are."""
        return notice(self.manifest)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each image's source."""
        return {source: row for row, source in enumerate(self.sources.tolist())}

    @property
    def digest(self) -> str:
        """SHA-256 over images, labels and splits: two imports of the same data have the same."""
        return self.manifest["digest"]


def is_imported(folder: Path = FOLDER) -> bool:
    """Return true if a data set lies in the folder."""
    return (folder / MANIFEST).is_file()


def open_dataset(folder: Path = FOLDER) -> Dataset:
    """Open the imported data set without copying its images into memory. Raises a FerError if none
    is imported, or its files are damaged."""
    if not is_imported(folder):
        raise FerError(
            "FER-2013 is not imported yet (nothing in {folder}); run: fer data import PATH "
            "or: fer data download",
            folder=folder,
        )
    manifest = schema.read(folder / MANIFEST, Manifest, "fer data import PATH")
    try:
        images = np.load(folder / manifest["images"], mmap_mode="r", allow_pickle=False)
        index = parquet.read_table(folder / manifest["index"], memory_map=True)
        labels = index.column("emotion").to_numpy().astype(np.int64)
        splits = np.asarray(index.column("split").to_pylist(), dtype=np.str_)
        sources = np.asarray(index.column("source").to_pylist(), dtype=np.str_)
    # Of a damaged file numpy's parsers and Arrow each raise errors of several kinds.
    except Exception as error:
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
    """Return the SHA-256 over images, labels and splits, hexadecimal."""
    digest = hashlib.sha256(np.ascontiguousarray(images).tobytes())
    digest.update(labels.astype(np.int8).tobytes())
    digest.update("\n".join(splits.tolist()).encode())
    return digest.hexdigest()


def subset(data: Dataset, fraction: float, seed: int) -> Dataset:
    """Return the same share of every class of every split, at least one image, drawn by the seed.

    A subset's digest is that of its own content, so that its results are never taken for those of
    the full set. Raises a FerError if the fraction is not above 0 and at most 1.
    """
    if not 0 < fraction <= 1:
        raise FerError(
            "The fraction is {fraction}; it must lie above 0 and be at most 1.", fraction=fraction
        )
    if fraction == 1:
        return data
    rng = np.random.default_rng(seed)
    rows_by_class = (data.rows(split, key) for split in SPLITS for key in emotions.KEYS)
    chosen = [
        rng.choice(rows, max(1, round(fraction * len(rows))), replace=False)
        for rows in rows_by_class
        if len(rows)
    ]
    rows = np.sort(np.concatenate(chosen))
    images, labels, splits = data.images[rows], data.labels[rows], data.splits[rows]
    manifest: Manifest = {
        **data.manifest,
        "digest": content_digest(images, labels, splits),
        "fraction": fraction,
        "whole": data.digest,
    }
    return Dataset(data.folder, manifest, images, labels, splits, data.sources[rows])


def is_official(digest: str) -> bool:
    """Return true for the content digest of Kaggle's FER-2013 or of the original table."""
    return digest == KAGGLE_DIGEST or digest.startswith(ORIGINAL_DIGEST)


def name_of(digest: str) -> str:
    """Return the name of the data set with a content digest, in English."""
    return "FER-2013" if is_official(digest) else f"the data set with SHA-256 {digest[:12]}"


def origin(manifest: Manifest) -> Origin:
    """Return the source of a set's pixels, by the record of its import; a subset has the full
    set's."""
    digest = manifest.get("whole", manifest["digest"])
    if digest == KAGGLE_DIGEST:
        return Origin.KAGGLE
    if manifest["differences"]:
        return Origin.OTHER
    if digest.startswith(ORIGINAL_DIGEST) or manifest["md5"] in ORIGINAL_MD5:
        return Origin.ORIGINAL
    return Origin.COPY


def notice(manifest: Manifest) -> FerError | None:
    """Return the warning that an imported set is not FER-2013; None if it is."""
    pixels_origin = origin(manifest)
    if pixels_origin == Origin.OTHER:
        return FerError(
            "The imported images are not the whole FER-2013 ({difference}), so results on them are "
            "not FER-2013's.",
            difference=manifest["differences"][0],
        )
    if pixels_origin == Origin.COPY:
        return FerError(
            "The imported images have FER-2013's names and counts but not its pixels, as in "
            "contrast-equalised or otherwise changed copies, so results on them are not FER-2013's."
        )
    return None


def gray_statistics(images: NDArray[np.uint8]) -> GrayStatistics:
    """Compute mean and standard deviation of all gray values (0-255), rounded to two decimals."""
    mean, deviation = moments(gray_histogram(images))
    return {"mean": round(mean, 2), "standard_deviation": round(deviation, 2)}


def gray_histogram(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels of each gray value, (256,)."""
    histogram = np.zeros(256, dtype=np.int64)
    for start in range(0, len(images), BLOCK):
        histogram += np.bincount(images[start : start + BLOCK].ravel(), minlength=256)
    return histogram


def moments(histogram: NDArray[np.int64]) -> tuple[float, float]:
    """Compute mean and standard deviation of gray values from a histogram (256,), not empty."""
    values = np.arange(256)
    mean = float((values * histogram).sum() / histogram.sum())
    variance = float((((values - mean) ** 2) * histogram).sum() / histogram.sum())
    return mean, variance**0.5
