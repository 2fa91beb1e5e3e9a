"""The `fer` command: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from fer import FerError, __version__, scenarios
from fer.artifacts import locations, model_store
from fer.artifacts.model_store import Predictions
from fer.artifacts.records import Metrics
from fer.cli import analysis, compare, crowd, fit, predict, serving, training
from fer.cli import data as data_commands
from fer.cli.console import (
    COUNT,
    PATH,
    Group,
    data_dir,
    models_dir,
    note,
    out,
    overwrite,
    progress_bar,
    quiet_tensorflow,
)
from fer.data import dataset
from fer.evaluation.records import COMPARISON, PROTOCOL_SCORES, Comparison, Protocols
from fer.lab import overwriting

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
main.add_command(compare.compare)
main.add_command(crowd.crowd)
main.add_command(predict.predict)
main.add_command(training.publish)
main.add_command(training.train)


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
@click.option(
    "--training",
    type=COUNT,
    metavar="IMAGES",
    help="Measure so many images of Training instead, the same share of every class.",
)
@click.option("--images", type=PATH, help="Measure on your own images instead: folder or archive.")
@click.option("--whole", is_flag=True, help="With --images: take it whole where no face is found.")
@click.option("--json", "as_json", is_flag=True, help="With --images: print all figures as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="With --images: print every answer as CSV.")
@overwrite
@models_dir
@data_dir
def evaluate(
    keys: tuple[str, ...],
    check: bool,
    bfloat16: bool,
    tolerance: float,
    protocols: tuple[str, ...],
    int8: bool,
    training: int | None,
    images: Path | None,
    whole: bool,
    as_json: bool,
    as_csv: bool,
    overwrite: bool,
    models_dir: Path,
    data_dir: Path,
) -> None:
    """Evaluate the models on PublicTest and PrivateTest; write metrics, predictions and cards.

    Where the stored figures are another data set's, these are printed and not stored.

    Computes in float32, so that every processor finds the same numbers; bf16 moves the calibration
    error by up to 0.003. --protocol adds to models/protocols.json, which is shown beside published
    results that were found by averaging over views. --training writes models/training_fit.json,
    which tells how far the models overfit.

    --images takes a folder, zip or tar with a folder for each emotion, asks the fast backend and
    stores nothing."""
    if images is not None:
        if check or bfloat16 or protocols or int8 or training or overwrite:
            raise FerError(
                "Beside --images only --model, --whole, --json and --csv have a meaning."
            )
        # Imports libraries for reading images, which the other ways do without.
        from fer.cli import own

        own.evaluate_images(images, keys, models_dir, whole=whole, as_json=as_json, as_csv=as_csv)
        return
    if whole or as_json or as_csv:
        raise FerError("--whole, --json and --csv belong to --images.")
    if int8 and not protocols:
        raise FerError("--int8 belongs to --protocol; metrics are computed with the reference.")
    if training is not None and (keys or protocols or bfloat16):
        raise FerError("--training measures every model in float32; leave the other options out.")
    data = dataset.open_dataset(data_dir)
    locations.require_models(models_dir)
    if training is not None:
        fit.evaluate_training(data, training, models_dir, overwrite, tolerance if check else None)
        return
    is_stored = not check and (overwrite or _may_store(models_dir, data, bool(protocols)))
    quiet_tensorflow()
    from fer.inference import classification
    from fer.lab import keras_backend
    from fer.lab.evaluation import evaluate
    from fer.lab.export import publishing

    classifier = (
        classification.load(models_dir, keys or None)
        if int8
        else keras_backend.load(
            models_dir,
            keys or None,
            compute_dtype="mixed_bfloat16" if bfloat16 else "float32",
            with_metrics=bool(protocols),
        )
    )
    if protocols:
        _evaluate_protocols(
            classifier, data, protocols, models_dir, is_stored, tolerance if check else None
        )
        return
    if is_stored:
        evaluate.require_comparable(classifier, data)
    with progress_bar("Evaluating") as update:
        results = evaluate.evaluate(classifier, data, progress=update)
    _print_metrics({key: record for key, (record, _) in results.items()})
    if check:
        _require_reproduced(results, classifier, models_dir, tolerance)
    if not is_stored:
        return
    evaluate.save(results, classifier.models)
    publishing.finish(models_dir)
    comparison = COMPARISON.read(models_dir)
    if comparison is not None:
        _print_comparison(comparison)


def _may_store(models_dir: Path, data: dataset.Dataset, averages_views: bool) -> bool:
    """Whether storing replaces no figures of another data set; warns if it would."""
    names = (
        [model_store.PROTOCOLS]
        if averages_views
        else [f"{key}/{model_store.METRICS}" for key in scenarios.SCENARIOS]
    )
    other_file = overwriting.of_other_data([models_dir / name for name in names], data.digest)
    if other_file is not None:
        other_data = dataset.name_of(overwriting.digest_of(other_file) or "")
        note(
            f"{other_file} was measured on {other_data}, and {data.folder} holds "
            f"{dataset.name_of(data.digest)}; so what follows is printed and not stored. To store "
            "it, name another folder with --models-dir, or say --overwrite.",
            "warning",
        )
    return other_file is None


def _require_reproduced(
    results: dict[str, tuple[Metrics, Predictions]],
    classifier: Classifier,
    models_dir: Path,
    tolerance: float,
) -> None:
    """Print that the stored metrics are reproduced, or raise FerError."""
    from fer.lab.evaluation import evaluate

    problems = [
        f"{key} {problem}"
        for key, (record, _) in results.items()
        for problem in evaluate.differences(classifier.models[key].metrics, record, tolerance)
    ]
    _report_reproduction(problems, tolerance)


def _evaluate_protocols(
    classifier: Classifier,
    data: dataset.Dataset,
    names: tuple[str, ...],
    models_dir: Path,
    is_stored: bool,
    tolerance: float | None,
) -> None:
    """Print the accuracies that averaging over views gives; store them or, with a tolerance,
    compare them with the stored ones."""
    from fer.evaluation.protocols import Protocol
    from fer.lab.evaluation import protocols

    stored = PROTOCOL_SCORES.read(models_dir)
    digests = {key: model.digest for key, model in model_store.available(models_dir).items()}

    def store(scores: Protocols) -> None:
        PROTOCOL_SCORES.write(models_dir, protocols.merged(stored, scores, digests))
        model_store.write_manifest(models_dir)

    with progress_bar("Evaluating") as update:
        record = protocols.evaluate(
            classifier,
            data,
            protocols=[Protocol(name) for name in names],
            progress=lambda done, total, /, **details: update(done, total),
            on_protocol=store if is_stored else None,
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
    _report_reproduction(problems, tolerance)


def _report_reproduction(problems: list[str], tolerance: float) -> None:
    if problems:
        raise FerError(
            "The stored metrics are not reproduced: {problems}.", problems="; ".join(problems[:5])
        )
    out.print(f"The stored metrics are reproduced within ±{tolerance}.")


def _print_metrics(records: dict[str, Metrics]) -> None:
    from fer.lab.evaluation.evaluate import CHECKED_METRICS

    scores = {
        f"{key} {split}": row
        for key, record in records.items()
        for split, row in record["splits"].items()
    }
    table = Table("metric", *scores)
    for name in CHECKED_METRICS:
        table.add_row(name, *(f"{row[name]:.4f}" for row in scores.values()))
    intervals = ("{:.4f}-{:.4f}".format(*row["accuracy_interval"]) for row in scores.values())
    table.add_row("95 % interval", *intervals)
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
    table = Table("model", "PrivateTest accuracy", "MB", "published", "SHA-256")
    missing, changed = model_store.verify(models_dir)
    for artifact in model_store.available(models_dir).values():
        metrics = artifact.metrics
        accuracy = metrics["splits"]["PrivateTest"]["accuracy"] if metrics else None
        weights = f"{artifact.key}/{model_store.WEIGHTS}"
        has_weights = (models_dir / weights).exists()
        # A model needs its weights, whether or not the manifest lists them.
        missing += [] if has_weights or weights in missing else [weights]
        table.add_row(
            artifact.key,
            "not evaluated" if accuracy is None else f"{accuracy:.4f}",
            f"{artifact.size / 1e6:.1f}" if has_weights else "missing",
            artifact.config["published"],
            artifact.digest[:12] if has_weights else "missing",
        )
    out.print(table)
    for kind, names in (("Missing", missing), ("Not the file in the manifest", changed)):
        if names:
            note(f"{kind}:")
        for name in names:
            note(f"  {models_dir / name}")
    if missing or changed:
        raise FerError(
            "{n} files in {folder} are not as published; restore them from the repository, or "
            "publish, evaluate and export the model again.",
            n=len(missing) + len(changed),
            folder=models_dir,
        )
    out.print("Every file is the one in the manifest.")
