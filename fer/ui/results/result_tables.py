"""Tables and cached figures behind the page of classification results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer import emotions
from fer.artifacts.records import Accuracy, ClassScores, SplitScores
from fer.evaluation import roc_pr
from fer.evaluation.measured import MeasuredModel
from fer.evaluation.records import PairedGain, TrainingFit
from fer.inference.benchmark import Benchmark
from fer.inference.records import Fidelity
from fer.studies.records import GroupAccuracy
from fer.ui import intervals, model_comparison
from fer.ui.results.shown import Shown
from fer.ui.text import _


def metric_table(found: Mapping[str, SplitScores]) -> pd.DataFrame:
    """A row for each metric and a column for each model."""
    names: dict[str, tuple[str, Callable[[SplitScores], str]]] = {
        "accuracy": (_("Top-1 accuracy"), lambda m: _.percent(m["accuracy"])),
        "interval": (
            _("95% interval"),
            lambda m: _.interval(m["accuracy_interval"]),
        ),
        "balanced": (_("Balanced accuracy"), lambda m: _.percent(m["balanced_accuracy"])),
        "f1": (_("Macro F1"), lambda m: _.number(m["macro_f1"], 3)),
        "loss": (_("Log loss"), lambda m: _.number(m["log_loss"], 3)),
        "brier": (_("Brier score"), lambda m: _.number(m["brier_score"], 3)),
        "ece": (_("ECE, calibrated"), lambda m: _.percent(m["ece"])),
        "raw": (_("ECE, uncalibrated"), lambda m: _.percent(m["ece_uncalibrated"])),
    }
    return pd.DataFrame(
        {
            _("Metric"): [name for name, _tell in names.values()],
            **{key: [_told(tell, m) for _n, tell in names.values()] for key, m in found.items()},
        }
    )


def metric_numbers(found: Mapping[str, SplitScores]) -> pd.DataFrame:
    """The rows of `metric_table` as numbers, in percent where they are shares."""
    names: dict[str, Callable[[SplitScores], float]] = {
        _("Top-1 accuracy (%)"): lambda m: round(100 * m["accuracy"], 2),
        _("95% from (%)"): lambda m: round(100 * m["accuracy_interval"][0], 2),
        _("95% to (%)"): lambda m: round(100 * m["accuracy_interval"][1], 2),
        _("Balanced accuracy (%)"): lambda m: round(100 * m["balanced_accuracy"], 2),
        _("Macro F1"): lambda m: round(m["macro_f1"], 4),
        _("Log loss"): lambda m: round(m["log_loss"], 4),
        _("Brier score"): lambda m: round(m["brier_score"], 4),
        _("ECE, calibrated (%)"): lambda m: round(100 * m["ece"], 2),
        _("ECE, uncalibrated (%)"): lambda m: round(100 * m["ece_uncalibrated"], 2),
    }
    return pd.DataFrame(
        {
            _("Metric"): list(names),
            **{key: [tell(m) for tell in names.values()] for key, m in found.items()},
        }
    )


def _told(tell: Callable[[SplitScores], str], scores: SplitScores) -> str:
    """A metric in words; a dash where a model without probabilities has none."""
    told = tell(scores)
    return "–" if "NaN" in told else told


def class_table(found: Mapping[str, SplitScores]) -> pd.DataFrame:
    """Precision, recall, F1 in percent and support for each model and emotion, a row each."""
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("Emotion"): _(emotion),
                _("Precision (%)"): _rounded(row, "precision"),
                _("Recall (%)"): _rounded(row, "recall"),
                "F1 (%)": _rounded(row, "f1"),
                _("Images"): row["support"],
            }
            for key, metrics in found.items()
            for emotion, row in metrics["per_class"].items()
        ]
    )


def _rounded(row: ClassScores, score: Literal["f1", "precision", "recall"]) -> float | None:
    """A score in percent; None for a class without images."""
    return round(100 * row[score], 2) if row["support"] else None


def confusion_table(counts: list[list[int]]) -> pd.DataFrame:
    """The confusion matrix with the true class in the first column."""
    names = [_(key) for key in emotions.KEYS]
    frame = pd.DataFrame(counts, columns=names)
    frame.insert(0, _("True"), names)
    return frame


def curve_table(
    roc: Mapping[str, Mapping[str, roc_pr.Curve]],
    precision: Mapping[str, Mapping[str, roc_pr.Curve]],
) -> pd.DataFrame:
    """Area under ROC and average precision for each emotion and model."""
    return pd.DataFrame(
        {
            _("Emotion"): [_(emotion) for emotion in emotions.KEYS],
            **{
                f"AUC {key}": [round(found[e].score, 4) for e in emotions.KEYS]
                for key, found in roc.items()
            },
            **{
                f"AP {key}": [round(found[e].score, 4) for e in emotions.KEYS]
                for key, found in precision.items()
            },
        }
    )


def reliability_table(models: Mapping[str, MeasuredModel]) -> pd.DataFrame:
    """Confidence bins in percent with count, mean confidence and accuracy for each model."""
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("From (%)"): round(100 * row["low"], 1),
                _("To (%)"): round(100 * row["high"], 1),
                _("Images"): row["count"],
                _("Mean confidence (%)"): round(100 * row["confidence"], 2),
                _("Accuracy (%)"): round(100 * row["accuracy"], 2),
            }
            for key, model in models.items()
            for row in model.reliability
        ]
    )


def disagreement_table(pairs: PairedGain) -> pd.DataFrame:
    """McNemar's table: how often both, one or none of the models is right."""
    return pd.DataFrame(
        {
            "": [_("baseline right"), _("baseline wrong")],
            _("proposed right"): [pairs["both_right"], pairs["only_proposed_right"]],
            _("proposed wrong"): [pairs["only_baseline_right"], pairs["both_wrong"]],
        }
    )


def cell_images(
    shown: Shown, model: str, true: int, predicted: int, most: int
) -> tuple[list[NDArray[np.uint8]], list[str], list[float], int]:
    """Images of a confusion cell, most confident first, their names, their confidences, and how
    many there are.

    The images are empty where there are none to be seen.
    """
    part = shown.models[model].predictions
    chosen = np.flatnonzero(
        (part.labels == true) & (part.probabilities.argmax(axis=1) == predicted)
    )
    chosen = chosen[np.argsort(-part.probabilities[chosen, predicted], kind="stable")]
    if shown.image_of is None:
        return [], [], [], len(chosen)
    faces = {at: shown.image_of(str(part.sources[at])) for at in chosen[:most]}
    kept = {at: face for at, face in faces.items() if face is not None}
    return (
        list(kept.values()),
        [str(part.sources[at]) for at in kept],
        [float(part.probabilities[at, predicted]) for at in kept],
        len(chosen),
    )


def fit_table(fit: TrainingFit) -> pd.DataFrame:
    """A row for each model and split: accuracy with its interval in percent, and by how many points
    that on Training is higher."""
    rows: list[tuple[str, str, Accuracy]] = []
    for key, model in model_comparison.evaluated().items():
        if key in fit["models"] and model.metrics is not None:
            rows.append((key, fit["split"], fit["models"][key]))
            rows += [(key, name, scores) for name, scores in model.metrics["splits"].items()]
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("Split"): name,
                _("Images"): scores["images"],
                _("Accuracy (%)"): round(100 * scores["accuracy"], 2),
                **intervals.columns(scores["accuracy_interval"]),
                _("Gap (points)"): _.points(fit["models"][key]["accuracy"], scores["accuracy"], 2),
            }
            for key, name, scores in rows
        ]
    )


def twin_table(found: Mapping[str, Mapping[str, GroupAccuracy]]) -> pd.DataFrame:
    """A row for each model and group of a split's images: all, those with and without a twin."""
    called = {
        "all": _("all images"),
        "with_twin": _("with a duplicate in Training"),
        "without_twin": _("without"),
    }
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("Images of the split"): called[name],
                _("Images"): row["images"],
                _("Accuracy (%)"): round(100 * row["accuracy"], 2),
                **intervals.columns(row["interval"]),
            }
            for key, by_name in found.items()
            for name, row in by_name.items()
        ]
    )


def ways() -> dict[str, str]:
    """What each timed way of asking both models is called."""
    return {
        "two_predict_calls": _("Keras predict, twice"),
        "two_float32_graphs": _("Two float32 graphs"),
        "joined_float32": _("Float32, joined graph"),
        "fast": _("Int8 (OpenVINO), as served"),
    }


def speed_table(record: Benchmark) -> pd.DataFrame:
    """A row for each way and number of faces, as `fer benchmark` measured them."""
    called = ways()
    return pd.DataFrame(
        [
            {
                _("Way"): called[way],
                _("Faces at once"): int(count),
                _("Median (ms)"): row["p50_ms"],
                _("95th percentile (ms)"): row["p95_ms"],
                _("Faces per second"): row["faces_per_second"],
                _("Speed-up"): row["speedup"],
            }
            for way, by_count in record["ways"].items()
            for count, row in by_count.items()
        ]
    )


def fidelity_table(fidelity: Mapping[str, Mapping[str, Fidelity]]) -> pd.DataFrame:
    """What int8 costs: accuracy of both precisions and how often their top-1 agrees."""
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("Split"): split,
                _("Accuracy, int8 (%)"): round(100 * row["accuracy"], 2),
                _("Accuracy, float32 (%)"): round(100 * row["float32_accuracy"], 2),
                _("Same top-1 (%)"): round(100 * row["top1_agreement"], 2),
            }
            for key, splits in fidelity.items()
            for split, row in splits.items()
        ]
    )
