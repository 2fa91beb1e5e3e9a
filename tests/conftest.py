"""Fixtures: small data sets, the real one where it is at hand, a photo with a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import streamlit_webrtc  # noqa: F401  # before TensorFlow, or aiortc crashes; see fer.ui.loaders
from making import ARCHIVE, small_archive
from skimage import data as samples

from fer import dataset, importing


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return small_archive(tmp_path / "archive.zip")


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> dataset.Dataset:
    folder = tmp_path_factory.mktemp("small")
    importing.import_dataset(small_archive(folder / "archive.zip"), folder / "data")
    return dataset.open_dataset(folder / "data")


@pytest.fixture(scope="session")
def real_archive() -> Path:
    if not ARCHIVE.exists():
        pytest.skip(f"the real FER-2013 archive is not at {ARCHIVE}")
    return ARCHIVE


@pytest.fixture(scope="session")
def real_data(real_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dataset.Dataset:
    folder = tmp_path_factory.mktemp("real")
    importing.import_dataset(real_archive, folder)
    return dataset.open_dataset(folder)


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A public-domain photo with one face, (512, 512, 3) uint8."""
    return np.asarray(samples.astronaut())
