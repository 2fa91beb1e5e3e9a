"""The command as people use it: real files in, readable output, one sentence where it cannot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.command import fer, succeeded
from tests.support.making import ROOT, in_background, interruptible


def test_import_and_info(archive: Path, tmp_path: Path) -> None:
    printed = succeeded(fer("data", "import", archive, "--data-dir", tmp_path / "data")).output
    assert "Imported 84 images" in printed
    assert "Training angry: 4 images, officially 3995" in printed
    shown = succeeded(fer("data", "info", "--data-dir", tmp_path / "data")).output
    for words in ("84", "so results on them are not FER-2013's", "Gray values (0-255): mean"):
        assert words in shown


def test_models_are_listed_and_verified() -> None:
    printed = succeeded(fer("models", "--models-dir", ROOT / "models")).output
    assert "Every file is the one in the manifest." in printed


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
