"""Locations of the repository's models and data, whatever the working directory."""

from __future__ import annotations

import os
from pathlib import Path

from fer import FerError
from fer.artifacts import model_store
from fer.data import aggregates, dataset
from fer.scenarios import SCENARIOS

ROOT = Path(__file__).resolve().parents[2]
# A file that tells each folder from another project's of the same name.
MARKS = {
    model_store.FOLDER: model_store.MANIFEST,
    dataset.FOLDER: dataset.MANIFEST,
    aggregates.FOLDER: aggregates.SUMMARY,
}
# Environment variables that name these folders where no option does, for command and dashboard.
VARIABLES = {model_store.FOLDER: "FER_MODELS_DIR", dataset.FOLDER: "FER_DATA_DIR"}


def from_environment(folder: Path) -> Path | None:
    """Return the folder that its environment variable names; None if it has none that is set."""
    name = os.environ.get(VARIABLES.get(folder, ""))
    return Path(name) if name else None


def check() -> None:
    """Raise FerError if an environment variable names a models folder without a trained model, or
    a file where the data set's folder would be."""
    models, data = from_environment(model_store.FOLDER), from_environment(dataset.FOLDER)
    if models is not None and not _has_model(models):
        raise FerError(
            "{variable} is {folder}, where there is no trained model; name a folder that "
            "fer publish has filled, or leave the variable out.",
            variable=VARIABLES[model_store.FOLDER],
            folder=models,
        )
    if data is not None and not data.is_dir():
        raise FerError(
            "{variable} is {folder}, which is no folder; name the one of: fer data import PATH "
            "--data-dir {folder}",
            variable=VARIABLES[dataset.FOLDER],
            folder=data,
        )


def default(folder: Path) -> Path:
    """Return the folder that a command takes where no option names one, for one of `MARKS`.

    The first of these: the folder that an environment variable names; the one in the working
    directory if it is one of `fer`'s; the one of the repository that `fer` runs from (`pip install
    -e`); for a copy in site-packages, the one in the working directory.
    """
    named_folder = from_environment(folder)
    if named_folder is not None:
        return named_folder
    is_checkout = (ROOT / "pyproject.toml").is_file()
    if is_checkout and not (folder / MARKS[folder]).is_file():
        # Messages show this path, so it is relative where it can be.
        return folder if folder.parent.resolve() == (ROOT / folder).parent else ROOT / folder
    return folder


def require_models(folder: Path) -> None:
    """Raise FerError unless there is a trained model in the folder."""
    if not _has_model(folder):
        raise FerError(
            "There is no trained model in {folder}; the models come with the repository: clone it "
            "and name its folder with --models-dir, or install fer from it with: pip install "
            "--no-deps -e .",
            folder=folder,
        )


def _has_model(folder: Path) -> bool:
    return any((folder / key / model_store.CONFIG).exists() for key in SCENARIOS)


def detector(folder: Path) -> Path:
    """Return the face detector's file for the models in a folder: their own, else the repository's.
    Raise FerError if it is missing or not the file in the manifest."""
    has_own = (folder / model_store.DETECTOR).exists()
    if not has_own and model_store.DETECTOR not in model_store.published(folder):
        folder = ROOT / model_store.FOLDER
    return model_store.checked(folder, model_store.DETECTOR)


def data_folder(root: Path = ROOT) -> Path:
    """Return the folder of the dashboard's data set, imported or not yet.

    An environment variable names it; else it is the repository's; where that cannot be written,
    as on some hosts, the user's cache.
    """
    named_folder = from_environment(dataset.FOLDER)
    if named_folder is not None:
        return named_folder.absolute()
    folder = root / dataset.FOLDER
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if dataset.is_imported(folder) or os.access(existing, os.W_OK):
        return folder
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "fer" / dataset.FOLDER.name
