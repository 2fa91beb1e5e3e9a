"""`fer predict`: both models' answers for photos and videos, printed as soon as they are there."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click
import numpy as np
from rich.table import Table

from fer import FerError, emotions, files
from fer.artifacts import locations
from fer.cli.console import (
    PATH,
    InterruptError,
    models_dir,
    note,
    out,
    progress_bar,
)
from fer.media import photo_files, photos, video_gate
from fer.media.photos import NO_FACE, Photo
from fer.progress import Progress, part_of
from fer.vision import faces
from fer.vision.quality import Flaw

# Videos are no reason to wait for FFmpeg where there are only photos.
if TYPE_CHECKING:
    from fer.inference.classification import Classifier
    from fer.media.videos import AnalysedVideo

PROBLEM = "problem"
# How each thing that makes a face hard to read is called.
FLAWS: dict[Flaw, str] = {
    "dark": "very dark",
    "blurred": "blurred",
    "covered": "lower half covered",
    "drawn": "drawn",
}
PHOTO_COLUMNS = (*photos.COLUMNS, PROBLEM)
VIDEO_COLUMNS = (
    *("video", "seconds", "face", "model", "doubtful", "top1", *emotions.KEYS),
    PROBLEM,
)


@dataclass(frozen=True)
class Film:
    """A watched video: its path, what both models saw, and where it lies with the answers drawn on
    it, None if that was not asked for."""

    path: Path
    seen: AnalysedVideo
    annotated: Path | None

    def rows(self) -> list[dict[str, object]]:
        """The rows of the page's table, a moment, face and model each."""
        from fer.media import streaming

        return streaming.rows(list(self.seen.moments))

    def record(self) -> dict[str, object]:
        """The video as plain JSON types; turned: degrees clockwise."""
        return {
            "video": str(self.path),
            "seconds": round(self.seen.seconds, 3),
            "analysed": self.seen.analysed,
            "ending": self.seen.ending,
            "turned": 90 * (-self.seen.turns % 4),
            "shots": self.seen.shots,
            "glimpses": self.seen.glimpses,
            "too_small": self.seen.too_small,
            "annotated": None if self.annotated is None else str(self.annotated),
            "moments": self.rows(),
        }


class Output(Protocol):
    """Prints answers as they come."""

    def answered(self, photo: Photo) -> None:
        """Prints a classified photo."""

    def watched(self, film: Film) -> None:
        """Prints a watched video."""

    def failed(self, path: Path, error: FerError) -> None:
        """Prints that a file could not be read."""


class CsvRows:
    """A row for each face and model, in a video for each moment, too; one for a file without a face
    and for one that is broken.

    Args:
        columns: `PHOTO_COLUMNS` or `VIDEO_COLUMNS`; the first one holds the file's name.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        # The output's own line end; Windows' terminals and files differ.
        self._writer = csv.DictWriter(sys.stdout, columns, restval="", lineterminator="\n")
        self._writer.writeheader()

    def answered(self, photo: Photo) -> None:
        record = photo.record()
        known = {name: value for name, value in record.items() if name in self._columns}
        self._write(photo.rows() or [{**known, PROBLEM: NO_FACE}])

    def watched(self, film: Film) -> None:
        rows = film.rows() or [{PROBLEM: NO_FACE}]
        self._write([{"video": str(film.path), **row} for row in rows])

    def failed(self, path: Path, error: FerError) -> None:
        self._write([{self._columns[0]: str(path), PROBLEM: str(error)}])

    def _write(self, rows: Sequence[Mapping[str, object]]) -> None:
        self._writer.writerows(rows)
        sys.stdout.flush()


class JsonLines:
    """An object in a line of its own for each file; `problem` is null where a face was found."""

    def answered(self, photo: Photo) -> None:
        self._write(photo.to_dict())

    def watched(self, film: Film) -> None:
        self._write({**film.record(), PROBLEM: None if film.seen.moments else NO_FACE})

    def failed(self, path: Path, error: FerError) -> None:
        if _is_video(path):
            self._write({"video": str(path), "moments": [], PROBLEM: str(error)})
        else:
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

    def watched(self, film: Film) -> None:
        seen = film.seen
        numbers = sorted({moment.number for moment in seen.moments})
        out.print(str(film.path), style="bold")
        out.print(f"{seen.seconds:.1f} s, {seen.analysed:,} frames analysed, {len(numbers)} faces.")
        if seen.ending == "limit":
            out.print("The video goes on; --start names the second from which it is watched.")
        elif seen.ending == "cut":
            out.print(f"The file is cut off or damaged: it says {seen.stated:.1f} seconds.")
        for number in numbers:
            moments = [moment for moment in seen.moments if moment.number == number]
            where = f"face {number}, {moments[0].at:.1f} to {moments[-1].at:.1f} s, mean confidence"
            table = Table("emotion", *moments[0].probabilities, title=where, title_justify="left")
            means = [
                np.mean([moment.probabilities[key] for moment in moments], axis=0)
                for key in moments[0].probabilities
            ]
            for label, key in enumerate(emotions.KEYS):
                table.add_row(key, *(f"{mean[label]:.1%}" for mean in means))
            out.print(table)
        if film.annotated is not None:
            out.print(f"With the answers drawn on it: {film.annotated}")

    def failed(self, path: Path, error: FerError) -> None:
        """Its sentence is on the error output already."""


@click.command()
@click.argument("paths", metavar="FILES...", nargs=-1, required=True, type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line for each file.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a row for each face and model.")
@click.option("--whole", is_flag=True, help="Classify the whole image where no face is found.")
@click.option(
    "--annotated",
    type=PATH,
    help="A folder for the videos with the answers drawn on them (NAME-annotated.mp4).",
)
@click.option(
    "--start",
    type=click.FloatRange(min=0),
    default=0.0,
    help=f"From which second of a video; {video_gate.VIDEO_SECONDS:.0f} s are watched at most.",
)
@models_dir
def predict(
    paths: tuple[Path, ...],
    as_json: bool,
    as_csv: bool,
    whole: bool,
    annotated: Path | None,
    start: float,
    models_dir: Path,
) -> None:
    """Print both models' confidences for every face in FILES: photos, videos, folders of photos.

    Answers appear as they come, and Ctrl+C keeps those that are there. Hidden files and videos in
    folders are left out. docs/OUTPUT.md lists what --csv and --json hold."""
    if as_json and as_csv:
        raise FerError("Choose one of --json and --csv.")
    found = photo_files.find(paths)
    for line in found.left_out():
        note(line)
    films = sum(map(_is_video, found.paths))
    if as_csv and 0 < films < len(found.paths):
        raise FerError("Videos have other columns than photos; ask for their CSV in a second call.")
    if (annotated is not None or start) and not films:
        raise FerError("--annotated and --start belong to videos; no video is named.")
    columns = VIDEO_COLUMNS if films else PHOTO_COLUMNS
    output: Output = JsonLines() if as_json else CsvRows(columns) if as_csv else Tables()
    kind = "files" if films else "photos"
    done, failed = 0, 0
    try:
        for path, answer in _answers(found.paths, whole, annotated, start, models_dir):
            if isinstance(answer, Photo):
                output.answered(answer)
            elif isinstance(answer, Film):
                output.watched(answer)
            else:
                failed += 1
                output.failed(path, answer)
                if len(found.paths) == 1:
                    raise answer
                note(str(answer), "error")
            done += 1
    except KeyboardInterrupt:
        raise InterruptError(
            f"Interrupted after {done:,} of {len(found.paths):,} {kind}; what is printed is whole."
        ) from None
    if failed:
        raise FerError(
            "{failed} of {total} {kind} could not be read.",
            failed=failed,
            total=len(found.paths),
            kind=kind,
        )


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in video_gate.VIDEO_SUFFIXES


def _answers(
    paths: list[Path], whole: bool, annotated: Path | None, start: float, models_dir: Path
) -> Iterator[tuple[Path, Photo | Film | FerError]]:
    """Each file's answers, or why there are none."""
    first = None
    # A single unreadable photo is refused before seconds are spent on loading the networks.
    if len(paths) == 1 and not _is_video(paths[0]):
        try:
            first = photos.read(paths[0])
        except FerError as error:
            yield paths[0], error
            return
    locations.require_models(models_dir)
    from fer.inference import classification

    classifier = classification.load(models_dir)
    detector = faces.Detector(locations.detector(models_dir))
    with progress_bar("Classifying", len(paths), beside_output=True) as update:
        for position, path in enumerate(paths):
            try:
                if _is_video(path):
                    share = part_of(update, position, position + 1, len(paths))
                    found: Photo | Film | FerError = _watch(
                        path, annotated, start, detector, classifier, share
                    )
                else:
                    image = photos.read(path) if first is None else first
                    found = photos.classify(image, str(path), detector, classifier, whole=whole)
            except FerError as error:
                found = error
            yield path, found
            update(position + 1, len(paths))


def _watch(
    path: Path,
    folder: Path | None,
    start: float,
    detector: faces.Detector,
    classifier: Classifier,
    progress: Progress | None,
) -> Film:
    """Both models on a video from that second on, as the page shows it.

    Raises:
        FerError: if it cannot be read, or the annotated one cannot be written.
    """
    from fer.media import streaming, videos

    with path.open("rb") as stream:
        # One byte more than is taken: what is larger is refused without holding it.
        content = stream.read(video_gate.VIDEO_BYTES + 1)
    names = {key: key for key in emotions.KEYS}
    analyser = streaming.FrameAnalyser(detector, classifier)
    excerpt = video_gate.Excerpt(start)
    seen = videos.analyse(content, str(path), analyser, names, excerpt=excerpt, progress=progress)
    if folder is None:
        return Film(path, seen, None)
    target = folder / f"{path.stem}-annotated.mp4"
    with files.replacing(target) as temporary:
        temporary.write_bytes(seen.video)
    return Film(path, seen, target)
