"""What was made of one data set never takes the place of another's without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer import FerError, files
from fer.data import dataset
from fer.lab import overwriting

ORIGINAL = dataset.ORIGINAL_DIGEST + "0" * 56
MINE, THEIRS = "1" * 64, "2" * 64


def test_the_digest_decides(tmp_path: Path) -> None:
    for name, record, digest, is_other in (
        ("metrics.json", {"data_sha256": MINE}, THEIRS, True),
        ("metrics.json", {"data_sha256": MINE}, MINE, False),
        # Both are FER-2013.
        ("metrics.json", {"data_sha256": dataset.KAGGLE_DIGEST}, ORIGINAL, False),
        ("export.json", {"calibration": {"data_sha256": dataset.KAGGLE_DIGEST}}, MINE, True),
        # Networks as `fer publish` writes them, before `fer export`.
        ("export.json", {"calibration": None}, MINE, False),
        ("list.json", [], MINE, False),
        ("votes.parquet", {}, MINE, True),
        ("votes.parquet", {}, ORIGINAL, False),
    ):
        path = tmp_path / name
        files.write_json(path, record)
        assert overwriting.of_other_data([path], digest) == (path if is_other else None), name


def test_both_data_sets_and_both_ways_on_are_named(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    # What cannot be read may be made anew.
    path.write_text("{")
    overwriting.require_same_data([path], MINE)
    files.write_json(path, {"data_sha256": dataset.KAGGLE_DIGEST})
    with pytest.raises(FerError, match=r"was made of FER-2013, .* with --models-dir, or say --ov"):
        overwriting.require_same_data([path], MINE)
    with pytest.raises(FerError, match=r"another folder with --models-dir\. Nothing"):
        overwriting.require_same_data([path], MINE, can_overwrite=False)
