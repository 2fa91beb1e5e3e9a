"""`fer evaluate --training`: how often the published weights are right on what they learnt from."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from fer import FerError
from fer.artifacts import model_store
from fer.cli.console import out, progress_bar, quiet_tensorflow
from fer.data.dataset import Dataset
from fer.evaluation.records import TRAINING_FIT, TrainingFit
from fer.lab import overwriting


def evaluate_training(
    data: Dataset, images: int, models_dir: Path, overwrite: bool, tolerance: float | None
) -> None:
    """Print every model's accuracy on so many Training images; store it or, with a tolerance,
    compare it with the stored one.

    Raises:
        FerError: if the stored figures are another data set's, or are not reproduced.
    """
    if tolerance is None and not overwrite:
        overwriting.require_same_data([models_dir / TRAINING_FIT.name], data.digest)
    quiet_tensorflow()
    from fer.lab import keras_backend
    from fer.lab.evaluation import training_fit

    classifier = keras_backend.load(models_dir)
    with progress_bar("Evaluating") as update:
        record = training_fit.measure(classifier, data, images, progress=update)
    _print(record)
    if tolerance is None:
        TRAINING_FIT.write(models_dir, record)
        model_store.write_manifest(models_dir)
        return
    model_store.checked(models_dir, TRAINING_FIT.name)
    problems = training_fit.differences(TRAINING_FIT.require(models_dir), record, tolerance)
    if problems:
        raise FerError(
            "The stored metrics are not reproduced: {problems}.", problems="; ".join(problems)
        )
    out.print(f"The stored metrics are reproduced within ±{tolerance}.")


def _print(record: TrainingFit) -> None:
    out.print(
        f"{record['images']} of {record['images_of_split']} Training images, one crop, "
        f"{record['compute_dtype']}:"
    )
    table = Table("model", "accuracy", "95 % interval", "macro F1")
    for key, row in record["models"].items():
        table.add_row(
            key,
            f"{row['accuracy']:.4f}",
            "{:.4f}-{:.4f}".format(*row["accuracy_interval"]),
            f"{row['macro_f1']:.4f}",
        )
    out.print(table)
