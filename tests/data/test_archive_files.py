"""Every form in which people have FER-2013 is read as it was meant, or refused as a whole."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from fer import FerError, emotions
from fer.data import dataset, importing, votes
from fer.data.dataset import KAGGLE_DIGEST, Dataset, Origin, Split
from fer.data.formats import face_tables
from tests.support.making import USAGES, contents, csv_table, face_like, jpeg, small_archive

NAMES = ("anger", "disgusted", "fearful", "Happiness", "sadness", "surprised", "neutral")


def zipped(files: dict[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def repacked(source: Path, target: Path, rename: Callable[[str], str]) -> Path:
    """Write the zip at `source` with its files under other names; "" leaves a file out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in filter(rename, old.namelist()):
            new.writestr(rename(name), old.read(name))
    return target


def imported(source: Path, folder: Path) -> Dataset:
    report = importing.import_dataset(source, folder / "data")
    assert report.skipped == []
    return dataset.open_dataset(folder / "data")


def other_names(name: str) -> str:
    for key, other in zip(emotions.KEYS, NAMES, strict=True):
        name = name.replace(f"/{key}/", f"/{other}/")
    return name


def numbered(name: str) -> str:
    folder, emotion, file = name.split("/")
    split, number = file.removesuffix(".jpg").split("_")
    folder = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}[split]
    return f"images/{folder}/{emotion}/im{number}.jpg"


def with_notes_of_macos(archive: Path) -> Path:
    with zipfile.ZipFile(archive, "a") as content:
        for name in content.namelist():
            folder, _, file = name.rpartition("/")
            content.writestr(f"__MACOSX/{folder}/._{file}", b"\0\5\x16\7")
            content.writestr(f"{folder}/._{file}", b"\0\5\x16\7")
    return archive


def in_a_folder(archive: Path) -> Path:
    folder = archive.parent / "download"
    folder.mkdir()
    (folder / "notes.zip").write_bytes(b"PK\x03\x04 cut off")
    archive.rename(folder / "old archive.zip")
    return folder


@pytest.mark.parametrize(
    "form",
    [
        lambda archive: repacked(archive, archive.with_name("b.zip"), other_names),
        lambda archive: repacked(archive, archive.with_name("b.zip"), numbered),
        lambda archive: repacked(
            archive, archive.with_name("b.zip"), lambda name: name.replace("/", "\\")
        ),
        with_notes_of_macos,
        in_a_folder,
    ],
    ids=["other names", "numbered", "backslash", "macOS", "folder"],
)
def test_every_form_of_the_images_gives_the_same_data(
    small_data: Dataset, archive: Path, tmp_path: Path, form: Callable[[Path], Path]
) -> None:
    assert imported(form(archive), tmp_path).digest == small_data.digest


TABLE = csv_table()
UNTIDY = TABLE + ",,\n\n"
CHALLENGE = {
    "train.csv": csv_table("emotion,pixels", rows=3),
    "test.csv": csv_table("pixels", rows=3),
    "example_submission.csv": "id,emotion\n1,0\n",
}
TABLES = {
    "table.csv": TABLE.encode(),
    "blanks.csv": csv_table("emotion, Usage, pixels").encode(),
    "excel.csv": ("\ufeff" + UNTIDY.replace(",", ";")).encode(),
    "fer2013.csv.gz": gzip.compress(UNTIDY.encode()),
    "fer2013.tar.gz": tarred("fer2013/fer2013.csv", TABLE.encode()),
    "table.zip": zipped({"fer2013.csv": TABLE}),
    "packed.zip": zipped({"fer2013.csv.gz": gzip.compress(TABLE.encode())}),
    "around.zip": zipped({"fer2013.tar.gz": tarred("fer2013/fer2013.csv", TABLE.encode())}),
    "challenge.zip": zipped({**CHALLENGE, "icml_face_data.csv": TABLE}),
}


@pytest.mark.parametrize("name", list(TABLES))
def test_every_form_of_the_table_gives_the_same_data(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(TABLES[name])
    data = imported(tmp_path / name, tmp_path)
    assert np.array_equal(data.images[data.sources == "row 1"][0], face_like(0))
    assert [len(data.rows(split)) for split in Split] == [7, 7, 7]


def without(part: str) -> Callable[[str], str]:
    return lambda name: "" if part in name else name


def nested(depth: int) -> bytes:
    inner = b"PK\x03\x04"
    for _ in range(depth):
        inner = zipped({"deeper.zip": inner})
    return inner


def not_a_set(part: str, other: str) -> bytes:
    return TABLE.replace(part, other, 1).encode()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.zip", b"", "is empty"),
        ("text.zip", b"hello", "not FER-2013 in a known form"),
        ("photo.jpg", b"\xff\xd8", "not FER-2013"),
        ("bomb.zip", zipped({"a/Training_1.jpg": bytes(64 * 2**20)}), "zip bomb"),
        ("climb.zip", zipped({"../train/sad/Training_1.jpg": b""}), "leaves its folder"),
        ("cut.zip", zipped({"train/sad/Training_1.jpg": b""})[:-30], "is cut off"),
        ("deep.zip", nested(50), "holds neither"),
        ("fer2013.tar.gz", b"\x1f\x8b\x00", "damaged"),
        ("none.zip", zipped({"train/sad/Training_1.jpg": b""}), "no usable FER-2013 image"),
        ("challenge.zip", zipped(CHALLENGE), "train.csv lacks a column: Usage.*icml_face_data"),
        ("column.csv", csv_table("emotion,pixels").encode(), "lacks a column"),
        ("short.csv", csv_table(pixels=2303).encode(), "row 1: 2303 pixels"),
        ("cells.csv", not_a_set(",Training", ""), "row 1: 2 of 3 columns"),
        ("label.csv", not_a_set("\n1,", "\n9,"), "row 2: emotion 9"),
        ("word.csv", not_a_set("\n1,", "\nsad,"), "must be whole numbers"),
        ("pixel.csv", not_a_set("\n1,", "\n1,-"), "outside 0-255"),
        ("usage.csv", not_a_set("Public", "Open"), "Usage is 'OpenTest'"),
        (
            "endless.csv",
            TABLE[:21].encode() + b"0 " * face_tables.MAX_LINE,
            "endless.csv is damaged",
        ),
        (
            "tests.zip",
            lambda name: numbered(name).replace("/validation/", "/test/"),
            "which images are PublicTest and which are PrivateTest",
        ),
        (
            "folders.zip",
            lambda name: name.replace("sad", "melancholy"),
            "only 72 of 84 images tell .*melancholy",
        ),
        ("no public.zip", without("PublicTest"), "no image of PublicTest"),
        ("no fear.zip", without("train/fear/"), "no image of Training fear"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused_with_one_sentence_and_old_data_kept(
    small_data: Dataset,
    archive: Path,
    tmp_path: Path,
    name: str,
    content: bytes | Callable[[str], str],
    message: str,
) -> None:
    shutil.copytree(small_data.folder, tmp_path / "data")
    before = contents(tmp_path / "data")
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        repacked(archive, tmp_path / name, content)
    with pytest.raises(FerError, match=message) as caught:
        importing.import_dataset(tmp_path / name, tmp_path / "data")
    assert "\n" not in str(caught.value)
    assert contents(tmp_path / "data") == before


def test_damage_to_more_than_a_tenth_is_refused(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive, "a") as content:
        for number in range(20):
            content.writestr(f"train/sad/Training_9{number:02}.jpg", b"\xff\xd8 no more")
    with pytest.raises(FerError, match=r"only 84 of 104 images can be used"):
        importing.import_dataset(archive, tmp_path / "data")


def test_odd_things_in_a_folder_are_skipped_and_named(
    small_data: Dataset, archive: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    (folder / "train/sad/Training_901.jpg").symlink_to(tmp_path / "gone.jpg")
    (folder / "train/sad/Training_902.jpg").mkdir()
    os.mkfifo(folder / "train/sad/Training_903.jpg")
    report = importing.import_dataset(folder, tmp_path / "data")
    assert dataset.open_dataset(tmp_path / "data").digest == small_data.digest
    assert [line.partition(" (")[0] for line in report.skipped] == [
        "train/sad/Training_901.jpg: cannot be read",
        "train/sad/Training_903.jpg: cannot be read",
    ]


def hub_file(path: Path, split: str, names: list[str]) -> None:
    rows = [number for number in range(42) if USAGES[number % 3] == split]
    table = arrow.table(
        {
            "image": [{"bytes": jpeg(face_like(n), "PNG")} for n in rows],
            "label": [names.index(emotions.KEYS[n % 7]) for n in rows],
        }
    )
    described = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    table = table.replace_schema_metadata({b"huggingface": json.dumps(described)})
    parquet.write_table(table, path)


def test_parquet_files_of_a_hub(tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "data"
    folder.mkdir(parents=True)
    # In alphabetical order, as hubs have them: the file says what each number means.
    names = sorted(emotions.KEYS)
    for split, name in zip(USAGES, ("train", "validation", "test"), strict=True):
        hub_file(folder / f"{name}-00000-of-00001.parquet", split, names)
    data = imported(tmp_path / "hub", tmp_path)
    assert [len(data.rows(split)) for split in dataset.SPLITS] == [14, 14, 14]
    labels = {image.tobytes(): label for image, label in zip(data.images, data.labels, strict=True)}
    assert all(labels[face_like(number).tobytes()] == number % 7 for number in range(42))
    (folder / "validation-00000-of-00001.parquet").unlink()
    with pytest.raises(FerError, match="files named train, validation and test"):
        importing.import_dataset(tmp_path / "hub", tmp_path / "data")
    (folder / "validation.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FerError, match="damaged or cut off"):
        importing.import_dataset(tmp_path / "hub", tmp_path / "data")


def test_imports_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    archives = [small_archive(tmp_path / f"{n}.zip", per_class=n + 1) for n in range(4)]
    digests = {imported(path, tmp_path / path.stem).digest for path in archives}
    folder = tmp_path / "data"
    with ThreadPoolExecutor(len(archives)) as pool:
        list(pool.map(importing.import_dataset, 3 * archives, repeat(folder)))
    data = dataset.open_dataset(folder)
    assert data.digest in digests
    assert dataset.content_digest(data.images, data.labels, data.splits) == data.digest
    assert len([path for path in folder.iterdir() if path.name != importing.LOCK]) == 3


@pytest.mark.parametrize(
    ("digest", "md5", "differences", "origin"),
    [
        (KAGGLE_DIGEST, None, [], Origin.KAGGLE),
        ("07df9bc5" + "0" * 56, None, [], Origin.ORIGINAL),
        ("ab" * 32, "f8428a1edbd21e88f42c73edd2a14f95", [], Origin.ORIGINAL),
        ("ab" * 32, "00" * 16, [], Origin.COPY),
        ("07df9bc5" + "0" * 56, None, ["Training sad: 4 images"], Origin.OTHER),
    ],
)
def test_whose_pixels_a_set_has(
    digest: str, md5: str | None, differences: list[str], origin: Origin
) -> None:
    manifest = {"digest": digest, "md5": md5, "differences": differences}
    assert dataset.origin(manifest) is origin
    assert dataset.origin({**manifest, "digest": "of a subset", "whole": digest}) is origin
    notice = dataset.notice(manifest)
    if origin in (Origin.KAGGLE, Origin.ORIGINAL):
        assert notice is None
    else:
        assert "not FER-2013's" in str(notice)


def as_table(data: Dataset) -> importing.Faces:
    """Return the data set's images as rows of FER-2013's own table."""
    sources = votes.open_votes(importing.VOTES_FOLDER).sources.tolist()
    order = np.array([data.row_of[source] for source in sources])
    rows = np.array([f"row {n + 1}" for n in range(len(order))], dtype=np.str_)
    labels = data.labels[order].astype(np.int8)
    return importing.Faces(data.images[order], labels, data.splits[order], rows)


@pytest.mark.fer2013
def test_rows_of_the_official_table_have_kaggles_names(real_data: Dataset) -> None:
    table = as_table(real_data)
    assert table.digest != real_data.digest
    same = importing.with_official_names(table)
    assert same.digest == real_data.digest == KAGGLE_DIGEST
    assert np.array_equal(same.sources, real_data.sources)
    # Other pixels in the same rows, as in the lossless table: its order stays, and so its digest.
    lossless = replace(table, images=table.images ^ 1)
    named = importing.with_official_names(lossless)
    assert named.digest == lossless.digest
    rows = np.array([real_data.row_of[source] for source in named.sources.tolist()])
    assert np.array_equal(named.images ^ 1, real_data.images[rows])
    # Another table of the same length: its rows are none of FER-2013's.
    labels = table.labels.copy()
    labels[[0, 2]] = labels[[2, 0]]
    assert importing.with_official_names(replace(table, labels=labels)).sources[0] == "row 1"
