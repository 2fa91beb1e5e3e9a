"""Shared parts of the commands: consoles, errors in one sentence, options, progress bars."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import click
from rich import progress as display
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from fer import FerError, logs
from fer.artifacts import locations, model_store, runs
from fer.cli import waiting
from fer.data import dataset
from fer.progress import Progress

# Columns of a table in a pipe or file, which has no edge to keep to.
PIPE_WIDTH = 200
# Errors of a device that takes no more data: full, over quota, broken, file too large.
DEVICE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
Kind = Literal["progress", "note", "warning", "error"]
COLOURS: dict[Kind, str] = {"progress": "", "note": "", "warning": "yellow", "error": "red"}


class Terminal(Console):
    """A console that prints text as it is: no markup, no colours of its own, never wrapped."""

    def __init__(self, *, stderr: bool = False) -> None:
        is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
        super().__init__(
            stderr=stderr,
            markup=False,
            highlight=False,
            width=None if is_terminal or "COLUMNS" in os.environ else PIPE_WIDTH,
        )

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does, but keep a long path in one line, for programs that read it."""
        if all(isinstance(value, str) for value in objects):
            options.setdefault("soft_wrap", True)
        super().print(*objects, **options)


out = Terminal()
err = Terminal(stderr=True)


# Held while stderr is redirected: what is printed then would be lost.
_stderr_lock = threading.Lock()


class InterruptError(Exception):
    """Ctrl+C, with a sentence on what was finished before."""


def note(sentence: str, kind: Kind = "note") -> None:
    """Write a sentence to stderr: in words, or as a line of JSON where FER_LOG asks for it."""
    if logs.is_json():
        logs.sentence(sentence, kind)
        return
    label = {"error": "Error: ", "warning": "Warning: "}.get(kind, "")
    err.print(Text.assemble((label, COLOURS[kind]), sentence), soft_wrap=True)


class Group(click.Group):
    """A group of commands that print a `FerError` as its one sentence and end with exit code 1.

    Names that the output's encoding lacks are written with escapes; a full device and a file that
    the system refuses are reported in one sentence. Where FER_LOG asks for JSON, every line on
    stderr is an object.
    """

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        try:
            logs.begin()
            return super().make_context(*arguments, **extra)
        except FerError as error:
            err.print(f"Error: {error}")
            sys.exit(1)
        except click.UsageError as error:
            raise _usage_error(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        _escape_unknown_letters()
        try:
            with waiting.reported(lambda: f"fer {ctx.invoked_subcommand}", _print_progress):
                result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except FerError as error:
            note(str(error), "error")
            sys.exit(1)
        except KeyboardInterrupt:
            note("Interrupted; nothing half-written was left behind.")
            sys.exit(130)
        except InterruptError as error:
            note(str(error))
            sys.exit(130)
        except click.UsageError as error:
            raise _usage_error(error) from error
        except OSError as error:
            if error.filename is None and error.errno not in DEVICE_ERRORS:
                raise
            _report_os_error(error)
            sys.exit(1)


def _print_progress(sentence: str) -> None:
    with _stderr_lock:
        note(sentence, "progress")


def _report_os_error(error: OSError) -> None:
    """Print which file the system refused; an error without a file name is one of the output."""
    if error.filename is not None:
        note(
            f"{os.fsdecode(error.filename)} cannot be read or written "
            f"({error.strerror or error}); check the path and who may use it.",
            "error",
        )
        return
    _discard_output()
    note(f"The output cannot be written ({error.strerror}); what is there is cut off.", "error")


def _usage_error(error: click.UsageError) -> BaseException:
    """Return what to raise for a mistake in the command line: click's own error, or an exit once a
    line of JSON is written."""
    if not logs.is_json():
        return error
    note(error.format_message(), "error")
    return SystemExit(error.exit_code)


def _escape_unknown_letters() -> None:
    """Let stdout and stderr write escapes for letters that their encoding lacks: a redirected
    output may have another code page, and file names in Linux may be no text at all."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Discard what is still to be written to stdout: at exit it would fail once more."""
    with suppress(OSError, ValueError):
        null_device = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null_device, sys.stdout.fileno())
        os.close(null_device)


class PathType(click.Path):
    """A path; an empty one is refused, which would stand for the current folder by mistake."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("an empty path names no file or folder; . is the current folder.", param, ctx)
        return super().convert(value, param, ctx)


PATH = PathType()
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
    default=None,
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
    terminal, a line now and then.

    Args:
        beside_output: whether the command prints results meanwhile; where they go to a terminal,
            they show the progress themselves.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    is_shown = err.is_terminal and not logs.is_json()
    with (
        waiting.working(waiting.Work(text, is_shown)) as work,
        display.Progress(
            *columns,
            console=err,
            transient=True,
            disable=not is_shown or (beside_output and out.is_terminal),
            # Otherwise what is printed meanwhile would go to stderr.
            redirect_stdout=not beside_output,
        ) as bar,
    ):
        task = bar.add_task(text, total=unit_total)

        def update(done: float, total: float, /, *, stage: str = "", **details: float) -> None:
            words = (
                [text]
                + ([f"({stage})"] if stage else [])
                + [
                    f"{name} {value:.0f}" if name == "epoch" else f"{name} {value:.3f}"
                    for name, value in details.items()
                ]
            )
            description = " ".join(words)
            work.update(description, done, total)
            bar.update(task, completed=done, total=total or None, description=description)

        yield update


def wanted_precision(choice: str, run_dir: Path | None = None) -> tuple[str, str]:
    """Return Keras' name of the precision that `--precision` asks for, and why it is that one.

    Args:
        run_dir: a run that may have been begun before; it goes on in the precision that it was
            begun in, unless `choice` names one.
    """
    if choice != FASTEST:
        return choice, "asked for"
    dtype_of_run = None if run_dir is None else runs.compute_dtype(run_dir)
    if dtype_of_run is not None:
        return dtype_of_run, "begun in it"
    quiet_tensorflow()
    from fer.lab.networks import precision as precisions

    fastest = precisions.fastest()
    note(f"Trains in {fastest.precision}: {fastest.reason}. --precision names another.")
    return fastest


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
