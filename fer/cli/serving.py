"""`fer export` and `fer benchmark`: the models for other runtimes, and how fast they answer."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.table import Table

from fer import FerError, files
from fer.artifacts import locations, model_store
from fer.cli import console, waiting
from fer.cli.console import COUNT, PATH, note, out
from fer.data import aggregates, dataset
from fer.inference.records import FAST_EXPORT
from fer.lab import overwriting

ROUNDS, QUICK_ROUNDS = 30, 5


@click.command()
@click.option(
    "--format",
    "kind",
    type=click.Choice(["fast", "savedmodel", "onnx", "tflite"]),
    default="fast",
    show_default=True,
    help="fast is the dashboard's own int8 backend, written into the models folder.",
)
@click.option("--out", "target", type=PATH, help="Not for fast.")
@click.option(
    "--measure",
    is_flag=True,
    help="Only for fast: keep its files, and measure again how far they are from float32.",
)
@console.overwrite
@console.models_dir
@console.data_dir
@console.folder_option("--aggregates-dir", aggregates.FOLDER, "Where the committed aggregates lie.")
def export(
    kind: str,
    target: Path | None,
    measure: bool,
    overwrite: bool,
    models_dir: Path,
    data_dir: Path,
    aggregates_dir: Path,
) -> None:
    """Write the models for another runtime.

    fast: int8 under OpenVINO, calibrated on Training images, checked on both test splits.
    savedmodel, onnx, tflite: gray 48x48 faces in, calibrated probabilities of every model out, for
    TensorFlow Serving and others."""
    locations.require_models(models_dir)
    if measure and kind != "fast":
        raise FerError("--measure belongs to the format fast; leave --format out.")
    if target is not None and kind == "fast":
        raise FerError("--out belongs to the other formats; fast is written into --models-dir.")
    if kind != "fast":
        console.quiet_tensorflow()
        from fer.lab.export import serving

        folder = serving.export_serving(
            kind,  # type: ignore[arg-type]
            target or Path("build") / f"fer-{kind}",
            models_dir,
        )
        out.print(f"Wrote {folder}.")
        return
    data = dataset.open_dataset(data_dir)
    if not overwrite:
        overwriting.require_same_data([models_dir / FAST_EXPORT.name], data.digest)
    console.quiet_tensorflow()
    from fer.lab.export import int8, publishing

    with console.progress_bar("Checking") as update:
        record = (
            int8.measure(data, models_dir, progress=update)
            if measure
            else int8.export_fast(data, models_dir, aggregates_dir, progress=update)
        )
    publishing.finish(models_dir)
    table = Table("model", "split", "int8 accuracy", "float32 accuracy", "top-1 agreement")
    for key, splits in record.get("fidelity", {}).items():
        for split, row in splits.items():
            table.add_row(
                key,
                split,
                f"{row['accuracy']:.4f}",
                f"{row['float32_accuracy']:.4f}",
                f"{row['top1_agreement']:.4f}",
            )
    out.print(table)


@click.command()
@click.option(
    "--rounds",
    type=COUNT,
    help=f"How often each way is timed; default {ROUNDS}, quick {QUICK_ROUNDS}.",
)
@click.option(
    "--quick", is_flag=True, help="A first look in under a minute; only printed, never stored."
)
@click.option(
    "--out",
    "target",
    type=PATH,
    help="Where the JSON goes; by default it is only printed. models/benchmark.json is shown by "
    "the dashboard.",
)
@console.models_dir
def benchmark(rounds: int | None, quick: bool, target: Path | None, models_dir: Path) -> None:
    """Time both models on this machine: two predict calls, float32 graphs, the fast backend.

    Takes two minutes where processors are made for networks, and up to half an hour where they are
    not; how long here, it says when each way has answered once."""
    if quick and target is not None:
        raise FerError("--quick is for a look and stores nothing; leave --out out.")
    locations.require_models(models_dir)
    note(
        "This takes less than a minute."
        if quick
        else "This takes two minutes to half an hour; how long here, comes when each way has "
        "answered once."
    )
    console.quiet_tensorflow()
    from fer.lab import latency

    def note_estimate(seconds: float) -> None:
        rounds_take = f"The rounds will take about {waiting.duration(seconds)}"
        hint = "" if quick or seconds < 60 else " --quick takes less than a minute."
        note(f"{rounds_take}, what follows them less.{hint}")

    with console.progress_bar("Timing, in faces") as update:
        record = latency.run(
            models_dir,
            rounds=rounds or (QUICK_ROUNDS if quick else ROUNDS),
            is_quick=quick,
            on_estimate=note_estimate,
            progress=update,
        )
    if target is None:
        click.echo(json.dumps(record, indent=2))
    else:
        files.write_json(target, record)
        if target.parent.resolve() == models_dir.resolve():
            model_store.write_manifest(models_dir)
    table = Table("way", "faces", "p50 (ms)", "p95 (ms)", "faces/s", "speed-up")
    for way, by_count in record["ways"].items():
        for count, row in by_count.items():
            table.add_row(
                way,
                count,
                f"{row['p50_ms']:.1f}",
                f"{row['p95_ms']:.1f}",
                f"{row['faces_per_second']:.0f}",
                f"{row['speedup']:.1f}x",
            )
    # Where the JSON goes to stdout, a program that reads it must find nothing else there.
    (console.err if target is None else out).print(table)
