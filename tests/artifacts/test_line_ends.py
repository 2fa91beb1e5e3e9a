"""Git for Windows gives text files other line ends: every artifact stays the published one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fer import files
from fer.artifacts import model_store
from fer.vision import faces
from tests.support.making import ROOT


def test_a_clone_with_autocrlf_has_every_artifact_and_script_as_published(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    # As Git for Windows makes it by default.
    command = ("git", "-c", "core.autocrlf=true", "clone", "--quiet", ROOT, clone)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this is no git checkout: {done.stderr.strip()}")
    folder = clone / "models"
    assert model_store.verify(folder) == ([], [])
    for name in files.read_json(folder / model_store.MANIFEST):
        assert (folder / name).read_bytes() == (ROOT / "models" / name).read_bytes(), name
    for name in ("Makefile", "Dockerfile", ".ci/run", "Home.py", "requirements.txt"):
        assert b"\r" not in (clone / name).read_bytes(), name


def test_the_detector_lies_under_any_name(tmp_path: Path, portrait: np.ndarray) -> None:
    """OpenCV's own reader takes only names that fit its encoding."""
    try:
        folder = Path(os.fsdecode(os.fsencode(tmp_path / "wajah-表情-") + b"\xff"))
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    shutil.copy(ROOT / "models" / model_store.DETECTOR, folder)
    assert len(faces.Detector(folder / model_store.DETECTOR).detect(portrait)) == 1
