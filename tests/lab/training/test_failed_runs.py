"""Trainings that cannot begin, and such that run out of disk."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from fer import FerError, files
from fer.artifacts import runs
from fer.data.dataset import Dataset
from fer.lab.networks import vgg16
from fer.lab.training import callbacks, loop
from fer.scenarios import BASELINE, Scenario
from fer.training import monitor
from tests.support.command import fer, refusal, succeeded
from tests.support.training import TINY, state_of


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of VGG16 the mean of the pixels, with the scenario's own head."""

    def build(scenario: Scenario, weights: vgg16.Weights = None) -> keras.Model:
        inputs = keras.Input((None, None, 3))
        return keras.Model(inputs, vgg16.classify(vgg16.pool(inputs, scenario), scenario))

    monkeypatch.setattr(vgg16, "build", build)


def train(run_dir: Path, data: Dataset, *options: object) -> tuple[object, ...]:
    """The command for two epochs of `proposed` at 32 pixels."""
    places = ("--run-dir", run_dir, "--data-dir", data.folder)
    return ("train", "proposed", "--epochs", 2, "--image-size", 32, *places, *options)


def test_a_failed_download_blocks_nothing_and_names_the_ways_without_it(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(**options: object) -> None:
        raise OSError("URL fetch failure: no address for the name")

    monkeypatch.setattr(keras.applications, "VGG16", offline)
    for _ in range(2):
        sentence = refusal(fer(*train(tmp_path / "run", small_data, "--precision", "float32")))
        for part in ("no address for the name", "--backbone-weights", "--backbone-from models"):
            assert part in sentence
        assert state_of(tmp_path / "run").state == "failed"
    assert not (tmp_path / "run" / runs.RUN).exists()


@pytest.mark.usefixtures("tiny_network")
def test_room_is_looked_at_before_anything_is_written(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "free_bytes", lambda folder: 1000)
    with pytest.raises(FerError, match=r"has 0 MB free and the weights .* need 1 MB; make room"):
        loop.train(TINY, small_data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("tiny_network")
def test_full_disk_ends_the_run_in_one_sentence_and_keeps_its_last_epoch(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = tmp_path / "run"
    # A run that was cut off in its first epoch is no run.
    files.write_json(run_dir / runs.RUN, {"scenario": {}, "data": "of another time"})
    write = Path.write_bytes

    def limited(path: Path, content: bytes) -> int:
        if "checkpoint-0002" not in path.name:
            return write(path, content)
        write(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    command = train(run_dir, small_data, "--precision", "float32")
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", limited)
        sentence = refusal(fer(*command))
    assert "checkpoint-0002.safetensors cannot be written (No space left on device)" in sentence
    assert (state_of(run_dir).state, f"Error: {state_of(run_dir).reason}") == ("failed", sentence)
    assert [path.name for path in run_dir.glob("*checkpoint*")] == [runs.checkpoint(1)]
    assert runs.read(run_dir)["precision"] == "asked for"
    now = time.time()
    monitor.write(tmp_path / "other", monitor.RunState("running", now, now, 1, 10, 2, {}))
    assert "A training goes on in" in refusal(fer(*train(tmp_path / "other", small_data)))
    assert "already holds a run" in refusal(fer(*command))
    succeeded(fer(*command, "--resume"))
    assert [row["epoch"] for row in runs.read_history(run_dir)] == [1, 2]


def test_weights_and_optimiser_come_back_as_they_were(tmp_path: Path) -> None:
    def network() -> keras.Model:
        inputs = keras.Input((4,))
        model = keras.Model(inputs, vgg16.classify(inputs, BASELINE))
        loop.compile_for(model, BASELINE, BASELINE.phases[0], steps=4)
        return model

    rng = np.random.default_rng(1)
    model, other = network(), network()
    model.train_on_batch(rng.normal(size=(8, 4)), np.eye(7)[rng.integers(0, 7, 8)])
    path = tmp_path / "state.safetensors"
    callbacks.save_weights(model, path, with_optimizer=True)
    callbacks.load_weights(other, path)
    for found, expected in (
        *zip(other.weights, model.weights, strict=True),
        *zip(other.optimizer.variables, model.optimizer.variables, strict=True),
    ):
        assert np.array_equal(found, expected)
    callbacks.save_weights(model, path)
    with pytest.raises(FerError, match=r"does not fit the network \(optimizer/"):
        callbacks.load_weights(other, path)
