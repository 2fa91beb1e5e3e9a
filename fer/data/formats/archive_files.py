"""Every form in which people have FER-2013, opened: zip, tar, folder, table, packed or not.

What a file is, its content says. Of an archive or folder that holds several forms at once, the one
that tells most is taken: Kaggle's named images, then a table with all columns, then images that
folders tell apart, then what is packed once more inside.
"""

from __future__ import annotations

import errno
import gzip
import os
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, cast

from fer import FerError
from fer.data.dataset import OFFICIAL_COUNTS, LabelledFace
from fer.data.formats import face_files, members
from fer.data.formats.face_files import UNREADABLE, FileEntry
from fer.data.formats.face_tables import CsvTable, ParquetTables

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"
PACKED = (".zip", ".tar.gz", ".tgz", ".tar")
OFFICIAL_IMAGES = sum(map(sum, OFFICIAL_COUNTS.values()))
# Two notes of macOS: a folder of its own in zips, and a twin of each file on other disks.
_MAC = ("__MACOSX", "._")


@dataclass(frozen=True)
class Content:
    """What a source holds: how many faces to expect, and the faces, each read once.

    A string among the faces says why one is not used. table: where rows of a table are read.
    """

    expected: int
    faces: Iterator[LabelledFace | str]
    table: CsvTable | ParquetTables | None = None


@contextmanager
def opened(source: Path | IO[bytes], name: str) -> Iterator[Content]:
    """The faces of a file, a folder or an open file that can seek.

    Args:
        name: what to call it in error messages.

    Raises:
        FerError: if it is missing, empty, damaged, unsafe or of no known form; while faces are
            read, if a table is damaged.
    """
    with _damage_told(name), ExitStack() as stack:
        if isinstance(source, Path) and source.is_dir():
            yield _folder(source, name, stack)
        else:
            yield _file(_stream(source, stack), name, stack)


@contextmanager
def opened_files(source: Path | IO[bytes], name: str) -> Iterator[list[FileEntry] | None]:
    """Every file of a folder or an archive, whatever it holds; None of a file that is no archive.

    Args:
        name: what to call it in error messages.

    Raises:
        FerError: if it is missing, empty, damaged or unsafe, or a folder in it cannot be read.
    """
    with ExitStack() as stack:
        with _damage_told(name):
            entries = _files_of(source, name, stack)
        # What is made of them fails in its own words.
        yield None if entries is None else _without_notes(entries)


def _files_of(source: Path | IO[bytes], name: str, stack: ExitStack) -> list[FileEntry] | None:
    if not isinstance(source, Path) or not source.is_dir():
        stream = _stream(source, stack)
        return _members(stream, _head(stream, name), name, stack)
    entries, problems = _files_below(source)
    if problems:
        raise FerError("{path} cannot be read ({reason}); check it.", path=name, reason=problems[0])
    return entries


@contextmanager
def _damage_told(name: str) -> Iterator[None]:
    """Raise FerError for whatever goes wrong while an archive is read."""
    try:
        yield
    except FerError:
        raise
    except UNREADABLE as error:
        raise FerError("{path} is damaged or cut off; download it again.", path=name) from error
    except OSError as error:
        raise FerError(
            "{path} cannot be read ({reason}); check it.",
            path=name,
            reason=error.strerror or error,
        ) from error


def _stream(source: Path | IO[bytes], stack: ExitStack) -> IO[bytes]:
    if not isinstance(source, Path):
        return source
    if not source.is_file():
        raise FerError("There is no file or folder {path}; check the path.", path=source)
    return stack.enter_context(source.open("rb"))


def _head(stream: IO[bytes], name: str) -> bytes:
    head = stream.read(512)
    if not head:
        raise FerError("{path} is empty; download it again.", path=name)
    return head


def _file(stream: IO[bytes], name: str, stack: ExitStack, *, is_inside: bool = False) -> Content:
    """What an open file holds, of the kind that its first bytes tell.

    Args:
        is_inside: whether it lies packed in another; what is packed in it is then left alone.
    """
    head = _head(stream, name)
    entries = _members(stream, head, name, stack)
    if entries is not None:
        return _chosen(entries, name, stack, is_inside)
    if head.startswith(GZIP):
        return _table(stack.enter_context(_unpacked(stream)), PurePath(name).stem)
    if head.startswith(PARQUET):
        return _parquet([FileEntry(PurePath(name).name, lambda: stream)], name)
    # A table names its columns before the first line ends.
    if name.lower().endswith(".csv") or b"emotion" in head.lower():
        return _table(stream, PurePath(name).name)
    raise FerError(
        "{path} is not FER-2013 in a known form; give archive.zip, its extracted folder, "
        "fer2013.csv, icml_face_data.csv or fer2013.tar.gz.",
        path=name,
    )


def _members(stream: IO[bytes], head: bytes, name: str, stack: ExitStack) -> list[FileEntry] | None:
    """The files in an open zip or tar, packed or not; None if it is neither, and then the stream
    stands at its beginning."""
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
            head = unpacked.read(512)
        stream.seek(0)
    if not _is_tar(head):
        return None
    return _tar_files(stack.enter_context(tarfile.open(fileobj=stream)), name)


def _tar_files(archive: tarfile.TarFile, name: str) -> list[FileEntry]:
    return [
        FileEntry(member.name, partial(_extracted, archive, member))
        for member in members.tar_members(archive, name)
        if member.isfile()
    ]


def _unpacked(stream: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(stream))


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _extracted(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(member)
    if stream is None:
        raise tarfile.ExtractError("not a file")
    return stream


def _folder(path: Path, name: str, stack: ExitStack) -> Content:
    entries, problems = _files_below(path)
    content = _chosen(entries, name, stack, is_inside=False)
    return Content(content.expected, _chained(problems, content.faces), content.table)


def _files_below(path: Path) -> tuple[list[FileEntry], list[str]]:
    """The files in a folder and below, in the order of their names, and in words which folders
    cannot be read; hidden folders are left out."""
    entries: list[FileEntry] = []
    problems: list[str] = []
    for folder, folders, names in os.walk(path, onerror=lambda e: problems.append(_told(e, path))):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in map(Path(folder).joinpath, sorted(names)):
            entries.append(FileEntry(file.relative_to(path).as_posix(), partial(_opened, file)))
    return entries, problems


def _opened(file: Path) -> IO[bytes]:
    # Opening a pipe would wait for somebody to write into it.
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "not a file")
    return file.open("rb")


def _told(error: OSError, path: Path) -> str:
    where = Path(error.filename or path)
    inside = where.relative_to(path) if where.is_relative_to(path) else where
    return f"{inside.as_posix()}: cannot be read ({error.strerror or error})"


def _chained(
    problems: Sequence[str], faces: Iterator[LabelledFace | str]
) -> Iterator[LabelledFace | str]:
    yield from problems
    yield from faces


def _chosen(entries: Sequence[FileEntry], name: str, stack: ExitStack, is_inside: bool) -> Content:
    """The faces of an archive's or a folder's files."""
    entries = _without_notes(entries)
    images = [entry for entry in entries if entry.suffix in face_files.SUFFIXES]
    if face_files.has_official_names([entry.path for entry in images]):
        return _images(images, name)
    table, reason = _best_table(entries, stack)
    if table is not None:
        return table
    parquets = [entry for entry in entries if entry.suffix == ".parquet"]
    if parquets:
        return _parquet(parquets, name)
    if images:
        return _images(images, name)
    packed = [entry for entry in entries if entry.path.lower().endswith(PACKED)]
    for entry in [] if is_inside else packed:
        try:
            return _file(stack.enter_context(entry.open()), entry.path, stack, is_inside=True)
        except FerError as error:
            reason = reason or error
    if reason is not None:
        raise reason
    raise FerError(
        "{path} holds neither FER-2013's images nor its table; check the file.", path=name
    )


def _without_notes(entries: Sequence[FileEntry]) -> list[FileEntry]:
    """The files without those that macOS notes something in."""
    return [
        entry
        for entry in entries
        if not any(part.startswith(_MAC) for part in PurePosixPath(entry.path).parts)
    ]


def _best_table(
    entries: Sequence[FileEntry], stack: ExitStack
) -> tuple[Content | None, FerError | None]:
    """The first table with all columns; else why the first one that looked like it is none."""
    reason: FerError | None = None
    for entry in entries:
        name = entry.path.lower()
        if not name.endswith((".csv", ".csv.gz")) or "submission" in name:
            continue
        with ExitStack() as tried:
            stream = tried.enter_context(entry.open())
            unpacked = tried.enter_context(_unpacked(stream)) if name.endswith(".gz") else stream
            try:
                found = _table(unpacked, entry.path)
            except FerError as error:
                reason = reason or error
                continue
            stack.enter_context(tried.pop_all())
            return found, None
    return None, reason


def _table(stream: IO[bytes], name: str) -> Content:
    table = CsvTable(stream, name)
    return Content(OFFICIAL_IMAGES, table.faces(), table)


def _parquet(entries: Sequence[FileEntry], name: str) -> Content:
    tables = ParquetTables(entries, name)
    return Content(tables.rows, tables.faces(), tables)


def _images(entries: Sequence[FileEntry], name: str) -> Content:
    places = face_files.places([entry.path for entry in entries], name)

    def faces() -> Iterator[LabelledFace | str]:
        for entry, place in zip(entries, places, strict=True):
            found = face_files.read(entry, place)
            yield found if isinstance(found, LabelledFace) else f"{entry.path}: {found}"

    return Content(len(entries), faces(), None)
