"""The command finds the repository's models and data from any directory, or says where they are."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest

from fer import FerError
from fer.artifacts import locations, model_store
from fer.data import dataset
from tests.support.command import child
from tests.support.making import ROOT

SAMPLE = ROOT / "data" / "samples" / "astronaut.jpg"


def test_predict_answers_from_any_directory(tmp_path: Path) -> None:
    shutil.copy(SAMPLE, tmp_path / "photo.jpg")
    # Another project's models are no reason to look no further.
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "theirs.bin").write_bytes(b"x")
    found = child("-m", "fer", "predict", "photo.jpg", "--csv", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert [row["model"] for row in rows] == list(model_store.available(ROOT / "models"))


def test_the_folder_in_the_working_directory_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = model_store.FOLDER
    root, working = tmp_path / "repository", tmp_path / "working"
    for place in (root, working):
        (place / folder).mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    monkeypatch.setattr(locations, "ROOT", root)
    monkeypatch.chdir(working)
    assert locations.default(folder) == root / folder
    (working / folder / locations.MARKS[folder]).write_text("{}")
    assert locations.default(folder) == folder
    monkeypatch.chdir(root)
    assert locations.default(folder) == folder
    monkeypatch.chdir(tmp_path)
    assert locations.default(folder) == root / folder
    (root / "pyproject.toml").unlink()
    assert locations.default(folder) == folder


def test_environment_variables_name_the_folders(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder, variable in locations.VARIABLES.items():
        monkeypatch.setenv(variable, str(tmp_path / variable))
        assert locations.default(folder) == tmp_path / variable
    assert locations.data_folder() == tmp_path / locations.VARIABLES[dataset.FOLDER]
    done = child("-c", "from fer.ui.shared import loaders; print(loaders.MODELS)")
    assert done.stdout.strip() == str(tmp_path / "FER_MODELS_DIR")
    # None of them is there.
    with pytest.raises(FerError, match=f"{next(iter(locations.VARIABLES.values()))} is .*, wh"):
        locations.check()


def test_a_folder_without_a_detector_uses_the_repositorys(tmp_path: Path) -> None:
    committed = ROOT / "models" / model_store.DETECTOR
    assert locations.detector(tmp_path) == committed
    shutil.copy(committed, tmp_path)
    assert locations.detector(tmp_path) == tmp_path / model_store.DETECTOR
    model_store.write_manifest(tmp_path)
    (tmp_path / model_store.DETECTOR).unlink()
    with pytest.raises(FerError, match=f"{model_store.DETECTOR} is missing"):
        locations.detector(tmp_path)
