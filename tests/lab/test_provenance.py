"""A figure names the code that made it, and no other repository's commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fer import __version__
from fer.lab import provenance


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit and an untracked folder."""
    for command in (
        ("init", "--quiet"),
        ("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--allow-empty", "-qm", "One"),
    ):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    (tmp_path / "venv" / "site-packages").mkdir(parents=True)
    return tmp_path


def test_the_commit_is_that_of_the_code(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "ROOT", repository)
    head = (repository / ".git" / "refs" / "heads").iterdir()
    assert provenance.commit() == next(head).read_text().strip()
    (repository / "fer").mkdir()
    (repository / "fer" / "new.py").touch()
    assert provenance.commit().endswith("+")


def test_a_copy_inside_another_repository_tells_its_version(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "ROOT", repository / "venv" / "site-packages")
    assert provenance.commit() == f"fer {__version__}"
