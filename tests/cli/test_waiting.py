"""A command that takes long says so on stderr, wherever that goes."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner
from rich.progress import Progress, Task

from fer.cli import console, waiting
from tests.support.making import until


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
    bar.update(task_id, completed=600, description="Training epoch 3")
    assert waiting.sentence(task) == (
        "Training epoch 3: 600 of 1,000 after 3 min, about 4 min left."
    )
    bar.update(task_id, completed=1000)
    assert waiting.sentence(task) == "Training epoch 3: 1,000 of 1,000 after 3 min."
    assert waiting.duration(7200.0) == "2.0 h"


def test_the_next_part_of_the_work_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    open_tasks: list[Task | None] = []
    monkeypatch.setattr(waiting, "_tasks", open_tasks)
    with console.progress_bar("Analysing") as update:
        (task,) = open_tasks
        assert task is not None
        update(49, 50)
        update(0, 0, stage="loading")
        assert (task.completed, task.description) == (49, "Analysing (loading)")
        update(1, 20)
        assert (task.completed, task.total, task.speed) == (1, 20, None)
    assert open_tasks == []


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
    assert waiting._tasks == []


def test_a_short_command_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with waiting.reported(lambda: "fer models", said.append):
        pass
    assert said == []
