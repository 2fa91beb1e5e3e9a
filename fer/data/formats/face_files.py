"""FER-2013 as one image file for each face: pixels, and labels from the names of folders and files.

In Kaggle's archive a file's name begins with its split (`train/happy/Training_8.jpg`); other copies
have numbered files in folders (`validation/happiness/im8.png`).
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
# With a smaller share of usable images, a file is probably another data set or half of this one.
LEAST_USABLE = 0.9
# Errors of zip and tar readers at a file that is damaged, encrypted or of a later version.
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
    **dict.fromkeys(("train", "training"), Split.TRAINING),
    **dict.fromkeys(("publictest", "valid", "validation", "val", "dev"), Split.PUBLIC_TEST),
    **dict.fromkeys(("privatetest", "test", "testing"), Split.PRIVATE_TEST),
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
    """An image's place in the data set."""

    split: Split
    label: int
    number: int


def has_official_names(paths: Sequence[str]) -> bool:
    """Return true if any of the files is named as in Kaggle's archive."""
    return any(OFFICIAL_NAME.match(PurePosixPath(path).name) for path in paths)


def split_of_folder(name: str) -> Split | None:
    """Return the split that a folder or a hub's file is named after, None for any other name."""
    return _SPLIT_BY_FOLDER.get(name.lower())


def places(paths: Sequence[str], source_name: str) -> list[Place | None]:
    """Return the place of each image in the data set, None where its path does not tell.

    The split is in the file name, as in Kaggle's archive; where no file is named so, in a folder's.

    Raises:
        FerError: if the paths do not tell PublicTest from PrivateTest, or more than a tenth of them
            lack emotion or split.
    """
    is_official = has_official_names(paths)
    folders = {part for path in paths for part in PurePosixPath(path).parent.parts}
    if not is_official and not set(SPLITS) <= set(map(split_of_folder, folders)):
        raise FerError(
            "{path} does not tell which images are PublicTest and which are PrivateTest; give "
            "Kaggle's archive.zip (its files are named like PrivateTest_88305.jpg), a table with "
            "the column Usage, or folders train, validation and test with one for each emotion.",
            path=source_name,
        )
    all_places = [_place(PurePosixPath(path), is_official) for path in paths]
    usable = sum(place is not None for place in all_places)
    if usable < LEAST_USABLE * len(paths):
        other = next(path for path, place in zip(paths, all_places, strict=True) if place is None)
        raise FerError(
            "{path}: only {usable} of {total} images tell their emotion and split (this one does "
            "not: {other}); FER-2013's folders are angry, disgust, fear, happy, sad, surprise "
            "and neutral. Nothing was imported.",
            path=source_name,
            usable=usable,
            total=len(paths),
            other=other,
        )
    return all_places


def label_of(path: PurePosixPath) -> int | None:
    """Return the label of the innermost folder that is named after an emotion, if any."""
    labels = map(emotions.find_label, reversed(path.parent.parts))
    return next((label for label in labels if label is not None), None)


def _place(path: PurePosixPath, is_official: bool) -> Place | None:
    label = label_of(path)
    if is_official:
        match = OFFICIAL_NAME.match(path.name)
        split, number = (split_of_folder(match[1]), match[2]) if match else (None, "")
    else:
        split = next(filter(None, map(split_of_folder, path.parent.parts)), None)
        match = _NUMBER.search(path.stem)
        number = match[1] if match else "0"
    return None if label is None or split is None else Place(split, label, int(number))


def read(entry: FileEntry, place: Place | None) -> LabelledFace | str:
    """Return the face in an image file, or a sentence that names the file and says why it is not
    used."""
    if place is None:
        return f"{entry.path}: path does not tell split and emotion"
    try:
        with entry.open() as stream:
            content = stream.read(MAX_BYTES + 1)
    except (*UNREADABLE, OSError) as error:
        reason = getattr(error, "strerror", None) or upload_gate.one_line(error)
        return f"{entry.path}: cannot be read ({reason})"
    if len(content) > MAX_BYTES:
        return f"{entry.path}: too large for a 48x48 image"
    try:
        with upload_gate.opened_image(content, entry.path) as image:
            if image.size != (FER_SIZE, FER_SIZE):
                return f"{entry.path}: {image.width}x{image.height}, not 48x48 pixels"
            pixels = np.array(image.convert("L"), dtype=np.uint8)
    except FerError:
        return f"{entry.path}: not a readable image"
    return LabelledFace(place.split, place.label, entry.path, place.number, pixels)
