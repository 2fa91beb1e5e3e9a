"""Faces that people labelled themselves: image files in folders named after the emotions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from fer import FerError
from fer.data.dataset import LabelledFace
from fer.data.formats import archive_files, face_files, members
from fer.data.formats.face_files import UNREADABLE, FileEntry
from fer.vision import preprocessing, upload_gate
from fer.vision.preprocessing import Rgb

# Folders that an error message names.
MOST_NAMED = 5


@dataclass(frozen=True)
class LabelledFile:
    """The path of an image file, and the label (0-6) that its folders are named after, if any.

    read: returns the upright RGB image; raises a FerError if the file is no readable image.
    """

    source: str
    label: int | None
    read: Callable[[], Rgb]

    @property
    def folder(self) -> str:
        """The name of the folder that holds the file."""
        return PurePosixPath(self.source).parent.name or "."


def labelled(source: str, read: Callable[[], bytes]) -> LabelledFile:
    """Return the labelled file of a path with forward slashes, whose bytes `read` returns."""
    label = face_files.label_of(PurePosixPath(source))
    return LabelledFile(source, label, lambda: preprocessing.read_image(read(), source))


@contextmanager
def opened(
    source: Path | IO[bytes], name: str, most: int = members.MEMBERS
) -> Iterator[list[LabelledFile]]:
    """Open the labelled images of a folder or an archive, each read when its `read` is called; for
    files of other kinds `read` raises. A table in a form of FER-2013's gives its rows.

    Args:
        source: a path, or an open file that can seek.

    Raises:
        FerError: if the source is missing, damaged or unsafe, has no image, none in a folder named
            after one of the seven emotions, or more than `most`.
    """
    with archive_files.opened_files(source, name) as entries:
        files = [labelled(entry.path, partial(_content, entry)) for entry in entries or ()]
        images = [file for file in files if _is_image(file.source)]
        tables = (".csv", ".csv.gz", ".parquet")
        has_table = any(file.source.lower().endswith(tables) for file in files)
        if entries is not None and (images or not has_table):
            _refuse_useless(images, name, most)
            yield files
            return
    if not isinstance(source, Path):
        source.seek(0)
    with archive_files.opened(source, name) as content:
        faces = (face for face in content.faces if isinstance(face, LabelledFace))
        rows = [
            LabelledFile(face.source, face.label, partial(np.stack, [face.pixels] * 3, axis=2))
            for face in islice(faces, most + 1)
        ]
    _refuse_useless(rows, name, most)
    yield rows


def _refuse_useless(files: list[LabelledFile], name: str, most: int) -> None:
    if not files:
        raise FerError(
            "{path} holds no image; put images into a folder for each emotion: angry, disgust, "
            "fear, happy, sad, surprise, neutral.",
            path=name,
        )
    count = sum(file.label is not None for file in files)
    if count == 0:
        folders = Counter(file.folder for file in files).most_common(MOST_NAMED)
        raise FerError(
            "No image of {path} lies in a folder that names one of the seven emotions (they lie "
            "in: {folders}); call the folders angry, disgust, fear, happy, sad, surprise, neutral.",
            path=name,
            folders=", ".join(folder for folder, _ in folders),
        )
    if count > most:
        raise FerError(
            "{path} holds more than {limit} labelled images; take a part of it, or measure all on "
            "your own machine: fer evaluate --images PATH",
            path=name,
            limit=most,
        )


def _is_image(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in upload_gate.IMAGE_SUFFIXES


def _content(entry: FileEntry) -> bytes:
    """Read a file, at most one byte more than the limit, so that the limit is seen to be exceeded.
    Raises a FerError if the file is no image by its name, or cannot be read."""
    if not _is_image(entry.path):
        raise FerError(
            "{name} is not an image that can be read; use JPEG, PNG, WebP, AVIF or HEIC.",
            name=entry.path,
        )
    try:
        with entry.open() as stream:
            return stream.read(upload_gate.IMAGE_BYTES + 1)
    except (*UNREADABLE, OSError) as error:
        raise upload_gate.unreadable(entry.path, error) from error
