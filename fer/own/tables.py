"""Predictions of one's own as a table: a row an image of FER-2013's test splits, and for each seven
probabilities or one answer."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from fer import FerError, emotions, files
from fer.artifacts.model_store import Predictions
from fer.data.dataset import TEST_SPLITS, Split
from fer.data.votes import Votes
from fer.scenarios import SCENARIOS

MOST_BYTES = 20 * 2**20
# What the columns may be called, in small letters.
NAMES = ("image", "name", "file", "filename", "path", "source")
ROWS = ("row",)
ANSWERS = ("answer", "top1", "prediction", "predicted")
LABELS = ("label", "emotion", "true")
DELIMITERS = ",;\t"
# How far seven probabilities may add up to something else than 1: files are rounded.
SUM_TOLERANCE = 0.02


@dataclass(frozen=True)
class OwnTable:
    """What a table says of one or both test splits, in the order of the stored predictions.

    name: of the model, the file's; another where a scenario is called so. has_probabilities: else
    one answer an image, whose probability is 1. others: rows of Training, which are not used.
    """

    name: str
    parts: dict[Split, Predictions]
    has_probabilities: bool
    others: int


def read(content: bytes, file_name: str, stored: Predictions, votes: Votes) -> OwnTable:
    """The predictions in a CSV file, checked against FER-2013's names and labels.

    Args:
        stored: a model's stored predictions, whose images and order count.
        votes: FER+'s, which know the name and the row of every image.

    Raises:
        FerError: if it is no such table; names an image twice, or one that there is not; has a
            split in part; contradicts FER-2013's labels; or holds no probabilities.
    """
    name = PurePath(file_name).name
    header, rows = _parsed(content, name)
    places = _places(header, rows, name, stored, votes)
    found, has_probabilities = _probabilities(header, rows, name)
    _refuse_labels(header, rows, places, name, stored)
    parts = {}
    for split in TEST_SPLITS:
        wanted = np.flatnonzero(stored.splits == split.value)
        at = np.full(len(stored.labels), -1, np.int64)
        at[places[places >= 0]] = np.flatnonzero(places >= 0)
        has = at[wanted] >= 0
        if not has.any():
            continue
        if not has.all():
            raise FerError(
                "{name} has {found} of the {total} images of {split} (not {missing}, for one); a "
                "comparison needs all of them.",
                name=name,
                found=int(has.sum()),
                total=len(wanted),
                split=split,
                missing=stored.sources[wanted[~has][0]],
            )
        part = stored.of(split)
        parts[split] = Predictions(part.splits, part.sources, part.labels, found[at[wanted]])
    if not parts:
        raise FerError(
            "{name} has no image of PublicTest or PrivateTest; rows are those of the whole "
            "fer2013.csv, counted from 0: PublicTest begins at 28709, PrivateTest at 32298.",
            name=name,
        )
    stem = PurePath(name).stem
    called = f"own-{stem}" if stem in SCENARIOS else stem
    return OwnTable(called, parts, has_probabilities, int((places < 0).sum()))


def _parsed(content: bytes, name: str) -> tuple[list[str], list[list[str]]]:
    """Column names in small letters, and the rows that are not empty."""
    if len(content) > MOST_BYTES:
        raise files.too_large(name, MOST_BYTES)
    try:
        text = content.decode("utf-8-sig")
        first = text.partition("\n")[0]
        delimiter = max(DELIMITERS, key=first.count)
        rows = [
            [cell.strip() for cell in row]
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            if any(cell.strip() for cell in row)
        ]
    except (csv.Error, UnicodeDecodeError) as error:
        raise FerError("{name} is not a CSV table; check the file.", name=name) from error
    if len(rows) < 2:
        raise FerError(
            "{name} has no rows; it needs a line of column names, then a row for each image.",
            name=name,
        )
    header = [cell.lower() for cell in rows[0]]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise FerError(
                "{name}, line {number}: {found} of {expected} columns; check the file.",
                name=name,
                number=number,
                found=len(row),
                expected=len(header),
            )
    if delimiter != ",":
        # Where cells are separated otherwise, a comma may be the decimal mark.
        rows = [[cell.replace(",", ".") for cell in row] for row in rows]
    return header, rows[1:]


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _places(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    name: str,
    stored: Predictions,
    votes: Votes,
) -> NDArray[np.int64]:
    """The stored row of each of the table's rows, -1 for images of Training."""
    by_name, by_row = _column(header, NAMES), _column(header, ROWS)
    if by_name is not None:
        called = np.array([row[by_name].replace("\\", "/") for row in rows], dtype=np.str_)
        of_votes = votes.find(called)
        unknown = np.flatnonzero(of_votes < 0)
    elif by_row is not None:
        called = np.array([row[by_row] for row in rows], dtype=np.str_)
        is_row = [cell.isdecimal() and int(cell) < len(votes) for cell in called.tolist()]
        of_votes = np.array([int(c) if ok else -1 for c, ok in zip(called, is_row, strict=True)])
        unknown = np.flatnonzero(~np.array(is_row))
    else:
        raise FerError(
            "{name} names no images: it needs the column image (a file name of Kaggle's archive, "
            "with its folder) or row (of the original fer2013.csv, from 0).",
            name=name,
        )
    if len(unknown):
        raise FerError(
            "{name}: {count} rows are about no image of FER-2013 (the first: {image}); use the "
            "names of Kaggle's archive with their folder, such as test/fear/PrivateTest_88305.jpg, "
            "or rows of fer2013.csv.",
            name=name,
            count=len(unknown),
            image=called[unknown[0]],
        )
    image, times = Counter(of_votes.tolist()).most_common(1)[0]
    if times > 1:
        raise FerError(
            "{name}: {image} stands in {times} rows; each image needs one.",
            name=name,
            image=called[np.flatnonzero(of_votes == image)[0]],
            times=times,
        )
    stored_of = np.full(len(votes), -1, np.int64)
    rows_of_stored = votes.find(stored.sources, stored.labels)
    if (rows_of_stored < 0).all():
        raise FerError(
            "The models here were not measured on FER-2013, whose images {name} is about.",
            name=name,
        )
    known = rows_of_stored >= 0
    stored_of[rows_of_stored[known]] = np.flatnonzero(known)
    return stored_of[of_votes]


def _probabilities(
    header: Sequence[str], rows: Sequence[Sequence[str]], name: str
) -> tuple[NDArray[np.float64], bool]:
    """Seven probabilities for each row, and whether the table has them, or one answer only."""
    at = {
        label: position
        for position, column in enumerate(header)
        if (label := emotions.find_label(column)) is not None
    }
    if len(at) == emotions.COUNT:
        return _checked([[row[at[label]] for label in sorted(at)] for row in rows], name), True
    answer = _column(header, ANSWERS)
    if at or answer is None:
        missing = [key for label, key in enumerate(emotions.KEYS) if label not in at]
        raise FerError(
            "{name} lacks a column: {columns}; it needs one for each emotion, or the column "
            "answer.",
            name=name,
            columns=", ".join(missing),
        )
    labels = [_label(row[answer]) for row in rows]
    if None in labels:
        raise FerError(
            "{name}: {answer} is no emotion; answers are angry, disgust, fear, happy, sad, "
            "surprise, neutral, or 0 to 6 in this order.",
            name=name,
            answer=rows[labels.index(None)][answer] or "–",
        )
    return np.eye(emotions.COUNT)[np.array(labels, dtype=np.int64)], False


def _label(cell: str) -> int | None:
    if cell.isdecimal():
        return int(cell) if int(cell) < emotions.COUNT else None
    return emotions.find_label(cell)


def _checked(cells: Sequence[Sequence[str]], name: str) -> NDArray[np.float64]:
    try:
        found = np.array(cells, dtype=np.float64)
    except ValueError:
        raise FerError(
            "{name}: a probability is not a number; check the file.", name=name
        ) from None
    sums = found.sum(axis=1)
    if math.isclose(float(np.median(sums)), 100, rel_tol=SUM_TOLERANCE):
        raise FerError(
            "{name} holds percentages: a row's seven values add up to 100; divide them by 100.",
            name=name,
        )
    # What is no number compares as false.
    is_good = (found >= 0).all(axis=1) & (np.abs(sums - 1) <= SUM_TOLERANCE)
    if is_good.all():
        return np.asarray(found / sums[:, None])
    bad = int(np.argmin(is_good))
    raise FerError(
        "{name}, row {number}: the seven values are no probabilities (they add up to {total}); "
        "each lies between 0 and 1 and they add up to 1, as softmax makes them.",
        name=name,
        number=bad + 1,
        total=f"{sums[bad]:.4g}",
    )


def _refuse_labels(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    places: NDArray[np.int64],
    name: str,
    stored: Predictions,
) -> None:
    """Raise FerError if the table has labels that are not FER-2013's."""
    column = _column(header, LABELS)
    if column is None:
        return
    at = np.flatnonzero(places >= 0)
    given = np.array([-1 if (f := _label(rows[row][column])) is None else f for row in at.tolist()])
    official = stored.labels[places[at]]
    wrong = np.flatnonzero(given != official)
    if not len(wrong):
        return
    # Keras numbers folders by their alphabet.
    alphabet = [sorted(emotions.KEYS).index(key) for key in emotions.KEYS]
    if np.array_equal(given, np.array(alphabet)[official]):
        raise FerError(
            "{name} numbers the emotions by their alphabet, as Keras does with folders; FER-2013 "
            "has angry, disgust, fear, happy, sad, surprise, neutral. Write their names.",
            name=name,
        )
    raise FerError(
        "{name}: the labels of {count} images are not FER-2013's (the first: {given} for an image "
        "labelled {official}); give them by name, or leave the column out.",
        name=name,
        count=len(wrong),
        given=rows[int(at[wrong[0]])][column] or "–",
        official=emotions.KEYS[int(official[wrong[0]])],
    )
