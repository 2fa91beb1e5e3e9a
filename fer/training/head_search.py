"""The search for the baseline's head: every candidate trained on the same cached features.

Importing this module imports Keras.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TypedDict

from fer import files
from fer.artifacts import runs
from fer.data.dataset import Dataset
from fer.networks import vgg16
from fer.progress import Progress
from fer.scenarios import BASELINE, HEADS, with_head, with_overrides
from fer.training import loop


class Candidate(TypedDict):
    """A row of `results.csv`: a head of `HEADS` with its hyperparameters, and how well it does.

    hidden_units: None without a hidden layer. best_epoch: from 1. val_accuracy: of that epoch on
    PublicTest, 0-1. seconds: of all epochs.
    """

    head: str
    pooling: str
    hidden_units: int | None
    dropout: float
    weight_decay: float
    epochs: int
    best_epoch: int
    val_accuracy: float
    seconds: float


def search_heads(
    data: Dataset,
    out: Path,
    *,
    cache_dir: Path,
    compute_dtype: str | None = None,
    backbone_weights: vgg16.Weights = "imagenet",
    progress: Progress | None = None,
) -> list[Candidate]:
    """Trains every candidate head of the baseline and ranks them by PublicTest accuracy.

    Finished candidates of an interrupted search are not trained again.
    Writes the ranking to `results.csv`.

    Args:
        compute_dtype: Keras' name of a precision; None for the scenario's.

    Raises:
        FerError: as `loop.train`.
    """
    results: list[Candidate] = []
    for name in HEADS:
        scenario = with_overrides(with_head(BASELINE, name), compute_dtype=compute_dtype)
        history = loop.train(
            scenario,
            data,
            out / name,
            resume=True,
            backbone_weights=backbone_weights,
            cache_dir=cache_dir,
            progress=progress,
        )
        best = runs.best_epoch(history)
        results.append(
            {
                "head": name,
                "pooling": scenario.pooling,
                "hidden_units": scenario.hidden_units,
                "dropout": scenario.dropout,
                "weight_decay": scenario.weight_decay,
                "epochs": len(history),
                "best_epoch": int(best["epoch"]),
                "val_accuracy": best["val_accuracy"],
                "seconds": sum(row["seconds"] for row in history),
            }
        )
    results.sort(key=lambda row: -row["val_accuracy"])
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(results[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(results)
    files.write_text(out / runs.RANKING, stream.getvalue())
    return results
