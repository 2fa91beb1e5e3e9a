"""A command that takes long says so on stderr, wherever that goes."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from fer.cli import console, waiting
from fer.cli.waiting import Work
from tests.support.making import until


def test_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now)
    work = Work("fer train", start=now)
    assert work.sentence(5.2) == "fer train: 5 s so far."
    work.update("Training (loading TensorFlow)", 0, 0)
    assert work.sentence(65.0) == "Training (loading TensorFlow): 65 s so far."
    # A resumed run has done a half before; its pace counts from here.
    now = 100.0
    work.update("Training", 500, 1000)
    assert work.sentence(100.0) == "Training: 500 of 1,000 after 2 min."
    now = 160.0
    work.update("Training epoch 3", 600, 1000)
    assert work.sentence(160.0) == "Training epoch 3: 600 of 1,000 after 3 min, about 4 min left."
    # The next study begins anew.
    now = 200.0
    work.update("Gates", 0, 50)
    now = 210.0
    work.update("Gates", 10, 50)
    assert work.sentence(210.0).endswith(", about 40 s left.")
    work.update("Gates", 50, 50)
    assert work.sentence(210.0) == "Gates: 50 of 50 after 4 min."
    assert waiting.duration(7200.0) == "2.0 h"


def test_a_long_command_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "EVERY_SECONDS", 0.001)
    said: list[str] = []
    monkeypatch.setattr(console, "note", lambda sentence, kind="note": said.append(sentence))

    @click.group(cls=console.Group)
    def main() -> None: ...

    @main.command()
    def think() -> None:
        until(lambda: any(line.startswith("fer think: ") for line in said), said)
        with console.progress_bar("Counting") as update:
            until(lambda: any(line.startswith("Counting: ") for line in said), said)
            update(1, 3, loss=0.5)
            until(lambda: any(line.startswith("Counting loss 0.500: 1 of 3") for line in said))

    assert CliRunner().invoke(main, ["think"]).exit_code == 0
    before = len(said)
    assert before >= 3
    assert waiting._active_work == []


def test_a_short_command_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with waiting.reported(lambda: "fer models", said.append):
        pass
    assert said == []
