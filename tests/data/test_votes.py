"""The FER+ votes: as published, joined by name and by row of the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as arrow
import pytest

from fer import FerError
from fer.data import dataset, votes
from fer.data.votes import CHOICES, Votes
from tests.support.command import fer, succeeded
from tests.support.making import ROOT, SHARED


@pytest.fixture(scope="module")
def committed() -> Votes:
    return votes.open_votes(ROOT / votes.FOLDER)


def _table(path: Path, data: dataset.Dataset) -> Path:
    """A table of votes on the images of a data set, last row first."""
    choices = "anger,disgust,fear,happiness,sadness,surprise,neutral,contempt,unknown,not_a_face"
    lines = [
        f"{row},{Path(source).name},{row % 10},0,0,{10 - row % 10},0,0,0,0,0,0"
        for row, source in enumerate(data.sources.tolist())
    ]
    path.write_text("\n".join([f"row,name,{choices}", *lines[::-1]]) + "\n")
    return path


def test_every_image_of_fer2013_has_its_ten_votes(committed: Votes) -> None:
    assert committed.counts.shape == (35_887, len(CHOICES))
    sums = committed.counts.sum(axis=1)
    assert np.count_nonzero(sums == 10) == 35_886
    assert sums.min() == 9
    assert len(set(committed.sources.tolist())) == len(committed)
    assert dataset.class_counts(committed.labels, committed.splits) == dataset.OFFICIAL_COUNTS


def test_the_committed_votes_are_those_of_fer_plus_by_name_and_by_row(
    committed: Votes, real_data: dataset.Dataset
) -> None:
    by_name = committed.find(real_data.sources, real_data.labels)
    assert np.array_equal(np.sort(by_name), np.arange(len(committed)))
    assert np.array_equal(committed.labels[by_name], real_data.labels)
    assert np.array_equal(committed.sources[by_name], real_data.sources)
    rows = np.array([f"row {row + 1}" for row in range(len(committed))], dtype=np.str_)
    assert np.array_equal(committed.find(rows, committed.labels), np.arange(len(committed)))
    path = SHARED / "ferplus" / "votes.csv"
    if not path.exists():
        pytest.skip(f"the FER+ votes are not at {path}")
    assert votes.read_table(path, real_data).digest == committed.digest


def test_only_of_a_name_that_occurs_twice_the_folder_matters(committed: Votes) -> None:
    name = "PrivateTest_99936598"
    rows = committed.find(np.array([f"test/fear/{name}.jpg", f"{name}.png", name]))
    assert committed.names[rows].tolist() == [f"{name}.jpg"] * 3
    name = "Training_52789098"
    rows = committed.find(np.array([f"train/surprise/{name}.jpg", f"train/neutral/{name}", name]))
    assert committed.counts[rows[0]][CHOICES.index("surprise")] == 7
    assert committed.counts[rows[1]][CHOICES.index("not_a_face")] == 10
    assert rows[2] == -1


def test_rows_of_another_table_have_no_votes(committed: Votes) -> None:
    sources = np.array(["row 1", "row 2", "row 40000", "row " + "9" * 40])
    assert committed.find(sources[:2], committed.labels[:2]).tolist() == [0, 1]
    assert committed.find(sources[:2], committed.labels[:2][::-1] + 1).tolist() == [-1, -1]
    assert committed.find(sources).tolist() == [-1] * 4


def test_the_command_writes_what_is_read_again(small_data: dataset.Dataset, tmp_path: Path) -> None:
    path = _table(tmp_path / "votes.csv", small_data)
    places = ("--data-dir", small_data.folder, "--out", tmp_path)
    printed = succeeded(fer("data", "votes", path, *places)).output
    written = votes.open_votes(tmp_path)
    assert written.digest in printed
    rows = written.find(small_data.sources, small_data.labels)
    assert np.array_equal(rows, np.arange(len(small_data)))
    assert np.array_equal(written.labels, small_data.labels)
    assert written.counts[3].tolist() == [3, 0, 0, 7, 0, 0, 0, 0, 0, 0]


def test_a_wrong_table_is_refused_in_one_sentence(
    small_data: dataset.Dataset, tmp_path: Path
) -> None:
    path = _table(tmp_path / "votes.csv", small_data)
    table = path.read_text()
    for old, new, message in (
        ("unknown", "unsure", "no table of FER\\+ votes.*'unknown'"),
        ("\n5,", "\n6,", "84 rows"),
        ("Training_1.jpg", "Training_0.jpg", "does not have"),
        (",10,", ",many,", "no table of FER\\+ votes.*many"),
    ):
        path.write_text(table.replace(old, new, 1))
        with pytest.raises(FerError, match=message):
            votes.read_table(path, small_data)


def test_missing_and_damaged_files_say_what_to_do(committed: Votes, tmp_path: Path) -> None:
    with pytest.raises(FerError, match="restore it from the repository"):
        votes.open_votes(tmp_path)
    votes.write(Votes(committed.names[:5], committed.labels[:5], committed.counts[:5]), tmp_path)
    path = tmp_path / votes.VOTES
    whole = path.read_bytes()
    errors = []
    # A turned bit is told or harmless. What tells types and encodings stands at the end.
    for position in range(3 * len(whole) // 4, len(whole) - 8, 2):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        try:
            votes.open_votes(tmp_path)
        except FerError as error:
            errors.append(error)
    assert all("restore it from the repository" in str(error) for error in errors)
    assert any(isinstance(error.__cause__, arrow.ArrowNotImplementedError) for error in errors)
