"""Small real trainings: they learn, they keep their record, they survive being killed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fer import FerError, files, layer_names, scenarios
from fer.artifacts import model_store, runs
from fer.data import dataset
from fer.data.dataset import Split
from fer.lab.export import publishing
from fer.lab.networks import vgg16
from fer.lab.training import batching, callbacks, features, loop
from fer.scenarios import BASELINE, PROPOSED, Augmentation, Phase, Scenario
from tests.support import narrow
from tests.support.command import fer, succeeded
from tests.support.training import TINY, training_batches

pytestmark = pytest.mark.usefixtures("narrow_vgg16")

FIRST = replace(TINY, phases=TINY.phases[:1], input_size=32)


@pytest.fixture(scope="module")
def first_run(
    narrow_vgg16: None, small_data: dataset.Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of `TINY`'s first phase, two epochs at 32 pixels."""
    folder = tmp_path_factory.mktemp("first") / "run"
    loop.train(FIRST, small_data, folder, backbone_weights=None)
    return folder


@pytest.fixture
def run_dir(first_run: Path, tmp_path: Path) -> Path:
    """A copy of the first phase's run, to go on with."""
    return Path(shutil.copytree(first_run, tmp_path / "run"))


def test_tensorboard_gets_every_epoch_of_every_phase(
    small_data: dataset.Dataset, run_dir: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard", reason="the package tensorboard is not installed")
    from tensorboard.backend.event_processing import event_accumulator

    logs = tmp_path / "logs"
    loop.train(TINY, small_data, run_dir, resume=True, backbone_weights=None, tensorboard=logs)
    for part in ("train", "validation"):
        events = event_accumulator.EventAccumulator(str(logs / part)).Reload()
        assert [event.step for event in events.Tensors("epoch_accuracy")] == [2, 3]


def test_phases_share_one_history_and_leave_one_checkpoint(
    small_data: dataset.Dataset, run_dir: Path, tmp_path: Path
) -> None:
    history = runs.read_history(run_dir)
    assert [row["epoch"] for row in history] == [1, 2]
    longer = loop.train(TINY, small_data, tmp_path / "run", resume=True, backbone_weights=None)
    assert longer[:2] == history
    assert [row["epoch"] for row in longer] == [1, 2, 3, 4]
    assert [row["image_size"] for row in longer] == [32, 32, 40, 40]
    assert longer[1]["learning_rate"] < longer[0]["learning_rate"]
    assert all(row["seconds"] >= 0 for row in longer)
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names == ["best.safetensors", "checkpoint-0004.safetensors", "history.csv", "run.json"]


def test_training_goes_on_from_a_published_model(
    small_data: dataset.Dataset, first_run: Path, tmp_path: Path
) -> None:
    before = runs.read_history(first_run)
    published = publishing.publish(first_run, tmp_path / "models")
    digest = published.digest
    loop.begin_from(published, small_data, tmp_path / "second")
    history = loop.train(TINY, small_data, tmp_path / "second", resume=True)
    assert history[:2] == before
    assert [row["image_size"] for row in history] == [32, 32, 40, 40]
    again = publishing.publish(tmp_path / "second", tmp_path / "models")
    assert again.digest != digest
    assert again.config["epochs_run"] == 4
    elsewhere = {**again.config, "data_sha256": "0"}
    for artifact, run, sentence in (
        (again, "second", "already holds a run"),
        (model_store.Artifact(again.folder, again.scenario, elsewhere), "third", "other data"),
        (model_store.Artifact(again.folder, BASELINE, again.config), "third", "only a head"),
    ):
        with pytest.raises(FerError, match=sentence):
            loop.begin_from(artifact, small_data, tmp_path / run)
    assert not (tmp_path / "third").exists()


def test_saved_model_is_normalised_by_its_own_statistics(
    small_data: dataset.Dataset, first_run: Path
) -> None:
    model = vgg16.build(FIRST, None)
    callbacks.load_weights(model, first_run / runs.BEST)
    norm = model.get_layer(layer_names.NORM)
    inputs, _ = training_batches(small_data, batch_size=len(small_data))[0]
    vectors = keras.Model(model.input, norm.input).predict_on_batch(inputs)
    assert np.allclose(norm.moving_mean.numpy(), vectors.mean(axis=0), rtol=0.05, atol=1e-3)
    assert np.allclose(norm.moving_variance.numpy(), vectors.var(axis=0), rtol=0.1, atol=1e-3)


def test_channel_that_was_silent_keeps_a_floor_of_variance() -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.BatchNormalization(name=layer_names.NORM)(inputs))
    rng = np.random.default_rng(1)
    vectors = rng.normal(5.0, 10.0, (64, 4)).astype(np.float32)
    # One channel that never fires on the images of the estimate.
    vectors[:, 2] = 0.0
    recalibrated = callbacks.RecalibratedNorm([(vectors[:32], None), (vectors[32:], None)])
    recalibrated.set_model(model)
    recalibrated.on_test_begin()
    variance = np.asarray(model.get_layer(layer_names.NORM).moving_variance)
    assert variance[[0, 1, 3]] == pytest.approx(vectors.var(axis=0)[[0, 1, 3]], rel=1e-4)
    assert variance[2] == pytest.approx(callbacks.NORM_FLOOR * vectors.var(axis=0).mean(), rel=1e-4)
    # One image on which it does fire is then no outlier by hundreds of standard deviations.
    loud = np.full((1, 4), 10.0, np.float32)
    assert np.abs(np.asarray(model(loud, training=False))).max() < 100


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `fit` is called with for each phase, in place of training; `x` are its batches."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(
        keras.Model, "fit", lambda self, x, **options: calls.append(options | {"x": x})
    )
    return calls


def test_normalisation_is_estimated_from_thousands_of_images(
    small_data: dataset.Dataset, tmp_path: Path, fits: list[dict[str, Any]]
) -> None:
    count = 6000
    data = dataset.Dataset(
        small_data.folder,
        small_data.manifest,
        np.zeros((count, 48, 48), np.uint8),
        np.arange(count) % 7,
        np.full(count, Split.TRAINING.value),
        np.arange(count).astype(str),
    )
    loop.train(TINY, data, tmp_path, backbone_weights=None)
    first, again = (call["callbacks"][1].batches.epoch_rows() for call in fits)
    # A channel that fires on one image in a hundred fires on about forty of them.
    assert len(set(first.tolist())) >= 4000
    assert np.array_equal(first, again)


def test_a_phase_may_have_an_augmentation_of_its_own(
    small_data: dataset.Dataset, tmp_path: Path, fits: list[dict[str, Any]]
) -> None:
    mild = Augmentation(rotation=15.0, flip=0.5)
    first, last = TINY.phases[0], replace(TINY.phases[1], augmentation=mild)
    scenario = replace(TINY, phases=(first, last))
    loop.train(scenario, small_data, tmp_path, backbone_weights=None)
    assert [call["x"].augmentation for call in fits] == [PROPOSED.augmentation, mild]
    assert [call["validation_data"].augmentation for call in fits] == [None, None]
    for stored in (scenario, BASELINE):
        assert Scenario.from_dict(json.loads(json.dumps(stored.to_dict()))) == stored
    assert "augmentation" not in scenario.to_dict()["phases"][0]


def test_averaged_and_raw_weights_change_places_and_back() -> None:
    def weights() -> list[np.ndarray]:
        return [np.array(weight) for weight in model.trainable_variables]

    # Two kernels of one shape, which could be taken for each other.
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Dense(4)(inputs)))
    optimizer = keras.optimizers.AdamW(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(1)
    for _ in range(3):
        model.train_on_batch(rng.normal(size=(8, 4)), rng.normal(size=(8, 4)))
    raw = weights()
    loop.exchange_averaged(model)
    averaged = weights()
    assert all(np.abs(a - b).max() > 0.01 for a, b in zip(averaged, raw, strict=True))
    loop.exchange_averaged(model)
    assert all(np.array_equal(a, b) for a, b in zip(weights(), raw, strict=True))
    # Keras' own word for what is averaged.
    optimizer.finalize_variable_values(model.trainable_variables)
    assert all(np.array_equal(a, b) for a, b in zip(weights(), averaged, strict=True))


def test_diverged_training_fails_and_keeps_the_last_good_weights(
    small_data: dataset.Dataset, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = runs.read_history(run_dir)
    kept = {path.name: path.read_bytes() for path in run_dir.glob("*.safetensors")}

    def poisoned(self: batching.FaceBatches, index: int) -> object:
        inputs, labels = healthy(self, index)
        return inputs, labels * np.float32(np.nan)

    healthy = batching.FaceBatches.__getitem__
    monkeypatch.setattr(batching.FaceBatches, "__getitem__", poisoned)
    three = replace(TINY, phases=(*TINY.phases, Phase(40, 2, 1e-4, 8)))
    with pytest.raises(FerError, match="loss of epoch 3 is not a number"):
        loop.train(three, small_data, run_dir, resume=True, backbone_weights=None)
    assert runs.read_history(run_dir) == before
    # What was good before is whole, so the run goes on from it.
    assert {p.name: p.read_bytes() for p in run_dir.glob("*.safetensors")} == kept


def test_best_epoch_is_the_most_accurate_at_the_last_size() -> None:
    names = ("epoch", "image_size", "val_accuracy", "val_loss")
    rows = ((1, 32, 0.9, 0.1), (2, 40, 0.5, 1.0), (3, 40, 0.6, 23.3), (4, 40, 0.6, 1.0))
    history = [dict(zip(names, row, strict=True)) for row in rows]
    best = [runs.best_epoch(history[:count])["epoch"] for count in (1, 2, 3, 4)]
    assert best == [1, 2, 3, 3]


def test_run_is_not_overwritten_nor_mixed(small_data: dataset.Dataset, run_dir: Path) -> None:
    other = replace(FIRST, phases=(replace(FIRST.phases[0], learning_rate=5e-4),))
    for scenario, resume, sentence in (
        (FIRST, False, "add --resume"),
        (replace(FIRST, label_smoothing=0.2), True, "label_smoothing"),
        (other, True, "phase 1"),
    ):
        with pytest.raises(FerError, match=sentence):
            loop.train(scenario, small_data, run_dir, resume=resume)


def test_trains_in_bfloat16_with_float32_variables(
    small_data: dataset.Dataset, tmp_path: Path
) -> None:
    mixed = replace(
        TINY, compute_dtype="mixed_bfloat16", phases=(Phase(32, 1, 2e-4, 8),), input_size=32
    )
    (epoch,) = loop.train(mixed, small_data, tmp_path, backbone_weights=None)
    assert np.isfinite([epoch["loss"], epoch["val_loss"]]).all()
    model = vgg16.build(mixed, None)
    callbacks.load_weights(model, tmp_path / runs.BEST)
    convolutions = [layer for layer in model.layers if layer.name.endswith("conv1")]
    assert {layer.compute_dtype for layer in convolutions} == {"bfloat16"}
    assert {layer.variable_dtype for layer in convolutions} == {"float32"}


def test_baseline_trains_a_head_on_cached_features(
    small_data: dataset.Dataset, tmp_path: Path
) -> None:
    head = replace(BASELINE, input_size=64, phases=(Phase(64, 12, 3e-3, 28),), dropout=0.0)
    places = {"backbone_weights": None, "cache_dir": tmp_path / "cache"}
    history = loop.train(head, small_data, tmp_path / "run", **places)
    assert len(history) == 12
    assert history[-1]["loss"] < history[0]["loss"]
    store = next((tmp_path / "cache").glob("features-64-*.npy"))
    assert np.load(store, mmap_mode="r").shape == (84, 2, 2, narrow.CHANNELS)
    written = store.stat().st_mtime_ns
    loop.train(replace(head, hidden_units=16), small_data, tmp_path / "other", **places)
    assert store.stat().st_mtime_ns == written


TINY_HEAD = replace(
    BASELINE, input_size=32, phases=(Phase(32, 1, 3e-3, 28),), compute_dtype="float32"
)


def test_colour_and_pattern_do_not_hinder_resuming(
    small_data: dataset.Dataset, run_dir: Path
) -> None:
    stored = files.read_json(run_dir / runs.RUN)
    assert not {"colour", "pattern"} & stored["scenario"].keys()
    # As run directories and models were written before, and with the colour of those days.
    old = {**stored["scenario"], "colour": "#000000", "pattern": "x"}
    files.write_json(run_dir / runs.RUN, {**stored, "scenario": old})
    assert Scenario.from_dict(old).colour == PROPOSED.colour
    again = loop.train(replace(FIRST, colour="#FFFFFF"), small_data, run_dir, resume=True)
    assert len(again) == 2


@pytest.fixture(scope="module")
def backbones(narrow_vgg16: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two files with different weights of VGG16."""
    folder = tmp_path_factory.mktemp("backbones")
    paths = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        paths.append(folder / f"{seed}.weights.h5")
        vgg16.backbone(None).save_weights(paths[-1])
    return paths[0], paths[1]


def test_features_of_one_backbone_are_not_taken_for_anothers(
    small_data: dataset.Dataset, backbones: tuple[Path, Path], tmp_path: Path
) -> None:
    cache, folders = tmp_path / "cache", [tmp_path / "one", tmp_path / "other"]
    for folder, weights in zip(folders, backbones, strict=True):
        loop.train(TINY_HEAD, small_data, folder, backbone_weights=weights, cache_dir=cache)
    one, other = (np.load(path) for path in sorted(cache.glob("features-*.npy")))
    assert not np.array_equal(one, other)
    assert len({runs.read(folder)[runs.BACKBONE] for folder in folders}) == 2
    with pytest.raises(FerError, match="other weights of VGG16"):
        loop.train(TINY_HEAD, small_data, folders[0], resume=True, backbone_weights=backbones[1])


def test_a_head_is_not_published_on_another_backbone(
    small_data: dataset.Dataset, backbones: tuple[Path, Path], tmp_path: Path
) -> None:
    run, models_dir = tmp_path / "run", tmp_path / "models"
    loop.train(TINY_HEAD, small_data, run, backbone_weights=backbones[0])
    with pytest.raises(FerError, match="other weights of VGG16"):
        publishing.publish(run, models_dir, backbones[1])
    assert not models_dir.exists()
    record = runs.read(run)
    config = publishing.publish(run, models_dir, backbones[0]).config
    assert config[runs.BACKBONE] == record[runs.BACKBONE]
    # Runs that were begun before it was recorded are published as they were.
    files.write_json(run / runs.RUN, {k: v for k, v in record.items() if k != runs.BACKBONE})
    assert publishing.publish(run, tmp_path / "old", backbones[0]).config[runs.BACKBONE] is None


def test_feature_cache_has_its_place_on_the_disk_before_it_is_filled(tmp_path: Path) -> None:
    features._allocate(tmp_path / "whole.npy", (100, 7, 7, 512))
    assert np.load(tmp_path / "whole.npy", mmap_mode="r").shape == (100, 7, 7, 512)
    status = (tmp_path / "whole.npy").stat()
    if hasattr(status, "st_blocks"):
        assert status.st_blocks * 512 >= status.st_size


def test_full_disk_ends_the_feature_cache_in_one_sentence(
    small_data: dataset.Dataset, backbones: tuple[Path, Path], tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource", reason="no limit of a file's size here")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, limits[1]))
    try:
        with pytest.raises(FerError, match=r"feature cache .* needs 0.0 GB"):
            loop.train(TINY_HEAD, small_data, tmp_path / "run", backbone_weights=backbones[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list((tmp_path / "run").glob("features-*"))


def test_seed_0_is_a_seed(
    small_data: dataset.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    subset = dataset.subset

    def noted(data: dataset.Dataset, fraction: float, seed: int) -> dataset.Dataset:
        drawn.append(seed)
        return subset(data, fraction, seed)

    monkeypatch.setattr(dataset, "subset", noted)
    monkeypatch.setattr(loop, "train", lambda *a, **k: [])
    for seed in ((), ("--seed", 0)):
        places = ("--data-dir", small_data.folder, "--run-dir", tmp_path / f"run{len(seed)}")
        succeeded(fer("train", "proposed", "--fraction", 0.5, *places, *seed))
    assert drawn == [PROPOSED.seed, 0]


KILLED = """
import sys
from pathlib import Path
from fer.data import dataset
from fer.lab.training import loop
from tests.support import narrow
from tests.support.training import TINY
narrow.install()
def told(done, total, **details):
    print(int(details.get("epoch", 0)), flush=True)
loop.train(TINY, dataset.open_dataset(Path(sys.argv[1])), Path(sys.argv[2]),
           backbone_weights=None, progress=told)
"""


def test_killed_run_resumes_without_gap_or_repeat(
    small_data: dataset.Dataset, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-c", KILLED, small_data.folder, run]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    while int(child.stdout.readline()) < 2:
        time.sleep(0)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = runs.read_history(run)
    done = runs.finished_epochs(run)
    assert 1 <= done < TINY.epochs
    history = loop.train(TINY, small_data, run, resume=True, backbone_weights=None)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[:done] == before[:done]


def test_every_batch_depends_only_on_seed_epoch_and_place(small_data: dataset.Dataset) -> None:
    augmentation = PROPOSED.augmentation

    def batches(epoch: int, seed: int = 7) -> batching.FaceBatches:
        return training_batches(small_data, augmentation=augmentation, seed=seed, epoch=epoch)

    running = batches(0)
    running.on_epoch_end()
    assert np.array_equal(running[2][0], batches(1)[2][0])
    assert not np.array_equal(running[2][0], batches(0)[2][0])
    assert not np.array_equal(running[2][0], batches(1, seed=8)[2][0])


def test_short_epochs_pass_over_every_image(small_data: dataset.Dataset) -> None:
    batches = training_batches(small_data, seed=1, images_per_epoch=14)
    first = batches.epoch_rows()
    batches.on_epoch_end()
    rows = small_data.rows(Split.TRAINING)
    assert sorted([*first, *batches.epoch_rows()]) == sorted(rows)


def test_class_weights_are_the_root_of_the_inverse_frequency() -> None:
    labels = np.repeat(np.arange(7), [400, 100, 400, 400, 400, 400, 400])
    weights = batching.class_weights(labels)
    assert weights[1] / weights[0] == pytest.approx(2.0)
    assert np.mean([weights[label] for label in labels]) == pytest.approx(1.0)


def test_overrides() -> None:
    small = scenarios.with_overrides(PROPOSED, image_size=64, epochs=3, seed=5)
    assert (small.input_size, small.epochs, small.seed) == (64, 3, 5)
    for epochs in (9, 99):
        assert scenarios.with_overrides(PROPOSED, epochs=epochs).epochs == epochs
    for wrong in ({"image_size": 16}, {"epochs": 0}):
        with pytest.raises(FerError):
            scenarios.with_overrides(PROPOSED, **wrong)
