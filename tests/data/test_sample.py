"""The committed sample of FER-2013: what it holds, how it is chosen, what breaks it."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer import FerError, emotions, files
from fer.data import aggregates, dataset, sample, votes
from tests.support.command import fer, succeeded
from tests.support.making import ROOT

FOLDER = ROOT / sample.FOLDER


def test_sample_is_small_and_has_ten_faces_an_emotion() -> None:
    assert sum((FOLDER / name).stat().st_size for name in (sample.FACES, sample.TABLE)) < 200_000
    faces = sample.open_sample(FOLDER)
    assert faces.images.shape == (70, 48, 48)
    assert faces.images.dtype == np.uint8
    assert faces.labels.tolist() == np.repeat(np.arange(7), 10).tolist()
    assert len(set(faces.names)) == 70
    assert all(name.startswith("train/") for name in faces.names)


def test_clear_and_contested_are_what_the_votes_say() -> None:
    faces = sample.open_sample(FOLDER)
    agreed = faces.counts[np.arange(70), faces.labels]
    for key in emotions.KEYS:
        rows = faces.rows(key)
        assert faces.is_contested[rows].tolist() == [False] * 8 + [True] * 2
        assert (agreed[rows[:8]] >= (7 if key == "disgust" else 9)).all(), key
    all_votes = votes.open_votes(ROOT / votes.FOLDER)
    rows = all_votes.find(faces.names)
    assert np.array_equal(all_votes.counts[rows], faces.counts)
    assert np.array_equal(all_votes.labels[rows], faces.labels)


def test_no_photograph_is_in_it_twice() -> None:
    images = sample.open_sample(FOLDER).images
    for a, b in itertools.combinations(range(len(images)), 2):
        assert not sample._is_same_photo(images[a], images[b]), (a, b)


def test_card_names_source_licence_and_removal() -> None:
    text = (FOLDER / sample.CARD).read_text(encoding="utf-8")
    summary = files.read_json(ROOT / aggregates.FOLDER / aggregates.SUMMARY)
    for said in ("Goodfellow", "Database Contents License 1.0", "Barsoum", "MIT", "Removal"):
        assert said in text
    assert summary["data_sha256"] in text
    assert f"seed {sample.SEED}" in text


def test_no_other_image_of_the_data_set_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "data", "models", "docs", "tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    small = []
    for name in listed.stdout.splitlines():
        if Path(name).suffix in {".jpg", ".jpeg", ".png", ".npy"}:
            with Image.open(ROOT / name) as image:
                if image.mode == "L" or min(image.size) <= 48:
                    small.append(name)
    assert small == [f"{sample.FOLDER.as_posix()}/{sample.FACES}"]


@pytest.mark.fer2013
def test_command_chooses_the_committed_faces(real_data: dataset.Dataset, tmp_path: Path) -> None:
    votes_options = ("--votes-dir", ROOT / votes.FOLDER)
    succeeded(
        fer("data", "sample", "--data-dir", real_data.folder, *votes_options, "--out", tmp_path)
    )
    again, committed = sample.open_sample(tmp_path), sample.open_sample(FOLDER)
    assert (tmp_path / sample.TABLE).read_bytes() == (FOLDER / sample.TABLE).read_bytes()
    assert np.array_equal(again.images, committed.images)
    for image, name in zip(committed.images, committed.names.tolist(), strict=True):
        assert np.array_equal(image, real_data.images[real_data.row_of[name]]), name


def test_another_data_set_has_no_sample(small_data: dataset.Dataset) -> None:
    with pytest.raises(FerError, match="too few Training faces with votes"):
        sample.choose(small_data, votes.open_votes(ROOT / votes.FOLDER))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (sample.FACES, None),
        (sample.FACES, b"no picture"),
        (sample.TABLE, None),
        (sample.TABLE, b"name,label\nx,happy\n"),
        (sample.TABLE, b"\xff\xfe"),
    ],
)
def test_a_broken_sample_is_one_sentence(name: str, content: bytes | None, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "samples")
    if content is None:
        (tmp_path / "samples" / name).unlink()
    else:
        (tmp_path / "samples" / name).write_bytes(content)
    with pytest.raises(FerError, match="missing or damaged"):
        sample.open_sample(tmp_path / "samples")
