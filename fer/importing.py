"""FER-2013 as people have it, read into `data/fer2013/`.

Kaggle's archive.zip and its extracted folder (one JPEG a face), fer2013.csv and icml_face_data.csv
(one row a face), and the challenge's fer2013.tar.gz or any zip around one of those tables.
"""

from __future__ import annotations

import csv
import io
import lzma
import re
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from fer import FerError, emotions, files, intake
from fer.dataset import (
    FOLDER,
    MANIFEST,
    OFFICIAL_COUNTS,
    SPLITS,
    Split,
    class_counts,
    content_digest,
    count_differences,
)
from fer.preprocessing import FER_SIZE

MAX_IMAGE_BYTES = 2**20
# A row of a table has 2304 numbers of up to three digits.
MAX_LINE = 2**20
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}
FILE_NAME = re.compile(r"^(Training|PublicTest|PrivateTest)_(\d+)\.(?:jpe?g|png)$", re.IGNORECASE)
PIXELS = FER_SIZE * FER_SIZE
# What the readers of zip and tar raise where a file is damaged, encrypted or of a later version.
UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    OverflowError,
)
COLUMNS = ("emotion", "pixels", "Usage")

Progress = Callable[[int, int], None]


@dataclass
class Report:
    """What an import found: images kept, images skipped with the reason, odd counts."""

    images: int = 0
    skipped: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Face:
    split: Split
    label: int
    source: str
    order: int
    pixels: NDArray[np.uint8]


def import_dataset(
    source: Path | IO[bytes],
    folder: Path = FOLDER,
    progress: Progress | None = None,
    *,
    name: str | None = None,
    require_official: bool = False,
) -> Report:
    """Reads the data set at a path, or an open file's, into `folder`.

    What was there stays until all is written.

    Corrupt, odd-sized or misnamed images of an archive or folder are skipped and named in the
    report. A table with a bad row is refused as a whole: its rows have no names to report them by,
    and a shifted row would spoil every later one.

    Args:
        source: a file of any form above, an extracted folder, or an open file that can seek.
        progress: called with (faces read, faces expected).
        name: how to call an open file.
        require_official: refuse a set whose counts are not those of FER-2013.

    Raises:
        FerError: if the path is missing, of no known form, unsafe, or nothing of it is usable; if
            its counts are not the official ones and they are required; or if `folder` cannot be
            written.
    """
    report = Report()
    faces: list[_Face] = []
    called = name or str(source if isinstance(source, Path) else "the file")
    with _opened(source, called) as (expected, read):
        for done, face in enumerate(read(report), start=1):
            if face is not None:
                faces.append(face)
            if progress is not None and (done % 200 == 0 or done == expected):
                progress(done, expected)
    if not faces:
        reason = f"; the first problem: {report.skipped[0]}" if report.skipped else ""
        raise FerError(
            "{path} holds no usable FER-2013 image{reason}. Nothing was imported.",
            path=called,
            reason=reason,
        )
    if require_official:
        _refuse_unofficial(faces, PurePath(called).name)
    faces.sort(key=lambda face: (SPLITS.index(face.split), face.order, face.label, face.source))
    _store(faces, PurePath(called).name, folder, report)
    return report


def _refuse_unofficial(faces: list[_Face], name: str) -> None:
    labels = np.array([face.label for face in faces])
    splits = np.array([face.split.value for face in faces])
    differences = count_differences(class_counts(labels, splits))
    if differences:
        raise FerError(
            "{path} is not the whole FER-2013 ({difference}); choose the original archive.",
            path=name,
            difference=differences[0],
        )


_Read = Callable[[Report], Iterator[_Face | None]]


@contextmanager
def _opened(source: Path | IO[bytes], name: str) -> Iterator[tuple[int, _Read]]:
    """How many faces to expect of the source, and a function that yields them."""
    try:
        if not isinstance(source, Path):
            with _unpacked(source, name) as found:
                yield found
        elif not source.exists():
            raise FerError("There is no file or folder {path}; check the path.", path=source)
        elif source.is_dir():
            yield _folder(source)
        else:
            with source.open("rb") as stream, _unpacked(stream, name) as found:
                yield found
    except FerError:
        raise
    except UNREADABLE as error:
        raise FerError(
            "{path} is damaged or cut off ({reason}); download it again.",
            path=name,
            reason=intake.one_line(error),
        ) from error
    except OSError as error:
        raise FerError(
            "{path} cannot be read ({reason}); check it.", path=name, reason=error.strerror or error
        ) from error


@contextmanager
def _unpacked(stream: IO[bytes], name: str) -> Iterator[tuple[int, _Read]]:
    """What a file holds, of the kind that its first bytes tell."""
    head = stream.read(512)
    if not head:
        raise FerError("{path} is empty; download it again.", path=name)
    is_zip = zipfile.is_zipfile(stream)
    stream.seek(0)
    if is_zip:
        with zipfile.ZipFile(stream) as archive:
            yield _zip(archive, name)
    elif head.startswith(b"\x1f\x8b") or head[257:262] == b"ustar":
        with tarfile.open(fileobj=stream) as tar:
            yield _tar(tar, name)
    # A table names its columns before the first line ends.
    elif name.lower().endswith(".csv") or b"emotion" in head.lower():
        yield _table(stream, PurePath(name).name)
    else:
        raise FerError(
            "{path} is not FER-2013 in a known form; give archive.zip, its extracted folder, "
            "fer2013.csv, icml_face_data.csv or fer2013.tar.gz.",
            path=name,
        )


def _zip(archive: zipfile.ZipFile, name: str) -> tuple[int, _Read]:
    members = intake.zip_members(archive, name)
    images = [m for m in members if PurePosixPath(m.filename).suffix.lower() in IMAGE_SUFFIXES]
    if images:

        def read(report: Report) -> Iterator[_Face | None]:
            for member in images:
                try:
                    content = archive.read(member) if member.file_size <= MAX_IMAGE_BYTES else None
                except (*UNREADABLE, OSError) as error:
                    report.skipped.append(f"{member.filename}: {error}")
                    yield None
                    continue
                yield _decode(member.filename, content, report)

        return len(images), read
    for member in members:
        inside = member.filename.lower()
        if inside.endswith(".csv") and "submission" not in inside:
            return _table(archive.open(member), member.filename)
        if inside.endswith((".tar.gz", ".tgz")):
            return _tar(tarfile.open(fileobj=archive.open(member), mode="r:gz"), name)
    raise FerError(
        "{path} holds neither FER-2013's images nor its table; check the file.", path=name
    )


def _tar(archive: tarfile.TarFile, name: str) -> tuple[int, _Read]:
    for member in intake.tar_members(archive, name):
        if member.isfile() and member.name.lower().endswith("fer2013.csv"):
            stream = archive.extractfile(member)
            if stream is not None:
                return _table(stream, member.name)
    raise FerError("{path} does not hold fer2013.csv; check the file.", path=name)


def _folder(path: Path) -> tuple[int, _Read]:
    images = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        tables = sorted(p for p in path.rglob("*.csv") if p.stem in ("fer2013", "icml_face_data"))
        if tables:
            return _table(io.BytesIO(tables[0].read_bytes()), tables[0].name)
        raise FerError(
            "{path} holds neither FER-2013's images nor its table; check the folder.", path=path
        )

    def read(report: Report) -> Iterator[_Face | None]:
        for image in images:
            name = image.relative_to(path).as_posix()
            too_large = image.stat().st_size > MAX_IMAGE_BYTES
            yield _decode(name, None if too_large else image.read_bytes(), report)

    return len(images), read


def _decode(name: str, content: bytes | None, report: Report) -> _Face | None:
    """The face in an image file, or None and a line in the report."""
    place = PurePosixPath(name)
    match = FILE_NAME.match(place.name)
    emotion = place.parent.name.lower()
    if match is None or emotion not in emotions.LABEL_OF:
        report.skipped.append(f"{name}: path does not tell split and emotion")
        return None
    if content is None:
        report.skipped.append(f"{name}: too large for a 48x48 image")
        return None
    try:
        with intake.opened_image(content, name) as image:
            if image.size != (FER_SIZE, FER_SIZE):
                report.skipped.append(f"{name}: {image.width}x{image.height}, not 48x48 pixels")
                return None
            pixels = np.array(image.convert("L"), dtype=np.uint8)
    except FerError:
        report.skipped.append(f"{name}: not a readable image")
        return None
    split = next(s for s in SPLITS if s.value.lower() == match[1].lower())
    return _Face(split, emotions.LABEL_OF[emotion], name, int(match[2]), pixels)


def _table(stream: IO[bytes], name: str) -> tuple[int, _Read]:
    csv.field_size_limit(MAX_LINE)
    rows = csv.reader(_lines(io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")))
    try:
        header = [column.strip().lower() for column in next(rows, [])]
    except (csv.Error, UnicodeDecodeError) as error:
        raise FerError(
            "{name} is not a CSV table ({reason}); check the file.", name=name, reason=error
        ) from error
    missing = [column for column in COLUMNS if column.lower() not in header]
    if missing:
        raise FerError(
            "{name} lacks the column{plural} {columns}; FER-2013's table has emotion, pixels "
            "and Usage.",
            name=name,
            plural="s" if len(missing) > 1 else "",
            columns=", ".join(missing),
        )
    emotion_at, pixels_at, usage_at = (header.index(column.lower()) for column in COLUMNS)

    def read(report: Report) -> Iterator[_Face]:
        try:
            for number, row in enumerate(rows, start=1):
                if not row:
                    continue
                if len(row) < len(header):
                    raise FerError(
                        "{name}, row {number}: {found} of {expected} columns; the file is damaged, "
                        "download it again.",
                        name=name,
                        number=number,
                        found=len(row),
                        expected=len(header),
                    )
                yield _row(name, number, row[emotion_at], row[pixels_at], row[usage_at])
        except (csv.Error, UnicodeDecodeError) as error:
            raise FerError(
                "{name} is damaged ({reason}); download it again.", name=name, reason=error
            ) from error

    return sum(map(sum, OFFICIAL_COUNTS.values())), read


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise csv.Error("a line is too long")
        yield line


def _row(name: str, number: int, emotion: str, pixels: str, usage: str) -> _Face:
    where = f"{name}, row {number}"
    try:
        values = np.array(pixels.split(), dtype=np.int64)
        label = int(emotion)
    except (ValueError, OverflowError):
        raise FerError(
            "{where}: emotion and pixels must be whole numbers; check it.", where=where
        ) from None
    if len(values) != PIXELS:
        raise FerError(
            "{where}: {found} pixels instead of {PIXELS}; download it again.",
            where=where,
            found=len(values),
            PIXELS=PIXELS,
        )
    if not 0 <= label < emotions.COUNT:
        raise FerError(
            "{where}: emotion {label} is not between 0 and 6; check the file.",
            where=where,
            label=label,
        )
    if values.min() < 0 or values.max() > 255:
        raise FerError("{where}: a pixel lies outside 0-255; check the file.", where=where)
    split = next((s for s in SPLITS if s.value.lower() == usage.strip().lower()), None)
    if split is None:
        raise FerError(
            "{where}: Usage is {usage}; it must be Training, PublicTest or PrivateTest.",
            where=where,
            usage=f"{usage!r}",
        )
    face = values.astype(np.uint8).reshape(FER_SIZE, FER_SIZE)
    return _Face(split, label, f"row {number}", number, face)


def _store(faces: list[_Face], source: str, folder: Path, report: Report) -> None:
    images = np.stack([face.pixels for face in faces])
    labels = np.array([face.label for face in faces], dtype=np.int8)
    splits = [face.split.value for face in faces]
    digest = content_digest(images, labels, np.array(splits))
    counts = class_counts(labels, np.array(splits))
    report.images = len(faces)
    report.differences = count_differences(counts)
    names = {
        "images": f"images-{digest[:12]}.npy",
        "index": f"index-{digest[:12]}.parquet",
    }
    manifest: dict[str, Any] = {
        **names,
        "digest": digest,
        "imported": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": source,
        "counts": {split.value: counts[split] for split in SPLITS},
        "skipped": report.skipped,
        "differences": report.differences,
    }
    _require_space(folder, images.nbytes)
    index = arrow.table(
        {
            "emotion": arrow.array(labels),
            "split": arrow.array(splits),
            "source": arrow.array([face.source for face in faces]),
        }
    )
    with files.replacing(folder / names["images"]) as temporary, temporary.open("wb") as stream:
        np.save(stream, images, allow_pickle=False)
    with files.replacing(folder / names["index"]) as temporary:
        parquet.write_table(index, temporary)
    files.write_json(folder / MANIFEST, manifest)
    for old in folder.iterdir():
        if old.name not in (MANIFEST, *names.values()):
            # Windows refuses to delete a file that another process has mapped; the next import
            # tries again, and the manifest no longer names it.
            with suppress(OSError):
                old.unlink()


def _require_space(folder: Path, needed: int) -> None:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < needed * 1.1:
        raise FerError(
            "The disk of {folder} has {free} MB free and the data set needs {needed} MB; "
            "make room and import again. Nothing was changed.",
            folder=folder,
            free=free >> 20,
            needed=f"{needed * 1.1 / 2**20:.0f}",
        )
