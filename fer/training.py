"""Training of a scenario: phases of Keras' `fit`, recorded so that a run survives being killed."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer import FerError, features, feeding, files, models, reference, runs
from fer.artifacts import Artifact
from fer.dataset import Dataset, Split
from fer.distribution import ALONE, Share
from fer.scenarios import BASELINE, HEADS, Phase, Scenario, with_head

Progress = Callable[[int, int, dict[str, float]], None]

# Enough for channel means to within a twentieth of a standard deviation, at 5 % of an epoch's time.
NORM_IMAGES = 512


def train(
    scenario: Scenario,
    data: Dataset,
    run_dir: Path,
    *,
    resume: bool = False,
    backbone_weights: models.Weights = "imagenet",
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    share: Share = ALONE,
) -> list[dict[str, float]]:
    """Trains the scenario on Training, watches PublicTest, and returns the history, a row an epoch.

    PrivateTest is never looked at. After the call `best.weights.h5` in `run_dir` holds the model.

    Args:
        resume: continue after the last finished epoch of the run in `run_dir`. Phases that were
            begun must be as they were; later ones may be added.
        cache_dir: where the frozen backbone's features are kept; `run_dir` if None.
        progress: called every step with (steps done, steps in all, current metrics).
        share: what this process feeds where several train together, each with a `run_dir` of its
            own: see `distribution.folder`.

    Raises:
        FerError: if `run_dir` already holds a run and `resume` is false, if what is to be resumed
            differs in scenario or data, or if the directory cannot be written.
    """
    if share.devices > 1 and scenario.trainable_layers is None:
        raise FerError(
            "The head of {scenario} trains in minutes on stored features; train it on one device.",
            scenario=scenario.key,
        )
    done = runs.prepare(scenario, data, run_dir, resume)
    keras.utils.set_random_seed(scenario.seed)
    if _is_cacheable(scenario):
        images: Any = features.pooled(
            features.cached(data, scenario, cache_dir or run_dir, backbone_weights, progress),
            scenario,
        )
        inputs = keras.Input(images.shape[1:])
        model = keras.Model(inputs, models.classify(inputs, scenario), name=scenario.key)
        batches: type[feeding.FaceBatches] = feeding.VectorBatches
    else:
        model = models.build(scenario, None if done else backbone_weights)
        batches, images = feeding.FaceBatches, data.images

    training, validation = data.rows(Split.TRAINING), data.rows(Split.PUBLIC_TEST)
    weights = (
        feeding.class_weights(data.labels[training])
        if scenario.class_weights == "sqrt_inverse_frequency"
        else None
    )
    first_epoch = 0
    steps_before = 0
    steps_in_all = sum(_steps(phase, len(training)) * phase.epochs for phase in scenario.phases)
    for phase in scenario.phases:
        last_epoch = first_epoch + phase.epochs
        steps = _steps(phase, len(training))
        start = max(done, first_epoch)
        is_phase_over = done == last_epoch
        # A finished phase leaves its weights only: the next one has an optimiser of its own.
        if start < last_epoch:
            compile_for(model, scenario, phase, steps)
        if done and first_epoch < done <= last_epoch:
            _restore(model, scenario, run_dir, done, is_phase_over=is_phase_over)
        if start < last_epoch:
            model.fit(
                batches(
                    images,
                    data.labels,
                    training,
                    size=phase.image_size,
                    batch_size=phase.batch_size,
                    augmentation=scenario.augmentation,
                    seed=scenario.seed,
                    images_per_epoch=phase.images_per_epoch,
                    epoch=start,
                    share=share,
                ),
                validation_data=batches(
                    images,
                    data.labels,
                    validation,
                    size=phase.image_size,
                    batch_size=64,
                    share=share,
                ),
                initial_epoch=start,
                epochs=last_epoch,
                class_weight=weights,
                shuffle=False,
                verbose=0,
                callbacks=[
                    # First, so that what Recorder writes is the averaged model.
                    *_averaging(
                        scenario,
                        batches(
                            images,
                            data.labels,
                            training,
                            size=phase.image_size,
                            batch_size=64,
                            seed=scenario.seed,
                            images_per_epoch=NORM_IMAGES,
                        ),
                    ),
                    Recorder(run_dir, phase, first_epoch),
                    keras.callbacks.TerminateOnNaN(),
                    *_reporting(progress, first_epoch, steps_before, steps_in_all),
                ],
            )
        first_epoch = last_epoch
        steps_before += steps * phase.epochs
    return runs.read_history(run_dir)


def begin_from(artifact: Artifact, data: Dataset, run_dir: Path) -> None:
    """Makes `run_dir` a run whose finished phases are those of a published model.

    `train` with `resume` then goes on with the phases that the scenario has beyond them, as it
    would after the end of a phase: averaged weights, new optimiser. Half-precision kernels are
    all that was lost.

    Raises:
        FerError: if there is a run already, if the model was trained on other data or with a
            frozen backbone, or if the directory cannot be written.
    """
    if (run_dir / runs.RUN).exists():
        raise runs.already_there(run_dir)
    if artifact.scenario.trainable_layers is None:
        raise FerError(
            "The published {model} has only a head to train; train it anew.", model=artifact.key
        )
    if artifact.config["data_sha256"] != data.digest:
        raise FerError(
            "The published {model} was trained on other data; import that or train anew.",
            model=artifact.key,
        )
    model = reference.build_from(artifact, artifact.scenario.compute_dtype)
    history = artifact.history()
    with files.replacing(run_dir / runs.checkpoint(len(history))) as temporary:
        _save_weights(model, temporary)
    runs.write_history(run_dir, history)
    files.write_json(
        run_dir / runs.RUN, {"scenario": artifact.scenario.to_dict(), "data": data.digest}
    )


def search_heads(
    data: Dataset,
    out: Path,
    *,
    cache_dir: Path,
    backbone_weights: models.Weights = "imagenet",
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Trains every candidate head of the baseline and ranks them by PublicTest accuracy.

    Finished candidates of an interrupted search are not trained again.
    Writes the ranking to `results.csv`.

    Raises:
        FerError: as `train`.
    """
    results: list[dict[str, Any]] = []
    for name in HEADS:
        scenario = with_head(BASELINE, name)
        history = train(
            scenario,
            data,
            out / name,
            resume=True,
            backbone_weights=backbone_weights,
            cache_dir=cache_dir,
            progress=progress,
        )
        best = max(history, key=lambda row: row["val_accuracy"])
        results.append(
            {
                "head": name,
                "pooling": scenario.pooling,
                "hidden_units": scenario.hidden_units,
                "dropout": scenario.dropout,
                "weight_decay": scenario.weight_decay,
                "epochs": len(history),
                "best_epoch": int(best["epoch"]),
                "val_accuracy": best["val_accuracy"],
                "seconds": sum(row["seconds"] for row in history),
            }
        )
    results.sort(key=lambda row: -row["val_accuracy"])
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(results[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(results)
    files.write_text(out / runs.RANKING, stream.getvalue())
    return results


def _is_cacheable(scenario: Scenario) -> bool:
    """Whether what the frozen backbone hands to the head is the same vector in every epoch."""
    return (
        scenario.trainable_layers is None
        and scenario.augmentation is None
        and scenario.se_ratio is None
    )


def _steps(phase: Phase, images: int) -> int:
    length = min(phase.images_per_epoch or images, images)
    return -(-length // phase.batch_size)


def compile_for(model: keras.Model, scenario: Scenario, phase: Phase, steps: int) -> None:
    """Gives the model the scenario's loss and optimiser for a phase of that many steps an epoch."""
    total = steps * phase.epochs
    warmup = min(phase.warmup_steps, total // 2)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else phase.learning_rate,
        decay_steps=max(total - warmup, 1),
        alpha=phase.final_learning_rate / phase.learning_rate,
        warmup_target=phase.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    if scenario.optimizer != "adamw":
        raise FerError(
            "The optimizer {optimizer} is not known; use adamw.",
            optimizer=f"{scenario.optimizer!r}",
        )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=scenario.weight_decay,
        clipnorm=scenario.clipnorm,
        use_ema=scenario.ema_momentum is not None,
        ema_momentum=scenario.ema_momentum or 0.99,
    )
    # Shrinking scales and offsets toward zero would fight batch normalisation (He et al. 2019).
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=scenario.label_smoothing
        ),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    optimizer.build(model.trainable_variables)


def _averaging(scenario: Scenario, batches: feeding.FaceBatches) -> list[keras.callbacks.Callback]:
    if scenario.ema_momentum is None:
        return []
    return [keras.callbacks.SwapEMAWeights(swap_on_epoch=True), RecalibratedNorm(batches)]


def _reporting(
    progress: Progress | None, first_epoch: int, steps_before: int, steps_in_all: int
) -> list[keras.callbacks.Callback]:
    if progress is None:
        return []
    return [StepProgress(progress, first_epoch, steps_before, steps_in_all)]


class RecalibratedNorm(keras.callbacks.Callback):
    """Gives batch normalisation the averaged network's own statistics before it is validated.

    The moving mean and variance were gathered while the raw weights were in place and do not fit
    the averaged ones (Izmailov et al. 2018, section 3.2). Training itself normalises by batch and
    is not affected.
    """

    def __init__(self, batches: feeding.FaceBatches) -> None:
        super().__init__()
        self.batches = batches
        self._into_norm: keras.Model | None = None

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        norm = self.model.get_layer(models.NORM)
        if self._into_norm is None:
            self._into_norm = keras.Model(self.model.input, norm.input)
        vectors = np.concatenate(
            [
                keras.ops.convert_to_numpy(self._into_norm.predict_on_batch(self.batches[i][0]))
                for i in range(len(self.batches))
            ]
        )
        norm.moving_mean.assign(vectors.mean(axis=0))
        norm.moving_variance.assign(vectors.var(axis=0))


class Recorder(keras.callbacks.Callback):
    """Writes history, best weights and checkpoint after each epoch, each file whole or not at all.

    The checkpoint comes last and decides what was finished: killed before it, the epoch is run
    again and its history row replaced.
    """

    def __init__(self, run_dir: Path, phase: Phase, first_epoch: int) -> None:
        super().__init__()
        self.run_dir, self.phase, self.first_epoch = run_dir, phase, first_epoch
        self.started = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        history = [row for row in runs.read_history(self.run_dir) if row["epoch"] <= epoch]
        in_phase = [row["val_accuracy"] for row in history if row["epoch"] > self.first_epoch]
        is_best = not in_phase or logs["val_accuracy"] > max(in_phase)
        row = {
            "epoch": epoch + 1,
            **{name: float(logs[name]) for name in runs.HISTORY_COLUMNS[1:5]},
            "learning_rate": float(self.model.optimizer.learning_rate),
            "image_size": self.phase.image_size,
            "seconds": round(time.perf_counter() - self.started, 1),
        }
        if is_best:
            with files.replacing(self.run_dir / runs.BEST) as temporary:
                _save_weights(self.model, temporary)
        runs.write_history(self.run_dir, [*history, row])
        with files.replacing(self.run_dir / runs.checkpoint(epoch + 1)) as temporary:
            _save_weights(self.model, temporary)
        for old in self.run_dir.glob("checkpoint-*.weights.h5"):
            if old.name != runs.checkpoint(epoch + 1):
                old.unlink()


class StepProgress(keras.callbacks.Callback):
    """Tells a function how many steps of the whole run are done."""

    def __init__(self, progress: Progress, first_epoch: int, before: int, total: int) -> None:
        super().__init__()
        self.progress, self.first_epoch, self.before, self.total = (
            progress,
            first_epoch,
            before,
            total,
        )
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        in_phase = (self.epoch - self.first_epoch) * self.params["steps"] + batch + 1
        self.progress(self.before + in_phase, self.total, {"epoch": self.epoch + 1, **(logs or {})})


def _save_weights(model: keras.Model, path: Path) -> None:
    # Keras insists on the double suffix, which a temporary name does not have.
    whole = path.with_name(path.stem + ".weights.h5")
    try:
        model.save_weights(whole)
        whole.replace(path)
    finally:
        whole.unlink(missing_ok=True)


def _restore(
    model: keras.Model, scenario: Scenario, run_dir: Path, epoch: int, *, is_phase_over: bool
) -> None:
    """Loads the checkpoint, in which averaged and raw weights have changed places."""
    try:
        model.load_weights(run_dir / runs.checkpoint(epoch))
    except (OSError, ValueError) as error:
        raise FerError(
            "{path} cannot be loaded ({reason}); train again without --resume in another "
            "--run-dir.",
            path=run_dir / runs.checkpoint(epoch),
            reason=error,
        ) from error
    if scenario.ema_momentum is not None and not is_phase_over:
        swap = keras.callbacks.SwapEMAWeights()
        swap.set_model(model)
        swap.on_test_begin()
