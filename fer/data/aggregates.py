"""Figures about FER-2013 that may be shown without its images: the files under `data/`.

Counts, mean and standard-deviation face of each class, pixel statistics, framing, duplicates.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from pathlib import Path
from typing import TypedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from fer import FerError, emotions, files, schema
from fer.data.dataset import (
    OFFICIAL_COUNTS,
    SPLITS,
    Dataset,
    GrayStatistics,
    Split,
    gray_histogram,
    moments,
)
from fer.vision import faces, framing

FOLDER = Path("data")
SUMMARY = "summary.json"
FACES = "class_faces.npz"
DUPLICATES = "duplicates.json"
# Two images count as near duplicates if their perceptual hashes differ in at most this many of 63
# bits and their pixels correlate at least this well. Of 14 random pairs just inside either limit,
# every one shows the same photograph.
HASH_DISTANCE = 8
CORRELATION = 0.9
BLOCK = 2048
COMMAND = "fer data aggregate"


class Pixels(TypedDict):
    """The pixels of some images, gray values 0-255: mean, standard deviation, the three quartiles,
    and how many lie in each of 32 bins of eight values."""

    mean: float
    standard_deviation: float
    quartiles: list[int]
    histogram: list[int]


class FramingSummary(TypedDict):
    """YuNet's boxes in FER-2013's faces; side, dx, dy as in `faces.Framing`, of `images` faces."""

    images: int
    share_with_one_face: float
    side: float
    dx: float
    dy: float


class Summary(TypedDict):
    """`data/summary.json`. official_counts, counts: images by split and emotion. pixels: by split.
    class_pixels: of Training, by emotion."""

    data_sha256: str
    gray: GrayStatistics
    official_counts: dict[str, dict[str, int]]
    counts: dict[str, dict[str, int]]
    pixels: dict[str, Pixels]
    class_pixels: dict[str, Pixels]
    framing: FramingSummary


class Pairs(TypedDict):
    """Pairs of images that repeat each other: how many by "split/split", how many images are in any
    of them, and how many of each test split have a twin in Training (`leaked`)."""

    pairs: dict[str, int]
    pairs_with_different_labels: int
    images: int
    leaked: dict[str, int]


class Duplicates(TypedDict):
    """`data/duplicates.json`. hash_distance: in bits of 63, at most. correlation: of pixels, at
    least. twins: the names of the test images that have an exact or near twin in Training."""

    data_sha256: str
    hash_distance: int
    correlation: float
    exact: Pairs
    near: Pairs
    exact_or_near: Pairs
    twins: list[str]


def write(data: Dataset, detector: faces.Detector, folder: Path = FOLDER) -> None:
    """Compute every aggregate and write it under `folder`. Raises as `files.replacing`."""
    mean, deviation = class_faces(data)
    with files.replacing(folder / FACES) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, mean=mean, deviation=deviation)
    rows = data.rows(Split.TRAINING)
    sample = np.sort(np.random.default_rng(0).choice(rows, min(4000, len(rows)), replace=False))
    frame, share = framing.measure_framing(data.images[sample], detector)
    summary: Summary = {
        "data_sha256": data.digest,
        "gray": data.manifest["gray"],
        "official_counts": _by_name(OFFICIAL_COUNTS),
        "counts": _by_name(data.counts),
        "pixels": {split.value: pixel_statistics(data, split) for split in SPLITS},
        "class_pixels": {key: pixel_statistics(data, Split.TRAINING, key) for key in emotions.KEYS},
        "framing": {
            "images": len(sample),
            "share_with_one_face": round(share, 4),
            "side": round(frame.side, 4),
            "dx": round(frame.dx, 4),
            "dy": round(frame.dy, 4),
        },
    }
    files.write_json(folder / SUMMARY, summary)
    files.write_json(folder / DUPLICATES, duplicates(data))


def read_summary(folder: Path = FOLDER) -> Summary:
    """Return the stored counts, pixel statistics and framing. Raises as `schema.read`."""
    return schema.read(folder / SUMMARY, Summary, COMMAND)


def read_duplicates(folder: Path = FOLDER) -> Duplicates:
    """Return the stored duplicates. Raises as `schema.read`."""
    return schema.read(folder / DUPLICATES, Duplicates, COMMAND)


def read_class_faces(folder: Path = FOLDER) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the stored mean and standard deviation face of each class, (7, 48, 48) uint8 each.
    Raises a FerError if the file is missing or damaged."""
    try:
        with np.load(folder / FACES, allow_pickle=False) as store:
            return store["mean"], store["deviation"]
    # Of a damaged file zipfile, zlib and numpy's parsers each raise errors of several kinds.
    except Exception as error:
        raise files.unreadable(folder / FACES, error) from error


def _by_name(counts: dict[Split, tuple[int, ...]]) -> dict[str, dict[str, int]]:
    return {split.value: dict(zip(emotions.KEYS, counts[split], strict=True)) for split in SPLITS}


def class_faces(data: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Compute mean and standard deviation of each class' Training faces, (7, 48, 48) uint8 each."""
    mean, deviation = [], []
    for key in emotions.KEYS:
        stack = data.images[data.rows(Split.TRAINING, key)].astype(np.float32)
        mean.append(stack.mean(axis=0))
        deviation.append(stack.std(axis=0))
    return np.rint(mean).astype(np.uint8), np.rint(deviation).astype(np.uint8)


def pixel_statistics(data: Dataset, split: Split, emotion: str | None = None) -> Pixels:
    """Compute mean, standard deviation, quartiles and a 32-bin histogram of the pixels (0-255) of a
    split, or of one class of it. Raises a FerError if it has no image."""
    rows = data.rows(split, emotion)
    if len(rows) == 0:
        raise FerError(
            "The imported data set has no {split} image; import the whole set.", split=split
        )
    histogram = gray_histogram(data.images[rows])
    mean, deviation = moments(histogram)
    cumulative = np.cumsum(histogram) / histogram.sum()
    return {
        "mean": round(mean, 3),
        "standard_deviation": round(deviation, 3),
        "quartiles": [int(np.searchsorted(cumulative, share)) for share in (0.25, 0.5, 0.75)],
        "histogram": histogram.reshape(32, 8).sum(axis=1).tolist(),
    }


def duplicates(data: Dataset) -> Duplicates:
    """Count the images that repeat another one exactly or nearly, within and across splits.

    Exact: equal pixels. Near: perceptual hash (low frequencies of the discrete cosine transform
    above their median, Zauner 2010) within `HASH_DISTANCE` bits and pixel correlation of at least
    `CORRELATION`; exact ones are not counted again.
    """
    exact, exact_or_near = exact_pairs(data.images), near_pairs(data.images)
    is_exact = [np.array_equal(*data.images[pair]) for pair in exact_or_near]
    near = exact_or_near[~np.array(is_exact, dtype=bool)]
    return {
        "data_sha256": data.digest,
        "hash_distance": HASH_DISTANCE,
        "correlation": CORRELATION,
        "exact": _summary(data, exact),
        "near": _summary(data, near),
        "exact_or_near": _summary(data, exact_or_near),
        "twins": sorted(data.sources[with_twin_in_training(data, exact_or_near)].tolist()),
    }


def _summary(data: Dataset, pairs: NDArray[np.int64]) -> Pairs:
    count_by_splits = Counter(
        "/".join(sorted(data.splits[pair].tolist(), key=lambda name: SPLITS.index(Split(name))))
        for pair in pairs
    )
    splits_with_twin = data.splits[with_twin_in_training(data, pairs)]
    return {
        "pairs": dict(sorted(count_by_splits.items())),
        "pairs_with_different_labels": int(
            np.sum(data.labels[pairs[:, 0]] != data.labels[pairs[:, 1]])
        ),
        "images": len(np.unique(pairs)),
        "leaked": {split: int((splits_with_twin == split).sum()) for split in SPLITS[1:]},
    }


def with_twin_in_training(data: Dataset, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the rows outside Training that are paired (n, 2) with one inside, (N,) bool."""
    training = data.splits == Split.TRAINING.value
    has_twin = np.zeros(len(data), bool)
    for inside, other in (pairs.T, pairs.T[::-1]):
        has_twin[inside[training[other]]] = True
    return np.asarray(has_twin & ~training)


def exact_pairs(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return pairs (n, 2) of rows with equal pixels, the smaller row first."""
    rows_by_pixels: dict[bytes, list[int]] = defaultdict(list)
    for row, image in enumerate(images):
        rows_by_pixels[image.tobytes()].append(row)
    pairs = [pair for rows in rows_by_pixels.values() for pair in itertools.combinations(rows, 2)]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def perceptual_hash(image: NDArray[np.uint8]) -> int:
    """Return a 63-bit hash of a gray image: which of the 8x8 lowest DCT frequencies, the mean left
    out, lie above their median (Zauner 2010)."""
    small = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()[1:]
    bits = low > np.median(low)
    return int(np.packbits(np.append(bits, False)).view(">u8")[0])


def near_pairs(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return pairs (n, 2) of rows that look alike, the smaller first, exact duplicates included."""
    hashes = np.array([perceptual_hash(image) for image in images], dtype=np.uint64)
    candidate_blocks = []
    for start in range(0, len(hashes), BLOCK):
        block = hashes[start : start + BLOCK]
        distance = np.bitwise_count(block[:, None] ^ hashes[None, start:])
        a, b = np.nonzero(distance <= HASH_DISTANCE)
        pairs = np.stack([a + start, b + start], axis=1)
        candidate_blocks.append(pairs[pairs[:, 0] < pairs[:, 1]])
    candidates = np.concatenate(candidate_blocks)
    is_alike = [_correlation(images[a], images[b]) >= CORRELATION for a, b in candidates]
    return np.asarray(candidates[np.array(is_alike, dtype=bool)])


def _correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    x = a.astype(np.float64).ravel() - a.mean()
    y = b.astype(np.float64).ravel() - b.mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    # Two flat images are alike only if they are equal.
    return float(x @ y) / norm if norm > 0 else float(np.array_equal(a, b))
