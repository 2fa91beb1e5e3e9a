"""What an import keeps, skips, replaces and leaves alone."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import filelock
import numpy as np
import pytest

from fer import FerError
from fer.data import dataset, importing
from fer.data.dataset import Dataset
from fer.data.formats import face_files
from tests.support.command import fer, refusal, succeeded
from tests.support.making import contents, face_like, jpeg, small_archive


@pytest.fixture
def folder(small_data: Dataset, tmp_path: Path) -> Path:
    """A folder with an imported data set."""
    return Path(shutil.copytree(small_data.folder, tmp_path / "data"))


def test_an_archive_is_kept_and_its_bad_images_are_named_and_skipped(
    archive: Path, tmp_path: Path
) -> None:
    whole = jpeg(face_like(1))
    bad = {
        "train/sad/Training_901.jpg": whole[: len(whole) // 2],
        "train/sad/Training_903.jpg": jpeg(np.zeros((50, 48), np.uint8)),
        "train/bored/Training_904.jpg": whole,
        "train/sad/holiday.jpg": whole,
        "train/sad/Training_905.jpg": bytes(face_files.MAX_BYTES + 1),
    }
    with zipfile.ZipFile(archive, "a") as content:
        for name, image in bad.items():
            content.writestr(name, image)
    report = importing.import_dataset(archive, tmp_path)
    assert [line.split(":")[0] for line in report.skipped] == list(bad)
    assert len(report.differences) == 21
    data = dataset.open_dataset(tmp_path)
    assert data.counts == dict.fromkeys(dataset.SPLITS, (4,) * 7)
    row = data.row_of["test/happy/PublicTest_41.jpg"]
    assert (data.labels[row], data.splits[row]) == (3, "PublicTest")
    assert np.abs(data.images[row].astype(int) - face_like(41)).mean() < 4


def test_another_set_replaces_fer2013_only_if_asked_to(
    small_data: Dataset, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("data", "import", "--data-dir", folder)
    other = small_archive(tmp_path / "mine.zip", per_class=5)
    monkeypatch.setattr(dataset, "KAGGLE_DIGEST", small_data.digest)
    assert "mine.zip is not FER-2013" in refusal(fer(*command, other))
    assert dataset.open_dataset(folder).digest == small_data.digest
    succeeded(fer(*command, other, "--overwrite"))
    # What is not FER-2013 is replaced without being asked.
    succeeded(fer(*command, small_archive(other, per_class=3)))
    assert len(dataset.open_dataset(folder)) == 63


@pytest.mark.parametrize(
    ("name", "act", "message"),
    [
        ("numpy.save", OSError(28, "No space left"), "written .No space left"),
        # As root, even a read-only folder can be written, so the refusal is put in its place.
        ("tempfile.mkstemp", PermissionError(13, "denied"), "written .denied"),
        ("filelock.FileLock.acquire", filelock.Timeout(""), "coming to its end"),
        ("fer.files.free_bytes", [2**20], "has 1 MB free .* Nothing was changed"),
    ],
)
def test_what_cannot_be_written_leaves_old_data(
    folder: Path, archive: Path, monkeypatch: pytest.MonkeyPatch, name: str, act: Any, message: str
) -> None:
    before = contents(folder)
    other = small_archive(archive, per_class=25)
    monkeypatch.setattr(name, Mock(side_effect=act))
    with pytest.raises(FerError, match=message):
        importing.import_dataset(other, folder)
    assert contents(folder) == before


def test_an_import_deletes_nothing_but_what_earlier_ones_left(folder: Path, tmp_path: Path) -> None:
    earlier = dataset.open_dataset(folder).manifest
    left = (
        ".images-0123456789ab-abc_1234.npy",
        ".index-0123456789ab-abc_1234.parquet",
        ".dataset-abc_1234.json",
    )
    own = ("thesis.docx", "images-mine.npy", ".env", "index.parquet")
    for name in (*left, *own):
        (folder / name).write_text("text")
    importing.import_dataset(small_archive(tmp_path / "other.zip", per_class=5), folder)
    manifest = dataset.open_dataset(folder).manifest
    assert earlier["images"] != manifest["images"]
    made = {importing.LOCK, dataset.MANIFEST, manifest["images"], manifest["index"]}
    assert {path.name for path in folder.iterdir()} == {*own, *made}


def test_nothing_imported_and_damaged_files_are_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FerError, match="fer data import"):
        dataset.open_dataset(tmp_path)
    for kind in ("images", "index"):
        (file,) = folder.glob(f"{kind}-*")
        whole = file.read_bytes()
        for content in (b"", b"\x93NUMPY\x01\x00\x08\x00{(\n      "):
            file.write_bytes(content)
            with pytest.raises(FerError, match="is damaged"):
                dataset.open_dataset(folder)
        file.write_bytes(whole)


@pytest.mark.fer2013
def test_real_archive_is_complete(real_data: Dataset) -> None:
    assert (len(real_data), real_data.manifest["skipped"]) == (35_887, [])
    assert (real_data.counts, real_data.manifest["differences"]) == (dataset.OFFICIAL_COUNTS, [])
    assert dataset.origin(real_data.manifest) is dataset.Origin.KAGGLE
    assert real_data.notice is None
