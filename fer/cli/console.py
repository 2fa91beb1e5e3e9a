"""What the commands of `fer` share: consoles, errors in one sentence, options, progress bars."""

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

# A table in a pipe or file has no edge to keep to.
WIDE = 200
# What a device says that takes no more: full, over quota, broken, too large.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
Kind = Literal["progress", "note", "warning", "error"]
COLOURS: dict[Kind, str] = {"progress": "", "note": "", "warning": "yellow", "error": "red"}


class Terminal(Console):
    """A console on which text is what it says: no markup, no colours of its own, never wrapped."""

    def __init__(self, *, stderr: bool = False) -> None:
        is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
        super().__init__(
            stderr=stderr,
            markup=False,
            highlight=False,
            width=None if is_terminal or "COLUMNS" in os.environ else WIDE,
        )

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's; a long path stays in one line, for programs that read it."""
        if all(isinstance(one, str) for one in objects):
            options.setdefault("soft_wrap", True)
        super().print(*objects, **options)


out = Terminal()
err = Terminal(stderr=True)


# Held while stderr is put aside: what is said then would be lost.
_error_output = threading.Lock()


class InterruptError(Exception):
    """Ctrl+C, with a sentence on what is there all the same."""


def note(sentence: str, kind: Kind = "note") -> None:
    """Writes a sentence to stderr: in words, or as a line of JSON where FER_LOG asks for it."""
    if logs.is_json():
        logs.said(sentence, kind)
        return
    label = {"error": "Error: ", "warning": "Warning: "}.get(kind, "")
    err.print(Text.assemble((label, COLOURS[kind]), sentence), soft_wrap=True)


class Group(click.Group):
    """Prints a `FerError` as its one sentence and ends with exit code 1.

    Names that the output's encoding lacks are written with escapes; a full device, and a file that
    the system refuses, are told in a sentence. Where FER_LOG asks for JSON, every line on stderr
    is an object.
    """

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        try:
            logs.begin()
            return super().make_context(*arguments, **extra)
        except FerError as error:
            err.print(f"Error: {error}")
            sys.exit(1)
        except click.UsageError as error:
            raise _told(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        _take_any_name()
        try:
            with waiting.reported(lambda: f"fer {ctx.invoked_subcommand}", _tell_progress):
                found = super().invoke(ctx)
            sys.stdout.flush()
            return found
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
            raise _told(error) from error
        except OSError as error:
            if error.filename is None and error.errno not in FULL:
                raise
            _tell_refusal(error)
            sys.exit(1)


def _tell_progress(sentence: str) -> None:
    with _error_output:
        note(sentence, "progress")


def _tell_refusal(error: OSError) -> None:
    """Says which file the system refused; without a name, it is the output."""
    if error.filename is not None:
        note(
            f"{os.fsdecode(error.filename)} cannot be read or written "
            f"({error.strerror or error}); check the path and who may use it.",
            "error",
        )
        return
    _give_up_output()
    note(f"The output cannot be written ({error.strerror}); what is there is cut off.", "error")


def _told(error: click.UsageError) -> BaseException:
    """A mistake in the command line, as click shows it or as a line of JSON."""
    if not logs.is_json():
        return error
    note(error.format_message(), "error")
    return SystemExit(error.exit_code)


def _take_any_name() -> None:
    """A redirected output may have a code page without the letters of a file's name, and names in
    Linux may be no text at all; neither shall cost the answers."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _give_up_output() -> None:
    """Lets what is still to be written to stdout vanish: at exit it would fail once more."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class PathType(click.Path):
    """A path; the empty one, which stands for the current folder by mistake, is refused."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("an empty path names no file or folder; . is the current folder.", param, ctx)
        return super().convert(value, param, ctx)


PATH = PathType()
COUNT = click.IntRange(min=1)
# What numpy's and Keras' generators take.
SEED = click.IntRange(min=0, max=2**32 - 1)


def path_option(name: str, default: Path, text: str) -> Callable[[Any], Any]:
    """An option that takes a path."""
    return click.option(name, type=PATH, default=default, show_default=True, help=text)


def place_option(name: str, folder: Path, text: str) -> Callable[[Any], Any]:
    """An option that takes a folder of the repository, found from any directory."""
    return click.option(
        name,
        type=PATH,
        default=lambda: locations.default(folder),
        show_default=f"{folder.as_posix()} here, else in the repository",
        help=text,
    )


data_dir = place_option("--data-dir", dataset.FOLDER, "Where the imported data set lies.")
models_dir = place_option("--models-dir", model_store.FOLDER, "Where the trained models lie.")
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
    """A progress bar, or on stderr that is no terminal a line now and then; it shows the details,
    the stage and numbers, too.

    Args:
        beside_output: whether the command prints while the bar is there; on one terminal the output
            itself shows the progress.
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
            # Else what is printed meanwhile would go to stderr.
            redirect_stdout=not beside_output,
        ) as bar,
    ):
        task = bar.add_task(text, total=unit_total)

        def update(done: float, total: float, /, *, stage: str = "", **details: float) -> None:
            shown = (
                [text]
                + ([f"({stage})"] if stage else [])
                + [
                    f"{name} {value:.0f}" if name == "epoch" else f"{name} {value:.3f}"
                    for name, value in details.items()
                ]
            )
            told = " ".join(shown)
            work.reached(told, done, total)
            bar.update(task, completed=done, total=total or None, description=told)

        yield update


def wanted_precision(choice: str, run_dir: Path | None = None) -> tuple[str, str]:
    """Return Keras' name of the precision that `--precision` asks for, and why it is that one.

    Args:
        run_dir: a run that may have been begun; it goes on in its precision unless one is named.
    """
    if choice != FASTEST:
        return choice, "asked for"
    begun = None if run_dir is None else runs.compute_dtype(run_dir)
    if begun is not None:
        return begun, "begun in it"
    quiet_tensorflow()
    from fer.lab.networks import precision as precisions

    fastest = precisions.fastest()
    note(f"Trains in {fastest.precision}: {fastest.reason}. --precision names another.")
    return fastest


def quiet_tensorflow() -> None:
    """Imports Keras with TensorFlow's start-up notes kept off the terminal.

    They are written by C++ before any log level applies, so the stream itself is put aside; an
    import that fails raises as ever.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    with _error_output:
        kept = os.dup(2)
        try:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), 2)
                import keras

                keras.ops.convert_to_tensor(0.0)
            # It warns where several networks are asked for the first time in turn, as `fer
            # benchmark` asks six, since it counts all of Keras' graphs as one that is traced again.
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
