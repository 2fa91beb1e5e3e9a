"""Shared parts of the commands: consoles, errors in one sentence, options, progress bars."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Literal

import click
from rich import progress as display
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fer import FerError, logs
from fer.artifacts import locations, model_store, runs
from fer.artifacts.records import Scores
from fer.cli import waiting
from fer.data import dataset
from fer.evaluation.records import PairedGain
from fer.lab.evaluation.evaluate import CHECKED_METRICS
from fer.progress import Progress

# Columns of a table in a pipe or file, which has no edge to keep to.
PIPE_WIDTH = 200
# Errors of a device that takes no more data: full, over quota, broken, file too large.
DEVICE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
# How long the pace of a work is measured: longer than one step of any.
PACE_SECONDS = 600.0
Kind = Literal["progress", "note", "warning", "error"]
LABELS: dict[Kind, tuple[str, str]] = {
    "warning": ("Warning: ", "yellow"),
    "error": ("Error: ", "red"),
}


def _console(*, stderr: bool = False) -> Console:
    """Return a console that prints text as it is: no markup, no colours of its own, and a long path
    in one line, for programs that read it."""
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    width = None if is_terminal or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, markup=False, highlight=False, soft_wrap=True, width=width)


out = _console()
err = _console(stderr=True)
# Held while stderr is redirected: what is printed then would be lost.
_stderr_lock = threading.Lock()


def note(sentence: str, kind: Kind = "note") -> None:
    """Write a sentence to stderr: in words, or as a line of JSON where FER_LOG asks for it."""
    with _stderr_lock:
        if logs.is_json():
            logs.sentence(sentence, kind)
        else:
            err.print(Text.assemble(LABELS.get(kind, ""), sentence))


class Failure(click.ClickException):
    """The end of a command before its time, with one sentence on stderr."""

    kind: Kind = "error"

    def show(self, file: IO[Any] | None = None) -> None:
        note(self.message, self.kind)


class Interruption(Failure):
    """The end of a command by Ctrl+C."""

    kind = "note"
    exit_code = 130


class Misuse(Failure):
    """A mistake in the command line, where click's own words would be no JSON."""

    exit_code = click.UsageError.exit_code


class Group(click.Group):
    """A group of commands that end with one sentence where they fail, with Ctrl+C as with a
    `FerError` or a file that the system refuses.

    Names that the output's encoding lacks are written with escapes. Where FER_LOG asks for JSON,
    every line on stderr is an object.
    """

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        with _failures():
            logs.begin()
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # A redirected output may have another code page; file names in Linux may be no text.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        with _failures():
            with waiting.reported(
                lambda: f"fer {ctx.invoked_subcommand}", lambda sentence: note(sentence, "progress")
            ):
                result = super().invoke(ctx)
            sys.stdout.flush()
            return result


@contextmanager
def _failures() -> Iterator[None]:
    """Raise `Failure` for everything that ends a command and is no mistake in the code."""
    try:
        yield
    except FerError as error:
        raise Failure(str(error)) from error
    except KeyboardInterrupt:
        raise Interruption("Interrupted; nothing half-written was left behind.") from None
    except click.UsageError as error:
        if not logs.is_json():
            raise
        raise Misuse(error.format_message()) from error
    except OSError as error:
        reason = error.strerror or error
        if error.filename is not None:
            raise Failure(
                f"{os.fsdecode(error.filename)} cannot be read or written ({reason}); check the "
                "path and who may use it."
            ) from error
        if error.errno not in DEVICE_ERRORS:
            raise
        # What is still to be written to stdout would fail once more at exit.
        with suppress(OSError, ValueError), Path(os.devnull).open("w") as null_device:
            os.dup2(null_device.fileno(), sys.stdout.fileno())
        raise Failure(
            f"The output cannot be written ({reason}); what is there is cut off."
        ) from error


def format_interval(ends: Sequence[float]) -> str:
    """Return both ends of an interval of shares, for a table."""
    return "{:.4f}-{:.4f}".format(*ends)


def metrics_table(scores: Mapping[str, Scores]) -> Table:
    """Return a table with a column of metrics for each of the scores."""
    table = Table("metric", *scores)
    for name in CHECKED_METRICS:
        table.add_row(name, *(f"{row[name]:.4f}" for row in scores.values()))
    intervals = (format_interval(row["accuracy_interval"]) for row in scores.values())
    table.add_row("95 % interval", *intervals)
    return table


def format_gain(gain: PairedGain) -> str:
    """Return the gain in accuracy of the proposed model over the baseline, with its interval."""
    low, high = gain["gain_interval"]
    return (
        f"proposed - baseline {gain['gain']:+.4f} (95 % {low:+.4f} to {high:+.4f}), "
        f"McNemar p = {gain['mcnemar_p']:.3g}"
    )


class PathType(click.Path):
    """A path; an empty one is refused, which would stand for the current folder by mistake."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("an empty path names no file or folder; . is the current folder.", param, ctx)
        return super().convert(value, param, ctx)


PATH = PathType(path_type=Path)
COUNT = click.IntRange(min=1)
# The seeds that numpy's and Keras' generators take.
SEED = click.IntRange(min=0, max=2**32 - 1)


def path_option(name: str, default: Path, text: str) -> Callable[[Any], Any]:
    """An option that takes a path."""
    return click.option(name, type=PATH, default=default, show_default=True, help=text)


def folder_option(name: str, folder: Path, text: str) -> Callable[[Any], Any]:
    """An option that takes a folder of the repository, found from any directory."""
    return click.option(
        name,
        type=PATH,
        default=lambda: locations.default(folder),
        show_default=f"{folder.as_posix()} here, else in the repository",
        help=text,
    )


data_dir = folder_option("--data-dir", dataset.FOLDER, "Where the imported data set lies.")
models_dir = folder_option("--models-dir", model_store.FOLDER, "Where the trained models lie.")
overwrite = click.option(
    "--overwrite", is_flag=True, help="Replace what was made of another data set."
)
backbone_weights = click.option(
    "--backbone-weights",
    type=PATH,
    help="A file with VGG16's ImageNet weights; without it Keras downloads them.",
)
FASTEST = "fastest"
precision = click.option(
    "--precision",
    type=click.Choice([FASTEST, "float32", "mixed_bfloat16"]),
    default=FASTEST,
    show_default=True,
    help="Of the convolutions; fastest looks at this machine. What is begun keeps its own.",
)


@contextmanager
def progress_bar(
    text: str, unit_total: int | None = None, *, beside_output: bool = False
) -> Iterator[Progress]:
    """Show a progress bar with the stage and the numbers that are passed on; where stderr is no
    terminal, a line now and then. Results that a command prints meanwhile, `beside_output`, show
    the progress themselves where they go to a terminal."""
    is_shown = err.is_terminal and not logs.is_json()
    with display.Progress(
        "{task.description}",
        display.BarColumn(),
        display.MofNCompleteColumn(),
        display.TimeElapsedColumn(),
        display.TimeRemainingColumn(),
        console=err,
        transient=True,
        speed_estimate_period=PACE_SECONDS,
        disable=not is_shown or (beside_output and out.is_terminal),
        # Otherwise what is printed meanwhile would go to stderr.
        redirect_stdout=not beside_output,
    ) as bar:
        task_id = bar.add_task(text, total=unit_total)
        (task,) = bar.tasks

        def update(done: float, total: float, /, *, stage: str = "", **details: float) -> None:
            figures = (
                f"{name} {value:.0f}" if name == "epoch" else f"{name} {value:.3f}"
                for name, value in details.items()
            )
            stages = [f"({stage})"] if stage else []
            bar.update(task_id, description=" ".join([text, *stages, *figures]))
            # The next part of the work begins anew, with a pace of its own.
            if total and done < task.completed:
                bar.reset(task_id)
            if total:
                bar.update(task_id, completed=done, total=total)

        with waiting.working(None if is_shown else task):
            yield update


def wanted_precision(choice: str, run_dir: Path | None = None) -> tuple[str, str]:
    """Return Keras' name of the precision that `--precision` asks for, and why it is that one. A
    run that was begun before goes on in its own, unless `choice` names one."""
    if choice != FASTEST:
        return choice, "asked for"
    dtype_of_run = None if run_dir is None else runs.compute_dtype(run_dir)
    if dtype_of_run is not None:
        return dtype_of_run, "begun in it"
    quiet_tensorflow()
    from fer.lab.networks import precision as precisions

    fastest, reason = precisions.fastest()
    note(f"Trains in {fastest}: {reason}. --precision names another.")
    return fastest, reason


def quiet_tensorflow() -> None:
    """Import Keras and keep TensorFlow's start-up notes off the terminal.

    C++ writes these notes before any log level applies, so stderr itself is redirected; an import
    that fails raises as usual.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    with _stderr_lock:
        stderr_copy = os.dup(2)
        try:
            with Path(os.devnull).open("w") as null_device:
                os.dup2(null_device.fileno(), 2)
                import keras

                keras.ops.convert_to_tensor(0.0)
            # TensorFlow counts all of Keras' graphs as one, and warns that it is traced again where
            # several networks are first called in turn, as `fer benchmark` calls six.
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
        finally:
            os.dup2(stderr_copy, 2)
            os.close(stderr_copy)
