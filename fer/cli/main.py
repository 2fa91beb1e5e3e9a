"""The `fer` command: its families of commands, and which models there are."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from fer import FerError, __version__
from fer.artifacts import locations, model_store
from fer.cli import analysis, compare, data, evaluate, predict, serving, training
from fer.cli.console import Group, models_dir, note, out


@click.group(cls=Group)
@click.version_option(__version__)
def main() -> None:
    """Two ways to classify facial expressions on FER-2013."""


@main.command()
@models_dir
def models(models_dir: Path) -> None:
    """Show which models are present and whether every file is as published."""
    locations.require_models(models_dir)
    table = Table("model", "PrivateTest accuracy", "MB", "published", "SHA-256")
    missing, changed = model_store.verify(models_dir)
    for artifact in model_store.available(models_dir).values():
        metrics = artifact.metrics
        accuracy = metrics["splits"]["PrivateTest"]["accuracy"] if metrics else None
        weights = f"{artifact.key}/{model_store.WEIGHTS}"
        has_weights = (models_dir / weights).exists()
        # A model needs its weights, whether or not the manifest lists them.
        missing += [] if has_weights or weights in missing else [weights]
        table.add_row(
            artifact.key,
            "not evaluated" if accuracy is None else f"{accuracy:.4f}",
            f"{artifact.size / 1e6:.1f}" if has_weights else "missing",
            artifact.config["published"],
            artifact.digest[:12] if has_weights else "missing",
        )
    out.print(table)
    for kind, names in (("Missing", missing), ("Not the file in the manifest", changed)):
        if names:
            note(f"{kind}:")
        for name in names:
            note(f"  {models_dir / name}")
    if missing or changed:
        raise FerError(
            f"{len(missing) + len(changed)} files in {models_dir} are not as published; restore "
            "them from the repository, or publish, evaluate and export the model again."
        )
    out.print("Every file is the one in the manifest.")


for command in (
    data.data,
    serving.export,
    serving.benchmark,
    analysis.ablate,
    analysis.analyse,
    compare.compare,
    compare.crowd,
    evaluate.evaluate,
    predict.predict,
    training.publish,
    training.train,
):
    main.add_command(command)
