"""Fixtures: small data sets, the real one where it is at hand, a photo with a face."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit_webrtc  # noqa: F401  # before TensorFlow, whose BoringSSL symbols crash aiortc
from skimage import data as samples

from fer import layer_names
from fer.data import dataset, importing
from fer.scenarios import BASELINE, PROPOSED
from fer.ui.shared.text import Language, in_language
from tests.support.making import ARCHIVE, ROOT, small_archive

# pytest-xdist tells its workers how wide its own terminal is; nobody looks at what commands print
# in a test.
os.environ.pop("COLUMNS", None)

HISTORY = """\
epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,image_size,seconds
1,1.9,0.2,1.9,0.2,0.0001,32,1.0
"""
CONFIG = {
    **{"seed": 2013, "epochs_run": 1, "best_epoch": 1, "best_val_accuracy": 0.2},
    **{"training_seconds": 1, "published": "2026-01-01", "versions": {}, "data_sha256": ""},
    **{"parameters": 1, "trainable_parameters": 1},
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="takes minutes; run it with -m slow")
    for item in items:
        if item.get_closest_marker("slow") and "slow" not in config.option.markexpr:
            item.add_marker(skip)


@pytest.fixture
def language(request: pytest.FixtureRequest) -> Iterator[Language]:
    """The language of the parameter, in which everything is said in the test."""
    with in_language(request.param):
        yield request.param


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


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A dashboard without an imported data set, with committed figures of its own."""
    from fer.ui.shared import loaders

    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("fer2013"))
    monkeypatch.setattr(loaders, "ROOT", tmp_path)
    monkeypatch.setattr(loaders, "DATA", tmp_path / "data")
    monkeypatch.setattr(loaders, "RUNS", tmp_path / "runs")
    return tmp_path


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A public-domain photo with one face, (512, 512, 3) uint8."""
    return np.asarray(samples.astronaut())


@pytest.fixture(scope="session")
def narrow_vgg16() -> Iterator[None]:
    """Networks with a sixteenth of VGG16's channels, from here to the end of the session."""
    from tests.support import narrow

    with pytest.MonkeyPatch.context() as patch:
        narrow.install(patch)
        yield


@pytest.fixture(scope="session")
def small_backbone(narrow_vgg16: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with random weights of a narrow VGG16, in place of ImageNet's."""
    import keras

    from fer.lab.networks import vgg16

    keras.utils.set_random_seed(2013)
    path = tmp_path_factory.mktemp("backbone") / "backbone.weights.h5"
    vgg16.backbone(None).save_weights(path)
    return path


@pytest.fixture(scope="session")
def small_models(
    small_data: dataset.Dataset, small_backbone: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A models folder with both scenarios at 32 px, random weights, evaluated on `small_data`."""
    import keras

    from fer.artifacts import model_store
    from fer.lab import keras_backend
    from fer.lab.evaluation import evaluate
    from fer.lab.export import publishing
    from fer.lab.networks import vgg16

    folder = tmp_path_factory.mktemp("published") / "models"
    keras.utils.set_random_seed(2013)
    for scenario in (BASELINE, PROPOSED):
        scenario = replace(scenario, input_size=32, compute_dtype="float32")
        network = vgg16.build(scenario, small_backbone)
        tensors = {name: v.numpy() for name, v in keras_backend.variables(network).items()}
        # Glorot's start lets the signal fade through 13 layers; this keeps logits apart.
        tensors[f"{layer_names.LOGITS}/kernel"] *= 200
        model_store.write_model(folder, scenario, tensors, HISTORY, dict(CONFIG))
    classifier = keras_backend.load(folder)
    evaluate.save(evaluate.evaluate(classifier, small_data), classifier.models)
    publishing.finish(folder)
    return folder
