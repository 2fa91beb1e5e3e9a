"""`fer compare` and `fer crowd`: both scenarios beside a model of one's own, and beside people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table

from fer import FerError
from fer.artifacts import locations, model_store
from fer.artifacts.model_store import Artifact, Predictions
from fer.cli.console import PATH, format_interval, models_dir, note, out
from fer.crowd import study
from fer.crowd.records import Proportion
from fer.data import aggregates, votes
from fer.data.dataset import TEST_SPLITS
from fer.own import comparison, tables
from fer.own.comparison import OwnComparison
from fer.vision import upload_gate

PRINTED_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier_score", "ece")
# How many images are named that only the own model answers wrongly.
MAX_PRINTED_ERRORS = 5


@click.command()
@click.argument("table", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
@models_dir
def compare(table: Path, as_json: bool, models_dir: Path) -> None:
    """Compare your own model's predictions in TABLE with both scenarios.

    TABLE is a CSV file with a row for each image of PublicTest, PrivateTest or both: the column
    image (its name in Kaggle's archive, with its folder) or row (in fer2013.csv, from 0), and seven
    columns of probabilities, angry to neutral, or one column answer. A column label is checked.
    Needs neither networks nor images, and stores nothing."""
    content = upload_gate.content_of(table, tables.MOST_BYTES)
    locations.require_models(models_dir)
    all_votes = votes.open_votes(locations.default(votes.FOLDER))
    twins = aggregates.read_duplicates(locations.default(aggregates.FOLDER))["twins"]
    models = model_store.available(models_dir)
    predictions_by_model = _stored_predictions(models)
    if not predictions_by_model:
        raise FerError("No model is evaluated yet; run: fer evaluate")
    own = comparison.measure(
        tables.read(content, str(table), next(iter(predictions_by_model.values())), all_votes)
    )
    record = comparison.record(own, models, predictions_by_model, all_votes, twins)
    if as_json:
        print(json.dumps(record))
        return
    if own.table.others:
        note(f"{own.table.others:,} rows about Training are not used.")
    _print(record)


def _print(record: OwnComparison) -> None:
    out.print(
        f"{record['model']}: temperature {record['temperature']:.4f}, fitted on PublicTest."
        if record["temperature"] is not None
        else f"{record['model']}: as given; no temperature was fitted."
    )
    table = Table("metric", *record["splits"])
    for name in PRINTED_METRICS:
        values = [row["scores"][name] for row in record["splits"].values()]
        table.add_row(name, *("-" if value is None else f"{value:.4f}" for value in values))
    out.print(table)
    for split, row in record["splits"].items():
        for key, gain in row["against"].items():
            low, high = gain["interval"]
            out.print(
                f"{split}: {record['model']} - {key} {gain['difference']:+.4f} (95 % {low:+.4f} to "
                f"{high:+.4f}), McNemar p = {gain['mcnemar_p']:.3g}; only {record['model']} right "
                f"{gain['only_own_right']:,}, only {key} right {gain['only_scenario_right']:,}"
            )
        for group, accuracy in row["twins"].items():
            if group != "all":
                out.print(
                    f"{split}, {group.replace('_', ' ')} in Training: {accuracy['accuracy']:.4f} "
                    f"of {accuracy['images']:,}"
                )
        if "crowd" in row:
            out.print(
                f"{split}: {row['crowd']['majority']['share']:.4f} agreement with the majority of "
                f"ten people, {row['crowd']['label_with_majority']['share']:.4f} with the label "
                "on these images"
            )
        wrong = row["only_wrong"]
        out.print(f"{split}: {len(wrong):,} images that only {record['model']} answers wrongly")
        for source in wrong[:MAX_PRINTED_ERRORS]:
            out.print(f"  {source}")


@click.command()
@models_dir
def crowd(models_dir: Path) -> None:
    """Compare the stored predictions with FER+ votes, what ten people saw in each test image.

    Needs neither networks nor images, and stores nothing."""
    all_votes = votes.open_votes(locations.default(votes.FOLDER))
    predictions = _stored_predictions(model_store.available(models_dir))
    table = Table("agreement", "split", "images", "with", "share", "95 % interval")

    def add(name: str, images: int, other: str, agreement: Proportion) -> None:
        share, interval = f"{agreement['share']:.4f}", format_interval(agreement["interval"])
        table.add_row(name, split, f"{images:,}", other, share, interval)

    for split in TEST_SPLITS:
        figures = study.study(predictions, all_votes, split)
        if figures is None:
            continue
        images, with_majority = figures["images"], figures["images_with_majority"]
        add("a voter", with_majority, "the others", figures["human"]["others"])
        add("FER-2013's label", with_majority, "majority", figures["fer2013_label"]["majority"])
        for key, model in figures["models"].items():
            add(key, images, "label", model["label"])
            add(key, with_majority, "majority", model["majority"])
            add(key, images, "a voter", model["voters"])
            add(key, with_majority, "the others", model["others"])
    if not table.row_count:
        raise FerError(
            "No image of the stored predictions has votes; run: fer evaluate (on FER-2013)"
        )
    out.print(table)


def _stored_predictions(models: Mapping[str, Artifact]) -> dict[str, Predictions]:
    """Return the predictions of the models that were evaluated."""
    return {key: model.predictions() for key, model in models.items() if model.metrics is not None}
