"""`fer evaluate`: how good the models are, on FER-2013 and on one's own images."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import click
from rich.table import Table

from fer import FerError, scenarios
from fer.artifacts import locations, model_store
from fer.artifacts.records import Accuracy
from fer.cli import console, own
from fer.cli.console import COUNT, PATH, note, out
from fer.data import dataset
from fer.evaluation.protocols import Protocol
from fer.evaluation.records import COMPARISON, PROTOCOL_SCORES, TRAINING_FIT, Protocols
from fer.inference import classification
from fer.inference.classification import Classifier
from fer.lab import overwriting
from fer.lab.evaluation import evaluate as evaluation
from fer.lab.evaluation import protocols, training_fit

ACCURACY_COLUMNS = ("accuracy", "95 % interval", "macro F1")


@click.command()
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
@console.overwrite
@console.models_dir
@console.data_dir
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
        _evaluate_training(data, training, models_dir, overwrite, tolerance if check else None)
        return
    is_stored = not check and (overwrite or _may_store(models_dir, data, bool(protocols)))
    console.quiet_tensorflow()
    from fer.lab import keras_backend
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
        evaluation.require_comparable(classifier, data)
    with console.progress_bar("Evaluating") as update:
        results = evaluation.evaluate(classifier, data, progress=update)
    records = {key: record for key, (record, _) in results.items()}
    scores = {
        f"{key} {split}": row for key in records for split, row in records[key]["splits"].items()
    }
    out.print(console.metrics_table(scores))
    if check:
        problems = (
            f"{key} {problem}"
            for key, record in records.items()
            for problem in evaluation.differences(classifier.models[key].metrics, record, tolerance)
        )
        _require_reproduced(problems, tolerance)
    if not is_stored:
        return
    evaluation.save(results, classifier.models)
    publishing.finish(models_dir)
    comparison = COMPARISON.read(models_dir)
    if comparison is not None:
        for split, gain in comparison["splits"].items():
            out.print(f"{split}: {console.format_gain(gain)}")


def _may_store(models_dir: Path, data: dataset.Dataset, averages_views: bool) -> bool:
    """Return whether storing replaces no figures of another data set; warn if it would."""
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
    stored = PROTOCOL_SCORES.read(models_dir)
    digests = {key: model.digest for key, model in model_store.available(models_dir).items()}

    def store(scores: Protocols) -> None:
        PROTOCOL_SCORES.write(models_dir, protocols.merged(stored, scores, digests))
        model_store.write_manifest(models_dir)

    with console.progress_bar("Evaluating") as update:
        record = protocols.evaluate(
            classifier,
            data,
            protocols=[Protocol(name) for name in names],
            progress=lambda done, total, /, **details: update(done, total),
            on_protocol=store if is_stored else None,
        )
    table = Table("model", "protocol", *ACCURACY_COLUMNS)
    for key, by_protocol in record["models"].items():
        for protocol, row in by_protocol.items():
            table.add_row(key, protocol, *_accuracy_cells(row))
    out.print(table)
    if tolerance is not None:
        model_store.checked(models_dir, PROTOCOL_SCORES.name)
        published = PROTOCOL_SCORES.require(models_dir)
        _require_reproduced(protocols.differences(published, record, tolerance), tolerance)


def _evaluate_training(
    data: dataset.Dataset, images: int, models_dir: Path, overwrite: bool, tolerance: float | None
) -> None:
    """Print every model's accuracy on so many Training images; store it or, with a tolerance,
    compare it with the stored one."""
    if tolerance is None and not overwrite:
        overwriting.require_same_data([models_dir / TRAINING_FIT.name], data.digest)
    console.quiet_tensorflow()
    from fer.lab import keras_backend

    classifier = keras_backend.load(models_dir)
    with console.progress_bar("Evaluating") as update:
        record = training_fit.measure(classifier, data, images, progress=update)
    out.print(
        f"{record['images']} of {record['images_of_split']} Training images, one crop, "
        f"{record['compute_dtype']}:"
    )
    table = Table("model", *ACCURACY_COLUMNS)
    for key, row in record["models"].items():
        table.add_row(key, *_accuracy_cells(row))
    out.print(table)
    if tolerance is None:
        TRAINING_FIT.write(models_dir, record)
        model_store.write_manifest(models_dir)
    else:
        model_store.checked(models_dir, TRAINING_FIT.name)
        published = TRAINING_FIT.require(models_dir)
        _require_reproduced(training_fit.differences(published, record, tolerance), tolerance)


def _accuracy_cells(row: Accuracy) -> tuple[str, str, str]:
    interval = console.format_interval(row["accuracy_interval"])
    return f"{row['accuracy']:.4f}", interval, f"{row['macro_f1']:.4f}"


def _require_reproduced(problems: Iterable[str], tolerance: float) -> None:
    """Raise FerError if there are problems; else print that there are none."""
    named = list(itertools.islice(problems, 5))
    if named:
        raise FerError(f"The stored metrics are not reproduced: {'; '.join(named)}.")
    out.print(f"The stored metrics are reproduced within ±{tolerance}.")
