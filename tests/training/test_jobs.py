"""Runs watched from outside, and short trainings in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fer import FerError
from fer.artifacts import runs
from fer.data import browsing, dataset, importing
from fer.data.dataset import Dataset, Split
from fer.training import jobs, monitor
from tests.support.making import PATIENCE, ROOT, interruptible, small_archive, until
from tests.support.training import state_of


def test_subset_keeps_every_class_and_has_its_own_digest(small_data: Dataset) -> None:
    half, again, other = (dataset.subset(small_data, 0.5, seed) for seed in (1, 1, 2))
    assert set(half.counts[Split.TRAINING]) == {2}
    assert half.digest == again.digest
    assert len({small_data.digest, half.digest, other.digest}) == 3
    assert len(dataset.subset(small_data, 0.001, seed=1)) == 21
    with pytest.raises(FerError, match="must lie above 0"):
        dataset.subset(small_data, 0.0, seed=1)


def test_browsing_filters_shuffles_and_pages(small_data: Dataset) -> None:
    rows = browsing.chosen_rows(small_data, Split.TRAINING, ["fear", "sad"], 0)
    shuffled = browsing.chosen_rows(small_data, Split.TRAINING, ["fear", "sad"], 7)
    assert len(rows) == 8
    assert sorted(shuffled.tolist()) == rows.tolist() != shuffled.tolist()
    everything = browsing.chosen_rows(small_data, None, [], 0)
    assert browsing.pages(everything) == 4
    assert len(browsing.page(everything, 4)) == 84 - 3 * browsing.PAGE
    assert np.array_equal(browsing.page(everything, 99), browsing.page(everything, 4))


def test_progress_is_told_while_running_and_after(tmp_path: Path) -> None:
    with monitor.Live(tmp_path, epochs=2) as tell:
        tell(1, 10)
        tell(3, 10, accuracy=0.5)
        until(lambda: state_of(tmp_path).step == 3)
        run = state_of(tmp_path)
        assert (run.state, run.share) == ("running", pytest.approx(0.3))
    ended = state_of(tmp_path)
    assert (ended.state, ended.is_active) == ("finished", False)
    with pytest.raises(FerError), monitor.Live(tmp_path, 1):
        raise FerError("The disk is full.")
    failed = state_of(tmp_path)
    assert (failed.state, failed.reason) == ("failed", "The disk is full.")
    # A run that was killed counts as stopped.
    monitor.write(tmp_path, monitor.RunState("running", 0.0, 100.0, 1, 10, 2, {}))
    assert state_of(tmp_path, 100.0 + monitor.SILENCE_SECONDS + 1).state == "stopped"


def wait(run_dir: Path) -> monitor.RunState:
    """Wait for the end of a run and return its last state."""
    until(lambda: not state_of(run_dir).is_active, (run_dir / jobs.LOG).read_text, 0.3)
    return state_of(run_dir)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    importing.import_dataset(small_archive(tmp_path / "archive.zip"), tmp_path / dataset.FOLDER)
    return tmp_path


def start(site: Path, epochs: int = 1, models_dir: Path = ROOT / "models") -> Path:
    options = {"fraction": 0.5, "epochs": epochs, "image_size": 32}
    return jobs.start(site, "proposed", **options, models_dir=models_dir)


def test_a_training_that_cannot_begin_says_why(site: Path) -> None:
    ended = wait(start(site, models_dir=site / "empty"))
    assert ended.state == "failed"
    assert "There is no trained model" in ended.reason
    with pytest.raises(FerError, match="not imported"):
        start(site / "empty")


def written(folder: Path, state: monitor.State, started: float) -> Path:
    """A run that tells this of itself."""
    monitor.write(folder, monitor.RunState(state, started, time.time(), 0, 0, 1, {}))
    return folder


def test_time_left_counts_what_was_done_here_and_never_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    clock = SimpleNamespace(time=lambda: now[0], sleep=time.sleep)
    monkeypatch.setattr(monitor, "time", clock)
    monkeypatch.setattr(monitor, "BEAT_SECONDS", 0.01)
    lefts = []
    with monitor.Live(tmp_path, epochs=2) as tell:
        # The features of a head are counted in images, the training after them in steps.
        tell(84, 84, stage="computing features")
        # A resumed run: its first 500 steps were done before, its first step here compiles.
        for step, seconds in ((501, 30), (502, 1), (511, 9), (521, 10), (522, 50), (531, 9)):
            now[0] += seconds
            tell(step, 1000)
            until(lambda at=step: state_of(tmp_path, now[0]).step == at)
            lefts.append(state_of(tmp_path, now[0]).left)
    assert lefts[:4] == [None, None, pytest.approx(489), pytest.approx(479)]
    # A step that took fifty seconds: the pace says more than what was told.
    assert lefts[4:] == [lefts[3], lefts[3]]


# What a training does before its first step, in a process of its own that hears no interrupt.
DEAF = """
import signal, sys, time
from pathlib import Path
from fer.training import monitor
monitor.GRACE_SECONDS = 0.5
signal.signal(signal.SIGINT, signal.SIG_IGN)
with monitor.Live(Path(sys.argv[1]), 1) as tell:
    tell(0, 0, stage="loading VGG16")
    print("loading", flush=True)
    time.sleep(600)
"""


def test_a_stop_while_it_starts_ends_it_though_it_never_looks(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DEAF, tmp_path]
    child = interruptible(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    assert child.stdout.readline() == "loading\n"
    monitor.ask_to_stop(tmp_path)
    child.wait(PATIENCE)
    assert state_of(tmp_path).state == "stopped"
    assert not monitor.is_stopping(tmp_path)


def test_a_stop_while_an_epoch_is_checked_waits_until_it_is_saved(tmp_path: Path) -> None:
    with monitor.Live(tmp_path, 1) as tell:
        monitor.ask_to_stop(tmp_path)
        tell(9, 10, stage="checking")
        with pytest.raises(KeyboardInterrupt):
            tell(10, 10, stage="training")


def test_a_stop_of_an_earlier_run_in_the_folder_is_forgotten(tmp_path: Path) -> None:
    monitor.ask_to_stop(tmp_path)
    written(tmp_path, "stopped", 1000.0)
    with monitor.Live(tmp_path, 1) as tell:
        tell(1, 1)


def test_a_heartbeat_that_cannot_be_written_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = []
    real = monitor.write

    def full(run_dir: Path, run: monitor.RunState) -> None:
        if len(failed) < 3:
            failed.append(run)
            raise FerError("No space left on device")
        real(run_dir, run)

    monkeypatch.setattr(monitor, "BEAT_SECONDS", 0.01)
    with monitor.Live(tmp_path, 1) as tell:
        monkeypatch.setattr(monitor, "write", full)
        until(lambda: len(failed) == 3)
        tell(7, 10)
        until(lambda: state_of(tmp_path).step == 7)


def test_a_training_waits_for_its_turn_and_can_be_stopped_there_and_later(site: Path) -> None:
    before = written(site / "runs" / "before", "running", time.time() - 5)
    # Started within the same second, each has a folder of its own.
    waiting = [start(site, epochs=50) for _ in range(3)]
    assert [state_of(path).state for path in waiting] == ["waiting"] * 3
    with pytest.raises(FerError, match="3 trainings are waiting"):
        start(site)
    first, *others = waiting
    for path in others:
        monitor.ask_to_stop(path)
    for path in others:
        written(before, "running", time.time() - 5)
        assert wait(path).state == "stopped"
        assert not (path / runs.RUN).exists()
    # The one that is left gets its turn.
    written(before, "finished", time.time() - 5)
    until(lambda: runs.read_history(first), (first / jobs.LOG).read_text, 0.3)
    monitor.ask_to_stop(first)
    assert wait(first).state == "stopped"
    assert 1 <= len(runs.read_history(first)) < 50
    assert runs.read(first)["data"] != dataset.open_dataset(site / dataset.FOLDER).digest
    assert jobs.active(site / "runs", time.time()) == []
    assert jobs.recorded(site / "runs") == [first]


def test_what_nobody_watches_any_more_ends(tmp_path: Path) -> None:
    monitor.watch(tmp_path)
    with monitor.Live(tmp_path, 1) as tell:
        tell(1, 10)
    long_ago = time.time() - monitor.UNWATCHED_SECONDS - 10
    os.utime(tmp_path / monitor.WATCHED, (long_ago, long_ago))
    with pytest.raises(KeyboardInterrupt), monitor.Live(tmp_path, 1) as tell:
        tell(1, 10)
    assert state_of(tmp_path).reason == monitor.NOBODY_WATCHED


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_training_is_resumed_without_gap_or_repeat(site: Path) -> None:
    data_dir, run = site / dataset.FOLDER, site / "run"
    command = ("train", "proposed", "--epochs", 4, "--image-size", 32, "--precision", "float32")
    places = ("--data-dir", data_dir, "--run-dir", run, "--backbone-from", ROOT / "models")
    arguments = [str(argument) for argument in (*command, *places)]
    child = subprocess.Popen([sys.executable, "-m", "fer", *arguments])
    until(lambda: runs.finished_epochs(run))
    child.kill()
    child.wait()
    before, done = runs.read_history(run), runs.finished_epochs(run)
    assert 1 <= done < 4
    # After its silence it counts as stopped.
    assert state_of(run, time.time() + monitor.SILENCE_SECONDS + 1).state == "stopped"
    subprocess.run([sys.executable, "-m", "fer", *arguments, "--resume"], check=True)
    history = runs.read_history(run)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[:done] == before[:done]
