"""What the commands of `fer` share: consoles, errors in one sentence, options, progress bars."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from fer import FerError, artifacts, dataset, places

out = Console()
err = Console(stderr=True)


class Group(click.Group):
    """Prints a `FerError` as its one sentence and ends with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FerError as error:
            err.print(f"[red]Error:[/red] {error}", highlight=False, soft_wrap=True)
            sys.exit(1)
        except KeyboardInterrupt:
            err.print("Interrupted; nothing half-written was left behind.")
            sys.exit(130)


def path_option(name: str, default: Path, text: str) -> Callable[[Any], Any]:
    """An option that takes a path."""
    return click.option(
        name, type=click.Path(path_type=Path), default=default, show_default=True, help=text
    )


def place_option(name: str, folder: Path, text: str) -> Callable[[Any], Any]:
    """An option that takes a folder of the repository, found from any directory."""
    return click.option(
        name,
        type=click.Path(path_type=Path),
        default=lambda: places.default(folder),
        show_default=f"{folder.as_posix()} here, else in the repository",
        help=text,
    )


data_dir = place_option("--data-dir", dataset.FOLDER, "Where the imported data set lies.")
models_dir = place_option("--models-dir", artifacts.FOLDER, "Where the trained models lie.")
backbone_weights = click.option(
    "--backbone-weights",
    type=click.Path(path_type=Path),
    default=None,
    help="A file with VGG16's ImageNet weights; without it Keras downloads them.",
)


@contextmanager
def progress_bar(text: str, unit_total: int | None = None) -> Iterator[Callable[..., None]]:
    """A progress bar as a function of (done, total, values to show)."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(text, total=unit_total)

        def update(done: int, total: int, values: dict[str, float] | None = None) -> None:
            shown = " ".join(
                f"{name} {value:.0f}" if name == "epoch" else f"{name} {value:.3f}"
                for name, value in (values or {}).items()
            )
            progress.update(task, completed=done, total=total, description=f"{text} {shown}")

        yield update


def quiet_tensorflow() -> None:
    """Imports Keras with TensorFlow's start-up notes kept off the terminal.

    They are written by C++ before any log level applies, so the stream itself is put aside; an
    import that fails raises as ever.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            import keras

            keras.ops.convert_to_tensor(0.0)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
