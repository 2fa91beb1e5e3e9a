"""What learning curves say: best epoch, overfitting, generalisation, phases.

A history is a list of rows with `runs.HISTORY_COLUMNS`, an epoch each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fer import runs
from fer.runs import Row

Verdict = Literal["underfitting", "balanced", "mild overfitting", "overfitting"]

# Gaps of accuracy between Training and PublicTest from which we speak of overfitting. There is no
# law; a gap below five points is within what augmentation and dropout alone move.
MILD_GAP = 0.05
LARGE_GAP = 0.15
# Below this a model has not even learnt its training images.
LOW_ACCURACY = 0.5
# A rise of the validation loss by less than this share is noise.
RISE = 0.02


@dataclass(frozen=True)
class PhaseSpan:
    """A stretch of epochs, first to last, trained at one image size."""

    image_size: int
    first: int
    last: int


@dataclass(frozen=True)
class Reading:
    """What a history says. Accuracies are shares of 1; `gap` is training minus validation.

    `loss_rises_from`: the epoch after which the validation loss only lay higher than its minimum,
    by `RISE` at the end; None if it did not. `is_unfinished`: the best epoch is the last one.
    """

    best_epoch: int
    val_accuracy: float
    accuracy: float
    gap: float
    verdict: Verdict
    loss_rises_from: int | None
    is_unfinished: bool
    seconds: float
    phases: tuple[PhaseSpan, ...]


def read(history: Sequence[Row]) -> Reading | None:
    """What the history says, None for an empty one.

    The best epoch is that of `runs.best_epoch`.
    """
    if not history:
        return None
    spans = phases(history)
    served = [row for row in history if row["epoch"] >= spans[-1].first]
    best = runs.best_epoch(history)
    gap = best["accuracy"] - best["val_accuracy"]
    lowest = min(served, key=lambda row: row["val_loss"])
    rises = served[-1]["val_loss"] > (1 + RISE) * lowest["val_loss"]
    return Reading(
        best_epoch=int(best["epoch"]),
        val_accuracy=best["val_accuracy"],
        accuracy=best["accuracy"],
        gap=gap,
        verdict=_verdict(best["accuracy"], gap),
        loss_rises_from=int(lowest["epoch"]) if rises else None,
        is_unfinished=best is history[-1],
        seconds=sum(row["seconds"] for row in history),
        phases=spans,
    )


def _verdict(accuracy: float, gap: float) -> Verdict:
    if gap > LARGE_GAP:
        return "overfitting"
    if gap > MILD_GAP:
        return "mild overfitting"
    return "underfitting" if accuracy < LOW_ACCURACY else "balanced"


def phases(history: Sequence[Row]) -> tuple[PhaseSpan, ...]:
    """Runs of epochs at the same image size."""
    spans: list[PhaseSpan] = []
    for row in history:
        epoch, size = int(row["epoch"]), int(row["image_size"])
        if spans and spans[-1].image_size == size:
            spans[-1] = PhaseSpan(size, spans[-1].first, epoch)
        else:
            spans.append(PhaseSpan(size, epoch, epoch))
    return tuple(spans)


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """The exponential moving average with the bias of its start removed (Kingma & Ba 2015).

    Args:
        weight: share of the past, 0 (none) up to but not 1.
    """
    average, found = 0.0, []
    for step, value in enumerate(values, start=1):
        average = weight * average + (1 - weight) * value
        found.append(average / (1 - weight**step))
    return found
