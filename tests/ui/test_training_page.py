"""Page 4's trainings: what they are doing, how a stop is answered, what is shown when they end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fer import files
from fer.artifacts import runs
from fer.scenarios import PROPOSED
from fer.training import monitor
from fer.ui.shared import permissions
from tests.support.pages import open_page


@pytest.fixture
def visitors_may_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(permissions.VARIABLE, "train")


def live(folder: Path, state: monitor.State, stage: monitor.Stage, done: float = 0) -> Path:
    """A run that a page shows, with that much of ten steps done."""
    now = time.time()
    run = monitor.RunState(state, now, now, done, 10, 2, {}, stage=stage)
    monitor.write(folder, run)
    return folder


@pytest.mark.parametrize(
    ("stage", "doing", "stopping"),
    [
        ("loading TensorFlow", "loading TensorFlow", "stopping within a few seconds"),
        ("training", "time left not known yet", "stopping after this step"),
        ("checking", "checking the epoch", "stopping as soon as this epoch is checked and saved"),
    ],
)
def test_a_stop_is_answered_in_the_same_run_of_the_page(
    stage: monitor.Stage, doing: str, stopping: str, without_data: Path, visitors_may_train: None
) -> None:
    run_dir = live(without_data / "runs" / "short", "running", stage)
    # What the operator started is not a visitor's to stop.
    monitor.watch(run_dir)
    app = open_page("4_Training.py")
    assert any(doing in str(bar.proto.text) for bar in app.get("progress"))
    stop = app.button(key="stop_short")
    stop.click().run()
    assert monitor.is_stopping(run_dir)
    assert any(stopping in str(bar.proto.text) for bar in app.get("progress"))
    assert app.button(key="stop_short").disabled


def test_what_ended_before_the_visitors_eyes_is_among_the_curves(without_data: Path) -> None:
    run_dir = live(without_data / "runs" / "short", "running", "training")
    app = open_page("4_Training.py")
    assert app.pills(key="runs").value == ["baseline", "proposed"]
    row = {"epoch": 1, "loss": 1.9, "accuracy": 0.3, "val_loss": 1.9, "val_accuracy": 0.25}
    row |= {"learning_rate": 1e-4, "image_size": 48, "seconds": 1.0}
    runs.write_history(run_dir, [row])
    record = {"scenario": PROPOSED.to_dict(), "data": "0"}
    files.write_json(run_dir / runs.RUN, record)
    live(run_dir, "finished", "training", done=10)
    app.run()
    assert not app.exception
    assert app.pills(key="runs").value == ["baseline", "proposed", "short"]
    (told,) = app.success
    assert "short has finished: 25.0% on PublicTest" in told.value
    assert "guessing gives 14.3%" in told.value
    assert told.value.endswith("Its curves are among those above.")
    app.pills(key="runs").set_value(["short"]).run()
    assert app.pills(key="runs").value == ["short"]


def test_enter_in_a_field_starts_no_training(without_data: Path, visitors_may_train: None) -> None:
    app = open_page("4_Training.py")
    forms = [block for block in app.main.children.values() if block.type == "form"]
    assert [form.proto.form.enter_to_submit for form in forms] == [False]
