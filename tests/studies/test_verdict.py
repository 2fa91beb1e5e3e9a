"""The verdict and the contributions follow the records, whichever way they come out."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from fer.studies import contributions, verdict
from fer.studies.contributions import Estimate


def paired(gain: float, low: float, high: float, images: int = 1000) -> dict[str, Any]:
    return {"gain": gain, "gain_interval": [low, high], "images": images, "mcnemar_p": 0.0004}


def run(without: str, gain: float, seed: int = 1) -> dict[str, Any]:
    return {
        "without": without,
        "seed": seed,
        "gain": paired(gain, gain - 0.01, gain + 0.01),
        "gain_without_twins": paired(gain / 2, -0.01, 0.01),
        "macro_f1_gain": paired(gain, gain - 0.01, gain + 0.01),
    }


def ablation(**gains: float) -> dict[str, Any]:
    return {
        "seed": 1,
        "runs": [
            {"without": "full", "seed": 1},
            run("fine_tuning", 0.25),
            *(run("se", -0.006, seed) for seed in (1, 2, 3)),
            *(run(without, gain) for without, gain in gains.items()),
        ],
    }


def metrics(accuracy: float) -> dict[str, Any]:
    scores = {"accuracy": accuracy, "images": 3589}
    return {"data_sha256": "d", "splits": {"PrivateTest": scores}}


def fit(data: str = "d", **accuracies: float) -> dict[str, Any]:
    models = {key: {"accuracy": share, "images": 1800} for key, share in accuracies.items()}
    return {"data_sha256": data, "images": 1800, "images_of_split": 28709, "models": models}


@pytest.mark.parametrize(
    ("training", "private", "overfitting"),
    [(0.93, 0.63, "clear"), (0.76, 0.70, "mild"), (0.72, 0.70, "none"), (0.60, 0.70, "none")],
)
def test_overfitting_goes_by_the_gap(training: float, private: float, overfitting: str) -> None:
    result = verdict.read({"baseline": metrics(private)}, None, None, None, fit(baseline=training))
    model = result.fits["baseline"]
    assert model.overfitting == overfitting
    assert model.gap.gain == pytest.approx(training - private)
    # Both samples' standard errors, each alone smaller than the two together.
    error = (training * (1 - training) / 1800 + private * (1 - private) / 3589) ** 0.5
    assert model.gap.high - model.gap.low == pytest.approx(2 * 1.96 * error, rel=1e-3)
    assert result.training_images == (1800, 28709)
    other_images = fit(data="of copies", baseline=training)
    assert verdict.read({"baseline": metrics(private)}, None, None, None, other_images).fits == {}


def test_the_frozen_run_counts_for_nothing() -> None:
    record = ablation(augmentation=-0.035, class_weights=0.003, label_smoothing=0.004)
    result = verdict.read({}, None, None, record, None)
    assert result.helpful == ()
    gain = Estimate(-0.035, -0.035 - 0.01, -0.035 + 0.01)
    without_twins = Estimate(-0.0175, -0.01, 0.01)
    assert result.augmentation == verdict.Augmentation(gain, 0.0004, without_twins)
    record = ablation(augmentation=0.03, class_weights=0.003)
    assert verdict.read({}, None, None, record, None).helpful == ("augmentation",)


def test_twins_are_counted_and_told_apart() -> None:
    groups = {"with_twin": {"accuracy": 0.88}, "without_twin": {"accuracy": 0.59}}
    record = {
        "splits": {"PrivateTest": {"baseline": groups}},
        "gains": {
            "PrivateTest": {
                "all": paired(0.07, 0.05, 0.09, 3589),
                "with_twin": paired(-0.07, -0.1, -0.04, 478),
                "without_twin": paired(0.097, 0.08, 0.11, 3111),
            }
        },
    }
    assert verdict.read({}, None, record, None, None).twins == verdict.Twins(
        478, 3589, Estimate(0.097, 0.08, 0.11), {"baseline": 0.88}, {"baseline": 0.59}
    )


def test_verdict_on_the_se_block_follows_the_seeds() -> None:
    def se_of(gains: list[float]) -> contributions.SqueezeExcitation | None:
        runs = [
            {"without": "se", "gain": {"gain": gain}, "macro_f1_gain": {"gain": gain / 10}}
            for gain in gains
        ]
        record: Any = {"runs": runs}
        return contributions.squeeze_excitation(record)

    for gains, effect in (
        ([0.020, 0.022, 0.021], "gives"),
        ([-0.020, -0.022, -0.021], "costs"),
        ([0.02, -0.01, 0.001], "unclear"),
    ):
        se = se_of(gains)
        assert se is not None
        assert (se.seeds, se.gain.effect, se.macro_f1_gain.effect) == (3, effect, effect)
        assert se.gain.gain == pytest.approx(sum(gains) / 3)
        assert se.standard_deviation == pytest.approx(statistics.stdev(gains))
    assert se_of([0.02, -0.01]) is None, "two seeds say nothing"
    estimate = contributions.interval_over_seeds([1.0, 2.0, 3.0])
    # Student's: t(0.975, 2) = 4.303, standard error 1 / sqrt(3).
    half_width = 4.3027 / 3**0.5
    assert (estimate.low, estimate.high) == pytest.approx((2 - half_width, 2 + half_width), 1e-4)
