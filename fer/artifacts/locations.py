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


def default(folder: Path, working: Path | None = None, root: Path = ROOT) -> Path:
    """The folder that a command takes where no option names one.

    It is the one in the working directory if that is one of `fer`'s; else the repository's that
    `fer` runs from (`pip install -e`); else, of a copy in site-packages, the working directory's.

    Args:
        folder: one of `MARKS`, relative.
        working: the working directory; None means the process' own.
        root: what contains the package `fer`.
    """
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
    if not any((folder / key / model_store.CONFIG).exists() for key in SCENARIOS):
        raise FerError(
            "There is no trained model in {folder}; the models come with the repository: clone it "
            "and name its folder with --models-dir, or install fer from it with: pip install "
            "--no-deps -e .",
            folder=folder,
        )


def data_folder(root: Path = ROOT) -> Path:
    """Where the dashboard has the imported data set, or would import it.

    It is the repository's; where that cannot be written, as on some hosts, the user's cache.
    """
    folder = root / dataset.FOLDER
    if dataset.is_imported(folder) or _is_writable(folder):
        return folder
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "fer" / dataset.FOLDER.name


def _is_writable(folder: Path) -> bool:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return os.access(existing, os.W_OK)
