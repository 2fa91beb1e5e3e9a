"""Where the repository's models and data lie, from whichever directory `fer` is called."""

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


# What names these folders where no option does, for the command and the dashboard.
VARIABLES = {model_store.FOLDER: "FER_MODELS_DIR", dataset.FOLDER: "FER_DATA_DIR"}


def named(folder: Path) -> Path | None:
    """The folder that its environment variable names, None if none does.

    Args:
        folder: one of `VARIABLES`.
    """
    name = os.environ.get(VARIABLES[folder])
    return Path(name) if name else None


def check() -> None:
    """Raise FerError if an environment variable names a models folder without a trained model, or
    a file where the data set's folder would be."""
    models, data = named(model_store.FOLDER), named(dataset.FOLDER)
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


def default(folder: Path, working: Path | None = None, root: Path = ROOT) -> Path:
    """The folder that a command takes where no option names one.

    It is what an environment variable names; else the one in the working directory if that is one
    of `fer`'s; else the repository's that `fer` runs from (`pip install -e`); else, of a copy in
    site-packages, the working directory's.

    Args:
        folder: one of `MARKS`, relative.
        working: the working directory; None means the process' own.
        root: what contains the package `fer`.
    """
    wanted = named(folder) if folder in VARIABLES else None
    if wanted is not None:
        return wanted
    here = (working or Path.cwd()) / folder
    is_checkout = (root / "pyproject.toml").is_file()
    if is_checkout and not (here / MARKS[folder]).is_file():
        # Shown in messages: no longer than it must be.
        return folder if here.parent.resolve() == (root / folder).parent else root / folder
    return folder


def require_models(folder: Path) -> None:
    """Does nothing where there is a trained model.

    Raises:
        FerError: if there is none.
    """
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
    """The face detector's file for the models in a folder: their own, else the repository's.

    Raises:
        FerError: if it is missing or not the file in the manifest.
    """
    has_own = (folder / model_store.DETECTOR).exists()
    if not has_own and model_store.DETECTOR not in model_store.published(folder):
        folder = ROOT / model_store.FOLDER
    return model_store.checked(folder, model_store.DETECTOR)


def data_folder(root: Path = ROOT) -> Path:
    """Where the dashboard has the imported data set, or would import it.

    It is what an environment variable names; else the repository's; where that cannot be written,
    as on some hosts, the user's cache.
    """
    wanted = named(dataset.FOLDER)
    if wanted is not None:
        return wanted.absolute()
    folder = root / dataset.FOLDER
    if dataset.is_imported(folder) or _is_writable(folder):
        return folder
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "fer" / dataset.FOLDER.name


def _is_writable(folder: Path) -> bool:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return os.access(existing, os.W_OK)
