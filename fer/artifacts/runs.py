"""What a run directory holds, and whether a run in it may go on.

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
    """What `run.json` says of the run. Raises as `schema.read`."""
    return schema.read(run_dir / RUN, Run, "fer train baseline|proposed --run-dir")


def checkpoint(epoch: int) -> str:
    """The name of the checkpoint after that many epochs."""
    return f"checkpoint-{epoch:04d}.safetensors"


def has_epochs(run_dir: Path) -> bool:
    """Whether a run in the folder has finished an epoch: one that failed before that leaves nothing
    worth keeping."""
    return finished_epochs(run_dir) > 0 or bool(read_history(run_dir))


def already_there(run_dir: Path) -> FerError:
    """The error of starting a run where there is one."""
    return FerError(
        "{run_dir} already holds a run; add --resume to continue it or choose another --run-dir.",
        run_dir=run_dir,
    )


def prepare(scenario: Scenario, data: Dataset, run_dir: Path, resume: bool) -> int:
    """Return the number of finished epochs; the run directory is ready to go on from there.

    Raises:
        FerError: if there is a run and `resume` is false, or if what is to be resumed differs in
            scenario or data.
    """
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
    done = finished_epochs(run_dir)
    before = Scenario.from_dict(stored["scenario"])
    _require_same(before, scenario, done, run_dir)
    write_history(run_dir, [row for row in read_history(run_dir) if row["epoch"] <= done])
    return done


def record(
    scenario: Scenario, data: Dataset, run_dir: Path, backbone: str | None, precision: str | None
) -> None:
    """Write `run.json`; what it says already of backbone and precision stays.

    Args:
        backbone: digest of the convolutions that the run begins from, None if it goes on.
        precision: why it is trained in the scenario's precision, None if nothing is to be said.
    """
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
    """Keras' name of the precision in which the run was begun; None if there is no run.

    Raises:
        FerError: if what is there cannot be read.
    """
    if not (run_dir / RUN).exists():
        return None
    return Scenario.from_dict(read(run_dir)["scenario"]).compute_dtype


def require_backbone(run_dir: Path, digest: str) -> None:
    """Raise FerError if the run began from another backbone; it may be unknown from which."""
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


def _require_same(before: Scenario, now: Scenario, done: int, run_dir: Path) -> None:
    free = {"phases", "input_size"}
    changed = [
        name
        for name, value in before.to_dict().items()
        if name not in free and value != now.to_dict()[name]
    ]
    begun = 0
    for number, phase in enumerate(before.phases):
        if begun >= done:
            break
        begun += phase.epochs
        if number >= len(now.phases) or now.phases[number] != phase:
            changed.append(f"phase {number + 1}")
    if changed:
        raise FerError(
            "The run in {run_dir} was begun with other values of {names}; resume it with the "
            "same options or choose another --run-dir.",
            run_dir=run_dir,
            names=", ".join(changed),
        )


def best_epoch(history: Sequence[Row]) -> Row:
    """The row of the best epoch: the highest PublicTest accuracy among those at the last size.

    A model is served at the size it was last trained at. Accuracy decides and not the loss, which a
    handful of images can multiply; of equal epochs the earlier one was trained less.

    Args:
        history: at least one row.
    """
    served = [row for row in history if row["image_size"] == history[-1]["image_size"]]
    return max(served, key=lambda row: row["val_accuracy"])


def finished_epochs(run_dir: Path) -> int:
    """The number of epochs whose checkpoint is complete, 0 if none."""
    numbers = [int(path.name.split("-")[1].split(".")[0]) for path in run_dir.glob(CHECKPOINTS)]
    return max(numbers, default=0)


def read_weights(path: Path) -> Tensors:
    """Return the arrays of a checkpoint or of `BEST` by name.

    Raises:
        FerError: if the file is missing or damaged.
    """
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise FerError(
            "{path} cannot be loaded ({reason}); train again without --resume in another "
            "--run-dir.",
            path=path,
            reason=error,
        ) from error


def read_history(run_dir: Path) -> list[dict[str, float]]:
    """The rows of `history.csv`, empty if there is none.

    Raises:
        FerError: if it is damaged.
    """
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


def write_history(run_dir: Path, history: list[dict[str, float]]) -> None:
    """Writes `history.csv`, whole or not at all."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, HISTORY_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in history:
        whole = {name: int(row[name]) for name in ("epoch", "image_size")}
        writer.writerow({**row, **whole})
    files.write_text(run_dir / HISTORY, stream.getvalue())
