"""What learning curves say: best epoch, last epoch, rising loss, phases.

A history is a list of rows with `runs.HISTORY_COLUMNS`, an epoch each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer.artifacts import runs
from fer.artifacts.runs import Row

# A rise of the validation loss by less than this share is noise, unless it goes on for that long.
RISE = 0.02
STEADY = 3


@dataclass(frozen=True)
class PhaseSpan:
    """A stretch of epochs, first to last, trained at one image size."""

    image_size: int
    first: int
    last: int


@dataclass(frozen=True)
class EpochAccuracy:
    """An epoch's accuracies, shares of 1; `gap` is training minus validation."""

    epoch: int
    accuracy: float
    val_accuracy: float

    @property
    def gap(self) -> float:
        return self.accuracy - self.val_accuracy


@dataclass(frozen=True)
class LossRise:
    """Where the validation loss was lowest and by which share of that it lay higher at the end.

    `epochs`: how many epochs at the end each lay above the one before.
    """

    lowest_epoch: int
    share: float
    epochs: int

    @property
    def is_clear(self) -> bool:
        """More than noise: by `RISE`, or through `STEADY` epochs."""
        return self.share > RISE or self.epochs >= STEADY


@dataclass(frozen=True)
class Reading:
    """What a history says: of the best epoch, whose weights are published, and of the last one.

    `is_unfinished`: the best epoch is the last one. `seconds`: of all epochs.
    """

    best: EpochAccuracy
    last: EpochAccuracy
    loss: LossRise
    seconds: float
    phases: tuple[PhaseSpan, ...]

    @property
    def is_unfinished(self) -> bool:
        return self.best.epoch == self.last.epoch


def read(history: Sequence[Row]) -> Reading | None:
    """What the history says, None for an empty one.

    The best epoch is that of `runs.best_epoch`; losses are compared at the last image size, where
    the model is served.
    """
    if not history:
        return None
    spans = phases(history)
    served = [row for row in history if row["epoch"] >= spans[-1].first]
    lowest = min(served, key=lambda row: row["val_loss"])
    return Reading(
        best=_epoch(runs.best_epoch(history)),
        last=_epoch(history[-1]),
        loss=LossRise(
            lowest_epoch=int(lowest["epoch"]),
            share=served[-1]["val_loss"] / lowest["val_loss"] - 1,
            epochs=_rising_at_the_end([row["val_loss"] for row in served]),
        ),
        seconds=sum(row["seconds"] for row in history),
        phases=spans,
    )


def _epoch(row: Row) -> EpochAccuracy:
    return EpochAccuracy(int(row["epoch"]), row["accuracy"], row["val_accuracy"])


def _rising_at_the_end(values: Sequence[float]) -> int:
    count = 0
    for before, after in zip(values[-2::-1], values[::-1], strict=False):
        if after <= before:
            break
        count += 1
    return count


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
