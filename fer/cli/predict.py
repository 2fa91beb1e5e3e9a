"""`fer predict`: both models' answers for photos, each printed as soon as it is there."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import click
from rich.table import Table

from fer import FerError, emotions
from fer.artifacts import locations, model_store
from fer.cli.console import (
    PATH,
    InterruptError,
    models_dir,
    note,
    out,
    progress_bar,
    quiet_tensorflow,
)
from fer.media import photo_files, photos
from fer.media.photos import NO_FACE, Photo
from fer.vision import faces
from fer.vision.quality import Flaw

PROBLEM = "problem"
# How each thing that makes a face hard to read is called.
FLAWS: dict[Flaw, str] = {
    "dark": "very dark",
    "blurred": "blurred",
    "covered": "lower half covered",
    "drawn": "drawn",
}


class Output(Protocol):
    """Prints answers as they come."""

    def answered(self, photo: Photo) -> None:
        """Prints a classified photo."""

    def failed(self, path: Path, error: FerError) -> None:
        """Prints that a photo could not be read."""


class CsvRows:
    """A row for each face and model; one for a photo without a face and for one that is broken."""

    def __init__(self) -> None:
        columns = (*photos.COLUMNS, PROBLEM)
        self._columns = columns
        # The output's own line end; Windows' terminals and files differ.
        self._writer = csv.DictWriter(sys.stdout, columns, restval="", lineterminator="\n")
        self._writer.writeheader()

    def answered(self, photo: Photo) -> None:
        record = photo.record()
        known = {name: value for name, value in record.items() if name in self._columns}
        self._write(photo.rows() or [{**known, PROBLEM: NO_FACE}])

    def failed(self, path: Path, error: FerError) -> None:
        self._write([{"photo": str(path), PROBLEM: str(error)}])

    def _write(self, rows: Sequence[Mapping[str, object]]) -> None:
        self._writer.writerows(rows)
        sys.stdout.flush()


class JsonLines:
    """An object in a line of its own for each photo; `problem` is null where a face was found."""

    def answered(self, photo: Photo) -> None:
        self._write(photo.to_dict())

    def failed(self, path: Path, error: FerError) -> None:
        self._write({"photo": str(path), "faces": [], PROBLEM: str(error)})

    def _write(self, record: Mapping[str, object]) -> None:
        print(json.dumps(record), flush=True)


class Tables:
    """A table for each face, for people."""

    def answered(self, photo: Photo) -> None:
        record = photo.record()
        out.print(record["photo"], style="bold")
        if photo.turned:
            out.print(f"Turned by {photo.turned} degrees clockwise: its faces are surer then.")
        if photo.too_small:
            out.print(f"Faces too small to judge: {photo.too_small}.")
        if not record["faces"]:
            out.print("No face found; --whole classifies the whole image.")
        for number, face in enumerate(record["faces"], start=1):
            where = "whole image" if face["box"] is None else f"face {number} at {face['box']}"
            if face["doubtful"]:
                where += f", doubtful (score {face['score']:.2f})"
            where += "".join(f", {FLAWS[flaw]}" for flaw in face["flaws"])
            table = Table("emotion", *face["models"], title=where, title_justify="left")
            for key in emotions.KEYS:
                table.add_row(
                    key, *(f"{answer['confidence'][key]:.1%}" for answer in face["models"].values())
                )
            table.add_row("top-1", *(answer["top1"] for answer in face["models"].values()))
            out.print(table)

    def failed(self, path: Path, error: FerError) -> None:
        """Its sentence is on the error output already."""


@click.command()
@click.argument("photos", nargs=-1, required=True, type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line for each photo.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a row for each face and model.")
@click.option("--whole", is_flag=True, help="Classify the whole image where no face is found.")
@models_dir
def predict(
    photos: tuple[Path, ...], as_json: bool, as_csv: bool, whole: bool, models_dir: Path
) -> None:
    """Print both models' confidences for every face in PHOTOS, files or folders.

    Answers appear as they come, and Ctrl+C keeps those that are there. Hidden files in folders are
    left out."""
    if as_json and as_csv:
        raise FerError("Choose one of --json and --csv.")
    found = photo_files.find(photos)
    for line in found.left_out():
        note(line)
    output: Output = JsonLines() if as_json else CsvRows() if as_csv else Tables()
    done, failed = 0, 0
    try:
        for path, answer in _answers(found.paths, whole, models_dir):
            if isinstance(answer, Photo):
                output.answered(answer)
            else:
                failed += 1
                output.failed(path, answer)
                if len(found.paths) == 1:
                    raise answer
                note(str(answer), "error")
            done += 1
    except KeyboardInterrupt:
        raise InterruptError(
            f"Interrupted after {done:,} of {len(found.paths):,} photos; what is printed is whole."
        ) from None
    if failed:
        raise FerError(
            "{failed} of {total} photos could not be read.", failed=failed, total=len(found.paths)
        )


def _answers(
    paths: list[Path], whole: bool, models_dir: Path
) -> Iterator[tuple[Path, Photo | FerError]]:
    """Each photo's answers, or why there are none."""
    first = None
    # A single unreadable photo is refused before seconds are spent on loading the networks.
    if len(paths) == 1:
        try:
            first = photos.read(paths[0])
        except FerError as error:
            yield paths[0], error
            return
    locations.require_models(models_dir)
    from fer.inference import classification

    classifier = classification.load(models_dir, before_reference=quiet_tensorflow)
    if classifier.notice is not None:
        note(f"Slower backend: {classifier.notice}", "warning")
    detector = faces.Detector(model_store.checked(models_dir, model_store.DETECTOR))
    with progress_bar("Classifying", len(paths), beside_output=True) as update:
        for position, path in enumerate(paths):
            try:
                image = photos.read(path) if first is None else first
                found: Photo | FerError = photos.classify(
                    image, str(path), detector, classifier, whole=whole
                )
            except FerError as error:
                found = error
            yield path, found
            update(position + 1, len(paths))
