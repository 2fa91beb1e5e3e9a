"""Every form in which people have FER-2013 is read as it was meant, or refused as a whole."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from fer import FerError, emotions
from fer.data import dataset, importing, votes
from fer.data.dataset import KAGGLE_DIGEST, Dataset, Origin, Split
from fer.data.formats import face_tables
from tests.support.making import contents, csv_table, face_like, jpeg, small_archive

NAMES = ("anger", "disgusted", "fearful", "Happiness", "sadness", "surprised", "neutral")


def zipped(files: dict[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def repacked(source: Path, target: Path, rename: Callable[[str], str]) -> Path:
    """Write the zip at `source` with its files under other names; "" leaves a file out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in filter(rename, old.namelist()):
            new.writestr(rename(name), old.read(name))
    return target


def numbered(name: str) -> str:
    """The name as another copy of the data set has it."""
    folder, emotion, file = name.split("/")
    split, number = file.removesuffix(".jpg").split("_")
    folder = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}[split]
    other = dict(zip(emotions.KEYS, NAMES, strict=True))[emotion]
    return f"images\\{folder}\\{other}\\im{number}.jpg"


def test_every_form_of_the_images_gives_the_same_data(
    small_data: Dataset, archive: Path, tmp_path: Path
) -> None:
    repacked(archive, tmp_path / "other.zip", numbered)
    # A folder with what macOS adds to an archive, and a broken one beside it.
    with zipfile.ZipFile(archive, "a") as content:
        for name in content.namelist():
            folder, _, file = name.rpartition("/")
            content.writestr(f"__MACOSX/{folder}/._{file}", b"\0\5\x16\7")
            content.writestr(f"{folder}/._{file}", b"\0\5\x16\7")
    (tmp_path / "download").mkdir()
    (tmp_path / "download" / "notes.zip").write_bytes(b"PK\x03\x04 cut off")
    archive.rename(tmp_path / "download" / "old archive.zip")
    for form in ("other.zip", "download"):
        report = importing.import_dataset(tmp_path / form, tmp_path / form[:1])
        assert report.skipped == []
        assert dataset.open_dataset(tmp_path / form[:1]).digest == small_data.digest


TABLE = csv_table()
CHALLENGE = {
    "train.csv": csv_table("emotion,pixels", rows=3),
    "test.csv": csv_table("pixels", rows=3),
    "example_submission.csv": "id,emotion\n1,0\n",
}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("blanks.csv", csv_table("emotion, Usage, pixels").encode()),
        ("excel.csv", ("\ufeff" + TABLE.replace(",", ";") + ";;\n\n").encode()),
        ("fer2013.csv.gz", gzip.compress(TABLE.encode())),
        ("packed.zip", zipped({"fer2013.csv.gz": gzip.compress(TABLE.encode())})),
        ("challenge.zip", zipped({**CHALLENGE, "icml_face_data.csv": TABLE})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_form_of_the_table_gives_the_same_data(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert importing.import_dataset(tmp_path / name, tmp_path).skipped == []
    data = dataset.open_dataset(tmp_path)
    assert np.array_equal(data.images[data.sources == "row 1"][0], face_like(0))
    assert [len(data.rows(split)) for split in Split] == [7, 7, 7]


def changed_table(part: str, other: str) -> bytes:
    return TABLE.replace(part, other, 1).encode()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.zip", b"", "is empty"),
        ("photo.jpg", b"\xff\xd8", "not FER-2013 in a known form"),
        ("bomb.zip", zipped({"a/Training_1.jpg": bytes(64 * 2**20)}), "zip bomb"),
        ("climb.zip", zipped({"../train/sad/Training_1.jpg": b""}), "leaves its folder"),
        ("cut.zip", zipped({"train/sad/Training_1.jpg": b""})[:-30], "is cut off"),
        ("deep.zip", zipped({"a.zip": zipped({"b.zip": zipped({"c": b""})})}), "holds neither"),
        ("fer2013.tar.gz", b"\x1f\x8b\x00", "damaged"),
        ("challenge.zip", zipped(CHALLENGE), "train.csv lacks a column: Usage.*icml_face_data"),
        ("short.csv", csv_table(pixels=2303).encode(), "row 1: 2303 pixels"),
        ("cells.csv", changed_table(",Training", ""), "row 1: 2 of 3 columns"),
        ("label.csv", changed_table("\n1,", "\n9,"), "row 2: emotion 9"),
        ("word.csv", changed_table("\n1,", "\nsad,"), "must be whole numbers"),
        ("pixel.csv", changed_table("\n1,", "\n1,-"), "outside 0-255"),
        ("usage.csv", changed_table("Public", "Open"), "Usage is 'OpenTest'"),
        ("endless.csv", TABLE[:21].encode() + b"0 " * face_tables.MAX_LINE, "is damaged"),
        ("tests.zip", lambda name: numbered(name).replace("validation", "test"), "are PrivateTest"),
        ("folders.zip", lambda name: name.replace("sad", "melancholy"), "only 72 of 84 .*melancho"),
        ("no public.zip", lambda name: "" if "Public" in name else name, "no image of PublicTest"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused_with_one_sentence_and_old_data_kept(
    small_data: Dataset, archive: Path, tmp_path: Path, name: str, content: Any, message: str
) -> None:
    shutil.copytree(small_data.folder, tmp_path / "data")
    before = contents(tmp_path / "data")
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        repacked(archive, tmp_path / name, content)
    with pytest.raises(FerError, match=f"^.*{message}.*$"):
        importing.import_dataset(tmp_path / name, tmp_path / "data")
    assert contents(tmp_path / "data") == before


def test_odd_things_in_a_folder_are_skipped_and_named(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    (folder / "train/sad/Training_901.jpg").symlink_to(tmp_path / "gone.jpg")
    (folder / "train/sad/Training_902.jpg").mkdir()
    os.mkfifo(folder / "train/sad/Training_903.jpg")
    report = importing.import_dataset(folder, tmp_path / "data")
    assert report.images == 84
    assert [line.partition(" (")[0] for line in report.skipped] == [
        "train/sad/Training_901.jpg: cannot be read",
        "train/sad/Training_903.jpg: cannot be read",
    ]


def test_parquet_files_of_a_hub(tmp_path: Path) -> None:
    hub, folder = tmp_path / "hub", tmp_path / "data"
    hub.mkdir()
    # In alphabetical order, as hubs have them: the file says what each number means.
    names = sorted(emotions.KEYS)
    described = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    for number, split in enumerate(("train", "validation", "test")):
        rows = range(number, 42, 3)
        columns = {
            "image": [{"bytes": jpeg(face_like(row), "PNG")} for row in rows],
            "label": [names.index(emotions.KEYS[row % 7]) for row in rows],
        }
        table = arrow.table(columns, metadata={b"huggingface": json.dumps(described)})
        parquet.write_table(table, hub / f"{split}-00000-of-00001.parquet")
    importing.import_dataset(hub, folder)
    data = dataset.open_dataset(folder)
    assert [len(data.rows(split)) for split in dataset.SPLITS] == [14, 14, 14]
    labels = {image.tobytes(): label for image, label in zip(data.images, data.labels, strict=True)}
    assert all(labels[face_like(number).tobytes()] == number % 7 for number in range(42))
    (hub / "validation-00000-of-00001.parquet").unlink()
    with pytest.raises(FerError, match="files named train, validation and test"):
        importing.import_dataset(hub, folder)
    (hub / "validation.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FerError, match="damaged or cut off"):
        importing.import_dataset(hub, folder)


def test_imports_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    archives = [small_archive(tmp_path / f"{n}.zip", per_class=n + 1) for n in range(4)]
    folder = tmp_path / "data"
    with ThreadPoolExecutor(len(archives)) as pool:
        list(pool.map(importing.import_dataset, 3 * archives, repeat(folder)))
    data = dataset.open_dataset(folder)
    assert len(data) in (21, 42, 63, 84)
    assert dataset.content_digest(data.images, data.labels, data.splits) == data.digest
    assert len([path for path in folder.iterdir() if path.name != importing.LOCK]) == 3


def test_whose_pixels_a_set_has() -> None:
    original = "07df9bc5" + "0" * 56
    for digest, md5, differences, origin in (
        (KAGGLE_DIGEST, None, [], Origin.KAGGLE),
        (original, None, [], Origin.ORIGINAL),
        ("ab" * 32, "f8428a1edbd21e88f42c73edd2a14f95", [], Origin.ORIGINAL),
        ("ab" * 32, "00" * 16, [], Origin.COPY),
        (original, None, ["Training sad: 4 images"], Origin.OTHER),
    ):
        manifest = {"digest": digest, "md5": md5, "differences": differences}
        assert dataset.origin(manifest) is origin
        assert dataset.origin({**manifest, "digest": "of a subset", "whole": digest}) is origin
        is_official = origin in (Origin.KAGGLE, Origin.ORIGINAL)
        assert (dataset.notice(manifest) is None) is is_official


@pytest.mark.fer2013
def test_rows_of_the_official_table_have_kaggles_names(real_data: Dataset) -> None:
    order = [
        real_data.row_of[source]
        for source in votes.open_votes(importing.VOTES_FOLDER).sources.tolist()
    ]
    rows = np.array([f"row {n + 1}" for n in range(len(order))], dtype=np.str_)
    labels = real_data.labels[order].astype(np.int8)
    table = importing.Faces(real_data.images[order], labels, real_data.splits[order], rows)
    assert table.digest != real_data.digest
    same = importing.with_official_names(table)
    assert same.digest == real_data.digest == KAGGLE_DIGEST
    assert np.array_equal(same.sources, real_data.sources)
    # Other pixels in the same rows, as in the lossless table: its order stays, and so its digest.
    lossless = replace(table, images=table.images ^ 1)
    named = importing.with_official_names(lossless)
    assert named.digest == lossless.digest
    assert [real_data.row_of[source] for source in named.sources.tolist()] == order
    # Another table of the same length: its rows are none of FER-2013's.
    labels = labels.copy()
    labels[[0, 2]] = labels[[2, 0]]
    assert importing.with_official_names(replace(table, labels=labels)).sources[0] == "row 1"
