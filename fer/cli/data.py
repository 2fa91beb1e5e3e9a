"""`fer data`: import, download and describe FER-2013; the figures about it that are committed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click
from rich.table import Table

from fer import emotions
from fer.artifacts import locations
from fer.cli import console
from fer.cli.console import PATH, SEED, note, out
from fer.data import aggregates, dataset, downloading, importing, sample, votes
from fer.data.importing import Report
from fer.lab import overwriting
from fer.vision import faces

# How many skipped files are named.
MAX_PRINTED = 20


@click.group()
def data() -> None:
    """Import, download and describe FER-2013."""


@data.command("import")
@click.argument("path", type=PATH)
@console.data_dir
@console.overwrite
def import_(path: Path, data_dir: Path, overwrite: bool) -> None:
    """Import FER-2013 from PATH: archive.zip, its folder, fer2013.csv, icml_face_data.csv or
    fer2013.tar.gz."""
    with console.progress_bar("Importing") as update:
        report = importing.import_dataset(path, data_dir, update, keep_official=not overwrite)
    _print_report(report, data_dir)


@data.command()
@click.option("--json", "as_json", is_flag=True, help="Print progress as JSON lines.")
@console.data_dir
def download(as_json: bool, data_dir: Path) -> None:
    """Download FER-2013 from Kaggle and import it."""
    if as_json:
        # Ends the command as Ctrl+C does, which removes what is half written.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        downloading.serve(data_dir, sys.stdout)
        return
    with console.progress_bar("Importing") as update:
        # kagglehub draws its own bar of the download.
        report = downloading.download(data_dir, lambda done, total, /, **details: None, update)
    _print_report(report, data_dir)


def _print_report(report: Report, folder: Path) -> None:
    out.print(f"Imported {report.images:,} images into {folder}.")
    for line in report.skipped[:MAX_PRINTED]:
        note(f"Skipped {line}")
    more = len(report.skipped) - MAX_PRINTED
    if more > 0:
        note(f"... and {more} more, all in {folder / dataset.MANIFEST}.")
    for line in report.differences:
        note(f"Count differs: {line}.")
    _print_origin(dataset.open_dataset(folder))


def _print_origin(data: dataset.Dataset) -> None:
    origins = {
        dataset.Origin.KAGGLE: "This is FER-2013 as Kaggle has it (msambare/fer2013).",
        dataset.Origin.ORIGINAL: "This is the original FER-2013 without loss (fer2013.csv).",
    }
    out.print(origins.get(dataset.origin(data.manifest)) or str(data.notice))


@data.command()
@console.data_dir
def info(data_dir: Path) -> None:
    """Show what is imported: images by split and class."""
    data = dataset.open_dataset(data_dir)
    table = Table("emotion", *(str(split) for split in dataset.SPLITS), "all")
    for emotion in emotions.EMOTIONS:
        row = [data.counts[split][emotion.label] for split in dataset.SPLITS]
        table.add_row(emotion.key, *(f"{n:,}" for n in row), f"{sum(row):,}")
    sums = [sum(data.counts[split]) for split in dataset.SPLITS]
    table.add_row("all", *(f"{n:,}" for n in sums), f"{sum(sums):,}")
    out.print(table)
    gray = data.manifest["gray"]
    out.print(
        f"From {data.manifest['source']}, imported {data.manifest['imported']}\n"
        f"SHA-256 {data.digest}\n"
        f"Gray values (0-255): mean {gray['mean']:.2f}, standard deviation "
        f"{gray['standard_deviation']:.2f}",
    )
    for line in data.manifest["differences"]:
        out.print(f"Count differs: {line}.")
    _print_origin(data)


@data.command("aggregate")
@console.data_dir
@console.models_dir
@click.option(
    "--out",
    type=PATH,
    help="Where the aggregates are written; by default FER-2013's into data/, those of any other "
    "data set into its own folder.",
)
@console.overwrite
def aggregate(data_dir: Path, models_dir: Path, out: Path | None, overwrite: bool) -> None:
    """Recompute the committed aggregates: counts, class faces, pixels, framing, duplicates."""
    data = dataset.open_dataset(data_dir)
    if out is None:
        is_official = dataset.is_official(data.digest)
        out = locations.default(aggregates.FOLDER) if is_official else data_dir
    if not overwrite:
        targets = [out / name for name in (aggregates.SUMMARY, aggregates.DUPLICATES)]
        overwriting.require_same_data(targets, data.digest, option="--out")
    detector = faces.Detector(locations.detector(models_dir))
    with console.progress_bar("Computing aggregates"):
        aggregates.write(data, detector, out)
    click.echo(f"Wrote {aggregates.SUMMARY}, {aggregates.FACES}, {aggregates.DUPLICATES} to {out}.")


@data.command("votes")
@click.argument("path", type=PATH)
@console.data_dir
@console.folder_option("--out", votes.FOLDER, "Where the votes are written.")
@console.overwrite
def votes_(path: Path, data_dir: Path, out: Path, overwrite: bool) -> None:
    """Recompute the committed FER+ votes from PATH, a CSV file with row, name and ten counts."""
    data = dataset.open_dataset(data_dir)
    if not overwrite:
        overwriting.require_same_data([out / votes.VOTES], data.digest, option="--out")
    table = votes.read_table(path, data)
    votes.write(table, out)
    click.echo(f"Wrote the votes on {len(table):,} images to {out / votes.VOTES}: {table.digest}")


@data.command("sample")
@console.data_dir
@console.folder_option("--votes-dir", votes.FOLDER, "Where the FER+ votes lie.")
@console.path_option("--out", sample.FOLDER, "Where the faces and their table are written.")
@click.option(
    "--seed", type=SEED, default=sample.SEED, show_default=True, help="Draws other faces."
)
@console.overwrite
def sample_(data_dir: Path, votes_dir: Path, out: Path, seed: int, overwrite: bool) -> None:
    """Choose the committed sample anew: 70 Training faces, eight clear and two contested an
    emotion by FER+ votes."""
    data = dataset.open_dataset(data_dir)
    if not overwrite:
        overwriting.require_same_data([out / sample.TABLE], data.digest, option="--out")
    chosen_faces = sample.choose(data, votes.open_votes(votes_dir), seed)
    sample.write(chosen_faces, out)
    click.echo(f"Wrote {len(chosen_faces)} faces to {out / sample.FACES} and {out / sample.TABLE}.")
