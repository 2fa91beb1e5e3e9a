"""What is in models/ is small, whole, and read back as it was written."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fer import FerError, files
from fer.artifacts import intact, model_store, packing, runs
from fer.artifacts.records import RunConfig
from fer.lab.export import publishing
from fer.scenarios import BASELINE, Scenario
from tests.conftest import CONFIG
from tests.support.making import ROOT, contents

MODELS = ROOT / "models"


def test_sizes() -> None:
    sizes = [path.stat().st_size for path in MODELS.rglob("*") if path.is_file()]
    assert sum(sizes) <= 100 * 2**20
    assert max(sizes) <= 50 * 2**20


def test_changed_and_missing_files_are_named(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    model_store.write_manifest(tmp_path)
    (tmp_path / "a").write_text("other")
    (tmp_path / "b").unlink()
    assert model_store.verify(tmp_path) == (["b"], ["a"])


@pytest.mark.parametrize("artifact", model_store.available(MODELS).values(), ids=lambda a: a.key)
def test_history_and_card_belong_to_the_model(artifact: model_store.Artifact) -> None:
    history = artifact.history()
    assert [row["epoch"] for row in history] == list(range(1, len(history) + 1))
    assert artifact.config["epochs_run"] == len(history)
    # Of the epochs at the size at which it is served.
    served = [row for row in history if row["image_size"] == artifact.scenario.input_size]
    best = max(served, key=lambda row: row["val_accuracy"])
    assert artifact.config["best_epoch"] == best["epoch"]
    assert artifact.config["best_val_accuracy"] == pytest.approx(best["val_accuracy"])
    text = publishing.card(artifact)
    assert (artifact.folder / model_store.CARD).read_text(encoding="utf-8") == text
    assert artifact.metrics is not None
    measured = artifact.metrics["splits"]["PublicTest"]["accuracy"]
    assert f"| accuracy | {measured:.4g} |" in text


def small_model(number: int) -> tuple[Scenario, packing.Tensors, str, RunConfig]:
    """What `write_model` takes, of a model that answers nothing."""
    tensors = {
        "block1_conv1/kernel": np.zeros((3, 3, 3, 8), np.float32),
        "logits/kernel": np.full((8, 7), number, np.float32),
    }
    config = {**CONFIG, "data_sha256": "", "parameters": number}
    return BASELINE, tensors, f"epoch\n{number}\n", config  # type: ignore[return-value]


def written(folder: Path) -> Path:
    """A models folder with a measured model in it."""
    model_store.write_model(folder, *small_model(1))
    model = model_store.open_artifact("baseline", folder)
    metrics = files.read_json(MODELS / "baseline" / model_store.METRICS)
    of_this = {**metrics, "weights_sha256": model.digest}
    files.write_json(model.folder / model_store.METRICS, of_this)
    for name in (model_store.COMPARISON, model_store.PROTOCOLS):
        (folder / name).write_text("{}")
    return folder


def test_a_new_model_takes_away_what_was_measured_of_it_alone(tmp_path: Path) -> None:
    folder = written(tmp_path / "models")
    model_store.write_model(folder, *small_model(2))
    assert set(contents(folder)) == {
        model_store.TRUNK,
        # Its other rows may be of a model that stays.
        model_store.PROTOCOLS,
        *(f"baseline/{name}" for name in (model_store.CONFIG, model_store.WEIGHTS, runs.HISTORY)),
    }
    assert intact.open_model("baseline", folder).config["parameters"] == 2


# As on a full disk: fewer bytes than the weights need, and enough for them but not for the rest.
@pytest.mark.parametrize("room", [100, 500])
def test_a_full_disk_leaves_the_model_as_it_was(room: int, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    folder = written(tmp_path / "models")
    before = contents(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(FerError, match="What was there before is unchanged"):
            model_store.write_model(folder, *small_model(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert contents(folder) == before


@pytest.mark.parametrize("done", [0, 1, 3])
def test_a_publishing_that_is_cut_off_is_told_and_not_served(
    done: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path / "models")
    model_store.write_manifest(folder)
    before = model_store.open_artifact("baseline", folder).digest
    steps: list[Path] = []

    def until_cut(act: Callable[..., None], path: Path, *target: Path) -> None:
        is_step = path.exists() and (target or not path.name.startswith("."))
        if is_step and len(steps) == done:
            raise KeyboardInterrupt
        act(path, *target)
        if is_step:
            steps.append(path)

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(os, name, partial(until_cut, getattr(os, name)))
        with pytest.raises(KeyboardInterrupt):
            model_store.write_model(folder, *small_model(2))
    assert len(steps) == done
    models, problems = intact.models(folder)
    assert [model.digest for model in models.values()] == ([] if done else [before])
    is_told = any(str(folder / "baseline") in str(problem) for problem in problems)
    assert is_told == (done > 0)


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    model = model_store.open_artifact("baseline", written(tmp_path))
    weights = model.folder / model_store.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(FerError, match="is damaged"):
        model.weights()
    with pytest.raises(FerError, match="fer train proposed"):
        model_store.open_artifact("proposed", tmp_path)
