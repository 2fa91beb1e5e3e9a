"""The files of a run directory, and the checks before a run in it goes on.

`run.json` (scenario, digests of data and backbone), `history.csv` (one row an epoch),
`checkpoint-NNNN.safetensors` (the last epoch, optimiser included) and `best.safetensors` (the
weights of the best epoch, see `best_epoch`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NotRequired, TypedDict

from safetensors import SafetensorError
from safetensors.numpy import load_file

from fer import FerError, files, schema
from fer.artifacts.packing import Tensors
from fer.data.dataset import Dataset
from fer.scenarios import Scenario

HISTORY_COLUMNS = (
    "epoch",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "image_size",
    "seconds",
)
Row = dict[str, float]
BEST = "best.safetensors"
CHECKPOINTS = "checkpoint-*.safetensors"
HISTORY = "history.csv"
RUN = "run.json"
# In `run.json` and `config.json`, see `Run`.
BACKBONE: Final = "backbone_sha256"


class Run(TypedDict):
    """`run.json`.

    scenario: every hyperparameter, as `Scenario.to_dict` wrote it and `Scenario.from_dict` checks
    it. data: SHA-256 of the data set. backbone_sha256: `vgg16.backbone_digest` of the convolutions
    that the run began from; None or missing where that is not known. precision: why the run is
    trained in the scenario's `compute_dtype`, in words; missing where the scenario's own was kept.
    """

    scenario: dict[str, object]
    data: str
    backbone_sha256: NotRequired[str | None]
    precision: NotRequired[str]


def read(run_dir: Path) -> Run:
    """Return the record in `run.json`. Raises as `schema.read`."""
    return schema.read(run_dir / RUN, Run, "fer train baseline|proposed --run-dir")


def checkpoint(epoch: int) -> str:
    """Return the name of the checkpoint after that many epochs."""
    return f"checkpoint-{epoch:04d}.safetensors"


def has_epochs(run_dir: Path) -> bool:
    """Return whether a run in the folder has finished an epoch: one that failed before that leaves
    nothing worth keeping."""
    return finished_epochs(run_dir) > 0 or bool(read_history(run_dir))


def already_there(run_dir: Path) -> FerError:
    """Return the error of starting a run where there is one."""
    return FerError(
        "{run_dir} already holds a run; add --resume to continue it or choose another --run-dir.",
        run_dir=run_dir,
    )


def prepare(scenario: Scenario, data: Dataset, run_dir: Path, resume: bool) -> int:
    """Make the run directory ready to go on and return the number of its finished epochs. Raise
    FerError if there is a run and `resume` is false, or if the run to resume has another scenario
    or other data."""
    if not has_epochs(run_dir):
        (run_dir / RUN).unlink(missing_ok=True)
        return 0
    if not resume:
        raise already_there(run_dir)
    stored = read(run_dir)
    if stored["data"] != data.digest:
        raise FerError(
            "The run in {run_dir} was begun on other data; import that or start anew.",
            run_dir=run_dir,
        )
    finished = finished_epochs(run_dir)
    begun = Scenario.from_dict(stored["scenario"])
    may_differ = {"phases", "input_size"}
    changed = [
        name
        for name, value in begun.to_dict().items()
        if name not in may_differ and value != scenario.to_dict()[name]
    ]
    epochs_before = 0
    for number, phase in enumerate(begun.phases):
        # Only phases that were begun must be the same.
        if epochs_before < finished and scenario.phases[number : number + 1] != (phase,):
            changed.append(f"phase {number + 1}")
        epochs_before += phase.epochs
    if changed:
        raise FerError(
            "The run in {run_dir} was begun with other values of {names}; resume it with the "
            "same options or choose another --run-dir.",
            run_dir=run_dir,
            names=", ".join(changed),
        )
    write_history(run_dir, [row for row in read_history(run_dir) if row["epoch"] <= finished])
    return finished


def record(
    scenario: Scenario, data: Dataset, run_dir: Path, backbone: str | None, precision: str | None
) -> None:
    """Write `run.json`, keeping what it already names: the digest of the backbone that the run
    begins from, and why it is trained in the scenario's precision. None leaves one out."""
    run: Run = {"scenario": scenario.to_dict(), "data": data.digest}
    if backbone is not None:
        run[BACKBONE] = backbone
    if precision is not None:
        run["precision"] = precision
    if (run_dir / RUN).exists():
        stored = read(run_dir)
        if BACKBONE in stored:
            run[BACKBONE] = stored[BACKBONE]
        if "precision" in stored:
            run["precision"] = stored["precision"]
    files.write_json(run_dir / RUN, run)


def compute_dtype(run_dir: Path) -> str | None:
    """Return Keras' name of the precision in which the run was begun; None if there is no run.
    Raises as `read`."""
    if not (run_dir / RUN).exists():
        return None
    return Scenario.from_dict(read(run_dir)["scenario"]).compute_dtype


def require_backbone(run_dir: Path, digest: str) -> None:
    """Raise FerError if the run is known to have begun from another backbone."""
    if not (run_dir / RUN).exists():
        return
    stored = read(run_dir).get(BACKBONE)
    if stored is not None and stored != digest:
        raise FerError(
            "The run in {run_dir} began from other weights of VGG16 ({stored}) than these "
            "({digest}); name the same ones with --backbone-weights or --backbone-from.",
            run_dir=run_dir,
            stored=stored[:12],
            digest=digest[:12],
        )


def best_epoch(history: Sequence[Row]) -> Row:
    """Return the best of one or more epochs: that of the highest PublicTest accuracy at the last
    image size, at which the model is served.

    Accuracy decides and not the loss, which a handful of images can multiply; of equal epochs the
    earlier is taken, which was trained less.
    """
    rows_at_last_size = [row for row in history if row["image_size"] == history[-1]["image_size"]]
    return max(rows_at_last_size, key=lambda row: row["val_accuracy"])


def finished_epochs(run_dir: Path) -> int:
    """Return the number of epochs whose checkpoint is complete, 0 if none."""
    numbers = [int(path.name.split("-")[1].split(".")[0]) for path in run_dir.glob(CHECKPOINTS)]
    return max(numbers, default=0)


def read_weights(path: Path) -> Tensors:
    """Return the arrays of a checkpoint or of `BEST` by name. Raise FerError if the file is missing
    or damaged."""
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise FerError(
            "{path} cannot be loaded ({reason}); train again without --resume in another "
            "--run-dir.",
            path=path,
            reason=error,
        ) from error


def read_history(run_dir: Path) -> list[Row]:
    """Return the rows of `history.csv`, empty if there is none. Raise FerError if it is damaged."""
    path = run_dir / HISTORY
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return [
                {name: float(row[name]) for name in HISTORY_COLUMNS}
                for row in csv.DictReader(stream)
            ]
    except (KeyError, ValueError, TypeError) as error:
        raise FerError(
            "{path} is damaged ({reason}); train again in another --run-dir.",
            path=path,
            reason=error,
        ) from error


def write_history(run_dir: Path, history: Sequence[Row]) -> None:
    """Write `history.csv`, whole or not at all."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, HISTORY_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in history:
        integers = {name: int(row[name]) for name in ("epoch", "image_size")}
        writer.writerow({**row, **integers})
    files.write_text(run_dir / HISTORY, stream.getvalue())
