"""`fer analyse` and `fer ablate`: what an examiner asks next."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from fer.artifacts import locations, model_store
from fer.cli import console
from fer.cli.console import SEED, path_option
from fer.data import dataset
from fer.lab import overwriting
from fer.lab.studies import analysis
from fer.studies.records import ABLATION


@click.command()
@path_option("--out", Path("runs/ablation"), "Where the runs are kept; a killed one goes on.")
@click.option("--seed", "seeds", multiple=True, type=SEED, help="Default: 2013, 2014 and 2015.")
@console.precision
@console.backbone_weights
@console.models_dir
@console.data_dir
def ablate(
    out: Path,
    seeds: tuple[int, ...],
    precision: str,
    backbone_weights: Path | None,
    models_dir: Path,
    data_dir: Path,
) -> None:
    """Train the proposed scenario without each of its ingredients, with one small budget.

    Writes models/analysis/ablation.json, and after each run what is left of it into a folder beside
    that, so that another machine need not train it again. Takes five to ten hours on two cores; a
    killed one goes on where it ended."""
    data = dataset.open_dataset(data_dir)
    # Hours of work, whose runs lie beside the record: these are only ever replaced by hand.
    replaced = models_dir / ABLATION.name
    overwriting.require_same_data([replaced], data.digest, can_overwrite=False)
    console.quiet_tensorflow()
    from fer.lab.studies import ablation

    with console.progress_bar("Ablation") as update:

        def progress(done: float, total: float, /, **details: object) -> None:
            update(done, total)
            if total and done == total:
                click.echo(f"{details['run']}: trained")

        record = ablation.run(
            data,
            out,
            finished=models_dir / model_store.ANALYSIS / "ablation",
            seeds=seeds or ablation.SEEDS,
            compute_dtype=console.wanted_precision(precision)[0],
            backbone_weights=backbone_weights or "imagenet",
            progress=progress,
        )
    ABLATION.write(models_dir, record)
    model_store.write_manifest(models_dir)
    table = Table("without", "seed", "PrivateTest accuracy", "macro F1", "gain of the ingredient")
    for run in record["runs"]:
        gain = run.get("gain")
        table.add_row(
            run["without"],
            str(run["seed"]),
            f"{run['private']['accuracy']:.4f}",
            f"{run['private']['macro_f1']:.4f}",
            "" if gain is None else f"{gain['gain']:+.4f}",
        )
    console.out.print(table)


@click.command()
@click.option(
    "--only",
    "studies",
    multiple=True,
    type=click.Choice(analysis.STUDIES),
    help="Only this study; may be given several times.",
)
@console.overwrite
@console.models_dir
@console.data_dir
def analyse(studies: tuple[str, ...], overwrite: bool, models_dir: Path, data_dir: Path) -> None:
    """Study the models: where they look, what the SE gates do, what spoilt or repeated images
    change, and which images look alike to them. Writes models/analysis/; half an hour or more on
    two cores."""
    data = dataset.open_dataset(data_dir)
    locations.require_models(models_dir)
    chosen = studies or analysis.STUDIES
    if not overwrite:
        replaced = [analysis.path_of(study, models_dir) for study in chosen]
        overwriting.require_same_data(replaced, data.digest)
    console.quiet_tensorflow()
    with console.progress_bar("Analysing") as update:
        for study in chosen:
            analysis.run(
                data,
                models_dir,
                [study],
                progress=lambda done, total, /, **details: update(done, total),
            )
            click.echo(f"{study}: done")
    console.out.print(f"Wrote {models_dir / model_store.ANALYSIS}.")
