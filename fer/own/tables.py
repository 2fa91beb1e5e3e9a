"""A table of people's own predictions: a row for each image of FER-2013's test splits, with seven
probabilities or one answer."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from fer import FerError, emotions, files
from fer.artifacts.model_store import Predictions
from fer.data.dataset import TEST_SPLITS, Split
from fer.data.votes import Votes
from fer.scenarios import SCENARIOS

MOST_BYTES = 20 * 2**20
# Names that each column may have, in small letters.
NAME_COLUMNS = ("image", "name", "file", "filename", "path", "source")
ROW_COLUMNS = ("row",)
ANSWER_COLUMNS = ("answer", "top1", "prediction", "predicted")
LABEL_COLUMNS = ("label", "emotion", "true")
DELIMITERS = ",;\t"
# How far the sum of seven probabilities may be from 1: files are rounded.
SUM_TOLERANCE = 0.02
Columns = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class OwnTable:
    """A model's predictions for one or both test splits, in the order of the stored predictions.

    name: the file's, with `own-` before it where a scenario has that name. has_probabilities:
    otherwise each image has one answer, whose probability is 1. others: rows about Training.
    """

    name: str
    predictions: dict[Split, Predictions]
    has_probabilities: bool
    others: int


def read(content: bytes, file_name: str, stored: Predictions, votes: Votes) -> OwnTable:
    """Read the predictions in a CSV file and check them against FER-2013's names and labels, in
    which FER+'s votes find every image; their order is that of a model's `stored` predictions.

    Raise FerError if it is no such table; names an image twice, or one that does not exist; has a
    split in part; contradicts FER-2013's labels; or holds no probabilities.
    """
    name = PurePath(file_name).name
    columns = _parse(content, name)
    stored_rows = _stored_rows(columns, name, stored, votes)
    probabilities, has_probabilities = _probabilities(columns, name)
    _require_official_labels(columns, stored_rows, name, stored)
    table_row = np.full(len(stored.labels), -1, np.int64)
    table_row[stored_rows[stored_rows >= 0]] = np.flatnonzero(stored_rows >= 0)
    predictions = {}
    for split in TEST_SPLITS:
        rows_of_split = np.flatnonzero(stored.splits == split.value)
        is_present = table_row[rows_of_split] >= 0
        if not is_present.any():
            continue
        if not is_present.all():
            raise FerError(
                "{name} has {found} of the {total} images of {split} (not {missing}, for one); a "
                "comparison needs all of them.",
                name=name,
                found=int(is_present.sum()),
                total=len(rows_of_split),
                split=split,
                missing=stored.sources[rows_of_split[~is_present][0]],
            )
        predictions[split] = replace(
            stored.of(split), probabilities=probabilities[table_row[rows_of_split]]
        )
    if not predictions:
        raise FerError(
            "{name} has no image of PublicTest or PrivateTest; rows are those of the whole "
            "fer2013.csv, counted from 0: PublicTest begins at 28709, PrivateTest at 32298.",
            name=name,
        )
    stem = PurePath(name).stem
    model_name = f"own-{stem}" if stem in SCENARIOS else stem
    return OwnTable(model_name, predictions, has_probabilities, int((stored_rows < 0).sum()))


def _parse(content: bytes, name: str) -> Columns:
    """Return the cells of each column by its name in small letters, without empty rows."""
    if len(content) > MOST_BYTES:
        raise files.too_large(name, MOST_BYTES)
    try:
        text = content.decode("utf-8-sig")
        first_line = text.partition("\n")[0]
        delimiter = max(DELIMITERS, key=first_line.count)
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
        # Where something else separates the cells, a comma may be the decimal mark.
        rows = [[cell.replace(",", ".") for cell in row] for row in rows]
    return dict(zip(header, zip(*rows[1:], strict=True), strict=True))


def _first(columns: Columns, names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the cells of the first of these columns that there is."""
    return next((columns[name] for name in names if name in columns), None)


def _stored_rows(
    columns: Columns, name: str, stored: Predictions, votes: Votes
) -> NDArray[np.int64]:
    """Return the row in the stored predictions of each row of the table, -1 for Training."""
    sources, numbers = _first(columns, NAME_COLUMNS), _first(columns, ROW_COLUMNS)
    if sources is not None:
        references = np.array([source.replace("\\", "/") for source in sources], dtype=np.str_)
        vote_rows = votes.find(references)
    elif numbers is not None:
        references = np.array(numbers, dtype=np.str_)
        row_by_cell = {str(row): row for row in range(len(votes))}
        vote_rows = np.array([row_by_cell.get(cell, -1) for cell in references.tolist()])
    else:
        raise FerError(
            "{name} names no images: it needs the column image (a file name of Kaggle's archive, "
            "with its folder) or row (of the original fer2013.csv, from 0).",
            name=name,
        )
    unknown = np.flatnonzero(vote_rows < 0)
    if len(unknown):
        raise FerError(
            "{name}: {count} rows are about no image of FER-2013 (the first: {image}); use the "
            "names of Kaggle's archive with their folder, such as test/fear/PrivateTest_88305.jpg, "
            "or rows of fer2013.csv.",
            name=name,
            count=len(unknown),
            image=references[unknown[0]],
        )
    vote_row, times = Counter(vote_rows.tolist()).most_common(1)[0]
    if times > 1:
        raise FerError(
            "{name}: {image} stands in {times} rows; each image needs one.",
            name=name,
            image=references[np.flatnonzero(vote_rows == vote_row)[0]],
            times=times,
        )
    stored_row_of_vote = np.full(len(votes), -1, np.int64)
    vote_row_of_stored = votes.find(stored.sources, stored.labels)
    if (vote_row_of_stored < 0).all():
        raise FerError(
            "The models here were not measured on FER-2013, whose images {name} is about.",
            name=name,
        )
    has_votes = vote_row_of_stored >= 0
    stored_row_of_vote[vote_row_of_stored[has_votes]] = np.flatnonzero(has_votes)
    return stored_row_of_vote[vote_rows]


def _probabilities(columns: Columns, name: str) -> tuple[NDArray[np.float64], bool]:
    """Return seven probabilities for each row, and false if the table holds only one answer."""
    cells_of_label = {
        label: cells
        for column, cells in columns.items()
        if (label := emotions.find_label(column)) is not None
    }
    if len(cells_of_label) == emotions.COUNT:
        cells = [cells_of_label[label] for label in range(emotions.COUNT)]
        return _checked_probabilities(cells, name), True
    answers = _first(columns, ANSWER_COLUMNS)
    if cells_of_label or answers is None:
        missing = [key for label, key in enumerate(emotions.KEYS) if label not in cells_of_label]
        raise FerError(
            "{name} lacks a column: {columns}; it needs one for each emotion, or the column "
            "answer.",
            name=name,
            columns=", ".join(missing),
        )
    labels = [_find_label(answer) for answer in answers]
    if None in labels:
        raise FerError(
            "{name}: {answer} is no emotion; answers are angry, disgust, fear, happy, sad, "
            "surprise, neutral, or 0 to 6 in this order.",
            name=name,
            answer=answers[labels.index(None)] or "–",
        )
    return np.eye(emotions.COUNT)[np.array(labels, dtype=np.int64)], False


def _find_label(cell: str) -> int | None:
    numbers = [str(label) for label in range(emotions.COUNT)]
    return numbers.index(cell) if cell in numbers else emotions.find_label(cell)


def _checked_probabilities(columns: Sequence[Sequence[str]], name: str) -> NDArray[np.float64]:
    try:
        probabilities = np.array(columns, dtype=np.float64).T
    except ValueError:
        raise FerError(
            "{name}: a probability is not a number; check the file.", name=name
        ) from None
    sums = probabilities.sum(axis=1)
    if math.isclose(float(np.median(sums)), 100, rel_tol=SUM_TOLERANCE):
        raise FerError(
            "{name} holds percentages: a row's seven values add up to 100; divide them by 100.",
            name=name,
        )
    # NaN compares as false.
    is_valid = (probabilities >= 0).all(axis=1) & (np.abs(sums - 1) <= SUM_TOLERANCE)
    if is_valid.all():
        return np.asarray(probabilities / sums[:, None])
    first_invalid = int(np.argmin(is_valid))
    raise FerError(
        "{name}, row {number}: the seven values are no probabilities (they add up to {total}); "
        "each lies between 0 and 1 and they add up to 1, as softmax makes them.",
        name=name,
        number=first_invalid + 1,
        total=f"{sums[first_invalid]:.4g}",
    )


def _require_official_labels(
    columns: Columns, stored_rows: NDArray[np.int64], name: str, stored: Predictions
) -> None:
    """Raise FerError if the table has labels that are not FER-2013's."""
    cells = _first(columns, LABEL_COLUMNS)
    if cells is None:
        return
    test_rows = np.flatnonzero(stored_rows >= 0)
    labels = [_find_label(cells[row]) for row in test_rows.tolist()]
    given = np.array([-1 if label is None else label for label in labels])
    official = stored.labels[stored_rows[test_rows]]
    wrong = np.flatnonzero(given != official)
    if not len(wrong):
        return
    # Keras numbers folders in alphabetical order.
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
        given=cells[int(test_rows[wrong[0]])] or "–",
        official=emotions.KEYS[int(official[wrong[0]])],
    )
