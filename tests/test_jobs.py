"""Runs watched from outside, and short trainings in processes of their own."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from making import ROOT, small_archive, until

from fer import FerError, browsing, dataset, files, importing, jobs, live, runs
from fer.dataset import Dataset, Split


def test_subset_keeps_every_class_and_has_its_own_digest(small_data: Dataset) -> None:
    half = dataset.subset(small_data, 0.5, seed=1)
    assert set(half.counts[Split.TRAINING]) == {2}
    assert half.digest != small_data.digest
    assert half.digest == dataset.subset(small_data, 0.5, seed=1).digest
    assert half.digest != dataset.subset(small_data, 0.5, seed=2).digest
    assert dataset.subset(small_data, 1.0, seed=1) is small_data
    tiny = dataset.subset(small_data, 0.001, seed=1)
    assert len(tiny) == 21
    for fraction in (0.0, 1.5):
        with pytest.raises(FerError, match="must lie above 0"):
            dataset.subset(small_data, fraction, seed=1)


def test_browsing_filters_shuffles_and_pages(small_data: Dataset) -> None:
    rows = browsing.chosen_rows(small_data, Split.TRAINING, ["fear", "sad"], 0)
    assert rows.tolist() == sorted(rows.tolist())
    assert len(rows) == 8
    shuffled = browsing.chosen_rows(small_data, Split.TRAINING, ["fear", "sad"], 7)
    assert sorted(shuffled.tolist()) == rows.tolist()
    assert shuffled.tolist() != rows.tolist()
    assert browsing.pages(rows, 3) == 3
    assert len(browsing.page(rows, 3, 3)) == 2
    assert np.array_equal(browsing.page(rows, 99, 3), browsing.page(rows, 3, 3))


def test_progress_is_told_while_running_and_after(tmp_path: Path) -> None:
    with live.Live(tmp_path, epochs=2) as tell:
        tell(3, 10, {"accuracy": 0.5})
        until(lambda: (now := live.read(tmp_path, time.time())) is not None and now.step == 3)
        found = live.read(tmp_path, time.time())
        assert found is not None
        assert found.state == "running"
        assert found.share == pytest.approx(0.3)
        assert found.seconds_left() is not None
    ended = live.read(tmp_path, time.time())
    assert ended is not None
    assert (ended.state, ended.is_active) == ("finished", False)


def test_a_run_that_was_killed_counts_as_stopped(tmp_path: Path) -> None:
    live.write(tmp_path, live.Progress("running", 0.0, 100.0, 1, 10, 2, {}))
    found = live.read(tmp_path, 100.0 + live.SILENCE + 1)
    assert found is not None
    assert found.state == "stopped"
    assert live.read(tmp_path, 101.0) is not None
    assert live.read(tmp_path / "nothing", 0.0) is None


def test_a_wish_to_stop_ends_the_run(tmp_path: Path) -> None:
    def run() -> None:
        with live.Live(tmp_path, 1) as tell:
            live.ask_to_stop(tmp_path)
            tell(1, 10, {})

    with pytest.raises(KeyboardInterrupt):
        run()
    found = live.read(tmp_path, time.time())
    assert found is not None
    assert found.state == "stopped"
    assert not (tmp_path / live.STOP).exists()


def test_a_failure_is_told_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(FerError), live.Live(tmp_path, 1):
        raise FerError("The disk is full.")
    found = live.read(tmp_path, time.time())
    assert found is not None
    assert (found.state, found.reason) == ("failed", "The disk is full.")


def wait(run_dir: Path) -> live.Progress:
    def ended() -> bool:
        found = live.read(run_dir, time.time())
        return found is not None and not found.is_active

    until(ended, (run_dir / jobs.LOG).read_text, 0.3)
    found = live.read(run_dir, time.time())
    assert found is not None
    return found


@pytest.fixture
def site(tmp_path: Path) -> Path:
    importing.import_dataset(small_archive(tmp_path / "archive.zip"), tmp_path / dataset.FOLDER)
    return tmp_path


def start(site: Path, epochs: int) -> Path:
    return jobs.start(
        site,
        "proposed",
        fraction=0.5,
        epochs=epochs,
        image_size=32,
        models_dir=ROOT / "models",
    )


def test_a_short_training_runs_to_its_end(site: Path) -> None:
    run_dir = start(site, epochs=1)
    with pytest.raises(FerError, match="running already"):
        start(site, epochs=1)
    ended = wait(run_dir)
    assert ended.state == "finished", (run_dir / jobs.LOG).read_text()
    history = runs.read_history(run_dir)
    assert len(history) == 1
    record = files.read_json(run_dir / runs.RUN)
    assert record["data"] != dataset.open_dataset(site / dataset.FOLDER).digest
    assert jobs.active(site / "runs", time.time()) == []
    assert jobs.recorded(site / "runs") == [run_dir]


def test_a_short_training_can_be_stopped(site: Path) -> None:
    run_dir = start(site, epochs=50)
    until(lambda: runs.read_history(run_dir), (run_dir / jobs.LOG).read_text, 0.3)
    live.ask_to_stop(run_dir)
    ended = wait(run_dir)
    assert ended.state == "stopped"
    assert 1 <= len(runs.read_history(run_dir)) < 50


def test_a_training_that_cannot_begin_says_why(site: Path) -> None:
    shutil.copytree(ROOT / "models", site / "empty", ignore=shutil.ignore_patterns("baseline"))
    run_dir = jobs.start(
        site, "proposed", fraction=0.5, epochs=1, image_size=32, models_dir=site / "empty"
    )
    ended = wait(run_dir)
    assert ended.state == "failed"
    assert "There is no trained model" in ended.reason


def test_no_training_without_data(tmp_path: Path) -> None:
    with pytest.raises(FerError, match="not imported"):
        jobs.start(tmp_path, "proposed", fraction=0.5, epochs=1, image_size=32)
