"""FER-2013 as one image file a face: what folders and names tell, and the pixels.

Kaggle's archive names the split in each file (`train/happy/Training_8.jpg`); other copies have
numbered files in folders (`validation/happiness/im8.png`).
"""

from __future__ import annotations

import gzip
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

import numpy as np

from fer import FerError, emotions
from fer.data.dataset import SPLITS, LabelledFace, Split
from fer.vision import upload_gate
from fer.vision.preprocessing import FER_SIZE

SUFFIXES = {".jpg", ".jpeg", ".png"}
MAX_BYTES = 2**20
OFFICIAL_NAME = re.compile(
    r"^(Training|PublicTest|PrivateTest)_(\d{1,18})\.(?:jpe?g|png)$", re.IGNORECASE
)
# Below this share of usable images a file is taken for something else, or for half of a data set.
LEAST_USABLE = 0.9
# What the readers of zip and tar raise where a file is damaged, encrypted or of a later version.
UNREADABLE = (
    gzip.BadGzipFile,
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
_NUMBER = re.compile(r"(\d{1,18})\D*$")
_SPLIT_BY_FOLDER = {
    "train": Split.TRAINING,
    "training": Split.TRAINING,
    "publictest": Split.PUBLIC_TEST,
    "valid": Split.PUBLIC_TEST,
    "validation": Split.PUBLIC_TEST,
    "val": Split.PUBLIC_TEST,
    "dev": Split.PUBLIC_TEST,
    "privatetest": Split.PRIVATE_TEST,
    "test": Split.PRIVATE_TEST,
    "testing": Split.PRIVATE_TEST,
}


@dataclass(frozen=True)
class FileEntry:
    """A file inside an archive or a folder: its path with forward slashes and how to open it."""

    path: str
    open: Callable[[], IO[bytes]]

    @property
    def suffix(self) -> str:
        """The ending of its name in small letters, with the dot."""
        return PurePosixPath(self.path).suffix.lower()


@dataclass(frozen=True)
class Place:
    """Where in the data set a path says that its image belongs."""

    split: Split
    label: int
    number: int


def has_official_names(paths: Sequence[str]) -> bool:
    """Whether any of the files is named as in Kaggle's archive."""
    return any(OFFICIAL_NAME.match(PurePosixPath(path).name) for path in paths)


def split_of_folder(name: str) -> Split | None:
    """The split that a folder or a file of a hub is called after, None for any other name."""
    return _SPLIT_BY_FOLDER.get(name.lower())


def places(paths: Sequence[str], called: str) -> list[Place | None]:
    """Where each image belongs, None where its path does not tell.

    Files named as in Kaggle's archive tell their split; where there is no such file, folders do.

    Args:
        called: what to call the archive or folder in error messages.

    Raises:
        FerError: if the paths do not tell PublicTest from PrivateTest, or more than a tenth of them
            tell no emotion or split.
    """
    is_official = has_official_names(paths)
    if not is_official:
        _require_three_splits(paths, called)
    found = [_place(PurePosixPath(path), is_official) for path in paths]
    if sum(place is not None for place in found) < LEAST_USABLE * len(paths):
        other = next(path for path, place in zip(paths, found, strict=True) if place is None)
        raise FerError(
            "{path}: only {usable} of {total} images tell their emotion and split (this one does "
            "not: {other}); FER-2013's folders are angry, disgust, fear, happy, sad, surprise "
            "and neutral. Nothing was imported.",
            path=called,
            usable=sum(place is not None for place in found),
            total=len(paths),
            other=other,
        )
    return found


def label_of(path: PurePosixPath) -> int | None:
    """The label that the innermost folder with an emotion's name gives a file; None if no folder
    has one."""
    labels = map(emotions.find_label, reversed(path.parent.parts))
    return next((label for label in labels if label is not None), None)


def _place(path: PurePosixPath, is_official: bool) -> Place | None:
    label = label_of(path)
    if label is None:
        return None
    if is_official:
        match = OFFICIAL_NAME.match(path.name)
        if match is None:
            return None
        split = next(s for s in SPLITS if s.value.lower() == match[1].lower())
        return Place(split, label, int(match[2]))
    folders = [part.lower() for part in path.parent.parts]
    found = next((_SPLIT_BY_FOLDER[f] for f in folders if f in _SPLIT_BY_FOLDER), None)
    number = _NUMBER.search(path.stem)
    return None if found is None else Place(found, label, int(number[1]) if number else 0)


def _require_three_splits(paths: Sequence[str], called: str) -> None:
    folders = {part.lower() for path in paths for part in PurePosixPath(path).parent.parts}
    if {_SPLIT_BY_FOLDER[f] for f in folders if f in _SPLIT_BY_FOLDER} < set(SPLITS):
        raise FerError(
            "{path} does not tell which images are PublicTest and which are PrivateTest; give "
            "Kaggle's archive.zip (its files are named like PrivateTest_88305.jpg), a table with "
            "the column Usage, or folders train, validation and test with one for each emotion.",
            path=called,
        )


def read(entry: FileEntry, place: Place | None) -> LabelledFace | str:
    """The face in an image file, or in words why it is not used."""
    if place is None:
        return "path does not tell split and emotion"
    try:
        with entry.open() as stream:
            content = stream.read(MAX_BYTES + 1)
    except (*UNREADABLE, OSError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or upload_gate.one_line(error)})"
    if len(content) > MAX_BYTES:
        return "too large for a 48x48 image"
    try:
        with upload_gate.opened_image(content, entry.path) as image:
            if image.size != (FER_SIZE, FER_SIZE):
                return f"{image.width}x{image.height}, not 48x48 pixels"
            pixels = np.array(image.convert("L"), dtype=np.uint8)
    except FerError:
        return "not a readable image"
    return LabelledFace(place.split, place.label, entry.path, place.number, pixels)
