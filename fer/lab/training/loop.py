"""Training of a scenario: phases of Keras' `fit`, recorded so that a run survives being killed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from fer import FerError, files
from fer.artifacts import runs
from fer.artifacts.model_store import Artifact
from fer.data.dataset import Dataset, Split
from fer.lab import keras_backend
from fer.lab.networks import vgg16
from fer.lab.training import batching, callbacks, features, learning_rate_schedule
from fer.lab.training.distribution import ALONE, Share
from fer.progress import Progress
from fer.scenarios import Phase, Scenario, with_overrides


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
    model, feed, backbone = _model_and_feed(
        scenario,
        data,
        run_dir,
        backbone_weights=backbone_weights,
        is_resumed=done > 0,
        cache_dir=cache_dir,
        progress=progress,
        share=share,
    )
    stages, work = _schedule(scenario, data)
    for stage in stages:
        # Of a finished phase only the weights are loaded: the next phase has its own optimiser.
        if done < stage.epochs.stop:
            compile_for(model, scenario, stage.phase, stage.steps)
            require_room(model, run_dir)
            runs.record(scenario, data, run_dir, backbone, precision)
        if done in stage.ends:
            _restore(model, scenario, run_dir, done, is_phase_over=done == stage.epochs.stop)
        if done < stage.epochs.stop:
            reporters: list[keras.callbacks.Callback] = []
            if progress is not None:
                reporters.append(callbacks.WorkProgress(progress, stage.cost, work))
            if tensorboard is not None:
                reporters.append(keras.callbacks.TensorBoard(tensorboard, write_graph=False))
            _fit(model, scenario, stage, feed, run_dir, done, reporters)
    return runs.read_history(run_dir)


@dataclass(frozen=True)
class _Stage:
    """A phase and its place in the run: its epochs, counted from 0 through all phases, the steps
    of each, and their cost."""

    phase: Phase
    epochs: range
    steps: int
    cost: callbacks.Cost

    @property
    def ends(self) -> range:
        """The epochs done in the run after each epoch of this phase."""
        return range(self.epochs.start + 1, self.epochs.stop + 1)


def _schedule(scenario: Scenario, data: Dataset) -> tuple[list[_Stage], float]:
    """Return the phases one after another, and the cost of the whole run."""
    images = len(data.rows(Split.TRAINING))
    checked = len(data.rows(Split.PUBLIC_TEST))
    if scenario.ema_momentum is not None:
        checked += min(images, callbacks.NORM_IMAGES)
    unit = scenario.phases[0].batch_size * scenario.phases[0].image_size ** 2
    stages: list[_Stage] = []
    epochs, work = 0, 0.0
    for phase in scenario.phases:
        length, area = min(phase.images_per_epoch or images, images), phase.image_size**2 / unit
        steps = -(-length // phase.batch_size)
        # A forward pass alone costs about half of a training step.
        step, check = phase.batch_size * area, checked * area / 2
        cost = callbacks.Cost(step, check, before=work, epochs_before=epochs)
        stages.append(_Stage(phase, range(epochs, epochs + phase.epochs), steps, cost))
        epochs += phase.epochs
        work += phase.epochs * (steps * step + check)
    return stages, work


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


@dataclass(frozen=True)
class _Feed:
    """Batches for `fit`: of Training for a phase, of PublicTest, and for normalisation."""

    batches: type[batching.FaceBatches]
    images: Any
    data: Dataset
    scenario: Scenario
    share: Share

    def training(self, phase: Phase, epoch: int) -> batching.FaceBatches:
        """Return augmented batches in the order of that epoch."""
        return self._batches(
            Split.TRAINING,
            phase,
            batch_size=phase.batch_size,
            augmentation=phase.augmentation or self.scenario.augmentation,
            seed=self.scenario.seed,
            images_per_epoch=phase.images_per_epoch,
            epoch=epoch,
            share=self.share,
        )

    def validation(self, phase: Phase) -> batching.FaceBatches:
        """Return PublicTest without augmentation, in order."""
        return self._batches(Split.PUBLIC_TEST, phase, share=self.share)

    def normalisation(self, phase: Phase) -> batching.FaceBatches:
        """Return some Training images unchanged, the same in every epoch and process."""
        return self._batches(
            Split.TRAINING,
            phase,
            seed=self.scenario.seed,
            images_per_epoch=callbacks.NORM_IMAGES,
        )

    def _batches(
        self, split: Split, phase: Phase, *, batch_size: int = 64, **options: Any
    ) -> batching.FaceBatches:
        rows, size = self.data.rows(split), phase.image_size
        return self.batches(
            self.images, self.data.labels, rows, size=size, batch_size=batch_size, **options
        )

    def class_weights(self) -> dict[int, float] | None:
        """Return the scenario's weight of each class in the loss."""
        if self.scenario.class_weights == "none":
            return None
        return batching.class_weights(self.data.labels[self.data.rows(Split.TRAINING)])


def _model_and_feed(
    scenario: Scenario,
    data: Dataset,
    run_dir: Path,
    *,
    backbone_weights: vgg16.Weights,
    is_resumed: bool,
    cache_dir: Path | None,
    progress: Progress | None,
    share: Share,
) -> tuple[keras.Model, _Feed, str | None]:
    """Return the network and its batches of images, or the head alone and batches of cached
    vectors; and the digest of the convolutions that the run begins from, None if it is resumed."""
    if progress is not None:
        progress(0, 0, stage="loading VGG16")
    # A frozen backbone gives the head the same vector of an unchanged image in every epoch.
    is_cacheable = (
        scenario.trainable_layers is None
        and scenario.augmentation is None
        and scenario.se_ratio is None
    )
    if not is_cacheable:
        # A resumed run loads its weights from the checkpoint.
        model = vgg16.build(scenario, None if is_resumed else backbone_weights)
        digest = None if is_resumed else vgg16.backbone_digest(model)
        return model, _Feed(batching.FaceBatches, data.images, data, scenario, share), digest
    backbone = vgg16.backbone(backbone_weights)
    digest = vgg16.backbone_digest(backbone)
    runs.require_backbone(run_dir, digest)
    maps = features.cached(data, scenario, cache_dir or run_dir, backbone, progress)
    vectors = features.pooled(maps, scenario)
    inputs = keras.Input(vectors.shape[1:])
    model = keras.Model(inputs, vgg16.classify(inputs, scenario), name=scenario.key)
    return model, _Feed(batching.VectorBatches, vectors, data, scenario, share), digest


def _fit(
    model: keras.Model,
    scenario: Scenario,
    stage: _Stage,
    feed: _Feed,
    run_dir: Path,
    done: int,
    reporters: list[keras.callbacks.Callback],
) -> None:
    """Run Keras' `fit` over the epochs of a phase that the run has not `done`. Raise FerError if
    the loss is no longer a number."""
    first = max(done, stage.epochs.start)
    recorder = callbacks.Recorder(run_dir, stage.phase)
    averaging = (
        [
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            callbacks.RecalibratedNorm(feed.normalisation(stage.phase)),
        ]
        if scenario.ema_momentum is not None
        else []
    )
    model.fit(
        feed.training(stage.phase, first),
        validation_data=feed.validation(stage.phase),
        initial_epoch=first,
        epochs=stage.epochs.stop,
        class_weight=feed.class_weights(),
        shuffle=False,
        verbose=0,
        # Averaging first, so that the recorder writes the averaged model; reporters last, so that
        # an epoch is saved before its end is reported.
        callbacks=[*averaging, recorder, keras.callbacks.TerminateOnNaN(), *reporters],
    )
    if recorder.diverged_in is not None:
        raise FerError(
            "The training in {run_dir} diverged: the loss of epoch {epoch} is not a number. What "
            "was learnt before is kept there; lower the learning rate in fer/scenarios.py and "
            "train anew in another --run-dir.",
            run_dir=run_dir,
            epoch=recorder.diverged_in,
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
    """Compile the model with the scenario's loss and optimiser for a phase."""
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


def _restore(
    model: keras.Model, scenario: Scenario, run_dir: Path, epoch: int, *, is_phase_over: bool
) -> None:
    """Load a checkpoint, in which averaged and raw weights are exchanged; within a phase, exchange
    them back."""
    callbacks.load_weights(model, run_dir / runs.checkpoint(epoch))
    if scenario.ema_momentum is not None and not is_phase_over:
        exchange_averaged(model)


def exchange_averaged(model: keras.Model) -> None:
    """Exchange the model's trainable weights and the averages that its optimiser keeps of them;
    a second call undoes it."""
    # Keras names an optimiser's variable after the weight and its role, such as "_average".
    averages = [v for v in model.optimizer.variables if v.name.endswith("_average")]
    for weight, average in zip(model.trainable_variables, averages, strict=True):
        raw = keras.ops.convert_to_numpy(weight)
        weight.assign(average)
        average.assign(raw)
