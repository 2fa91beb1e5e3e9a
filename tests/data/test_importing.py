"""What an import keeps, skips, replaces and leaves alone."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from unittest.mock import Mock

import filelock
import numpy as np
import pytest

from fer import FerError
from fer.data import dataset, importing
from fer.data.dataset import Dataset
from fer.data.formats import face_files
from fer.vision import upload_gate
from tests.support.command import fer, refusal, succeeded
from tests.support.making import (
    contents,
    face_like,
    in_background,
    interruptible,
    jpeg,
    small_archive,
)


@pytest.fixture
def folder(small_data: Dataset, tmp_path: Path) -> Path:
    """A folder with an imported data set."""
    return Path(shutil.copytree(small_data.folder, tmp_path / "data"))


def test_archive_keeps_pixels_labels_splits_and_names(small_data: Dataset) -> None:
    assert small_data.counts == dict.fromkeys(dataset.SPLITS, (4,) * 7)
    row = small_data.row_of["test/happy/PublicTest_41.jpg"]
    assert (small_data.labels[row], small_data.splits[row]) == (3, "PublicTest")
    assert np.abs(small_data.images[row].astype(int) - face_like(41)).mean() < 4


def test_bad_images_are_named_and_skipped(archive: Path, tmp_path: Path) -> None:
    whole = jpeg(face_like(1))
    bad = {
        "train/sad/Training_901.jpg": whole[: len(whole) // 2],
        "train/sad/Training_902.jpg": b"",
        "train/sad/Training_903.jpg": jpeg(np.zeros((50, 48), np.uint8)),
        "train/bored/Training_904.jpg": whole,
        "train/sad/holiday.jpg": whole,
        "train/sad/Training_905.jpg": bytes(face_files.MAX_BYTES + 1),
    }
    with zipfile.ZipFile(archive, "a") as content:
        for name, image in bad.items():
            content.writestr(name, image)
    report = importing.import_dataset(archive, tmp_path / "data")
    assert report.images == 84
    assert [line.split(":")[0] for line in report.skipped] == list(bad)
    assert "50" in report.skipped[2]
    assert len(report.differences) == 21


def test_another_set_replaces_fer2013_only_if_asked_to(
    small_data: Dataset,
    folder: Path,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = small_archive(tmp_path / "mine.zip", per_class=5)
    monkeypatch.setattr(dataset, "KAGGLE_DIGEST", small_data.digest)
    assert "mine.zip is not FER-2013" in refusal(fer("data", "import", other, "--data-dir", folder))
    assert dataset.open_dataset(folder).digest == small_data.digest
    succeeded(fer("data", "import", archive, "--data-dir", folder))
    succeeded(fer("data", "import", other, "--data-dir", folder, "--overwrite"))
    assert len(dataset.open_dataset(folder)) == 105
    # What is not FER-2013 is replaced without being asked.
    succeeded(fer("data", "import", archive, "--data-dir", folder))


@pytest.mark.parametrize(
    ("name", "act", "message"),
    [
        ("numpy.save", Mock(side_effect=OSError(28, "No space left")), "written .No space left"),
        # As root, even a read-only folder can be written, so the refusal is put in its place.
        ("tempfile.mkstemp", Mock(side_effect=PermissionError(13, "denied")), "written .denied"),
        ("filelock.FileLock.acquire", Mock(side_effect=filelock.Timeout("")), "coming to its end"),
        ("fer.files.free_bytes", Mock(return_value=2**20), "has 1 MB free .* Nothing was changed"),
    ],
)
def test_what_cannot_be_written_leaves_old_data(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    act: Mock,
    message: str,
) -> None:
    before = contents(folder)
    other = small_archive(tmp_path / "other.zip", per_class=25)
    monkeypatch.setattr(name, act)
    with pytest.raises(FerError, match=message):
        importing.import_dataset(other, folder)
    assert contents(folder) == before


def test_import_killed_midway_keeps_old_data(folder: Path, tmp_path: Path) -> None:
    other = small_archive(tmp_path / "other.zip", per_class=300)
    program = (
        "import sys, time; from pathlib import Path; from fer.data import importing\n"
        "def told(done, total, **details):\n print('reading', flush=True)\n time.sleep(600)\n"
        "importing.import_dataset(Path(sys.argv[1]), Path(sys.argv[2]), told)"
    )
    with in_background():
        child = interruptible(
            [sys.executable, "-c", program, other, folder], stdout=subprocess.PIPE
        )
    assert child.stdout is not None
    assert child.stdout.readline() == "reading\n"
    child.send_signal(signal.SIGINT)
    assert child.wait() != 0
    assert len(dataset.open_dataset(folder)) == 84
    left = {path.name for path in folder.iterdir() if path.name.startswith(".")}
    assert left <= {importing.LOCK}


def test_an_import_deletes_nothing_but_what_earlier_ones_left(
    archive: Path, tmp_path: Path
) -> None:
    importing.import_dataset(archive, tmp_path)
    earlier = dataset.open_dataset(tmp_path).manifest
    left = [
        tmp_path / ".images-0123456789ab-abc_1234.npy",
        tmp_path / ".index-0123456789ab-abc_1234.parquet",
        tmp_path / ".dataset-abc_1234.json",
    ]
    own = [tmp_path / name for name in ("thesis.docx", "images-mine.npy", ".env", "index.parquet")]
    for path in [*left, *own]:
        path.write_text("text")
    other = small_archive(tmp_path / "other.zip", per_class=5)
    importing.import_dataset(other, tmp_path)
    manifest = dataset.open_dataset(tmp_path).manifest
    assert {path.name for path in tmp_path.iterdir()} - {importing.LOCK} == {
        *(path.name for path in [archive, other, *own]),
        *(dataset.MANIFEST, manifest["images"], manifest["index"]),
    }
    assert earlier["images"] != manifest["images"]


def test_file_where_the_folder_should_be(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(FerError, match="cannot be written"):
        importing.import_dataset(archive, tmp_path / "data")
    assert (tmp_path / "data").read_text() == "in the way"


def test_nothing_imported_is_said(tmp_path: Path) -> None:
    with pytest.raises(FerError, match="fer data import"):
        dataset.open_dataset(tmp_path)


@pytest.mark.parametrize("kind", ["images", "index"])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00\x08\x00{(\n      "])
def test_damaged_files_are_told(kind: str, content: bytes, folder: Path) -> None:
    (file,) = folder.glob(f"{kind}-*")
    file.write_bytes(content)
    with pytest.raises(FerError, match="is damaged"):
        dataset.open_dataset(folder)


@pytest.mark.fer2013
def test_real_archive_is_complete(real_data: Dataset) -> None:
    assert (len(real_data), real_data.manifest["skipped"]) == (35_887, [])
    assert (real_data.counts, real_data.manifest["differences"]) == (dataset.OFFICIAL_COUNTS, [])
    assert dataset.origin(real_data.manifest) is dataset.Origin.KAGGLE
    assert real_data.notice is None


def test_each_image_is_decoded_once_and_opening_reads_none(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    real = upload_gate.opened_image
    monkeypatch.setattr(
        upload_gate,
        "opened_image",
        lambda content, name: opened.append(name) or real(content, name),
    )
    importing.import_dataset(archive, tmp_path)
    assert len(opened) == len(set(opened)) == 84
    digested = []
    monkeypatch.setattr(dataset, "content_digest", lambda *arrays: digested.append(arrays))
    data = dataset.open_dataset(tmp_path)
    assert isinstance(data.images, np.memmap)
    assert digested == []
