"""Small real trainings: they learn, they keep their record, they go on when cut off."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fer import FerError, files, layer_names
from fer.artifacts import model_store, runs
from fer.data.dataset import Dataset, Split
from fer.lab.export import publishing
from fer.lab.networks import vgg16
from fer.lab.training import batching, callbacks, loop
from fer.scenarios import BASELINE, PROPOSED, Augmentation, Phase, Scenario
from tests.support import narrow
from tests.support.training import TINY, training_batches

pytestmark = pytest.mark.usefixtures("narrow_vgg16")

FIRST = replace(TINY, phases=TINY.phases[:1], input_size=32)


@pytest.fixture(scope="module")
def first_run(
    narrow_vgg16: None, small_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of `TINY`'s first phase, two epochs at 32 pixels."""
    folder = tmp_path_factory.mktemp("first") / "run"
    loop.train(FIRST, small_data, folder, backbone_weights=None)
    return folder


@pytest.fixture
def run_dir(first_run: Path, tmp_path: Path) -> Path:
    """A copy of the first phase's run, to go on with."""
    return Path(shutil.copytree(first_run, tmp_path / "run"))


def test_phases_share_one_history_without_gap_or_repeat_though_one_is_cut_off(
    small_data: Dataset, run_dir: Path
) -> None:
    def cut_off(done: float, total: float, **details: Any) -> None:
        if len(runs.read_history(run_dir)) == 3:
            raise KeyboardInterrupt

    options = {"resume": True, "backbone_weights": None}
    with pytest.raises(KeyboardInterrupt):
        loop.train(TINY, small_data, run_dir, **options, progress=cut_off)
    history = runs.read_history(run_dir)
    longer = loop.train(TINY, small_data, run_dir, **options)
    assert longer[:3] == history
    assert [row["epoch"] for row in longer] == [1, 2, 3, 4]
    assert [row["image_size"] for row in longer] == [32, 32, 40, 40]
    assert longer[1]["learning_rate"] < longer[0]["learning_rate"]
    names = sorted(path.name for path in run_dir.iterdir())
    assert names == ["best.safetensors", "checkpoint-0004.safetensors", "history.csv", "run.json"]


def test_training_goes_on_from_a_published_model(
    small_data: Dataset, first_run: Path, tmp_path: Path
) -> None:
    published = publishing.publish(first_run, tmp_path / "models")
    second = tmp_path / "second"
    loop.begin_from(published, small_data, second)
    history = loop.train(TINY, small_data, second, resume=True)
    assert history[:2] == runs.read_history(first_run)
    assert [row["image_size"] for row in history] == [32, 32, 40, 40]
    again = publishing.publish(second, tmp_path / "other")
    assert again.digest != published.digest
    elsewhere = {**again.config, "data_sha256": "0"}
    for artifact, run, sentence in (
        (again, second, "already holds a run"),
        (model_store.Artifact(again.folder, again.scenario, elsewhere), tmp_path, "other data"),
        (model_store.Artifact(again.folder, BASELINE, again.config), tmp_path, "only a head"),
    ):
        with pytest.raises(FerError, match=sentence):
            loop.begin_from(artifact, small_data, run)


def test_saved_model_is_normalised_by_its_own_statistics(
    small_data: Dataset, first_run: Path
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
    vectors = np.random.default_rng(1).normal(5.0, 10.0, (64, 4)).astype(np.float32)
    # One channel that never fires on the images of the estimate.
    vectors[:, 2] = 0.0
    recalibrated = callbacks.RecalibratedNorm([(vectors[:32], None), (vectors[32:], None)])
    recalibrated.set_model(model)
    recalibrated.on_test_begin()
    expected = vectors.var(axis=0)
    expected[2] = callbacks.NORM_FLOOR * expected.mean()
    variance = np.asarray(model.get_layer(layer_names.NORM).moving_variance)
    assert variance == pytest.approx(expected, rel=1e-4)


def test_a_phase_may_have_an_augmentation_of_its_own(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[dict[str, Any]] = []
    monkeypatch.setattr(
        keras.Model, "fit", lambda self, x, **options: fits.append(options | {"x": x})
    )
    mild = Augmentation(rotation=15.0, flip=0.5)
    scenario = replace(TINY, phases=(TINY.phases[0], replace(TINY.phases[1], augmentation=mild)))
    loop.train(scenario, small_data, tmp_path, backbone_weights=None)
    assert [call["x"].augmentation for call in fits] == [PROPOSED.augmentation, mild]
    assert [call["validation_data"].augmentation for call in fits] == [None, None]
    for stored in (scenario, BASELINE):
        assert Scenario.from_dict(json.loads(json.dumps(stored.to_dict()))) == stored


def test_averaged_and_raw_weights_change_places_and_back() -> None:
    def is_same(arrays: list[np.ndarray]) -> bool:
        return [variable.numpy().tolist() for variable in model.trainable_variables] == [
            array.tolist() for array in arrays
        ]

    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Dense(4)(inputs)))
    optimizer = keras.optimizers.AdamW(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(1)
    for _ in range(3):
        model.train_on_batch(rng.normal(size=(8, 4)), rng.normal(size=(8, 4)))
    raw = [np.array(weight) for weight in model.trainable_variables]
    loop.exchange_averaged(model)
    averaged = [np.array(weight) for weight in model.trainable_variables]
    assert all(np.abs(a - b).max() > 0.01 for a, b in zip(averaged, raw, strict=True))
    loop.exchange_averaged(model)
    assert is_same(raw)
    # Keras' own word for what is averaged.
    optimizer.finalize_variable_values(model.trainable_variables)
    assert is_same(averaged)


def test_diverged_training_fails_and_keeps_the_last_good_weights(
    small_data: Dataset, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(self: batching.FaceBatches, index: int) -> object:
        inputs, labels = healthy(self, index)
        return inputs, labels * np.float32(np.nan)

    before = {path: path.read_bytes() for path in run_dir.iterdir() if path.name != runs.RUN}
    healthy = batching.FaceBatches.__getitem__
    monkeypatch.setattr(batching.FaceBatches, "__getitem__", poisoned)
    three = replace(TINY, phases=(*TINY.phases, Phase(40, 2, 1e-4, 8)))
    with pytest.raises(FerError, match="loss of epoch 3 is not a number"):
        loop.train(three, small_data, run_dir, resume=True, backbone_weights=None)
    # What was good before is whole, so the run goes on from it.
    after = {path: path.read_bytes() for path in run_dir.iterdir() if path.name != runs.RUN}
    assert after == before


def test_run_is_not_overwritten_nor_mixed(small_data: Dataset, run_dir: Path) -> None:
    # As runs were written before, with the colour of those days, which is none of the settings.
    stored = files.read_json(run_dir / runs.RUN)
    old = {**stored["scenario"], "colour": "#000000", "pattern": "x"}
    files.write_json(run_dir / runs.RUN, {**stored, "scenario": old})
    assert len(loop.train(FIRST, small_data, run_dir, resume=True)) == 2
    other = replace(FIRST, phases=(replace(FIRST.phases[0], learning_rate=5e-4),))
    for scenario, resume, sentence in (
        (FIRST, False, "add --resume"),
        (replace(FIRST, label_smoothing=0.2), True, "label_smoothing"),
        (other, True, "phase 1"),
    ):
        with pytest.raises(FerError, match=sentence):
            loop.train(scenario, small_data, run_dir, resume=resume)


def test_a_head_belongs_to_its_backbone_in_the_cache_in_the_run_and_in_the_model(
    small_data: Dataset, tmp_path: Path
) -> None:
    backbones = [tmp_path / f"{seed}.weights.h5" for seed in (1, 2)]
    for seed, path in enumerate(backbones):
        keras.utils.set_random_seed(seed)
        vgg16.backbone(None).save_weights(path)
    head = replace(BASELINE, input_size=32, phases=(Phase(32, 1, 3e-3, 28),))
    head = replace(head, compute_dtype="float32")
    cache, folders = tmp_path / "cache", [tmp_path / "one", tmp_path / "other"]
    for folder, weights in zip(folders, backbones, strict=True):
        loop.train(head, small_data, folder, backbone_weights=weights, cache_dir=cache)
    stores = sorted(cache.glob("features-32-*.npy"))
    one, other = (np.load(path) for path in stores)
    assert one.shape == (84, 1, 1, narrow.CHANNELS)
    assert not np.array_equal(one, other)
    record, models = runs.read(folders[0]), tmp_path / "models"
    with pytest.raises(FerError, match="other weights of VGG16"):
        loop.train(head, small_data, folders[0], resume=True, backbone_weights=backbones[1])
    with pytest.raises(FerError, match="other weights of VGG16"):
        publishing.publish(folders[0], models, backbones[1])
    assert not models.exists()
    config = publishing.publish(folders[0], models, backbones[0]).config
    assert config[runs.BACKBONE] == record[runs.BACKBONE]
    # Runs that were begun before it was recorded are published as they were.
    files.write_json(folders[0] / runs.RUN, {k: record[k] for k in record if k != runs.BACKBONE})
    old = publishing.publish(folders[0], tmp_path / "old", backbones[0])
    assert old.config[runs.BACKBONE] is None
    # Another head finds the features again.
    written = [path.stat().st_mtime_ns for path in stores]
    options = {"backbone_weights": backbones[0], "cache_dir": cache}
    loop.train(replace(head, hidden_units=16), small_data, tmp_path / "third", **options)
    assert [path.stat().st_mtime_ns for path in stores] == written


def test_every_batch_depends_only_on_seed_epoch_and_place(small_data: Dataset) -> None:
    augmentation = PROPOSED.augmentation

    def batches(epoch: int, seed: int = 7) -> batching.FaceBatches:
        return training_batches(small_data, augmentation=augmentation, seed=seed, epoch=epoch)

    running = batches(0)
    running.on_epoch_end()
    assert np.array_equal(running[2][0], batches(1)[2][0])
    assert not np.array_equal(running[2][0], batches(0)[2][0])
    assert not np.array_equal(running[2][0], batches(1, seed=8)[2][0])
    # Short epochs pass over every image.
    short = training_batches(small_data, seed=1, images_per_epoch=14)
    first = short.epoch_rows()
    short.on_epoch_end()
    assert sorted([*first, *short.epoch_rows()]) == sorted(small_data.rows(Split.TRAINING))


def test_class_weights_are_the_root_of_the_inverse_frequency() -> None:
    labels = np.repeat(np.arange(7), [400, 100, 400, 400, 400, 400, 400])
    weights = batching.class_weights(labels)
    assert weights[1] / weights[0] == pytest.approx(2.0)
    assert np.mean([weights[label] for label in labels]) == pytest.approx(1.0)
