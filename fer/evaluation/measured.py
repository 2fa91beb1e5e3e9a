"""A model measured on some images: its answers, its metrics and the curves of its charts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from fer.artifacts.model_store import Predictions
from fer.artifacts.records import SplitScores
from fer.evaluation import calibration, metrics, roc_pr
from fer.evaluation.calibration import Bin, Probabilities
from fer.evaluation.roc_pr import Curve


@dataclass(frozen=True)
class MeasuredModel:
    """A model on some images; predictions, calibrated by `temperature`, are loaded and curves
    computed when asked for. Without probabilities each image has one answer, which has 1."""

    load: Callable[[], Predictions]
    scores: SplitScores
    temperature: float
    has_probabilities: bool = True

    @cached_property
    def predictions(self) -> Predictions:
        """The calibrated predictions. Raises a FerError if they are missing or damaged."""
        return self.load()

    @cached_property
    def raw(self) -> Probabilities:
        """The probabilities before calibration."""
        return calibration.uncalibrated(self.predictions.probabilities, self.temperature)

    @cached_property
    def reliability(self) -> list[Bin]:
        """The bins of confidence, as `calibration.reliability`."""
        return calibration.reliability(self.predictions.labels, self.predictions.probabilities)

    @cached_property
    def roc(self) -> dict[str, Curve]:
        """ROC by emotion."""
        return roc_pr.roc(self.predictions.labels, self.predictions.probabilities)

    @cached_property
    def precision_recall(self) -> dict[str, Curve]:
        """Precision against recall by emotion."""
        return roc_pr.precision_recall(self.predictions.labels, self.predictions.probabilities)


def measure(predictions: Predictions, temperature: float) -> MeasuredModel:
    """Measure predictions that were calibrated by a temperature."""
    labels, probabilities = predictions.labels, predictions.probabilities
    raw = calibration.uncalibrated(probabilities, temperature)
    scores: SplitScores = {
        **metrics.report(labels, probabilities),
        "ece_uncalibrated": calibration.expected_calibration_error(labels, raw),
    }
    return MeasuredModel(lambda: predictions, scores, temperature)
