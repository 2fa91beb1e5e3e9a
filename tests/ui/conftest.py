"""The dashboard with and without an imported data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fer.artifacts import model_store
from fer.artifacts.stored import Stored
from fer.data import dataset, importing
from fer.ui.shared import loaders
from tests.support.making import ROOT, small_archive
from tests.support.pages import ShowStudy


@pytest.fixture
def without_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The dashboard where no data set is imported; the models are the repository's."""
    monkeypatch.setattr(loaders, "ROOT", tmp_path)
    monkeypatch.setattr(loaders, "RUNS", tmp_path / "runs")
    return tmp_path


@pytest.fixture
def with_data(without_data: Path) -> Path:
    archive = small_archive(without_data / "archive.zip")
    importing.import_dataset(archive, without_data / dataset.FOLDER)
    return without_data


@pytest.fixture
def show_study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ShowStudy:
    """Give the dashboard the repository's models without studies and manifest; returns what gives
    it a study's record."""
    models = tmp_path / "models"
    (models / model_store.ANALYSIS).mkdir(parents=True)
    for path in (ROOT / "models").iterdir():
        if path.name not in (model_store.ANALYSIS, model_store.MANIFEST):
            (models / path.name).symlink_to(path)
    monkeypatch.setattr(loaders, "MODELS", models)

    def show(study: Stored[Any], record: object) -> None:
        path = models / study.name
        # A link leads to the repository's.
        path.unlink(missing_ok=True)
        path.write_text(json.dumps(record))

    return show
