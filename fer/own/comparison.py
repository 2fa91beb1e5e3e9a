"""A model of one's own beside both scenarios, from its predictions on FER-2013's test splits."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from fer.artifacts.model_store import Artifact, Predictions
from fer.artifacts.records import SplitScores
from fer.crowd import study
from fer.crowd.records import CrowdSplit, ModelAgreement
from fer.data.dataset import Split
from fer.data.votes import Votes
from fer.evaluation import measured, metrics
from fer.evaluation.measured import MeasuredModel
from fer.inference.calibrate import softmax
from fer.own.tables import OwnTable
from fer.studies import leakage
from fer.studies.records import GroupAccuracy

# A temperature this close to 1 changes nothing that could be measured: the confidences were
# calibrated before, and are left as they are.
CALIBRATED_WITHIN = 1e-3
SMALLEST_PROBABILITY = 1e-12
NAN = float("nan")


class Against(TypedDict):
    """The model's gain in accuracy over a scenario on the same images (-1 to 1), its 95 % bootstrap
    interval, the images on which only one is right, and p of McNemar's exact test."""

    difference: float
    interval: list[float]
    only_own_right: int
    only_scenario_right: int
    mcnemar_p: float


class OwnSplit(TypedDict):
    """A split of `fer compare --json`.

    scores: as `SplitScores`; None for metrics that need probabilities where the table has none.
    against: by scenario. twins: as `leakage.accuracies`. only_wrong: images that both scenarios
    answer rightly and this model does not.
    """

    scores: dict[str, object]
    against: dict[str, Against]
    crowd: NotRequired[ModelAgreement]
    twins: dict[str, GroupAccuracy]
    only_wrong: list[str]


class OwnComparison(TypedDict):
    """The record that `fer compare --json` prints. temperature: fitted on PublicTest and applied to
    both splits; None where there are no probabilities or no PublicTest."""

    model: str
    temperature: float | None
    unused_rows: int
    weights_sha256: dict[str, str]
    splits: dict[str, OwnSplit]


@dataclass(frozen=True)
class OwnModel:
    """A model's table, the temperature that was fitted, if any, and its measures on each split."""

    table: OwnTable
    temperature: float | None
    models: Mapping[Split, MeasuredModel]

    @property
    def name(self) -> str:
        """The model's name."""
        return self.table.name


def measure(table: OwnTable) -> OwnModel:
    """Measure the model of a table; where it has probabilities on PublicTest, a temperature is
    fitted there, as for the scenarios, and applied to both splits."""
    temperature = None
    public = table.predictions.get(Split.PUBLIC_TEST)
    if table.has_probabilities and public is not None:
        temperature = metrics.fit_temperature(public.labels, _logits(public))
        if math.isclose(temperature, 1.0, abs_tol=CALIBRATED_WITHIN):
            temperature = 1.0
    models = {}
    for split, predictions in table.predictions.items():
        if temperature is not None and temperature != 1.0:
            calibrated = softmax(_logits(predictions), temperature)
            predictions = replace(predictions, probabilities=calibrated)
        model = measured.measure(predictions, temperature or 1.0)
        if not table.has_probabilities:
            scores: SplitScores = {
                **model.scores,
                "log_loss": NAN,
                "brier_score": NAN,
                "ece": NAN,
                "ece_uncalibrated": NAN,
            }
            model = replace(model, scores=scores, has_probabilities=False)
        models[split] = model
    return OwnModel(table, temperature, models)


def _logits(predictions: Predictions) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(predictions.probabilities, SMALLEST_PROBABILITY)))


def against(own: Predictions, scenario: Predictions) -> Against:
    """Compare a model's predictions with a scenario's on the same images."""
    comparison = metrics.compare(own.labels, scenario.probabilities, own.probabilities)
    return {
        "difference": comparison["gain"],
        "interval": comparison["gain_interval"],
        "only_own_right": comparison["only_proposed_right"],
        "only_scenario_right": comparison["only_baseline_right"],
        "mcnemar_p": comparison["mcnemar_p"],
    }


def only_wrong(own: Predictions, scenarios: Mapping[str, Predictions]) -> Predictions:
    """Return the predictions for images that only this model answers wrongly."""
    mask = own.probabilities.argmax(axis=1) != own.labels
    for predictions in scenarios.values():
        mask &= predictions.probabilities.argmax(axis=1) == predictions.labels
    return own.where(mask)


def with_people(
    own: OwnModel, split: Split, scenarios: Mapping[str, Predictions], votes: Votes
) -> CrowdSplit | None:
    """Compare models, labels and people on a split, this model included; None without votes."""
    predictions = {**scenarios, own.name: own.models[split].predictions}
    return study.study(predictions, votes, split)


def record(
    own: OwnModel,
    scenarios: Mapping[str, Artifact],
    stored: Mapping[str, Predictions],
    votes: Votes,
    twins: Collection[str],
) -> OwnComparison:
    """Return the whole comparison with the scenarios' `stored` predictions as plain JSON types;
    twins: the images that have a twin in Training."""
    splits = {}
    for split, model in own.models.items():
        predictions = {key: predicted.of(split) for key, predicted in stored.items()}
        people = with_people(own, split, predictions, votes)
        figures: OwnSplit = {
            "scores": {
                name: None if isinstance(value, float) and math.isnan(value) else value
                for name, value in model.scores.items()
            },
            "against": {
                key: against(model.predictions, predicted) for key, predicted in predictions.items()
            },
            "twins": leakage.accuracies(model.predictions, twins),
            "only_wrong": only_wrong(model.predictions, predictions).sources.tolist(),
        }
        if people is not None:
            figures["crowd"] = people["models"][own.name]
        splits[split.value] = figures
    return {
        "model": own.name,
        "temperature": own.temperature,
        "unused_rows": own.table.others,
        "weights_sha256": {key: scenarios[key].digest for key in stored},
        "splits": splits,
    }
