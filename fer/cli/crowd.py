"""`fer crowd`: the models against what people see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table

from fer import FerError
from fer.artifacts import locations, model_store
from fer.artifacts.model_store import Predictions
from fer.cli.console import models_dir, note, out
from fer.crowd import study
from fer.crowd.records import CROWD, Crowd, Proportion
from fer.data import votes
from fer.data.votes import Votes


@click.command()
@click.option("--check", is_flag=True, help="Compare with the stored figures and write nothing.")
@click.option("--tolerance", default=0.002, show_default=True, help="What --check accepts.")
@models_dir
def crowd(check: bool, tolerance: float, models_dir: Path) -> None:
    """Compare the stored predictions with FER+ votes, what ten people saw in each test image.

    Writes models/crowd.json, as `fer evaluate` does; needs neither networks nor images."""
    found = votes.open_votes(locations.default(votes.FOLDER))
    if check:
        _, predictions = study.stored_predictions(models_dir)
        problems = differences(predictions, found, models_dir, tolerance)
        if problems is None:
            raise _nothing_to_compare()
        if problems:
            raise FerError(
                "The stored figures are not reproduced: {problems}.",
                problems="; ".join(problems[:5]),
            )
        out.print(f"The stored figures are reproduced within ±{tolerance}.")
        return
    if not write(models_dir, found):
        raise _nothing_to_compare()
    model_store.write_manifest(models_dir)


def _nothing_to_compare() -> FerError:
    return FerError("No image of the stored predictions has votes; run: fer evaluate (on FER-2013)")


def open_votes() -> Votes | None:
    """The repository's votes; None, and the reason on the terminal, if they cannot be read."""
    try:
        return votes.open_votes(locations.default(votes.FOLDER))
    except FerError as error:
        note(f"Without the crowd: {error}", "warning")
        return None


def differences(
    predictions: Mapping[str, Predictions], found: Votes, models_dir: Path, tolerance: float
) -> list[str] | None:
    """One phrase for every stored figure of the crowd that these predictions miss; None if no image
    of theirs has votes."""
    now = study.study(predictions, found) if predictions else {}
    if not now:
        return None
    stored = CROWD.read(models_dir)
    return study.differences(stored, {"votes_sha256": found.digest, "splits": now}, tolerance)


def write(models_dir: Path, found: Votes) -> bool:
    """Writes and prints what the stored predictions and the votes give; whether that is
    anything."""
    record = study.write(models_dir, found)
    if record is not None:
        _print(record)
    return record is not None


def _print(record: Crowd) -> None:
    table = Table("agreement", "split", "images", "with", "share", "95 % interval")
    for split, row in record["splits"].items():
        with_majority = f"{row['images_with_majority']:,}"
        everything = f"{row['images']:,}"
        table.add_row(
            "a voter", split, with_majority, "the others", *_cells(row["human"]["others"])
        )
        label = row["fer2013_label"]
        table.add_row(
            "FER-2013's label", split, with_majority, "majority", *_cells(label["majority"])
        )
        for key, model in row["models"].items():
            table.add_row(key, split, everything, "label", *_cells(model["label"]))
            table.add_row(key, split, with_majority, "majority", *_cells(model["majority"]))
            table.add_row(key, split, everything, "a voter", *_cells(model["voters"]))
            table.add_row(key, split, with_majority, "the others", *_cells(model["others"]))
    out.print(table)


def _cells(found: Proportion) -> tuple[str, str]:
    return f"{found['share']:.4f}", "{:.4f}-{:.4f}".format(*found["interval"])
