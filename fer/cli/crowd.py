"""`fer crowd`: the models against what people see."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from fer import FerError
from fer.artifacts import locations, model_store
from fer.cli.console import format_interval, models_dir, out
from fer.crowd import study
from fer.crowd.records import CrowdSplit, Proportion
from fer.data import votes
from fer.data.dataset import TEST_SPLITS


@click.command()
@models_dir
def crowd(models_dir: Path) -> None:
    """Compare the stored predictions with FER+ votes, what ten people saw in each test image.

    Needs neither networks nor images, and stores nothing."""
    all_votes = votes.open_votes(locations.default(votes.FOLDER))
    predictions = {
        key: model.predictions()
        for key, model in model_store.available(models_dir).items()
        if model.metrics is not None
    }
    splits = {split: study.study(predictions, all_votes, split) for split in TEST_SPLITS}
    table = Table("agreement", "split", "images", "with", "share", "95 % interval")
    for split, figures in splits.items():
        if figures is not None:
            _add_rows(table, split, figures)
    if not table.row_count:
        raise FerError(
            "No image of the stored predictions has votes; run: fer evaluate (on FER-2013)"
        )
    out.print(table)


def _add_rows(table: Table, split: str, row: CrowdSplit) -> None:
    with_majority = f"{row['images_with_majority']:,}"
    images = f"{row['images']:,}"
    table.add_row("a voter", split, with_majority, "the others", *_cells(row["human"]["others"]))
    label = row["fer2013_label"]
    table.add_row("FER-2013's label", split, with_majority, "majority", *_cells(label["majority"]))
    for key, model in row["models"].items():
        table.add_row(key, split, images, "label", *_cells(model["label"]))
        table.add_row(key, split, with_majority, "majority", *_cells(model["majority"]))
        table.add_row(key, split, images, "a voter", *_cells(model["voters"]))
        table.add_row(key, split, with_majority, "the others", *_cells(model["others"]))


def _cells(proportion: Proportion) -> tuple[str, str]:
    return f"{proportion['share']:.4f}", format_interval(proportion["interval"])
