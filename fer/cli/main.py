"""The `fer` command: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from fer import FerError, __version__, scenarios
from fer.artifacts import locations, model_store, runs
from fer.artifacts.records import Metrics
from fer.cli import analysis, crowd, predict, serving
from fer.cli import data as data_commands
from fer.cli.console import (
    FASTEST,
    PATH,
    SEED,
    Group,
    Terminal,
    backbone_weights,
    data_dir,
    models_dir,
    out,
    path_option,
    precision,
    progress_bar,
    quiet_tensorflow,
    wanted_precision,
)
from fer.data import dataset
from fer.evaluation.records import COMPARISON, PROTOCOL_SCORES, Comparison, Protocols
from fer.training import distribution, jobs, monitor

if TYPE_CHECKING:
    from fer.inference.classification import Classifier


@click.group(cls=Group)
@click.version_option(__version__)
def main() -> None:
    """Two ways to classify facial expressions on FER-2013."""


main.add_command(data_commands.data)
main.add_command(serving.export)
main.add_command(serving.benchmark)
main.add_command(analysis.ablate)
main.add_command(analysis.analyse)
main.add_command(crowd.crowd)
main.add_command(predict.predict)


@main.command()
@click.argument("scenario", type=click.Choice(list(scenarios.SCENARIOS)))
@click.option("--run-dir", type=PATH, help="Default: runs/SCENARIO.")
@click.option("--resume", is_flag=True, help="Continue the run after its last finished epoch.")
@click.option("--epochs", type=int, help="Stop after this many epochs, or go on for so many.")
@click.option("--seed", type=SEED, help="Another seed for order, augmentation and first weights.")
@click.option("--image-size", type=int, help="Train, evaluate and serve at one other size.")
@click.option("--cache-dir", type=PATH, help="Where features are cached.")
@click.option("--head", type=str, help="baseline only: another head, see `fer search`.")
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
@click.option("--queue", is_flag=True, help="Wait until no other run goes on beside this one.")
@precision
@backbone_weights
@data_dir
def train(
    scenario: str,
    run_dir: Path | None,
    resume: bool,
    epochs: int | None,
    seed: int | None,
    image_size: int | None,
    cache_dir: Path | None,
    head: str | None,
    fraction: float | None,
    continue_from: Path | None,
    backbone_from: Path | None,
    queue: bool,
    precision: str,
    backbone_weights: Path | None,
    data_dir: Path,
) -> None:
    """Train a scenario; `fer publish` then puts it into models/.

    The run directory's progress.json tells how far it is; a file named stop in it ends the run
    after its current step. KERAS_BACKEND=jax and Keras' KERAS_DISTRIBUTION_* variables let several
    GPUs and hosts share each batch."""
    own = scenarios.get(scenario)
    data = _training_data(data_dir, fraction, own.seed if seed is None else seed)
    chosen = scenarios.with_overrides(
        scenarios.with_head(own, head), epochs=epochs, image_size=image_size, seed=seed
    )
    run_dir = run_dir or Path("runs") / scenario
    share = distribution.begin()
    if precision == FASTEST and share.processes > 1:
        raise FerError(
            "--precision fastest measures one machine; where several train together, name one."
        )
    with (
        distribution.folder(share, run_dir) as folder,
        _recorded(folder, chosen.epochs, resume) as tell,
        progress_bar(f"Training {scenario}") as update,
    ):
        if queue:
            tell.wait(lambda: jobs.is_next(folder))
        quiet_tensorflow()
        from fer.training import loop

        def progress(done: float, total: float, /, **details: float) -> None:
            update(done, total, **details)
            tell(done, total, **details)

        if continue_from is not None:
            loop.begin_from(model_store.open_artifact(scenario, continue_from), data, folder)
        history = loop.train(
            scenarios.with_overrides(chosen, compute_dtype=wanted_precision(precision, folder)),
            data,
            folder,
            resume=resume or continue_from is not None,
            backbone_weights=model_store.open_artifact("baseline", backbone_from).weights()
            if backbone_from
            else backbone_weights or "imagenet",
            cache_dir=cache_dir,
            progress=progress,
            share=share,
        )
    if share.is_chief:
        _print_history(history)
        out.print(f"The run is in {run_dir}; next: fer publish {run_dir}")


def _training_data(data_dir: Path, fraction: float | None, seed: int) -> dataset.Dataset:
    """The imported data set with all seven classes, or a share of every class of it."""
    data = dataset.open_dataset(data_dir)
    dataset.require_every_class(data)
    return data if fraction is None else dataset.subset(data, fraction, seed)


def _print_history(history: list[dict[str, float]]) -> None:
    table = Table(*runs.HISTORY_COLUMNS)
    for row in history:
        table.add_row(*(f"{row[name]:.4g}" for name in runs.HISTORY_COLUMNS))
    out.print(table)


def _recorded(run_dir: Path, epochs: int, resume: bool) -> monitor.Live:
    """Keeps the run's progress; refuses to overwrite a run before anything is written beside it."""
    if (run_dir / runs.RUN).exists() and not resume:
        raise runs.already_there(run_dir)
    return monitor.Live(run_dir, epochs)


@main.command()
@path_option("--out", Path("runs/search"), "Where the runs and results.csv are written.")
@click.option("--cache-dir", type=PATH, help="Where features are cached.")
@precision
@backbone_weights
@data_dir
def search(
    out: Path,
    cache_dir: Path | None,
    precision: str,
    backbone_weights: Path | None,
    data_dir: Path,
) -> None:
    """Train every candidate head of the baseline and rank them by PublicTest accuracy."""
    data = dataset.open_dataset(data_dir)
    dataset.require_every_class(data)
    quiet_tensorflow()
    from fer.training import head_search

    with progress_bar("Searching") as update:
        results = head_search.search_heads(
            data,
            out,
            cache_dir=cache_dir or out,
            compute_dtype=wanted_precision(precision, out / next(iter(scenarios.HEADS))),
            backbone_weights=backbone_weights or "imagenet",
            progress=update,
        )
    table = Table("head", "epochs", "best epoch", "PublicTest accuracy", "seconds")
    for row in results:
        table.add_row(
            str(row["head"]),
            str(row["epochs"]),
            str(row["best_epoch"]),
            f"{row['val_accuracy']:.4f}",
            f"{row['seconds']:.0f}",
        )
    Terminal().print(table)


@main.command()
@click.argument("run_dir", type=PATH)
@backbone_weights
@models_dir
def publish(run_dir: Path, backbone_weights: Path | None, models_dir: Path) -> None:
    """Put the best weights of a run into models/, in half precision, with config and history."""
    quiet_tensorflow()
    from fer.export import publishing

    artifact = publishing.publish(run_dir, models_dir, backbone_weights or "imagenet")
    out.print(
        f"Published {artifact.key}: {artifact.size / 1e6:.1f} MB of its own in {artifact.folder}; "
        "next: fer evaluate",
    )


@main.command()
@click.option("--model", "keys", multiple=True, type=click.Choice(list(scenarios.SCENARIOS)))
@click.option("--check", is_flag=True, help="Compare with the stored metrics and write nothing.")
@click.option("--bfloat16", is_flag=True, help="Faster on some processors, and less exact.")
@click.option("--tolerance", default=0.002, show_default=True, help="What --check accepts.")
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    type=click.Choice(["mirror", "ten_crops"]),
    help="Average over these views of PrivateTest instead; may be given twice.",
)
@click.option("--int8", is_flag=True, help="With --protocol: ask the fast backend.")
@models_dir
@data_dir
def evaluate(
    keys: tuple[str, ...],
    check: bool,
    bfloat16: bool,
    tolerance: float,
    protocols: tuple[str, ...],
    int8: bool,
    models_dir: Path,
    data_dir: Path,
) -> None:
    """Evaluate the models on PublicTest and PrivateTest; write metrics, predictions and cards.

    Computes in float32, so that every processor finds the same numbers; bf16 moves the calibration
    error by up to 0.003. --protocol adds to models/protocols.json, which is shown beside published
    results that were found by averaging over views."""
    if int8 and not protocols:
        raise FerError("--int8 belongs to --protocol; metrics are computed with the reference.")
    data = dataset.open_dataset(data_dir)
    locations.require_models(models_dir)
    quiet_tensorflow()
    from fer.evaluation import evaluate
    from fer.export import publishing
    from fer.inference import classification

    classifier = classification.load(
        models_dir,
        keys or None,
        backend="fast" if int8 else "reference",
        compute_dtype="mixed_bfloat16" if bfloat16 else "float32",
        with_metrics=bool(protocols),
    )
    if protocols:
        _evaluate_protocols(classifier, data, protocols, models_dir, tolerance if check else None)
        return
    if not check:
        evaluate.require_comparable(classifier, data)
    with progress_bar("Evaluating") as update:
        results = evaluate.evaluate(classifier, data, progress=update)
    _print_metrics({key: record for key, (record, _) in results.items()})
    found_votes = crowd.open_votes()
    if check:
        problems = [
            f"{key} {problem}"
            for key, (record, _) in results.items()
            for problem in evaluate.differences(classifier.models[key].metrics, record, tolerance)
        ]
        if found_votes is not None:
            predictions = {key: found for key, (_, found) in results.items()}
            problems += crowd.differences(predictions, found_votes, models_dir, tolerance) or []
        _tell_whether_reproduced(problems, tolerance)
        return
    evaluate.save(results, classifier.models)
    publishing.finish(models_dir)
    if found_votes is not None:
        crowd.write(models_dir, found_votes)
        model_store.write_manifest(models_dir)
    comparison = COMPARISON.read(models_dir)
    if comparison is not None:
        _print_comparison(comparison)


def _evaluate_protocols(
    classifier: Classifier,
    data: dataset.Dataset,
    names: tuple[str, ...],
    models_dir: Path,
    tolerance: float | None,
) -> None:
    """Writes what averaging over views gives; with a tolerance, compares with what is stored."""
    from fer.evaluation import protocols

    stored = PROTOCOL_SCORES.read(models_dir)
    digests = {key: model.digest for key, model in model_store.available(models_dir).items()}

    def keep(found: Protocols) -> None:
        PROTOCOL_SCORES.write(models_dir, protocols.merged(stored, found, digests))
        model_store.write_manifest(models_dir)

    with progress_bar("Evaluating") as update:
        record = protocols.evaluate(
            classifier,
            data,
            protocols=[protocols.Protocol(name) for name in names],
            progress=lambda done, total, /, **details: update(done, total),
            on_protocol=keep if tolerance is None else None,
        )
    table = Table("model", "protocol", "accuracy", "95 % interval", "macro F1")
    for key, by_protocol in record["models"].items():
        for protocol, row in by_protocol.items():
            cells = (
                f"{row['accuracy']:.4f}",
                "{:.4f}-{:.4f}".format(*row["accuracy_interval"]),
                f"{row['macro_f1']:.4f}",
            )
            table.add_row(key, protocol, *cells)
    out.print(table)
    if tolerance is None:
        return
    model_store.checked(models_dir, PROTOCOL_SCORES.name)
    problems = protocols.differences(PROTOCOL_SCORES.require(models_dir), record, tolerance)
    _tell_whether_reproduced(problems, tolerance)


def _tell_whether_reproduced(problems: list[str], tolerance: float) -> None:
    if problems:
        raise FerError(
            "The stored metrics are not reproduced: {problems}.", problems="; ".join(problems[:5])
        )
    out.print(f"The stored metrics are reproduced within ±{tolerance}.")


def _print_metrics(records: dict[str, Metrics]) -> None:
    from fer.evaluation.evaluate import CHECKED

    table = Table("metric", *(f"{key} {s}" for key, r in records.items() for s in r["splits"]))
    for name in CHECKED:
        table.add_row(
            name, *(f"{s[name]:.4f}" for r in records.values() for s in r["splits"].values())
        )
    table.add_row(
        "95 % interval",
        *(
            "{:.4f}-{:.4f}".format(*s["accuracy_interval"])
            for r in records.values()
            for s in r["splits"].values()
        ),
    )
    out.print(table)


def _print_comparison(comparison: Comparison) -> None:
    for split, row in comparison["splits"].items():
        low, high = row["gain_interval"]
        out.print(
            f"{split}: proposed - baseline {row['gain']:+.4f} (95 % {low:+.4f} to {high:+.4f}), "
            f"McNemar p = {row['mcnemar_p']:.3g}",
        )


@main.command()
@models_dir
def models(models_dir: Path) -> None:
    """Show which models are present and whether every file is as published."""
    locations.require_models(models_dir)
    problems = []
    table = Table("model", "PrivateTest accuracy", "MB", "published", "SHA-256")
    for artifact in model_store.available(models_dir).values():
        metrics = artifact.metrics
        accuracy = metrics["splits"]["PrivateTest"]["accuracy"] if metrics else None
        try:
            size, digest = f"{artifact.size / 1e6:.1f}", artifact.digest[:12]
        except FerError as error:
            size, digest = "missing", "missing"
            problems.append(str(error))
        table.add_row(
            artifact.key,
            "not evaluated" if accuracy is None else f"{accuracy:.4f}",
            size,
            artifact.config["published"],
            digest,
        )
    out.print(table)
    problems += model_store.verify(models_dir)
    if problems:
        raise FerError(" ".join(dict.fromkeys(problems)))
    out.print("Every file is the one in the manifest.")
