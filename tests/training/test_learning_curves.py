"""What learning curves say, on curves made by hand."""

from __future__ import annotations

import pytest

from fer.training import learning_curves
from fer.training.learning_curves import PhaseSpan


def history(
    accuracy: list[float],
    val: list[float],
    loss: list[float] | None = None,
    sizes: list[int] | None = None,
) -> list[learning_curves.Row]:
    columns = {
        "epoch": range(1, len(val) + 1),
        "accuracy": accuracy,
        "val_accuracy": val,
        "val_loss": loss or [1.0] * len(val),
        "image_size": sizes or [64] * len(val),
    }
    rest = {"loss": 1.0, "learning_rate": 1e-3, "seconds": 10.0}
    return [
        rest | dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ]


def test_best_and_last_epoch_and_rising_loss() -> None:
    rows = history([0.5, 0.72, 0.8, 0.85], [0.5, 0.64, 0.6, 0.63], [1.2, 1.0, 1.1, 1.3])
    reading = learning_curves.read(rows)
    assert reading is not None
    assert (reading.best.epoch, reading.last.epoch, reading.is_unfinished) == (2, 4, False)
    assert reading.best.gap == pytest.approx(0.08)
    assert reading.last.gap == pytest.approx(0.22)
    assert reading.loss.share == pytest.approx(0.3)
    assert reading.seconds == 40


def test_rise_of_the_loss() -> None:
    for losses, lowest, epochs, is_clear in (
        ([1.2, 1.0, 1.01], 2, 1, False),
        ([1.2, 1.0, 1.03], 2, 1, True),
        # A percent and a half, but through three epochs.
        ([1.2, 1.0, 1.004, 1.01, 1.015], 2, 3, True),
        ([1.0], 1, 0, False),
    ):
        flat = [0.6] * len(losses)
        reading = learning_curves.read(history(flat, flat, losses))
        assert reading is not None
        loss = reading.loss
        assert (loss.lowest_epoch, loss.epochs, loss.is_clear) == (lowest, epochs, is_clear)
    assert learning_curves.read([]) is None


def test_best_epoch_is_sought_at_the_served_size() -> None:
    accuracy, val = [0.6, 0.7, 0.5, 0.6], [0.6, 0.64, 0.4, 0.6]
    reading = learning_curves.read(history(accuracy, val, sizes=[64, 64, 224, 224]))
    assert reading is not None
    assert (reading.best.epoch, reading.is_unfinished) == (4, True)
    assert reading.phases == (PhaseSpan(64, 1, 2), PhaseSpan(224, 3, 4))


def test_smoothing_is_unbiased_from_the_start() -> None:
    assert learning_curves.smoothed([3.0] * 5, 0.9) == pytest.approx([3.0] * 5)
    values = [1.0, 4.0, 2.0]
    assert learning_curves.smoothed(values, 0.0) == values
    assert learning_curves.smoothed(values, 0.5) == pytest.approx([1.0, 3.0, 17 / 7])
