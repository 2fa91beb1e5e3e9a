"""Duplicates are found and nothing else; the committed figures are those of the real set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer import FerError
from fer.data import aggregates, dataset
from tests.support.making import ROOT

DATA = ROOT / "data"


def test_exact_and_near_twins(small_data: dataset.Dataset) -> None:
    images = np.array(small_data.images)
    training = small_data.rows(dataset.Split.TRAINING)
    private = small_data.rows(dataset.Split.PRIVATE_TEST)
    images[private[0]] = images[training[0]]
    brighter = np.clip(images[training[9]].astype(int) + 9, 0, 255).astype(np.uint8)
    images[private[5]] = cv2.GaussianBlur(brighter, (3, 3), 0)
    result = aggregates.duplicates(replace(small_data, images=images))
    assert result["exact"]["pairs"] == {"Training/PrivateTest": 1}
    assert result["near"]["pairs"] == {"Training/PrivateTest": 1}
    assert result["exact"]["leaked"] == {"PublicTest": 0, "PrivateTest": 1}
    assert result["exact_or_near"]["images"] == 4
    assert result["twins"] == sorted(small_data.sources[private[[0, 5]]].tolist())
    assert result["near"]["pairs_with_different_labels"] == 1


def test_class_faces_are_means_and_deviations(small_data: dataset.Dataset) -> None:
    mean, deviation = aggregates.class_faces(small_data)
    stack = small_data.images[small_data.rows(dataset.Split.TRAINING, "sad")].astype(float)
    assert np.abs(mean[4] - stack.mean(axis=0)).max() <= 0.5
    assert np.abs(deviation[4] - stack.std(axis=0)).max() <= 0.51


def test_pixel_statistics(small_data: dataset.Dataset) -> None:
    split = dataset.Split.PUBLIC_TEST
    pixels = small_data.images[small_data.rows(split)]
    result = aggregates.pixel_statistics(small_data, split)
    assert result["mean"] == pytest.approx(pixels.mean(), abs=1e-3)
    assert result["standard_deviation"] == pytest.approx(pixels.std(), abs=1e-3)
    assert sum(result["histogram"]) == pixels.size
    assert result["quartiles"][1] == np.median(pixels)


def test_pixels_are_counted_a_block_at_a_time(
    small_data: dataset.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, count, sizes = dataset.Split.TRAINING, np.bincount, []
    whole = aggregates.pixel_statistics(small_data, split)

    def counted(values: np.ndarray, **options: int) -> np.ndarray:
        sizes.append(values.size)
        return count(values, **options)

    monkeypatch.setattr(dataset, "BLOCK", 2)
    monkeypatch.setattr(np, "bincount", counted)
    assert aggregates.pixel_statistics(small_data, split) == whole
    assert dataset.gray_statistics(small_data.images) == small_data.manifest["gray"]
    assert max(sizes) == 2 * 48 * 48


def test_committed_counts_are_official() -> None:
    summary = aggregates.read_summary(DATA)
    assert summary["counts"] == summary["official_counts"]
    assert sum(sum(row.values()) for row in summary["counts"].values()) == dataset.OFFICIAL_IMAGES
    mean, deviation = aggregates.read_class_faces(DATA)
    assert mean.shape == deviation.shape == (7, 48, 48)


@pytest.mark.fer2013
def test_committed_figures_are_those_of_the_real_set(real_data: dataset.Dataset) -> None:
    summary = aggregates.read_summary(DATA)
    assert summary["data_sha256"] == real_data.digest == dataset.KAGGLE_DIGEST
    assert summary["gray"] == real_data.manifest["gray"]
    assert summary["gray"] == {"mean": 129.38, "standard_deviation": 65.08}
    for split in dataset.SPLITS:
        assert summary["pixels"][split.value] == aggregates.pixel_statistics(real_data, split)
    mean, _ = aggregates.read_class_faces(DATA)
    assert np.array_equal(mean, aggregates.class_faces(real_data)[0])
    stored = aggregates.read_duplicates(DATA)
    exact = aggregates.exact_pairs(real_data.images)
    assert sum(stored["exact"]["pairs"].values()) == len(exact)


@pytest.mark.parametrize(
    ("name", "read", "command"),
    [
        (aggregates.SUMMARY, aggregates.read_summary, "fer data aggregate"),
        (aggregates.DUPLICATES, aggregates.read_duplicates, "fer data aggregate"),
        (dataset.MANIFEST, dataset.open_dataset, "fer data import PATH"),
    ],
)
def test_a_record_of_another_version_says_what_makes_it_anew(
    name: str, read: Callable[[Path], object], command: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(FerError, match=f"{name} does not fit .*make it anew: {command}"):
        read(tmp_path)


def test_damaged_class_faces_are_told(tmp_path: Path) -> None:
    whole = (DATA / aggregates.FACES).read_bytes()
    for spoilt in (b"", b"PK", whole[:-22], whole[:4000] + bytes(100) + whole[4100:]):
        (tmp_path / aggregates.FACES).write_bytes(spoilt)
        with pytest.raises(FerError, match="cannot be read"):
            aggregates.read_class_faces(tmp_path)
