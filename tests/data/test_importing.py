"""Imports of every form people have, and of every broken one."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fer import FerError
from fer.data import dataset, importing
from fer.data.dataset import Split
from fer.vision import upload_gate
from tests.support.command import fer, refusal, succeeded
from tests.support.making import (
    csv_table,
    face_like,
    in_background,
    interruptible,
    jpeg,
    small_archive,
)


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def test_archive_keeps_pixels_labels_splits_and_names(archive: Path, tmp_path: Path) -> None:
    report = importing.import_dataset(archive, tmp_path / "data")
    data = dataset.open_dataset(tmp_path / "data")
    assert report.images == len(data) == 84
    assert report.skipped == []
    assert data.counts == dict.fromkeys(dataset.SPLITS, (4,) * 7)
    assert isinstance(data.images, np.memmap)
    row = int(np.flatnonzero(data.sources == "test/happy/PublicTest_41.jpg")[0])
    assert data.labels[row] == 3
    assert data.splits[row] == "PublicTest"
    assert np.abs(data.images[row].astype(int) - face_like(41)).mean() < 4


def test_extracted_folder_gives_the_same_data(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        content.extractall(tmp_path / "folder")
    importing.import_dataset(archive, tmp_path / "a")
    importing.import_dataset(tmp_path / "folder", tmp_path / "b")
    assert (
        dataset.open_dataset(tmp_path / "a").digest == dataset.open_dataset(tmp_path / "b").digest
    )


@pytest.mark.parametrize("header", ["emotion,pixels,Usage", "emotion, Usage, pixels"])
def test_tables_with_and_without_blanks_in_the_header(tmp_path: Path, header: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(csv_table(header))
    importing.import_dataset(path, tmp_path / "data")
    data = dataset.open_dataset(tmp_path / "data")
    assert len(data) == 21
    assert np.array_equal(data.images[data.sources == "row 1"][0], face_like(0))
    assert [len(data.rows(split)) for split in Split] == [7, 7, 7]


@pytest.mark.parametrize("kind", ["tar", "zip", "zip around tar"])
def test_packed_csv_table(tmp_path: Path, kind: str) -> None:
    content = csv_table().encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("fer2013/fer2013.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    path = tmp_path / ("fer2013.tar.gz" if kind == "tar" else "challenge.zip")
    path.write_bytes(
        {
            "tar": packed.getvalue(),
            "zip": zipped("fer2013.csv", content),
            "zip around tar": zipped("fer2013.tar.gz", packed.getvalue()),
        }[kind]
    )
    assert importing.import_dataset(path, tmp_path / "data").images == 21


def test_bad_images_are_named_and_skipped(archive: Path, tmp_path: Path) -> None:
    whole = jpeg(face_like(1))
    with zipfile.ZipFile(archive, "a") as content:
        content.writestr("train/sad/Training_901.jpg", whole[: len(whole) // 2])
        content.writestr("train/sad/Training_902.jpg", b"")
        content.writestr("train/sad/Training_903.jpg", jpeg(np.zeros((50, 48), np.uint8)))
        content.writestr("train/bored/Training_904.jpg", whole)
        content.writestr("train/sad/holiday.jpg", whole)
    report = importing.import_dataset(archive, tmp_path / "data")
    assert report.images == 84
    assert [line.split(":")[0] for line in report.skipped] == [
        "train/sad/Training_901.jpg",
        "train/sad/Training_902.jpg",
        "train/sad/Training_903.jpg",
        "train/bored/Training_904.jpg",
        "train/sad/holiday.jpg",
    ]
    assert "50" in report.skipped[2]
    assert len(report.differences) == 21


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.zip", b"", "is empty"),
        ("text.zip", b"hello", "not FER-2013 in a known form"),
        ("bomb.zip", zipped("train/sad/Training_1.jpg", bytes(64 * 2**20)), "zip bomb"),
        ("climb.zip", zipped("../train/sad/Training_1.jpg", b""), "leaves its folder"),
        ("cut.zip", zipped("train/sad/Training_1.jpg", b"")[:-30], "is cut off"),
        ("column.csv", csv_table("emotion,pixels").encode(), "lacks a column"),
        ("short.csv", csv_table(pixels=2303).encode(), "row 1: 2303 pixels"),
        ("label.csv", csv_table().replace("\n1,", "\n9,").encode(), "emotion 9"),
        ("usage.csv", csv_table().replace("Public", "Open").encode(), "Usage is"),
        ("photo.jpg", b"\xff\xd8", "not FER-2013"),
        ("fer2013.tar.gz", b"\x1f\x8b\x00", "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused_with_one_sentence_and_old_data_kept(
    archive: Path, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    folder = tmp_path / "data"
    importing.import_dataset(archive, folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FerError, match=message) as caught:
        importing.import_dataset(tmp_path / name, folder)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_another_set_replaces_fer2013_only_if_asked_to(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    importing.import_dataset(archive, folder)
    digest = dataset.open_dataset(folder).digest
    other = small_archive(tmp_path / "mine.zip", per_class=5)
    monkeypatch.setattr(dataset, "KAGGLE_DIGEST", digest)
    assert "mine.zip is not FER-2013" in refusal(fer("data", "import", other, "--data-dir", folder))
    assert dataset.open_dataset(folder).digest == digest
    succeeded(fer("data", "import", archive, "--data-dir", folder))
    succeeded(fer("data", "import", other, "--data-dir", folder, "--overwrite"))
    assert len(dataset.open_dataset(folder)) == 105
    # What is not FER-2013 is replaced without being asked.
    succeeded(fer("data", "import", archive, "--data-dir", folder))


def test_full_disk_keeps_old_data(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    importing.import_dataset(archive, folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    other = small_archive(tmp_path / "other.zip", per_class=5)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(FerError, match="No space left on device"):
        importing.import_dataset(other, folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_import_killed_midway_keeps_old_data(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    importing.import_dataset(archive, folder)
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


def test_folder_that_cannot_be_written(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    # As root, even a read-only folder can be written, so the refusal is put in its place.
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(FerError, match="cannot be written"):
        importing.import_dataset(archive, tmp_path / "data")


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
def test_damaged_files_are_told(kind: str, content: bytes, archive: Path, tmp_path: Path) -> None:
    importing.import_dataset(archive, tmp_path / "data")
    manifest = dataset.open_dataset(tmp_path / "data").manifest
    (tmp_path / "data" / str(manifest[kind])).write_bytes(content)  # type: ignore[literal-required]
    with pytest.raises(FerError, match="is damaged"):
        dataset.open_dataset(tmp_path / "data")


@pytest.mark.fer2013
def test_real_archive_is_complete(real_archive: Path, tmp_path: Path) -> None:
    report = importing.import_dataset(real_archive, tmp_path)
    assert (report.images, report.skipped, report.differences) == (35_887, [], [])
    data = dataset.open_dataset(tmp_path)
    assert data.counts == dataset.OFFICIAL_COUNTS
    assert dataset.origin(data.manifest) is dataset.Origin.KAGGLE
    assert data.notice is None


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
