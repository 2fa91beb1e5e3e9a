"""`fer train` and `fer publish`: from a scenario to a model in models/."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from fer import FerError, scenarios
from fer.artifacts import locations, model_store, runs
from fer.cli import console
from fer.cli.console import FASTEST, PATH, SEED, out
from fer.data import aggregates, dataset
from fer.lab import overwriting
from fer.lab.training import distribution
from fer.scenarios import Scenario
from fer.training import jobs, monitor


@click.command()
@click.argument("scenario", type=click.Choice(list(scenarios.SCENARIOS)))
@click.option("--run-dir", type=PATH, help="Default: runs/SCENARIO.")
@click.option("--resume", is_flag=True, help="Continue the run after its last finished epoch.")
@click.option("--epochs", type=int, help="Stop after this many epochs, or go on for so many.")
@click.option("--seed", type=SEED, help="Another seed for order, augmentation and first weights.")
@click.option("--image-size", type=int, help="Train, evaluate and serve at one other size.")
@click.option("--cache-dir", type=PATH, help="Where features are cached.")
@click.option("--fraction", type=float, help="Train on this share of every class, 0 to 1.")
@click.option(
    "--continue-from",
    type=PATH,
    help="Go on where the model in this models folder ended, in a new --run-dir.",
)
@click.option(
    "--backbone-from",
    type=PATH,
    help="Take VGG16's convolutions from the baseline in this models folder, in half precision.",
)
@click.option("--tensorboard", type=PATH, help="A folder for TensorBoard's logs.")
@click.option("--queue", is_flag=True, help="Wait until no other run goes on beside this one.")
@console.precision
@console.backbone_weights
@console.data_dir
def train(
    scenario: str,
    run_dir: Path | None,
    resume: bool,
    epochs: int | None,
    seed: int | None,
    image_size: int | None,
    cache_dir: Path | None,
    fraction: float | None,
    continue_from: Path | None,
    backbone_from: Path | None,
    tensorboard: Path | None,
    queue: bool,
    precision: str,
    backbone_weights: Path | None,
    data_dir: Path,
) -> None:
    """Train a scenario; `fer publish` then puts it into models/.

    The run directory's progress.json tells how far it is; a file named stop in it ends the run
    after its current step. KERAS_BACKEND=jax and Keras' KERAS_DISTRIBUTION_* variables let several
    GPUs and hosts share each batch."""
    if tensorboard is not None and importlib.util.find_spec("tensorboard") is None:
        raise FerError("TensorBoard is not installed; run: pip install tensorboard")
    defaults = scenarios.SCENARIOS[scenario]
    data = dataset.open_dataset(data_dir)
    if fraction is not None:
        data = dataset.subset(data, fraction, defaults.seed if seed is None else seed)
    settings = scenarios.with_overrides(defaults, epochs=epochs, image_size=image_size, seed=seed)
    run_dir = run_dir or Path("runs") / scenario
    share = distribution.begin()
    with (
        distribution.folder(share, run_dir) as folder,
        _progress_recorder(folder, settings.epochs, resume) as recorder,
        console.progress_bar(f"Training {scenario}") as update,
    ):
        if queue:
            recorder.wait(lambda: jobs.is_next(folder))

        def progress(done: float, total: float, /, **details: Any) -> None:
            update(done, total, **details)
            recorder(done, total, **details)

        progress(0, 0, stage="loading TensorFlow")
        console.quiet_tensorflow()
        from fer.lab.training import loop

        progress(0, 0, stage="choosing a precision")
        dtype, reason = (
            (settings.compute_dtype, "the scenario's own, alike on all devices")
            if precision == FASTEST and share.devices > 1
            else console.wanted_precision(precision, folder)
        )
        if continue_from is not None:
            artifact = model_store.open_artifact(scenario, continue_from)
            loop.begin_from(artifact, data, folder, dtype)
        history = loop.train(
            scenarios.with_overrides(settings, compute_dtype=dtype),
            data,
            folder,
            resume=resume or continue_from is not None,
            backbone_weights=(
                model_store.open_artifact("baseline", backbone_from).weights()
                if backbone_from is not None
                else backbone_weights or "imagenet"
            ),
            cache_dir=cache_dir,
            progress=progress,
            share=share,
            precision=reason,
            tensorboard=tensorboard,
        )
    if share.is_chief:
        table = Table(*runs.HISTORY_COLUMNS)
        for row in history:
            table.add_row(*(f"{row[name]:.4g}" for name in runs.HISTORY_COLUMNS))
        out.print(table)
        out.print(f"The run is in {run_dir}; next: fer publish {run_dir}")


def _progress_recorder(run_dir: Path, epochs: int, resume: bool) -> monitor.Live:
    """Return the recorder of the run's progress; nothing is written yet. Raise FerError unless the
    run is resumed, if the folder holds a run or one goes on in it."""
    if not resume:
        if runs.has_epochs(run_dir):
            raise runs.already_there(run_dir)
        previous = monitor.read(run_dir, time.time())
        if previous is not None and previous.state == "running":
            raise FerError(
                f"A training goes on in {run_dir}, or was killed within the last minute; wait for "
                "it or choose another --run-dir."
            )
    return monitor.Live(run_dir, epochs)


@click.command()
@click.argument("run_dir", type=PATH)
@console.backbone_weights
@console.overwrite
@console.models_dir
def publish(
    run_dir: Path, backbone_weights: Path | None, overwrite: bool, models_dir: Path
) -> None:
    """Put the best weights of a run into models/, in half precision, with config and history."""
    if not overwrite and (run_dir / runs.RUN).exists():
        run = runs.read(run_dir)
        folder = models_dir / Scenario.from_dict(run["scenario"]).key
        replaced = [folder / name for name in (model_store.CONFIG, model_store.METRICS)]
        overwriting.require_same_data(replaced, run["data"])
    console.quiet_tensorflow()
    from fer.lab.export import int8, publishing

    artifact = publishing.publish(run_dir, models_dir, backbone_weights or "imagenet")
    int8.export_exact(models_dir, locations.default(aggregates.FOLDER))
    publishing.finish(models_dir)
    out.print(
        f"Published {artifact.key}: {artifact.size / 1e6:.1f} MB of its own in {artifact.folder}; "
        "it answers in full precision. Next: fer evaluate, and for int8: fer export",
    )
