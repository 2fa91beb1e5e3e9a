"""FER+ votes: the emotions that ten people saw in each image of FER-2013 (Barsoum et al. 2016).

`data/votes.parquet` has a row for each row of the original `fer2013.csv`, in its order, with the
image's name in Kaggle's archive and FER-2013's own label; so it also names every row of that table.
FER+ is under the MIT licence: `data/votes-LICENSE.txt`.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from fer import FerError, emotions, files
from fer.data.dataset import Dataset, Split

FOLDER = Path("data")
VOTES = "votes.parquet"
# A voter's choices: the seven emotions in their usual order, then FER+'s other three.
OTHERS: tuple[str, ...] = ("contempt", "unknown", "not_a_face")
CHOICES: tuple[str, ...] = (*emotions.KEYS, *OTHERS)
# The columns of FER+ in the order of `CHOICES`.
_COLUMNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", *OTHERS)
# Rows of an imported table are named by their number from 1.
_ROW = re.compile(r"row ([1-9]\d{0,8})")


@dataclass(frozen=True)
class Votes:
    """Row i of every array is row i of the original `fer2013.csv`, counted from 0.

    names: (N,) str, as in Kaggle's archive without folders, e.g. "PrivateTest_99936598.jpg".
    labels: (N,) int64, 0-6, FER-2013's own. counts: (N, 10) uint8, votes by `CHOICES`.
    """

    names: NDArray[np.str_]
    labels: NDArray[np.int64]
    counts: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def splits(self) -> NDArray[np.str_]:
        """The official split of each row, (N,) str: a name begins with it."""
        return np.array([name.partition("_")[0] for name in self.names.tolist()], dtype=np.str_)

    @cached_property
    def sources(self) -> NDArray[np.str_]:
        """The path of each row in Kaggle's archive, (N,) str: "test/fear/PrivateTest_99936598.jpg".

        Unlike names, of which two occur twice, all are different.
        """
        folders = np.where(self.splits == Split.TRAINING.value, "train", "test").tolist()
        rows = zip(folders, self.labels, self.names.tolist(), strict=True)
        paths = [f"{folder}/{emotions.KEYS[label]}/{name}" for folder, label, name in rows]
        return np.array(paths, dtype=np.str_)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names, labels and counts, hexadecimal."""
        digest = hashlib.sha256("\n".join(self.names.tolist()).encode())
        digest.update(self.labels.astype(np.int8).tobytes())
        digest.update(np.ascontiguousarray(self.counts).tobytes())
        return digest.hexdigest()

    @cached_property
    def _row_by_name(self) -> dict[str, int]:
        """Rows by name without ending; by "emotion/name" where a name occurs twice."""
        rows: dict[str, list[int]] = defaultdict(list)
        for row, name in enumerate(self.names.tolist()):
            rows[_stem(name)].append(row)
        return {
            stem if len(same) == 1 else f"{emotions.KEYS[self.labels[row]]}/{stem}": row
            for stem, same in rows.items()
            for row in same
        }

    def find(
        self, sources: NDArray[np.str_], labels: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Return the row of each image in the votes, (n,) int64; -1 where it has none.

        Args:
            sources: (n,) str, as in `Dataset.sources`. A file is identified by its name without
                ending; by its folder, too, for the two names that occur twice.
            labels: (n,) int64. Needed for rows of a table ("row 1" is the first): any table has
                such rows, so they are taken for FER-2013's only if all labels agree.
        """
        vote_rows, table_rows = (np.full(len(sources), -1, np.int64) for _ in range(2))
        for at, source in enumerate(sources.tolist()):
            folder, stem = source.rpartition("/")[0].rpartition("/")[2], _stem(source)
            by_folder = self._row_by_name.get(f"{folder}/{stem}", -1)
            vote_rows[at] = self._row_by_name.get(stem, by_folder)
            if match := _ROW.fullmatch(source):
                table_rows[at] = int(match[1]) - 1
        is_numbered = table_rows >= 0
        if (
            labels is not None
            and table_rows.max(initial=-1) < len(self)
            and np.array_equal(self.labels[table_rows[is_numbered]], labels[is_numbered])
        ):
            vote_rows[is_numbered] = table_rows[is_numbered]
        return vote_rows


def open_votes(folder: Path = FOLDER) -> Votes:
    """Open the votes under `folder`. Raises a FerError if the file is missing or damaged."""
    path = folder / VOTES
    try:
        table = parquet.read_table(path)
        return Votes(
            names=np.asarray(table.column("name").to_pylist(), dtype=np.str_),
            labels=table.column("label").to_numpy().astype(np.int64),
            counts=np.stack([table.column(key).to_numpy() for key in CHOICES], axis=1),
        )
    except (OSError, KeyError, ValueError, arrow.ArrowException) as error:
        raise files.unreadable(path, error) from error


def write(votes: Votes, folder: Path = FOLDER) -> None:
    """Write the votes under `folder`, whole or not at all. Raises as `files.replacing`."""
    columns = {
        "name": arrow.array(votes.names.tolist()),
        "label": arrow.array(votes.labels.astype(np.int8)),
        **{key: arrow.array(count) for key, count in zip(CHOICES, votes.counts.T, strict=True)},
    }
    table = arrow.table(columns)
    with files.replacing(folder / VOTES) as temporary:
        parquet.write_table(table, temporary, compression="zstd", compression_level=19)


def read_table(path: Path, data: Dataset) -> Votes:
    """Read the votes of a CSV file and add the labels of the imported FER-2013.

    Args:
        path: columns `row` (in `fer2013.csv`, from 0), `name` (in Kaggle's archive) and FER+'s ten.
        data: FER-2013, imported from Kaggle's archive or from the table.

    Raises:
        FerError: if the file cannot be read, rows or columns are missing, or its images are not
            those of the data set.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            table = sorted(csv.DictReader(stream), key=lambda line: int(line["row"]))
        rows = [int(line["row"]) for line in table]
        names = np.array([line["name"] for line in table], dtype=np.str_)
        counts = np.array([[int(line[key]) for key in _COLUMNS] for line in table], dtype=np.uint8)
    except (OSError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise FerError(
            "{path} is no table of FER+ votes ({reason}); it needs the columns row, name and "
            "{columns}.",
            path=path,
            reason=error,
            columns=", ".join(_COLUMNS),
        ) from error
    if rows != list(range(len(data))):
        raise FerError(
            "{path} has {found} rows, and the imported data set {images} images; each image needs "
            "one row, numbered from 0.",
            path=path,
            found=len(rows),
            images=len(data),
        )
    return Votes(names, _labels(path, names, counts, data), counts)


def _labels(
    path: Path, names: NDArray[np.str_], counts: NDArray[np.uint8], data: Dataset
) -> NDArray[np.int64]:
    """Return the label of each row. Rows that share a name share its images' labels out so that as
    many voters as possible agree with them."""
    labels_by_stem: dict[str, list[int]] = defaultdict(list)
    for source, label in zip(data.sources.tolist(), data.labels.tolist(), strict=True):
        labels_by_stem[_stem(source)].append(label)
    rows_by_stem: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names.tolist()):
        # Tables name their rows by number.
        is_numbered = _stem(name) not in labels_by_stem
        rows_by_stem[f"row {row + 1}" if is_numbered else _stem(name)].append(row)
    labels_by_row = np.zeros(len(names), np.int64)
    for stem, rows in rows_by_stem.items():
        if len(labels_by_stem[stem]) != len(rows):
            raise FerError(
                "{path} names an image that the imported data set does not have ({name}); import "
                "FER-2013 first: fer data download",
                path=path,
                name=names[rows[0]],
            )
        labels_by_row[rows] = max(
            itertools.permutations(labels_by_stem[stem]),
            key=lambda labels: int(counts[rows, list(labels)].sum()),
        )
    return labels_by_row


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0] or name.rpartition("/")[2]
