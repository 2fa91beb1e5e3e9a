"""What was made of one data set never takes the place of another's without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer import FerError, files
from fer.data import dataset
from fer.lab import overwriting

ORIGINAL = dataset.ORIGINAL_DIGEST + "0" * 56
MINE, THEIRS = "1" * 64, "2" * 64


@pytest.mark.parametrize(
    ("name", "record", "digest", "is_other"),
    [
        ("metrics.json", {"data_sha256": dataset.KAGGLE_DIGEST}, MINE, True),
        ("metrics.json", {"data_sha256": MINE}, dataset.KAGGLE_DIGEST, True),
        ("metrics.json", {"data_sha256": MINE}, THEIRS, True),
        ("metrics.json", {"data_sha256": MINE}, MINE, False),
        # Both are FER-2013.
        ("metrics.json", {"data_sha256": dataset.KAGGLE_DIGEST}, ORIGINAL, False),
        ("export.json", {"calibration": {"data_sha256": dataset.KAGGLE_DIGEST}}, MINE, True),
        # Networks as `fer publish` writes them, before `fer export`.
        ("export.json", {"calibration": None}, MINE, False),
        ("config.json", {"data_sha256": ""}, MINE, False),
        ("list.json", [], MINE, False),
        ("votes.parquet", {}, MINE, True),
        ("votes.parquet", {}, ORIGINAL, False),
    ],
)
def test_the_digest_decides(
    name: str, record: object, digest: str, is_other: bool, tmp_path: Path
) -> None:
    path = tmp_path / name
    assert overwriting.of_other_data([path], digest) is None
    files.write_json(path, record)
    assert overwriting.of_other_data([path], digest) == (path if is_other else None)


def test_what_cannot_be_read_may_be_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("{")
    overwriting.require_same_data([path], MINE)


def test_both_data_sets_and_both_ways_on_are_named(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    files.write_json(path, {"data_sha256": dataset.KAGGLE_DIGEST})
    with pytest.raises(FerError) as raised:
        overwriting.require_same_data([path], MINE)
    assert str(raised.value) == (
        f"{path} was made of FER-2013, and this is the data set with SHA-256 111111111111; name "
        "another folder with --models-dir, or say --overwrite to replace it. Nothing was changed."
    )
    with pytest.raises(FerError, match=r"another folder with --models-dir\. Nothing"):
        overwriting.require_same_data([path], MINE, can_overwrite=False)
