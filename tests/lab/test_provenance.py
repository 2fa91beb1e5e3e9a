"""A figure names the code that made it, and no other repository's commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fer import __version__
from fer.lab import provenance


def test_the_commit_is_that_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (
        ("init", "--quiet"),
        ("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--allow-empty", "-qm", "One"),
    ):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    (head,) = (tmp_path / ".git" / "refs" / "heads").iterdir()
    assert provenance.commit() == head.read_text().strip()
    (tmp_path / "fer").mkdir()
    (tmp_path / "fer" / "new.py").touch()
    assert provenance.commit().endswith("+")
    # A copy of the code inside another repository tells its version.
    (tmp_path / "venv").mkdir()
    monkeypatch.setattr(provenance, "ROOT", tmp_path / "venv")
    assert provenance.commit() == f"fer {__version__}"
