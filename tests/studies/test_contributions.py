"""The contribution of each ingredient follows the records, whichever way they come out."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from fer.studies import contributions


def paired(gain: float, low: float, high: float) -> dict[str, Any]:
    return {"gain": gain, "gain_interval": [low, high]}


def ablation(gains: list[float], macro_f1_gains: list[float] | None = None) -> dict[str, Any]:
    return {
        "seed": 1,
        "runs": [
            {"without": "full", "seed": 1},
            *(
                {
                    "without": "se",
                    "seed": seed,
                    "gain": paired(gain, -0.01, 0.01),
                    "gain_without_twins": paired(gain / 2, -0.01, 0.01),
                    "macro_f1_gain": paired(macro_f1, -0.05, 0.05),
                }
                for seed, (gain, macro_f1) in enumerate(
                    zip(gains, macro_f1_gains or gains, strict=True), 1
                )
            ),
            {"without": "fine_tuning", "seed": 1, "gain": paired(0.26, 0.24, 0.28)},
            {"without": "fine_tuning", "seed": 2, "gain": paired(0.99, 0.9, 1.0)},
        ],
    }


@pytest.mark.parametrize(
    ("gains", "effect"),
    [
        ([0.020, 0.022, 0.021], "gives"),
        ([-0.020, -0.022, -0.021], "costs"),
        ([0.02, -0.01, 0.001], "unclear"),
        ([0.01, 0.01, 0.01], "gives"),
    ],
)
def test_verdict_on_the_se_block_follows_the_seeds(gains: list[float], effect: str) -> None:
    se = contributions.squeeze_excitation(ablation(gains))
    assert se is not None
    assert se.seeds == 3
    assert se.gain.effect == effect
    assert se.gain.gain == pytest.approx(sum(gains) / 3)
    assert se.gain_without_twins.gain == pytest.approx(sum(gains) / 6)
    assert se.standard_deviation == pytest.approx(statistics.stdev(gains))


@pytest.mark.parametrize(
    ("gains", "effect"), [([-0.012, -0.014, -0.013], "costs"), ([-0.03, 0.01, 0.0], "unclear")]
)
def test_se_block_is_judged_by_macro_f1_too(gains: list[float], effect: str) -> None:
    se = contributions.squeeze_excitation(ablation([0.001, 0.0, -0.001], gains))
    assert se is not None
    assert se.macro_f1_gain.gain == pytest.approx(sum(gains) / 3)
    assert se.macro_f1_gain.effect == effect


def test_two_seeds_say_nothing_about_the_se_block() -> None:
    assert contributions.squeeze_excitation(ablation([0.02, -0.01])) is None


def test_the_frozen_run_is_not_compared() -> None:
    runs = contributions.comparable(ablation([0.0, 0.01, 0.02]))
    assert [run["without"] for run in runs] == ["se", "se", "se"]


def test_interval_over_seeds_is_students() -> None:
    estimate = contributions.interval_over_seeds([1.0, 2.0, 3.0])
    # t(0.975, 2) = 4.303, standard error 1 / sqrt(3).
    half_width = 4.3027 / 3**0.5
    assert (estimate.low, estimate.high) == pytest.approx((2 - half_width, 2 + half_width), 1e-4)


def of_run(without: str, recall: float, precision: float) -> dict[str, Any]:
    rare = {"precision": precision, "recall": recall, "f1": 0.5, "support": 55}
    often = {"precision": 0.8, "recall": 0.8, "f1": 0.8, "support": 879}
    per_class = {"happy": often, "disgust": rare}
    return {"without": without, "seed": 1, "private": {"per_class": per_class}}


def test_class_weights_are_judged_by_the_rarest_emotion() -> None:
    runs = [of_run("full", 30 / 55, 0.526), of_run("class_weights", 6 / 55, 0.75)]
    assert contributions.rare_emotion({"seed": 1, "runs": runs}) == contributions.RareEmotion(
        "disgust", 55, 30, 6, 0.526, 0.75
    )


def at(without: str, confidence: float, seed: int = 1) -> dict[str, Any]:
    scores = {"mean_confidence": confidence, "accuracy": 0.655, "ece": 0.08}
    return {"without": without, "seed": seed, "private": scores}


def test_label_smoothing_is_judged_by_the_confidence_of_one_pair() -> None:
    runs = [at("full", 0.9, seed=2), at("full", 0.57), at("label_smoothing", 0.62)]
    assert contributions.smoothing({"seed": 1, "runs": runs}) == contributions.Smoothing(
        contributions.Confidence(0.57, 0.655, 0.08), contributions.Confidence(0.62, 0.655, 0.08)
    )


def trained(without: str, training: float, private: float, best: int) -> dict[str, Any]:
    scores = {"training_accuracy": training, "private": {"accuracy": private}, "best_epoch": best}
    return {"without": without, "seed": 1, **scores}


def test_augmentation_is_judged_by_how_two_trainings_fit() -> None:
    plain = {
        **trained("augmentation", 0.953, 0.69, 6),
        "gain": paired(-0.035, -0.048, -0.021),
        "gain_without_twins": paired(-0.019, -0.033, -0.005),
    }
    record = {"seed": 1, "runs": [trained("full", 0.636, 0.655, 8), plain]}
    assert contributions.regularisation(record) == contributions.Regularisation(
        contributions.Fit(0.636, 0.655, 8), contributions.Fit(0.953, 0.69, 6), -0.035, -0.019
    )
