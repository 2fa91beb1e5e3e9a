"""`fer predict`: both models' answers for photos and videos, printed as soon as they are there."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from rich.table import Table

from fer import FerError, emotions, files, interface
from fer.cli.console import PATH, Interruption, models_dir, note, out, progress_bar
from fer.interface import FaceClassifier
from fer.media import photo_files, photos, streaming, video_gate
from fer.media.photos import NO_FACE, Photo
from fer.progress import Progress, part_of
from fer.vision import preprocessing
from fer.vision.quality import Flaw

# Not imported for photos alone: FFmpeg takes long to load.
if TYPE_CHECKING:
    from fer.media.videos import AnalysedVideo

PROBLEM = "problem"
# Words for what makes a face hard to read.
FLAWS: dict[Flaw, str] = {
    "dark": "very dark",
    "blurred": "blurred",
    "covered": "lower half covered",
    "drawn": "drawn",
}
PHOTO_COLUMNS = (*photos.COLUMNS, PROBLEM)
VIDEO_COLUMNS = "video", "seconds", "face", "model", "doubtful", "top1", *emotions.KEYS, PROBLEM


@dataclass(frozen=True)
class WatchedVideo:
    """A video with both models' answers. annotated: where the copy lies on which they are drawn;
    None if none was asked for."""

    path: Path
    analysis: AnalysedVideo
    annotated: Path | None

    def to_dict(self) -> dict[str, object]:
        """Return the video as `fer predict --json` prints it; turned: degrees clockwise."""
        return {
            "video": str(self.path),
            "seconds": round(self.analysis.seconds, 3),
            "analysed": self.analysis.analysed,
            "ending": self.analysis.ending,
            "turned": 90 * (-self.analysis.turns % 4),
            "shots": self.analysis.shots,
            "glimpses": self.analysis.glimpses,
            "too_small": self.analysis.too_small,
            "annotated": None if self.annotated is None else str(self.annotated),
            "moments": streaming.rows(self.analysis.moments),
            PROBLEM: None if self.analysis.moments else NO_FACE,
        }


Answer = Photo | WatchedVideo | FerError


def _csv_rows(path: Path, answer: Answer) -> list[dict[str, object]]:
    """Return a row for each face and model, in a video for each moment, too; one for a file without
    a face and for one that is broken."""
    if isinstance(answer, Photo):
        cells = {name: value for name, value in answer.record().items() if name in PHOTO_COLUMNS}
        return answer.rows() or [{**cells, PROBLEM: NO_FACE}]
    if isinstance(answer, FerError):
        return [{"video" if _is_video(path) else "photo": str(path), PROBLEM: str(answer)}]
    rows = streaming.rows(answer.analysis.moments) or [{PROBLEM: NO_FACE}]
    return [{"video": str(path), **row} for row in rows]


def _json_record(path: Path, answer: Answer) -> Mapping[str, object]:
    """Return a file's record, in which `problem` is null where a face was found."""
    if not isinstance(answer, FerError):
        return answer.to_dict()
    kind, answers = ("video", "moments") if _is_video(path) else ("photo", "faces")
    return {kind: str(path), answers: [], PROBLEM: str(answer)}


def _print_photo(photo: Photo) -> None:
    """Print a table for each face, for people."""
    record = photo.record()
    out.print(record["photo"], style="bold")
    if photo.turned:
        out.print(f"Turned by {photo.turned} degrees clockwise: its faces are surer then.")
    if photo.too_small:
        out.print(f"Faces too small to judge: {photo.too_small}.")
    if not record["faces"]:
        out.print("No face found; --whole classifies the whole image.")
    for number, face in enumerate(record["faces"], start=1):
        title = "whole image" if face["box"] is None else f"face {number} at {face['box']}"
        if face["doubtful"]:
            title += f", doubtful (score {face['score']:.2f})"
        title += "".join(f", {FLAWS[flaw]}" for flaw in face["flaws"])
        table = Table("emotion", *face["models"], title=title, title_justify="left")
        for key in emotions.KEYS:
            table.add_row(
                key, *(f"{answer['confidence'][key]:.1%}" for answer in face["models"].values())
            )
        table.add_row("top-1", *(answer["top1"] for answer in face["models"].values()))
        out.print(table)


def _print_video(video: WatchedVideo) -> None:
    """Print a table of means for each face, for people."""
    analysis = video.analysis
    numbers = sorted({moment.number for moment in analysis.moments})
    out.print(str(video.path), style="bold")
    out.print(
        f"{analysis.seconds:.1f} s, {analysis.analysed:,} frames analysed, {len(numbers)} faces."
    )
    if analysis.ending == "limit":
        out.print("The video goes on; --start names the second from which it is watched.")
    elif analysis.ending == "cut":
        out.print(f"The file is cut off or damaged: it says {analysis.stated:.1f} seconds.")
    for number in numbers:
        moments = [moment for moment in analysis.moments if moment.number == number]
        title = f"face {number}, {moments[0].at:.1f} to {moments[-1].at:.1f} s, mean confidence"
        table = Table("emotion", *moments[0].probabilities, title=title, title_justify="left")
        means = [
            np.mean([moment.probabilities[key] for moment in moments], axis=0)
            for key in moments[0].probabilities
        ]
        for label, key in enumerate(emotions.KEYS):
            table.add_row(key, *(f"{mean[label]:.1%}" for mean in means))
        out.print(table)
    if video.annotated is not None:
        out.print(f"With the answers drawn on it: {video.annotated}")


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
    selection = photo_files.find(paths)
    for line in selection.left_out():
        note(line)
    video_count = sum(map(_is_video, selection.paths))
    if as_csv and 0 < video_count < len(selection.paths):
        raise FerError("Videos have other columns than photos; ask for their CSV in a second call.")
    if (annotated is not None or start) and not video_count:
        raise FerError("--annotated and --start belong to videos; no video is named.")
    columns = VIDEO_COLUMNS if video_count else PHOTO_COLUMNS
    # stdout turns "\n" into the line end of the system itself.
    writer = csv.DictWriter(sys.stdout, columns, restval="", lineterminator="\n")
    if as_csv:
        writer.writeheader()
    kind = "files" if video_count else "photos"
    total, done, failed = len(selection.paths), 0, 0
    try:
        for path, answer in _answers(selection.paths, whole, annotated, start, models_dir):
            if as_csv:
                writer.writerows(_csv_rows(path, answer))
                sys.stdout.flush()
            elif as_json:
                print(json.dumps(_json_record(path, answer)), flush=True)
            elif isinstance(answer, Photo):
                _print_photo(answer)
            elif isinstance(answer, WatchedVideo):
                _print_video(answer)
            if isinstance(answer, FerError):
                failed += 1
                if total == 1:
                    raise answer
                note(str(answer), "error")
            done += 1
    except KeyboardInterrupt:
        raise Interruption(
            f"Interrupted after {done:,} of {total:,} {kind}; what is printed is whole."
        ) from None
    if failed:
        raise FerError(f"{failed} of {total} {kind} could not be read.")


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in video_gate.VIDEO_SUFFIXES


def _answers(
    paths: list[Path], whole: bool, annotated: Path | None, start: float, models_dir: Path
) -> Iterator[tuple[Path, Answer]]:
    """Yield each file with its answers, or with the error that says why there are none."""
    first_image = None
    # A single unreadable photo is refused before seconds are spent on loading the networks.
    if len(paths) == 1 and not _is_video(paths[0]):
        try:
            first_image = preprocessing.read_image(paths[0])
        except FerError as error:
            yield paths[0], error
            return
    models = interface.load(models_dir)
    with progress_bar("Classifying", len(paths), beside_output=True) as update:
        for position, path in enumerate(paths):
            try:
                if _is_video(path):
                    video_progress = part_of(update, position, position + 1, len(paths))
                    answer: Answer = _watch(path, annotated, start, models, video_progress)
                else:
                    image = path if first_image is None else first_image
                    answer = models.photo(image, name=str(path), whole=whole)
            except FerError as error:
                answer = error
            yield path, answer
            update(position + 1, len(paths))


def _watch(
    path: Path,
    folder: Path | None,
    start: float,
    models: FaceClassifier,
    progress: Progress | None,
) -> WatchedVideo:
    """Answer a video with both models from second `start` on, as the page does, and write it with
    the answers drawn on it into the folder, if there is one. Raise FerError if the video cannot be
    read, or the annotated one cannot be written."""
    from fer.media import videos

    with path.open("rb") as stream:
        # One byte more than the limit: a larger file is refused without reading all of it.
        content = stream.read(video_gate.VIDEO_BYTES + 1)
    analysis = videos.analyse(
        content,
        str(path),
        streaming.FrameAnalyser(models.detector, models.classifier),
        {key: key for key in emotions.KEYS},
        excerpt=video_gate.Excerpt(start),
        progress=progress,
    )
    if folder is None:
        return WatchedVideo(path, analysis, None)
    target = folder / f"{path.stem}-annotated.mp4"
    with files.replacing(target) as temporary:
        temporary.write_bytes(analysis.video)
    return WatchedVideo(path, analysis, target)
