"""The dashboard with and without an imported data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer.data import dataset, importing
from fer.ui.shared import loaders
from tests.support.making import small_archive


@pytest.fixture
def without_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The dashboard where no data set is imported; the models are the repository's."""
    monkeypatch.setattr(loaders, "ROOT", tmp_path)
    monkeypatch.setattr(loaders, "RUNS", tmp_path / "runs")
    return tmp_path


@pytest.fixture
def with_data(without_data: Path) -> Path:
    importing.import_dataset(
        small_archive(without_data / "archive.zip"), without_data / dataset.FOLDER
    )
    return without_data
