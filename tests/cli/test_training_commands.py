"""`fer train`, `ablate` and `publish` on small data: from a run to a published model."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from fer import FerError, files
from fer.artifacts import model_store, runs
from fer.data import dataset
from fer.lab.networks import precision
from fer.lab.studies import ablation, analysis
from fer.lab.training import loop
from fer.scenarios import Phase, Scenario
from tests.support.command import fer, refusal, succeeded
from tests.support.making import contents


def training(run: Path, data: dataset.Dataset, backbone: Path) -> list[object]:
    """`fer train` of the baseline's head: two epochs at 32 pixels."""
    options = ["--epochs", 2, "--image-size", 32, "--backbone-weights", backbone]
    return ["train", "baseline", *options, "--run-dir", run, "--data-dir", data.folder]


@pytest.fixture(scope="module")
def run_dir(
    small_data: dataset.Dataset, small_backbone: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "fastest", lambda: ("float32", "it is faster here"))
        result = succeeded(fer(*training(folder, small_data, small_backbone)))
    assert "Trains in float32: it is faster here. --precision names another." in result.stderr
    assert result.stdout.splitlines()[-1] == f"The run is in {folder}; next: fer publish {folder}"
    return folder


def publish(run_dir: Path, backbone: Path, models: Path) -> Result:
    return fer("publish", run_dir, "--backbone-weights", backbone, "--models-dir", models)


def test_publish_makes_a_model_of_a_run_and_takes_away_what_was_measured_before(
    run_dir: Path,
    small_data: dataset.Dataset,
    small_models: Path,
    small_backbone: Path,
    tmp_path: Path,
) -> None:
    models = Path(shutil.copytree(small_models, tmp_path / "models"))
    printed = succeeded(publish(run_dir, small_backbone, models)).stdout
    published = model_store.available(models)
    artifact = published["baseline"]
    assert printed.startswith(f"Published baseline: {artifact.size / 1e6:.1f} MB of its own in ")
    names = {model_store.CONFIG, model_store.WEIGHTS, runs.HISTORY, model_store.CARD}
    assert set(contents(artifact.folder)) == names
    assert artifact.config["data_sha256"] == small_data.digest
    assert artifact.config["epochs_run"] == 2
    assert artifact.config["best_epoch"] == runs.best_epoch(runs.read_history(run_dir))["epoch"]
    assert "Not evaluated yet" in (artifact.folder / model_store.CARD).read_text(encoding="utf-8")
    assert published["proposed"].metrics is not None
    assert model_store.verify(models) == ([], [])


def test_publish_refuses_what_is_no_run_or_has_no_finished_epoch_or_no_weights(
    run_dir: Path, tmp_path: Path
) -> None:
    models, run, weights = (tmp_path / name for name in ("models", "run", "none.weights.h5"))
    sentence = refusal(publish(run, weights, models))
    assert f"There is no run in {run}; run: fer train baseline|proposed" in sentence
    run.mkdir()
    shutil.copy(run_dir / runs.RUN, run)
    sentence = refusal(fer("publish", run, "--models-dir", models))
    assert "has no finished epoch at 32 pixels" in sentence
    assert f"fer train baseline --resume --run-dir {run}" in sentence
    sentence = refusal(publish(run_dir, weights, models))
    assert f"There is no weights file {weights}; check --backbone-weights." in sentence
    assert not models.exists()


def test_a_run_goes_on_in_the_precision_in_which_it_was_begun(
    run_dir: Path,
    small_data: dataset.Dataset,
    small_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Path(shutil.copytree(run_dir, tmp_path / "run"))
    assert runs.compute_dtype(run) == "float32"
    assert runs.read(run)["precision"] == "it is faster here"
    command = training(run, small_data, small_backbone)
    assert "already holds a run; add --resume to continue it" in refusal(fer(*command))
    assert contents(run) == contents(run_dir)
    monkeypatch.setattr(precision, "fastest", lambda: ("mixed_bfloat16", "it is faster now"))
    assert "faster" not in succeeded(fer(*command, "--resume")).stderr
    assert runs.compute_dtype(run) == "float32"
    sentence = refusal(fer(*command, "--resume", "--precision", "mixed_bfloat16"))
    assert "was begun with other values of compute_dtype" in sentence


def test_ablate_trains_the_plan_and_stores_the_study(
    small_data: dataset.Dataset,
    small_backbone: Path,
    small_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    budget = Phase(image_size=32, epochs=1, learning_rate=1e-3, batch_size=14)
    monkeypatch.setattr(ablation, "run", partial(ablation.run, budget=budget))
    plan = {name: ablation.WITHOUT[name] for name in ("full", "se")}
    monkeypatch.setattr(ablation, "WITHOUT", plan)
    models = Path(shutil.copytree(small_models, tmp_path / "models"))
    study, trained = analysis.path_of("ablation", models), tmp_path / "runs"
    data = ("--data-dir", small_data.folder, "--backbone-weights", small_backbone)
    command = ("ablate", "--seed", 5, "--out", trained, "--models-dir", models, *data)
    # Much faster than bfloat16 on processors that have none.
    in_float32 = (*command, "--precision", "float32")
    train = loop.train

    def only_whole(scenario: Scenario, *args: Any, **options: Any) -> object:
        if scenario.se_ratio is None:
            raise FerError("No more of this machine.")
        return train(scenario, *args, **options)

    # A machine that is taken away after the first run leaves what is left of that run.
    with monkeypatch.context() as broken:
        broken.setattr(loop, "train", only_whole)
        stopped = fer(*in_float32)
    assert (stopped.exit_code, stopped.stdout) == (1, "full-5: trained\n")
    folder = models / model_store.ANALYSIS / "ablation"
    assert [path.name for path in folder.iterdir()] == ["full-5"]
    assert not study.exists()
    assert model_store.verify(models) == ([], [])
    # The next call goes on in the seed's precision, without being told.
    printed = succeeded(fer(*command)).stdout.splitlines()
    record = files.read_json(study)
    assert [(run["without"], run["seed"]) for run in record["runs"]] == [("full", 5), ("se", 5)]
    assert {run["compute_dtype"] for run in record["runs"]} == {"float32"}
    assert record["data_sha256"] == small_data.digest
    assert printed[0] == "se-5: trained"
    gain = record["runs"][1]["gain"]["gain"]
    whole, without = (run["private"]["accuracy"] for run in record["runs"])
    assert gain == pytest.approx(whole - without)
    assert any("se" in line and f"{gain:+.4f}" in line for line in printed[1:])
    assert model_store.verify(models) == ([], [])
    # What is trained is not trained again, nor on another machine, which has the models alone.
    shutil.rmtree(trained)
    assert "trained" not in succeeded(fer(*command)).stdout
    assert not trained.exists()
    assert files.read_json(study)["runs"] == record["runs"]
    # What was trained with other values is no run of this study, nor is what is damaged.
    with monkeypatch.context() as changed:
        changed.setitem(ablation.run.keywords, "budget", replace(budget, learning_rate=2e-3))
        assert "was made with other data or values; delete it" in refusal(fer(*in_float32))
    (folder / "se-5" / ablation.PRIVATE).write_bytes(b"PK")
    assert "is damaged; delete it and run: fer ablate" in refusal(fer(*in_float32))
