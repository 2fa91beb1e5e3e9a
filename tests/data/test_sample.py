"""The committed sample of FER-2013 and figures of the whole: what they hold, what breaks them."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from PIL import Image

from fer import FerError, emotions
from fer.data import aggregates, dataset, sample, votes
from tests.support.command import fer, succeeded
from tests.support.making import ROOT

FOLDER, DATA = ROOT / sample.FOLDER, ROOT / "data"


def test_sample_has_ten_faces_an_emotion_clear_and_contested_ones_none_twice() -> None:
    faces = sample.open_sample(FOLDER)
    assert faces.images.shape == (70, 48, 48)
    assert faces.labels.tolist() == np.repeat(np.arange(7), 10).tolist()
    assert len(set(faces.names)) == 70
    assert all(name.startswith("train/") for name in faces.names)
    for a, b in itertools.combinations(faces.images, 2):
        assert not sample._is_same_photo(a, b)
    agreed = faces.counts[np.arange(70), faces.labels]
    for key in emotions.KEYS:
        rows = faces.rows(key)
        assert faces.is_contested[rows].tolist() == [False] * 8 + [True] * 2
        assert (agreed[rows[:8]] >= (7 if key == "disgust" else 9)).all(), key
    all_votes = votes.open_votes(ROOT / votes.FOLDER)
    rows = all_votes.find(faces.names)
    assert np.array_equal(all_votes.counts[rows], faces.counts)
    assert np.array_equal(all_votes.labels[rows], faces.labels)


def test_card_names_source_licence_and_removal() -> None:
    text = (FOLDER / sample.CARD).read_text(encoding="utf-8")
    for said in ("Goodfellow", "Database Contents License 1.0", "Barsoum", "MIT", "Removal"):
        assert said in text
    assert aggregates.read_summary(DATA)["data_sha256"] in text
    assert f"seed {sample.SEED}" in text


def test_no_other_image_of_the_data_set_is_committed() -> None:
    command = ["git", "ls-files", "data", "models", "docs", "tests"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    small = []
    for path in map(ROOT.joinpath, listed.stdout.splitlines()):
        if path.suffix in {".jpg", ".jpeg", ".png", ".npy"}:
            with Image.open(path) as image:
                if image.mode == "L" or min(image.size) <= 48:
                    small.append(path)
    assert small == [FOLDER / sample.FACES]


@pytest.mark.fer2013
def test_command_chooses_the_committed_faces(real_data: dataset.Dataset, tmp_path: Path) -> None:
    places = ("--data-dir", real_data.folder, "--votes-dir", ROOT / votes.FOLDER)
    succeeded(fer("data", "sample", *places, "--out", tmp_path))
    again, committed = sample.open_sample(tmp_path), sample.open_sample(FOLDER)
    assert (tmp_path / sample.TABLE).read_bytes() == (FOLDER / sample.TABLE).read_bytes()
    assert np.array_equal(again.images, committed.images)
    rows = [real_data.row_of[name] for name in committed.names.tolist()]
    assert np.array_equal(committed.images, real_data.images[rows])


def test_a_broken_sample_is_one_sentence(tmp_path: Path) -> None:
    for name in (sample.FACES, sample.TABLE):
        shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
        (tmp_path / name).write_bytes(b"name,label\nx,happy\n")
        with pytest.raises(FerError, match="missing or damaged"):
            sample.open_sample(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(FerError, match="missing or damaged"):
            sample.open_sample(tmp_path)


def test_exact_and_near_twins(small_data: dataset.Dataset) -> None:
    images = np.array(small_data.images)
    training = small_data.rows(dataset.Split.TRAINING)
    private = small_data.rows(dataset.Split.PRIVATE_TEST)
    images[private[0]] = images[training[0]]
    brighter = np.clip(images[training[9]].astype(int) + 9, 0, 255).astype(np.uint8)
    images[private[5]] = cv2.GaussianBlur(brighter, (3, 3), 0)
    result = aggregates.duplicates(replace(small_data, images=images))
    for kind in ("exact", "near"):
        assert result[kind]["pairs"] == {"Training/PrivateTest": 1}
    assert result["exact"]["leaked"] == {"PublicTest": 0, "PrivateTest": 1}
    assert result["exact_or_near"]["images"] == 4
    assert result["twins"] == sorted(small_data.sources[private[[0, 5]]].tolist())
    assert result["near"]["pairs_with_different_labels"] == 1


def test_class_faces_and_pixel_statistics_a_block_at_a_time(
    small_data: dataset.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    mean, deviation = aggregates.class_faces(small_data)
    stack = small_data.images[small_data.rows(dataset.Split.TRAINING, "sad")].astype(float)
    assert np.abs(mean[4] - stack.mean(axis=0)).max() <= 0.5
    assert np.abs(deviation[4] - stack.std(axis=0)).max() <= 0.51
    count = Mock(side_effect=np.bincount)
    monkeypatch.setattr(dataset, "BLOCK", 2)
    monkeypatch.setattr(np, "bincount", count)
    split = dataset.Split.PUBLIC_TEST
    pixels = small_data.images[small_data.rows(split)]
    result = aggregates.pixel_statistics(small_data, split)
    assert result["mean"] == pytest.approx(pixels.mean(), abs=1e-3)
    assert result["standard_deviation"] == pytest.approx(pixels.std(), abs=1e-3)
    assert sum(result["histogram"]) == pixels.size
    assert result["quartiles"][1] == np.median(pixels)
    assert dataset.gray_statistics(small_data.images) == small_data.manifest["gray"]
    assert max(each.args[0].size for each in count.call_args_list) == 2 * 48 * 48


def test_committed_counts_are_official() -> None:
    summary = aggregates.read_summary(DATA)
    assert summary["counts"] == summary["official_counts"]
    assert sum(sum(row.values()) for row in summary["counts"].values()) == dataset.OFFICIAL_IMAGES


@pytest.mark.fer2013
def test_committed_figures_are_those_of_the_real_set(real_data: dataset.Dataset) -> None:
    summary = aggregates.read_summary(DATA)
    assert summary["data_sha256"] == real_data.digest == dataset.KAGGLE_DIGEST
    assert summary["gray"] == real_data.manifest["gray"]
    for split in dataset.SPLITS:
        assert summary["pixels"][split.value] == aggregates.pixel_statistics(real_data, split)
    mean, _ = aggregates.read_class_faces(DATA)
    assert np.array_equal(mean, aggregates.class_faces(real_data)[0])
    stored = aggregates.read_duplicates(DATA)
    exact = aggregates.exact_pairs(real_data.images)
    assert sum(stored["exact"]["pairs"].values()) == len(exact)


def test_a_record_of_another_version_or_damaged_class_faces_are_told(tmp_path: Path) -> None:
    for name, read, command in (
        (aggregates.SUMMARY, aggregates.read_summary, "fer data aggregate"),
        (aggregates.DUPLICATES, aggregates.read_duplicates, "fer data aggregate"),
        (dataset.MANIFEST, dataset.open_dataset, "fer data import PATH"),
    ):
        (tmp_path / name).write_text("{}")
        with pytest.raises(FerError, match=f"{name} does not fit .*make it anew: {command}"):
            read(tmp_path)
    whole = (DATA / aggregates.FACES).read_bytes()
    for spoilt in (b"PK", whole[:-22], whole[:4000] + bytes(100) + whole[4100:]):
        (tmp_path / aggregates.FACES).write_bytes(spoilt)
        with pytest.raises(FerError, match="cannot be read"):
            aggregates.read_class_faces(tmp_path)
