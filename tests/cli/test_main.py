"""The command as people use it: what it prints, and how far it is."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.progress import Progress

from fer.cli import console, waiting
from tests.support.command import fer, succeeded
from tests.support.making import ROOT, until


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


def test_a_sentence_says_how_far_a_task_is() -> None:
    now = 0.0
    bar = Progress(get_time=lambda: now, disable=True, speed_estimate_period=600.0)
    task_id = bar.add_task("Training", total=None)
    (task,) = bar.tasks
    now = 65.0
    assert waiting.sentence(task) == "Training: 65 s so far."
    # A resumed run has done a half before; its pace counts from here.
    now = 100.0
    bar.update(task_id, completed=500, total=1000)
    assert waiting.sentence(task) == "Training: 500 of 1,000 after 2 min."
    now = 160.0
    bar.update(task_id, completed=600)
    assert waiting.sentence(task) == "Training: 600 of 1,000 after 3 min, about 4 min left."


def test_a_long_command_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "EVERY_SECONDS", 0.001)
    said: list[str] = []
    monkeypatch.setattr(console, "note", lambda sentence, kind="note": said.append(sentence))

    def is_said(beginning: str) -> None:
        until(lambda: any(line.startswith(beginning) for line in said), said)

    @click.group(cls=console.Group)
    def main() -> None: ...

    @main.command()
    def think() -> None:
        is_said("fer think: ")
        with console.progress_bar("Counting") as update:
            is_said("Counting: ")
            update(1, 3, loss=0.5)
            is_said("Counting loss 0.500: 1 of 3")

    assert CliRunner().invoke(main, ["think"]).exit_code == 0
