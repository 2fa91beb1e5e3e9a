"""The gate for archives: refuse unsafe members before one of them is unpacked."""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from fer import FerError

UNPACKED_BYTES = 2 * 2**30
MEMBERS = 200_000
# JPEG, PNG and text never shrink this far; the repeated bytes of zip bombs do.
MOST_RATIO = 200


def zip_members(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """Return the files in a zip. Raises a FerError if one leaves the folder or unpacks to far more
    than it should, or if there are too many."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MEMBERS:
        raise FerError(
            "{path} holds {count} files, far more than FER-2013; it is refused.",
            path=name,
            count=len(members),
        )
    for member in members:
        _require_inside(member.filename, name)
        ratio = member.file_size / max(member.compress_size, 1)
        if member.file_size > 10 * 2**20 and ratio > MOST_RATIO:
            raise FerError(
                "{path} looks like a zip bomb ({filename} would grow {ratio} times); it is "
                "refused.",
                path=name,
                filename=member.filename,
                ratio=f"{ratio:.0f}",
            )
    if sum(member.file_size for member in members) > UNPACKED_BYTES:
        raise FerError(
            "{path} would unpack to more than {limit} GB, like a zip bomb; it is refused.",
            path=name,
            limit=UNPACKED_BYTES >> 30,
        )
    return members


def tar_members(archive: tarfile.TarFile, name: str) -> Iterator[tarfile.TarInfo]:
    """Yield the members of a tar. Raises a FerError if one leaves the folder, or those yielded so
    far unpack to too much."""
    unpacked = 0
    for position, member in enumerate(archive):
        _require_inside(member.name, name)
        unpacked += member.size
        if position > MEMBERS or unpacked > UNPACKED_BYTES:
            raise FerError(
                "{path} would unpack to far more than FER-2013; it is refused.", path=name
            )
        yield member


def _require_inside(member: str, name: str) -> None:
    path = PurePosixPath(member.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", member):
        raise FerError(
            "{path} holds the path {name}, which leaves its folder; it is refused.",
            path=name,
            name=f"{member!r}",
        )
