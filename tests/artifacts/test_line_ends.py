"""Git for Windows gives text files other line ends: every artifact stays the published one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fer import files
from fer.artifacts import intact, model_store
from fer.data import dataset, importing
from fer.inference import openvino_backend
from fer.vision import faces
from tests.support.making import ROOT, csv_table

TEXT = {".csv", ".json", ".md", ".xml"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone as Git for Windows makes it by default."""
    target = tmp_path_factory.mktemp("windows") / "clone"
    done = subprocess.run(
        ["git", "-c", "core.autocrlf=true", "clone", "--quiet", str(ROOT), str(target)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"this is no git checkout: {done.stderr.strip()}")
    return target


def test_a_clone_with_autocrlf_has_every_artifact_as_published(clone: Path) -> None:
    folder = clone / "models"
    assert model_store.verify(folder) == ([], [])
    for name in files.read_json(folder / model_store.MANIFEST):
        assert (folder / name).read_bytes() == (ROOT / "models" / name).read_bytes(), name
    changed = subprocess.run(
        ["git", "-C", str(clone), "status", "--porcelain"], capture_output=True, text=True
    )
    assert changed.stdout == ""


def test_a_clone_with_autocrlf_has_scripts_that_unix_runs(clone: Path) -> None:
    for name in ("Makefile", "Dockerfile", ".ci/run", "Home.py", "requirements.txt"):
        assert b"\r" not in (clone / name).read_bytes(), name


@pytest.fixture
def with_windows_line_ends(tmp_path: Path) -> Path:
    """The models of a clone that was made before line ends were settled."""
    folder = tmp_path / "models"
    shutil.copytree(ROOT / "models", folder, copy_function=os.link)
    for path in [path for path in folder.rglob("*") if path.suffix in TEXT]:
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content.replace(b"\n", b"\r\n"))
    return folder


def test_an_old_clone_is_whole_and_answers(with_windows_line_ends: Path) -> None:
    folder = with_windows_line_ends
    assert b"\r\n" in (folder / model_store.MANIFEST).read_bytes()
    assert model_store.verify(folder) == ([], [])
    models, problems = intact.models(folder)
    assert (list(models), problems) == (["baseline", "proposed"], [])
    openvino_backend.FastBackend(list(models.values()), folder).check()
    for key, model in models.items():
        published = model_store.open_artifact(key, ROOT / "models")
        assert model.history() == published.history()
        assert model.metrics == published.metrics


def test_an_old_clone_writes_the_manifest_that_it_was_given(with_windows_line_ends: Path) -> None:
    before = files.read_json(with_windows_line_ends / model_store.MANIFEST)
    model_store.write_manifest(with_windows_line_ends)
    assert files.read_json(with_windows_line_ends / model_store.MANIFEST) == before


def test_line_ends_of_what_is_not_text_count(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"a\n")
    (tmp_path / "b.bin").write_bytes(b"a\r\n")
    assert model_store.sha256(tmp_path / "a.bin") != model_store.sha256(tmp_path / "b.bin")


def test_a_table_with_windows_line_ends_is_imported(tmp_path: Path) -> None:
    table = tmp_path / "fer2013.csv"
    table.write_bytes(csv_table().replace("\n", "\r\n").encode())
    importing.import_dataset(table, tmp_path / "data")
    counts = dataset.open_dataset(tmp_path / "data").counts
    assert counts == dict.fromkeys(dataset.SPLITS, (1,) * 7)


def test_the_detector_lies_under_any_name(tmp_path: Path, portrait: np.ndarray) -> None:
    """OpenCV's own reader takes only names that fit its encoding."""
    try:
        folder = Path(os.fsdecode(os.fsencode(tmp_path / "wajah-表情-") + b"\xff"))
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    shutil.copy(ROOT / "models" / model_store.DETECTOR, folder)
    assert len(faces.Detector(folder / model_store.DETECTOR).detect(portrait)) == 1
