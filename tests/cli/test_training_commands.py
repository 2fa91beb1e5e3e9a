"""`fer train`, `ablate` and `publish` on small data: from a run to a published model."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from fer import FerError, files
from fer.artifacts import model_store, runs
from fer.data import dataset
from fer.lab.networks import precision
from fer.lab.studies import ablation, analysis
from fer.lab.training import callbacks, distribution, loop
from fer.scenarios import Phase, Scenario
from tests.support.command import fer, refusal, succeeded
from tests.support.making import contents
from tests.support.training import state_of


@pytest.fixture(scope="module")
def run_dir(
    small_data: dataset.Dataset, small_backbone: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of the baseline's head by `fer train`: two epochs at 32 pixels."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    options = ("--epochs", 2, "--image-size", 32)
    places = ("--run-dir", folder, "--data-dir", small_data.folder)
    weights = ("--backbone-weights", small_backbone)
    printed = succeeded(fer("train", "baseline", *options, *places, *weights)).stdout
    assert printed.splitlines()[-1] == f"The run is in {folder}; next: fer publish {folder}"
    return folder


def publish(run_dir: Path, backbone: Path, models: Path) -> Result:
    return fer("publish", run_dir, "--backbone-weights", backbone, "--models-dir", models)


def test_tensorboard_that_is_missing_is_told_before_anything_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    run = tmp_path / "run"
    command = ("train", "baseline", "--run-dir", run, "--tensorboard", tmp_path / "logs")
    assert "pip install tensorboard" in refusal(fer(*command))
    assert not run.exists()


def test_publish_makes_a_model_of_a_run(
    run_dir: Path, small_data: dataset.Dataset, small_backbone: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    printed = succeeded(publish(run_dir, small_backbone, models)).stdout
    artifact = model_store.open_artifact("baseline", models)
    assert printed == (
        f"Published baseline: {artifact.size / 1e6:.1f} MB of its own in {artifact.folder}; "
        "it answers in full precision. Next: fer evaluate, and for int8: fer export\n"
    )
    names = {model_store.CONFIG, model_store.WEIGHTS, runs.HISTORY, model_store.CARD}
    assert set(contents(artifact.folder)) == names
    assert artifact.config["data_sha256"] == small_data.digest
    assert artifact.config["epochs_run"] == 2
    assert artifact.config["best_epoch"] == runs.best_epoch(runs.read_history(run_dir))["epoch"]
    assert "Not evaluated yet" in (artifact.folder / model_store.CARD).read_text(encoding="utf-8")
    assert "not evaluated" in succeeded(fer("models", "--models-dir", models)).stdout


def test_publish_takes_away_what_was_measured_of_the_model_before(
    run_dir: Path, small_models: Path, small_backbone: Path, tmp_path: Path
) -> None:
    models = Path(shutil.copytree(small_models, tmp_path / "models"))
    before = model_store.open_artifact("baseline", models).digest
    succeeded(publish(run_dir, small_backbone, models))
    published = model_store.available(models)
    assert published["baseline"].digest != before
    assert published["baseline"].metrics is None
    assert published["proposed"].metrics is not None
    assert not (models / "baseline" / model_store.PREDICTIONS).exists()
    assert model_store.verify(models) == ([], [])


def test_publish_refuses_a_run_without_a_finished_epoch(run_dir: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / "run"
    unfinished.mkdir()
    shutil.copy(run_dir / runs.RUN, unfinished)
    sentence = refusal(fer("publish", unfinished, "--models-dir", tmp_path / "models"))
    assert "has no finished epoch at 32 pixels" in sentence
    assert f"fer train baseline --resume --run-dir {unfinished}" in sentence
    assert not (tmp_path / "models").exists()


def test_publish_refuses_weights_that_are_not_there(run_dir: Path, tmp_path: Path) -> None:
    weights = tmp_path / "none.weights.h5"
    sentence = refusal(publish(run_dir, weights, tmp_path / "models"))
    assert sentence == f"Error: There is no weights file {weights}; check --backbone-weights."
    assert not (tmp_path / "models").exists()


def test_train_overwrites_no_run(run_dir: Path, small_data: dataset.Dataset) -> None:
    before = contents(run_dir)
    places = ("--run-dir", run_dir, "--data-dir", small_data.folder)
    sentence = refusal(fer("train", "baseline", "--image-size", 32, *places))
    assert "already holds a run; add --resume to continue it" in sentence
    assert contents(run_dir) == before


def test_a_run_goes_on_in_the_precision_in_which_it_was_begun(
    small_data: dataset.Dataset,
    small_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fastest = ("float32", "it is faster here")
    monkeypatch.setattr(precision, "fastest", lambda: fastest)
    options = ("--image-size", 32, "--backbone-weights", small_backbone)
    places = ("--run-dir", tmp_path / "run", "--data-dir", small_data.folder)
    command = ("train", "baseline", "--epochs", 1, *options, *places)
    begun = succeeded(fer(*command))
    assert "Trains in float32: it is faster here. --precision names another." in begun.stderr
    assert runs.compute_dtype(tmp_path / "run") == "float32"
    assert runs.read(tmp_path / "run")["precision"] == "it is faster here"
    fastest = ("mixed_bfloat16", "it is faster now")
    again = succeeded(fer(*command, "--resume"))
    assert "faster" not in again.stderr
    assert runs.compute_dtype(tmp_path / "run") == "float32"
    sentence = refusal(fer(*command, "--resume", "--precision", "mixed_bfloat16"))
    assert "was begun with other values of compute_dtype" in sentence


def test_several_devices_train_in_the_scenarios_precision(
    small_data: dataset.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []

    def train(scenario: Scenario, *places: object, **options: object) -> list[object]:
        trained.append(scenario.compute_dtype)
        return []

    monkeypatch.setattr(loop, "train", train)
    monkeypatch.setattr(distribution, "begin", lambda: distribution.Share(processes=2, devices=2))
    command = ("train", "proposed", "--data-dir", small_data.folder, "--run-dir", tmp_path / "run")
    succeeded(fer(*command))
    succeeded(fer(*command, "--precision", "float32"))
    assert trained == ["mixed_bfloat16", "float32"]


def test_a_training_that_diverges_is_recorded_as_failed(
    small_data: dataset.Dataset,
    small_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded = callbacks.Recorder.on_epoch_end

    def diverging(self: callbacks.Recorder, epoch: int, logs: dict[str, float]) -> None:
        recorded(self, epoch, {**logs, "loss": math.nan} if epoch == 1 else logs)

    monkeypatch.setattr(callbacks.Recorder, "on_epoch_end", diverging)
    run_dir = tmp_path / "run"
    places = ("--run-dir", run_dir, "--data-dir", small_data.folder)
    options = ("--epochs", 3, "--image-size", 32, "--backbone-weights", small_backbone)
    sentence = refusal(fer("train", "baseline", "--precision", "float32", *options, *places))
    assert "the loss of epoch 2 is not a number" in sentence
    run = state_of(run_dir)
    assert (run.state, f"Error: {run.reason}") == ("failed", sentence)
    assert [row["epoch"] for row in runs.read_history(run_dir)] == [1]
    # What was good before can still be published.
    models = tmp_path / "models"
    succeeded(publish(run_dir, small_backbone, models))
    weights = model_store.open_artifact("baseline", models).weights()
    assert all(np.isfinite(values).all() for values in weights.values())


def only_whole(
    train: Callable[..., object], scenario: Scenario, *args: object, **options: object
) -> object:
    """As `loop.train` on a machine that is taken away after the run with all ingredients."""
    if scenario.se_ratio is None:
        raise FerError("No more of this machine.")
    return train(scenario, *args, **options)


def test_ablate_trains_the_plan_and_stores_the_study(
    small_data: dataset.Dataset,
    small_backbone: Path,
    small_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    budget = Phase(image_size=32, epochs=1, learning_rate=1e-3, batch_size=14)
    monkeypatch.setattr(ablation, "run", partial(ablation.run, budget=budget))
    kept = {name: ablation.WITHOUT[name] for name in ("full", "se")}
    monkeypatch.setattr(ablation, "WITHOUT", kept)
    models = Path(shutil.copytree(small_models, tmp_path / "models"))
    places = ("--out", tmp_path / "runs", "--models-dir", models)
    data = ("--data-dir", small_data.folder, "--backbone-weights", small_backbone)
    command = ("ablate", "--seed", 5, *places, *data)
    # A machine that is taken away after the first run leaves what is left of that run.
    with monkeypatch.context() as broken:
        broken.setattr(loop, "train", partial(only_whole, loop.train))
        # Much faster than bfloat16 on processors that have none.
        stopped = fer(*command, "--precision", "float32")
    assert (stopped.exit_code, stopped.stdout) == (1, "full-5: trained\n")
    assert "No more of this machine" in stopped.stderr
    folder = models / model_store.ANALYSIS / "ablation"
    assert [path.name for path in folder.iterdir()] == ["full-5"]
    assert not analysis.path_of("ablation", models).exists()
    assert model_store.verify(models) == ([], [])
    # The next call goes on in the seed's precision, without being told.
    printed = succeeded(fer(*command)).stdout
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"full-5", "se-5"}
    record = files.read_json(analysis.path_of("ablation", models))
    assert [(run["without"], run["seed"]) for run in record["runs"]] == [("full", 5), ("se", 5)]
    assert {run["compute_dtype"] for run in record["runs"]} == {"float32"}
    assert record["data_sha256"] == small_data.digest
    lines = printed.splitlines()
    assert lines[0] == "se-5: trained"
    gain = record["runs"][1]["gain"]["gain"]
    whole, without = (run["private"]["accuracy"] for run in record["runs"])
    assert gain == pytest.approx(whole - without)
    assert any("se" in line and f"{gain:+.4f}" in line for line in lines[1:])
    assert model_store.verify(models) == ([], [])
    # What is trained is not trained again, nor on another machine, which has the models alone.
    for has_runs in (True, False):
        assert "trained" not in succeeded(fer(*command)).stdout
        assert (tmp_path / "runs").exists() is has_runs
        assert files.read_json(analysis.path_of("ablation", models))["runs"] == record["runs"]
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)
    # A damaged file is told.
    kept = folder / "se-5" / ablation.PRIVATE
    whole = kept.read_bytes()
    kept.write_bytes(whole[:50])
    again_in_float32 = (*command, "--precision", "float32")
    assert "is damaged; delete it and run: fer ablate" in refusal(fer(*again_in_float32))
    kept.write_bytes(whole)
    # What was trained with other values is no run of this study.
    other = ablation.run.keywords["budget"]
    monkeypatch.setitem(ablation.run.keywords, "budget", replace(other, learning_rate=2e-3))
    assert "was made with other data or values; delete it" in refusal(fer(*again_in_float32))
