"""The command as people use it: real files in, readable output, one sentence where it cannot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fer import emotions
from fer.artifacts import model_store
from tests.support.command import child, fer
from tests.support.making import ROOT, in_background, interruptible, jpeg

MODELS = str(ROOT / "models")


@pytest.fixture
def photo(tmp_path: Path, portrait: np.ndarray) -> Path:
    path = tmp_path / "portrait.jpg"
    path.write_bytes(jpeg(portrait))
    return path


def test_import_and_info(archive: Path, tmp_path: Path) -> None:
    result = fer("data", "import", archive, "--data-dir", tmp_path / "data")
    assert result.exit_code == 0
    assert "Imported 84 images" in result.output
    assert "Training angry: 4 images, officially 3995" in result.output
    shown = fer("data", "info", "--data-dir", tmp_path / "data")
    assert shown.exit_code == 0
    assert "84" in shown.output
    assert "so results on them are not FER-2013's" in shown.output
    assert "Gray values (0-255): mean" in shown.output


def test_predict_prints_both_models(photo: Path) -> None:
    result = fer("predict", photo, "--models-dir", MODELS)
    assert result.exit_code == 0, result.output
    for key in model_store.available(ROOT / "models"):
        assert key in result.output
    for key in emotions.KEYS:
        assert key in result.output


def test_predict_needs_no_tensorflow(photo: Path) -> None:
    program = (
        "import sys\n"
        "from fer.cli.main import main\n"
        f"main(['predict', {str(photo)!r}, '--models-dir', {MODELS!r}], standalone_mode=False)\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    done = child("-c", program)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Slower backend" not in done.stderr


def test_predict_whole_image_without_a_face(tmp_path: Path) -> None:
    path = tmp_path / "gray.png"
    path.write_bytes(jpeg(np.full((90, 120), 128, np.uint8), "PNG"))
    record = json.loads(fer("predict", path, "--json", "--whole", "--models-dir", MODELS).stdout)
    assert record["faces"][0]["box"] is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.jpg", b"", "is empty"),
        ("text.jpg", b"just words", "is not an image"),
        ("none.jpg", None, "There is no file"),
    ],
)
def test_bad_photos(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    result = fer("predict", path, "--models-dir", MODELS)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_bad_import_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("emotion,pixels\n")
    result = fer("data", "import", tmp_path / "x.csv", "--data-dir", tmp_path / "data")
    assert result.exit_code == 1
    assert "lacks a column: Usage" in result.stderr
    assert not (tmp_path / "data").exists()


def test_models_are_listed_and_verified() -> None:
    result = fer("models", "--models-dir", MODELS)
    assert result.exit_code == 0, result.output
    assert "Every file is the one in the manifest." in result.output


def test_evaluation_without_data_says_what_to_do(tmp_path: Path) -> None:
    result = fer("evaluate", "--data-dir", tmp_path)
    assert result.exit_code == 1
    assert "fer data import" in result.stderr


READING = """
import sys, time
from fer.cli.main import main
from fer.vision import upload_gate
def waiting(*arguments):
    print("reading", flush=True)
    time.sleep(600)
upload_gate.opened_image = waiting
main(sys.argv[1:])
"""


def test_interrupt_leaves_nothing_behind(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    with in_background():
        importing = interruptible(
            [sys.executable, "-c", READING, "data", "import", archive, "--data-dir", "data"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    assert importing.stdout is not None
    assert importing.stdout.readline() == "reading\n"
    importing.send_signal(signal.SIGINT)
    _, errors = importing.communicate()
    assert importing.returncode == 130
    assert "Traceback" not in errors
    assert list(folder.iterdir()) == []
