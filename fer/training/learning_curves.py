"""Reading learning curves: best epoch, last epoch, rising loss, phases.

A history is a list of rows with `runs.HISTORY_COLUMNS`, one for each epoch.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fer.artifacts import runs
from fer.artifacts.runs import Row

# A rise of the validation loss by a smaller share is noise, unless it lasts STEADY epochs.
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
    """The epoch of the lowest validation loss, by which share of it the last loss is higher, and
    the number of `epochs` at the end that each exceed the previous one's."""

    lowest_epoch: int
    share: float
    epochs: int

    @property
    def is_clear(self) -> bool:
        """The rise is more than noise: above `RISE`, or through `STEADY` epochs."""
        return self.share > RISE or self.epochs >= STEADY


@dataclass(frozen=True)
class Reading:
    """A summary of a history: the best epoch, whose weights are published, the last one, and the
    seconds of all."""

    best: EpochAccuracy
    last: EpochAccuracy
    loss: LossRise
    seconds: float
    phases: tuple[PhaseSpan, ...]

    @property
    def is_unfinished(self) -> bool:
        return self.best.epoch == self.last.epoch


def read(history: Sequence[Row]) -> Reading | None:
    """Return the summary of a history, None for an empty one. Losses are compared at the last image
    size, where the model is served."""
    if not history:
        return None
    spans = phases(history)
    rows_at_last_size = [row for row in history if row["epoch"] >= spans[-1].first]
    lowest = min(rows_at_last_size, key=lambda row: row["val_loss"])
    losses = [row["val_loss"] for row in rows_at_last_size]
    pairs_from_the_end = reversed(list(itertools.pairwise(losses)))
    return Reading(
        best=_epoch(runs.best_epoch(history)),
        last=_epoch(history[-1]),
        loss=LossRise(
            lowest_epoch=int(lowest["epoch"]),
            share=losses[-1] / lowest["val_loss"] - 1,
            epochs=len(list(itertools.takewhile(lambda p: p[1] > p[0], pairs_from_the_end))),
        ),
        seconds=sum(row["seconds"] for row in history),
        phases=spans,
    )


def _epoch(row: Row) -> EpochAccuracy:
    return EpochAccuracy(int(row["epoch"]), row["accuracy"], row["val_accuracy"])


def phases(history: Sequence[Row]) -> tuple[PhaseSpan, ...]:
    """Return the stretches of epochs at the same image size."""
    spans: list[PhaseSpan] = []
    for row in history:
        epoch, size = int(row["epoch"]), int(row["image_size"])
        if spans and spans[-1].image_size == size:
            spans[-1] = PhaseSpan(size, spans[-1].first, epoch)
        else:
            spans.append(PhaseSpan(size, epoch, epoch))
    return tuple(spans)


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Return the exponential moving average without the bias of its start (Kingma & Ba 2015);
    `weight` is the share of the past, from 0 up to but not 1."""
    return list(pd.Series(values, dtype=float).ewm(alpha=1 - weight).mean())
