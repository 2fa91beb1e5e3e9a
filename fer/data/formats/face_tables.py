"""FER-2013 as a table with one row for each face.

fer2013.csv and icml_face_data.csv (emotion, Usage, and pixels as a text of 2,304 numbers), and the
Parquet files of data-set hubs (an encoded image and a label, a file or more for each split).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet

from fer import FerError, emotions
from fer.data.dataset import OFFICIAL_IMAGES, SPLITS, LabelledFace, Split
from fer.data.formats import face_files, members
from fer.data.formats.face_files import FileEntry, Place
from fer.vision.preprocessing import FER_SIZE

# A row has 2304 numbers of up to three digits.
MAX_LINE = 2**20
# The hubs' largest copies are an eighth of this.
MAX_PARQUET = 2**29
PIXELS = FER_SIZE * FER_SIZE
COLUMNS = ("emotion", "pixels", "Usage")
DELIMITERS = ",;\t"
_BATCH = 500
_WORD = re.compile(r"[A-Za-z]+")


class CsvTable:
    """A CSV table with the columns `COLUMNS` in any order; rows are read once."""

    # To be expected: how many there are shows only at the end.
    rows = OFFICIAL_IMAGES

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, name: str) -> None:
        """Read the header. Raises a FerError if it is no CSV table or lacks a column."""
        csv.field_size_limit(MAX_LINE)
        self.name = name
        self._bytes = _Hashed(stream)
        text = io.TextIOWrapper(io.BufferedReader(self._bytes), encoding="utf-8-sig", newline="")
        lines = _lines(text)
        try:
            head = next(lines, "")
            # Excel saves with semicolons where the decimal mark is a comma.
            delimiter = max(DELIMITERS, key=head.count)
            columns = next(csv.reader([head], delimiter=delimiter))
        except (csv.Error, UnicodeDecodeError, StopIteration) as error:
            raise FerError("{name} is not a CSV table; check the file.", name=name) from error
        self._header = [column.strip().lower() for column in columns]
        self._rows = csv.reader(lines, delimiter=delimiter)
        missing = [column for column in COLUMNS if column.lower() not in self._header]
        if missing:
            raise FerError(
                "{name} lacks a column: {columns}; FER-2013's table (fer2013.csv or "
                "icml_face_data.csv) has emotion, pixels and Usage.",
                name=name,
                columns=", ".join(missing),
            )

    @property
    def md5(self) -> str:
        """MD5 of the bytes read so far, hexadecimal, as torchvision identifies a file."""
        return self._bytes.digest.hexdigest()

    def faces(self) -> Iterator[LabelledFace]:
        """Yield the rows in their order; empty rows are skipped. Raises a FerError at a row that is
        damaged."""
        emotion_at, pixels_at, usage_at = (self._header.index(c.lower()) for c in COLUMNS)
        number = 0
        try:
            for row in self._rows:
                if not any(cell.strip() for cell in row):
                    continue
                number += 1
                if len(row) < len(self._header):
                    raise FerError(
                        "{name}, row {number}: {found} of {expected} columns; the file is damaged, "
                        "download it again.",
                        name=self.name,
                        number=number,
                        found=len(row),
                        expected=len(self._header),
                    )
                if number > members.MEMBERS:
                    raise csv.Error("far more rows than FER-2013")
                yield _row(self.name, number, row[emotion_at], row[pixels_at], row[usage_at])
        except (csv.Error, UnicodeDecodeError) as error:
            raise FerError("{name} is damaged; download it again.", name=self.name) from error


class _Hashed(io.RawIOBase):
    """The bytes of a stream, hashed as they are read."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile) -> None:
        self._stream = stream
        self.digest = hashlib.md5(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._stream.read(len(buffer))
        self.digest.update(content)
        buffer[: len(content)] = content
        return len(content)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    total = 0
    while line := text.readline(MAX_LINE):
        total += len(line)
        if len(line) == MAX_LINE:
            raise csv.Error("a line is too long")
        if total > members.UNPACKED_BYTES:
            raise csv.Error("far larger than FER-2013")
        yield line


def _row(name: str, number: int, emotion: str, pixels: str, usage: str) -> LabelledFace:
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
    return LabelledFace(split, label, f"row {number}", number, face)


class ParquetTables:
    """A hub's Parquet files: an encoded image and a label in each row, the split in each name."""

    md5 = None

    def __init__(self, entries: Sequence[FileEntry], source_name: str) -> None:
        """Open the files and find the columns of images and labels. Raises a FerError if a file is
        no Parquet, its columns or labels are not understood, or the names do not tell the three
        splits."""
        self._source_name = source_name
        splits = [
            next(filter(None, map(face_files.split_of_folder, reversed(words))), None)
            for words in (_WORD.findall(entry.path) for entry in entries)
        ]
        if set(splits) != set(SPLITS):
            raise FerError(
                "{path} does not tell which images are Training, PublicTest and PrivateTest; give "
                "files named train, validation and test, or Kaggle's archive.zip.",
                path=source_name,
            )
        self._files: list[tuple[Split, parquet.ParquetFile, str, str, dict[object, int]]] = []
        for split in SPLITS:
            of_split = (entry for entry, s in zip(entries, splits, strict=True) if s == split)
            for entry in sorted(of_split, key=lambda entry: entry.path):
                try:
                    with entry.open() as stream:
                        file = parquet.ParquetFile(io.BytesIO(stream.read(MAX_PARQUET)))
                except (arrow.ArrowException, OSError) as error:
                    raise FerError(
                        "{path} is damaged or cut off; download it again.", path=entry.path
                    ) from error
                self._files.append((split, file, *self._read_columns(file)))
        self.rows = sum(file.metadata.num_rows for _, file, *_ in self._files)
        if self.rows > members.MEMBERS:
            raise FerError(
                "{path} holds {count} images, far more than FER-2013; it is refused.",
                path=source_name,
                count=self.rows,
            )

    def faces(self) -> Iterator[LabelledFace | str]:
        """Yield the rows of all files, Training first; a sentence for a row that is not used.
        Raises a FerError if a file is damaged."""
        number = 0
        for split, file, image, label, labels in self._files:
            try:
                for batch in file.iter_batches(_BATCH, columns=[image, label]):
                    for row in batch.to_pylist():
                        number += 1
                        value = row[label]
                        value = value.strip().lower() if isinstance(value, str) else value
                        yield _face(split, row[image], labels.get(value), number)
            except (arrow.ArrowException, OSError) as error:
                raise FerError(
                    "{path} is damaged or cut off; download it again.", path=self._source_name
                ) from error

    def _read_columns(self, file: parquet.ParquetFile) -> tuple[str, str, dict[object, int]]:
        """Return the columns of image and label, and FER-2013's label for each of their values."""
        schema = file.schema_arrow
        image = next((n for n in schema.names if n.lower() in ("image", "img", "img_bytes")), None)
        label = next((n for n in schema.names if n.lower() in ("label", "labels", "emotion")), None)
        label_by_value: dict[object, int] = {}
        for value, name in _label_names(schema, label).items() if label else ():
            word = _WORD.search(name)
            emotion = emotions.find_label(word[0]) if word else None
            if emotion is not None:
                label_by_value[value] = emotion
        if not image or not label or set(label_by_value.values()) != set(range(emotions.COUNT)):
            raise FerError(
                "{path} is not FER-2013 in a known form: a Parquet file needs a column image and "
                "a column label whose class names are the seven emotions.",
                path=self._source_name,
            )
        return image, label, label_by_value


def _face(split: Split, image: object, label: int | None, number: int) -> LabelledFace | str:
    content = image.get("bytes") if isinstance(image, dict) else image
    if label is None or not isinstance(content, bytes):
        return f"row {number}: no image of one of the seven emotions"
    entry = FileEntry(f"row {number}", lambda: io.BytesIO(content))
    return face_files.read(entry, Place(split, label, number))


def _label_names(schema: arrow.Schema, column: str) -> dict[object, str]:
    """Return the name of each value of a label column: from the hub's description in the file, or
    the value itself."""
    if arrow.types.is_string(schema.field(column).type):
        return {name: name for name in emotions.NAMES}
    try:
        description = json.loads((schema.metadata or {})[b"huggingface"])
        names = description["info"]["features"][column]["names"]
    except (KeyError, ValueError, TypeError):
        return {}
    if isinstance(names, dict):
        names = list(names.values())
    return dict(enumerate(map(str, names))) if isinstance(names, list) else {}
