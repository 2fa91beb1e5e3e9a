"""The origin of a figure: the code, the data, the weights and the seed that it was made with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from fer import __version__
from fer.artifacts.model_store import Artifact
from fer.artifacts.records import MadeWith
from fer.data.dataset import Dataset

ROOT = Path(__file__).resolve().parents[2]


def commit() -> str:
    """Return the commit of the code, with "+" if `fer/` was changed since; outside of its
    repository, the version."""
    try:
        # A copy in site-packages may lie inside a repository of something else.
        if Path(_git("rev-parse", "--show-toplevel")).resolve() != ROOT.resolve():
            return f"fer {__version__}"
        head = _git("rev-parse", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--", "fer") else "")
    except (OSError, subprocess.CalledProcessError):
        return f"fer {__version__}"


def _git(*arguments: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def record(
    data: Dataset,
    seed: int,
    models: Iterable[Artifact] = (),
    packages: Sequence[str] = ("keras", "tensorflow", "numpy"),
) -> MadeWith:
    """Return commit, seed, digests of data and weights, and versions of the packages."""
    return {
        "commit": commit(),
        "seed": seed,
        "data_sha256": data.digest,
        "weights_sha256": {model.key: model.digest for model in models},
        "versions": {name: version(name) for name in packages},
    }
