"""Training of a scenario: phases of Keras' `fit`, recorded so that a run survives being killed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import keras

from fer import FerError, files
from fer.artifacts import runs
from fer.artifacts.model_store import Artifact
from fer.data.dataset import Dataset, Split
from fer.lab import keras_backend
from fer.lab.networks import vgg16
from fer.lab.training import batching, callbacks, features, learning_rate_schedule
from fer.lab.training.callbacks import PhaseOfRun
from fer.lab.training.distribution import ALONE, Share
from fer.progress import Progress
from fer.scenarios import Phase, Scenario, with_overrides

# Batches of what a network is fed of these rows of the data set, with options of `FaceBatches`.
MakeBatches: TypeAlias = Callable[..., batching.FaceBatches]


def train(
    scenario: Scenario,
    data: Dataset,
    run_dir: Path,
    *,
    resume: bool = False,
    backbone_weights: vgg16.Weights = "imagenet",
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    share: Share = ALONE,
    precision: str | None = None,
    tensorboard: Path | None = None,
) -> list[dict[str, float]]:
    """Train the scenario on Training, validate on PublicTest, and return the history, a row for
    each epoch. `runs.BEST` in `run_dir` then holds the best weights.

    Nothing that hinders another try is written before the network is built and the disk has room.
    Raise FerError if `run_dir` already holds a run and `resume` is false, if the run to resume
    differs in scenario, data or the head's backbone, or if the directory cannot be written or its
    disk has no room for the weights.

    Args:
        resume: continue after the last finished epoch of the run in `run_dir`. Phases that were
            begun must be unchanged; later ones may be added.
        cache_dir: where the frozen backbone's features are kept; `run_dir` if None.
        progress: called every step with the work done, in steps of the first phase, with `stage`,
            the epoch and the current metrics; before that, with the images whose features are
            computed, or with zeros and the `stage` alone.
        share: the part of each batch that this process feeds, if several train together, each with
            its own `run_dir`: see `distribution.folder`.
        precision: the reason for the scenario's `compute_dtype`, to be recorded.
        tensorboard: a folder for TensorBoard's logs, one of an epoch's metrics for all phases.
    """
    if share.devices > 1 and scenario.trainable_layers is None:
        raise FerError(
            "The head of {scenario} trains in minutes on stored features; train it on one device.",
            scenario=scenario.key,
        )
    done = runs.prepare(scenario, data, run_dir, resume)
    keras.utils.set_random_seed(scenario.seed)
    model, make_batches, backbone = _network(
        scenario, data, run_dir, backbone_weights, done > 0, cache_dir or run_dir, progress
    )
    phases, work = _schedule(scenario, data)
    for phase in phases:
        # Of a finished phase only the weights are loaded: the next phase has its own optimiser.
        is_over = done >= phase.epochs.stop
        if not is_over:
            compile_for(model, scenario, phase.phase, phase.steps)
            require_room(model, run_dir)
            runs.record(scenario, data, run_dir, backbone, precision)
        if done - 1 in phase.epochs:
            callbacks.load_weights(model, run_dir / runs.checkpoint(done))
            # In a checkpoint averaged and raw weights are exchanged.
            if scenario.ema_momentum is not None and not is_over:
                exchange_averaged(model)
        if not is_over:
            recorders = [callbacks.Recorder(run_dir, phase.phase), keras.callbacks.TerminateOnNaN()]
            # Last, so that an epoch is saved before its end is reported.
            if progress is not None:
                recorders.append(callbacks.WorkProgress(progress, phase, work))
            if tensorboard is not None:
                recorders.append(keras.callbacks.TensorBoard(tensorboard, write_graph=False))
            _fit(model, scenario, phase, data, make_batches, share, done, recorders)
    return runs.read_history(run_dir)


def _network(
    scenario: Scenario,
    data: Dataset,
    run_dir: Path,
    backbone_weights: vgg16.Weights,
    is_resumed: bool,
    cache_dir: Path,
    progress: Progress | None,
) -> tuple[keras.Model, MakeBatches, str | None]:
    """Return the network and its batches of images, or the head alone and batches of cached
    vectors; and the digest of the convolutions that the run begins from, None if it is resumed."""
    if progress is not None:
        progress(0, 0, stage="loading VGG16")
    # A frozen backbone gives the head the same vector of an unchanged image in every epoch.
    if (scenario.trainable_layers, scenario.augmentation, scenario.se_ratio) != (None, None, None):
        # A resumed run loads its weights from the checkpoint.
        model = vgg16.build(scenario, None if is_resumed else backbone_weights)
        digest = None if is_resumed else vgg16.backbone_digest(model)
        return model, partial(batching.FaceBatches, data.images, data.labels), digest
    backbone = vgg16.backbone(backbone_weights)
    digest = vgg16.backbone_digest(backbone)
    runs.require_backbone(run_dir, digest)
    maps = features.cached(data, scenario, cache_dir, backbone, progress)
    vectors = features.pooled(maps, scenario)
    inputs = keras.Input(vectors.shape[1:])
    model = keras.Model(inputs, vgg16.classify(inputs, scenario), name=scenario.key)
    return model, partial(batching.VectorBatches, vectors, data.labels), digest


def _schedule(scenario: Scenario, data: Dataset) -> tuple[list[PhaseOfRun], float]:
    """Return the phases one after another, and the cost of the whole run."""
    images = len(data.rows(Split.TRAINING))
    checked = len(data.rows(Split.PUBLIC_TEST))
    if scenario.ema_momentum is not None:
        checked += min(images, callbacks.NORM_IMAGES)
    unit = scenario.phases[0].batch_size * scenario.phases[0].image_size ** 2
    phases: list[PhaseOfRun] = []
    epochs, work = 0, 0.0
    for phase in scenario.phases:
        length, area = min(phase.images_per_epoch or images, images), phase.image_size**2 / unit
        end = epochs + phase.epochs
        # A forward pass alone costs about half of a training step.
        step, check = phase.batch_size * area, checked * area / 2
        steps = -(-length // phase.batch_size)
        phases.append(PhaseOfRun(phase, range(epochs, end), steps, step, check, before=work))
        epochs, work = end, phases[-1].work_before(end)
    return phases, work


def require_room(model: keras.Model, run_dir: Path) -> None:
    """Raise FerError unless the disk has room for the weights that the run will write.

    A new file replaces the old one once it is whole, so for a moment both are on the disk.
    """
    best = callbacks.state_bytes(model)
    checkpoint = callbacks.state_bytes(model, with_optimizer=True)
    files_of_run = (run_dir / runs.BEST, *run_dir.glob(runs.CHECKPOINTS))
    existing = sum(path.stat().st_size for path in files_of_run if path.exists())
    needed = best + checkpoint + max(best, checkpoint) - existing
    free = files.free_bytes(run_dir)
    if free < needed:
        raise FerError(
            "The disk of {folder} has {free} MB free and the weights of this training need "
            "{needed} MB; make room or name another disk with --run-dir.",
            folder=run_dir,
            free=free >> 20,
            needed=-(-needed >> 20),
        )


def _fit(
    model: keras.Model,
    scenario: Scenario,
    run_phase: PhaseOfRun,
    data: Dataset,
    make_batches: MakeBatches,
    share: Share,
    done: int,
    recorders: list[keras.callbacks.Callback],
) -> None:
    """Run Keras' `fit` over the epochs of a phase that the run has not `done`."""
    phase, first = run_phase.phase, max(done, run_phase.epochs.start)
    rows = data.rows(Split.TRAINING)
    batches = partial(make_batches, size=phase.image_size)
    averaging = []
    if scenario.ema_momentum is not None:
        some = batches(rows, seed=scenario.seed, images_per_epoch=callbacks.NORM_IMAGES)
        averaging = [
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            callbacks.RecalibratedNorm(some),
        ]
    model.fit(
        batches(
            rows,
            batch_size=phase.batch_size,
            augmentation=phase.augmentation or scenario.augmentation,
            seed=scenario.seed,
            images_per_epoch=phase.images_per_epoch,
            epoch=first,
            share=share,
        ),
        validation_data=batches(data.rows(Split.PUBLIC_TEST), share=share),
        initial_epoch=first,
        epochs=run_phase.epochs.stop,
        class_weight=(
            None if scenario.class_weights == "none" else batching.class_weights(data.labels[rows])
        ),
        shuffle=False,
        verbose=0,
        # Averaging first, so that the averaged model is recorded.
        callbacks=[*averaging, *recorders],
    )


def begin_from(
    artifact: Artifact, data: Dataset, run_dir: Path, compute_dtype: str | None = None
) -> None:
    """Turn `run_dir` into a run whose finished phases are those of a published model.

    `train` with `resume` then goes on with the scenario's further phases, as it would after the end
    of a phase: with averaged weights and a new optimiser. Only the precision of kernels, which are
    published in half precision, is lost. Raise FerError if there is a run already, if the model was
    trained on other data or with a frozen backbone, or if the directory cannot be written.

    Args:
        compute_dtype: Keras' name of the precision to go on in; None for that of the model.
    """
    if runs.has_epochs(run_dir):
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
    scenario = with_overrides(artifact.scenario, compute_dtype=compute_dtype)
    model = keras_backend.build_from(artifact, scenario.compute_dtype)
    history = artifact.history()
    (run_dir / runs.RUN).unlink(missing_ok=True)
    callbacks.save_weights(model, run_dir / runs.checkpoint(len(history)))
    runs.write_history(run_dir, history)
    runs.record(scenario, data, run_dir, artifact.config.get(runs.BACKBONE), None)


def compile_for(model: keras.Model, scenario: Scenario, phase: Phase, steps: int) -> None:
    """Compile the model with the scenario's loss and optimiser for a phase with that many `steps`
    an epoch."""
    if scenario.optimizer != "adamw":
        raise FerError(
            "The optimizer {optimizer} is not known; use adamw.",
            optimizer=f"{scenario.optimizer!r}",
        )
    optimizer = keras.optimizers.AdamW(
        learning_rate_schedule.cosine(phase, steps),
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


def exchange_averaged(model: keras.Model) -> None:
    """Exchange the model's trainable weights and the averages that its optimiser keeps of them;
    a second call undoes it."""
    # Keras names an optimiser's variable after the weight and its role, such as "_average".
    averages = [v for v in model.optimizer.variables if v.name.endswith("_average")]
    for weight, average in zip(model.trainable_variables, averages, strict=True):
        raw = keras.ops.convert_to_numpy(weight)
        weight.assign(average)
        average.assign(raw)
