"""Opening FER-2013 in every common form: zip, tar, folder, table, packed or not.

The content decides what a file is, not its name. Where an archive or folder holds several forms at
once, the most complete is taken: Kaggle's named images, then a table with all columns, then images
in folders by emotion, then an archive inside the archive.
"""

from __future__ import annotations

import errno
import gzip
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path, PurePath
from typing import IO, cast

from fer import FerError
from fer.data.dataset import LabelledFace
from fer.data.formats import face_files, members
from fer.data.formats.face_files import UNREADABLE, FileEntry
from fer.data.formats.face_tables import CsvTable, ParquetTables
from fer.vision import upload_gate

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"
# The bytes that tell what a file is.
HEAD = 512
PACKED = (".zip", ".tar.gz", ".tgz", ".tar")
# Extra files of macOS: a folder of its own in zips, and a twin of each file on other disks.
_OF_MACOS = re.compile(r"(^|/)(__MACOSX|\._)")


@dataclass(frozen=True)
class Content:
    """The faces of a source, each read once, how many to expect, and the table that they are read
    from. A string among the faces says why one is not used."""

    expected: int
    faces: Iterator[LabelledFace | str]
    table: CsvTable | ParquetTables | None = None


@contextmanager
def opened(source: Path | IO[bytes], name: str) -> Iterator[Content]:
    """Open the faces of a file, a folder or an open file that can seek.

    Raises:
        FerError: if the source is missing, empty, damaged, unsafe or of no known form; while faces
            are read, if a table is damaged. It calls the source by `name`.
    """
    with _damage_explained(name), ExitStack() as stack:
        if isinstance(source, Path) and source.is_dir():
            entries, problems = _folder_entries(source)
            content = _best_content(entries, name, stack, is_inside=False)
            yield replace(content, faces=chain(problems, content.faces))
        else:
            yield _content(_stream(source, stack), name, stack)


@contextmanager
def opened_files(source: Path | IO[bytes], name: str) -> Iterator[list[FileEntry] | None]:
    """Open every file of a folder or an archive, of whatever kind; None for any other file. Raises
    a FerError if the source is missing, empty, damaged or unsafe, or a folder cannot be read."""
    with ExitStack() as stack:
        with _damage_explained(name):
            entries: list[FileEntry] | None
            if isinstance(source, Path) and source.is_dir():
                entries, problems = _folder_entries(source)
                if problems:
                    raise OSError(problems[0])
            else:
                stream = _stream(source, stack)
                entries = _members(stream, name, stack)
        # Outside of the block: errors of the caller keep their own message.
        yield None if entries is None else [e for e in entries if not _OF_MACOS.search(e.path)]


@contextmanager
def _damage_explained(name: str) -> Iterator[None]:
    """Turn every error of reading an archive into a FerError."""
    try:
        yield
    except FerError:
        raise
    except UNREADABLE as error:
        raise FerError("{path} is damaged or cut off; download it again.", path=name) from error
    except OSError as error:
        raise upload_gate.unreadable(name, error) from error


def _stream(source: Path | IO[bytes], stack: ExitStack) -> IO[bytes]:
    if not isinstance(source, Path):
        return source
    if not source.is_file():
        raise FerError("There is no file or folder {path}; check the path.", path=source)
    return stack.enter_context(source.open("rb"))


def _content(stream: IO[bytes], name: str, stack: ExitStack, *, is_inside: bool = False) -> Content:
    """Return the content of an open file, whose first bytes tell its kind; if it lies inside an
    archive, archives in it are left alone."""
    entries = _members(stream, name, stack)
    if entries is not None:
        return _best_content(entries, name, stack, is_inside)
    head = stream.read(HEAD)
    stream.seek(0)
    if head.startswith(GZIP):
        unpacked = stack.enter_context(gzip.GzipFile(fileobj=stream, mode="rb"))
        return _table_content(CsvTable(unpacked, PurePath(name).stem))
    if head.startswith(PARQUET):
        file = FileEntry(PurePath(name).name, lambda: stream)
        return _table_content(ParquetTables([file], name))
    # A table names its columns before the first line ends.
    if name.lower().endswith(".csv") or b"emotion" in head.lower():
        return _table_content(CsvTable(stream, PurePath(name).name))
    raise FerError(
        "{path} is not FER-2013 in a known form; give archive.zip, its extracted folder, "
        "fer2013.csv, icml_face_data.csv or fer2013.tar.gz.",
        path=name,
    )


def _members(stream: IO[bytes], name: str, stack: ExitStack) -> list[FileEntry] | None:
    """Return the files in an open zip or tar, packed or not; None if it is neither, with the stream
    at its beginning. Raises a FerError if the stream is empty."""
    head = stream.read(HEAD)
    if not head:
        raise FerError("{path} is empty; download it again.", path=name)
    is_zip = zipfile.is_zipfile(stream)
    stream.seek(0)
    if is_zip:
        archive = stack.enter_context(zipfile.ZipFile(stream))
        # Some packers write Windows' separators into the archive.
        return [
            FileEntry(member.filename.replace("\\", "/"), partial(archive.open, member))
            for member in members.zip_members(archive, name)
        ]
    if head.startswith(ZIP):
        raise FerError(
            "{path} is cut off: a zip's list of files stands at its end; download it again.",
            path=name,
        )
    if head.startswith(GZIP):
        with gzip.open(stream) as unpacked:
            head = unpacked.read(HEAD)
        stream.seek(0)
    if head[257:262] != b"ustar":
        return None
    tar = stack.enter_context(tarfile.TarFile.open(fileobj=stream))
    return [
        FileEntry(member.name, cast("Callable[[], IO[bytes]]", partial(tar.extractfile, member)))
        for member in members.tar_members(tar, name)
        if member.isfile()
    ]


def _folder_entries(path: Path) -> tuple[list[FileEntry], list[str]]:
    """Return the files in a folder and below, ordered by name, and a sentence for each folder that
    cannot be read; hidden folders are left out."""
    entries: list[FileEntry] = []
    problems: list[str] = []

    def report(error: OSError) -> None:
        folder = Path(error.filename).relative_to(path).as_posix()
        problems.append(f"{folder}: cannot be read ({error.strerror})")

    for folder, folders, names in os.walk(path, onerror=report):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in map(Path(folder).joinpath, sorted(names)):
            entries.append(FileEntry(file.relative_to(path).as_posix(), partial(_open_file, file)))
    return entries, problems


def _open_file(file: Path) -> IO[bytes]:
    # Opening a pipe would wait for somebody to write into it.
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "not a file")
    return file.open("rb")


def _best_content(
    entries: Sequence[FileEntry], name: str, stack: ExitStack, is_inside: bool
) -> Content:
    """Return the most complete form of FER-2013 among the files of an archive or a folder."""
    entries = [entry for entry in entries if not _OF_MACOS.search(entry.path)]
    images = [entry for entry in entries if entry.suffix in face_files.SUFFIXES]
    if face_files.has_official_names([entry.path for entry in images]):
        return _image_content(images, name)
    reason: FerError | None = None
    for entry in entries:
        path = entry.path.lower()
        if not path.endswith((".csv", ".csv.gz")) or "submission" in path:
            continue
        with ExitStack() as streams:
            stream: IO[bytes] | gzip.GzipFile = streams.enter_context(entry.open())
            if path.endswith(".gz"):
                stream = streams.enter_context(gzip.GzipFile(fileobj=stream, mode="rb"))
            try:
                content = _table_content(CsvTable(stream, entry.path))
            except FerError as error:
                reason = reason or error
            else:
                stack.enter_context(streams.pop_all())
                return content
    parquets = [entry for entry in entries if entry.suffix == ".parquet"]
    if parquets:
        return _table_content(ParquetTables(parquets, name))
    if images:
        return _image_content(images, name)
    for entry in entries:
        if entry.path.lower().endswith(PACKED) and not is_inside:
            try:
                inner = stack.enter_context(entry.open())
                return _content(inner, entry.path, stack, is_inside=True)
            except FerError as error:
                reason = reason or error
    raise reason or FerError(
        "{path} holds neither FER-2013's images nor its table; check the file.", path=name
    )


def _table_content(table: CsvTable | ParquetTables) -> Content:
    return Content(table.rows, table.faces(), table)


def _image_content(entries: Sequence[FileEntry], name: str) -> Content:
    places = face_files.places([entry.path for entry in entries], name)
    return Content(len(entries), map(face_files.read, entries, places))
