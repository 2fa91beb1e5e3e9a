"""Small real data made on the spot, and the real FER-2013 where it is at hand."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import streamlit_webrtc  # noqa: F401  # before TensorFlow, or aiortc crashes; see fer.ui.loaders
from PIL import Image
from skimage import data as samples

from fer import dataset, emotions, importing

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("FER_SHARED", ROOT.parent / "shared"))
ARCHIVE = SHARED / "fer2013" / "archive.zip"
IMAGENET = SHARED / "vgg16" / "vgg16_imagenet_notop.weights.h5"


def jpeg(pixels: np.ndarray, kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def face_like(seed: int) -> np.ndarray:
    """A smooth random 48x48 image: JPEG keeps it nearly as it is."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8))
    return np.array(small.resize((48, 48), Image.Resampling.BICUBIC))


def small_archive(path: Path, per_class: int = 4) -> Path:
    """A zip laid out like Kaggle's, with `per_class` faces in each class of each split."""
    with zipfile.ZipFile(path, "w") as archive:
        number = 0
        for folder, split in (
            ("train", "Training"),
            ("test", "PublicTest"),
            ("test", "PrivateTest"),
        ):
            for key in emotions.KEYS:
                for _ in range(per_class):
                    number += 1
                    archive.writestr(
                        f"{folder}/{key}/{split}_{number}.jpg", jpeg(face_like(number))
                    )
    return path


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
