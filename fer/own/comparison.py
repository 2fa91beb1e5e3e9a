"""A model of one's own beside both scenarios, from its predictions on FER-2013's test splits."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
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
SMALLEST = 1e-12
NAN = float("nan")


class Against(TypedDict):
    """The model against a scenario on the same images: by how much its accuracy is higher (-1 to
    1), the ends of the 95 % bootstrap interval, on how many images only one is right, and p of
    McNemar's exact test."""

    difference: float
    interval: list[float]
    only_own_right: int
    only_scenario_right: int
    mcnemar_p: float


class OwnSplit(TypedDict):
    """A split of `fer compare --json`.

    scores: as `SplitScores`, None where only probabilities tell and there are none. against: by
    scenario. crowd: agreement with ten people. twins: accuracy on all images, with and without a
    twin in Training. only_wrong: images that both scenarios answer rightly and this model does not.
    """

    scores: dict[str, object]
    against: dict[str, Against]
    crowd: NotRequired[ModelAgreement]
    twins: dict[str, GroupAccuracy]
    only_wrong: list[str]


class OwnComparison(TypedDict):
    """What `fer compare --json` prints. temperature: fitted on PublicTest and applied to both
    splits; None where there are no probabilities or no PublicTest. weights_sha256: of the
    scenarios, by key. splits: by name."""

    model: str
    temperature: float | None
    unused_rows: int
    weights_sha256: dict[str, str]
    splits: dict[str, OwnSplit]


@dataclass(frozen=True)
class OwnModel:
    """A model's table, and what was measured of it on each split that it has.

    temperature: None if none was fitted.
    """

    table: OwnTable
    temperature: float | None
    models: Mapping[Split, MeasuredModel]

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.table.name


def measure(table: OwnTable) -> OwnModel:
    """The metrics of a table; where it has probabilities on PublicTest, a temperature is fitted
    there, as for the scenarios, and applied to both splits."""
    temperature = None
    public = table.parts.get(Split.PUBLIC_TEST)
    if table.has_probabilities and public is not None:
        temperature = metrics.fit_temperature(public.labels, _logits(public))
        if math.isclose(temperature, 1.0, abs_tol=CALIBRATED_WITHIN):
            temperature = 1.0
    return OwnModel(
        table,
        temperature,
        {
            split: _measured(part, temperature, table.has_probabilities)
            for split, part in table.parts.items()
        },
    )


def _logits(part: Predictions) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(part.probabilities, SMALLEST)))


def _measured(
    part: Predictions, temperature: float | None, has_probabilities: bool
) -> MeasuredModel:
    if temperature is not None and temperature != 1.0:
        calibrated = softmax(_logits(part), temperature)
        part = Predictions(part.splits, part.sources, part.labels, calibrated)
    found = measured.measure(part, temperature or 1.0)
    if has_probabilities:
        return found
    scores: SplitScores = {
        **found.scores,
        "log_loss": NAN,
        "brier_score": NAN,
        "ece": NAN,
        "ece_uncalibrated": NAN,
    }
    return MeasuredModel(found.load, scores, 1.0, has_probabilities=False)


def against(own: Predictions, scenario: Predictions) -> Against:
    """A model's predictions against a scenario's on the same images."""
    found = metrics.compare(own.labels, scenario.probabilities, own.probabilities)
    return {
        "difference": found["gain"],
        "interval": found["gain_interval"],
        "only_own_right": found["only_proposed_right"],
        "only_scenario_right": found["only_baseline_right"],
        "mcnemar_p": found["mcnemar_p"],
    }


def only_wrong(own: Predictions, scenarios: Mapping[str, Predictions]) -> Predictions:
    """The images that every scenario answers rightly and the model does not."""
    chosen = own.probabilities.argmax(axis=1) != own.labels
    for part in scenarios.values():
        chosen &= part.probabilities.argmax(axis=1) == part.labels
    return Predictions(
        own.splits[chosen], own.sources[chosen], own.labels[chosen], own.probabilities[chosen]
    )


def with_people(
    own: OwnModel, split: Split, scenarios: Mapping[str, Predictions], votes: Votes
) -> CrowdSplit | None:
    """Models, labels and people on a split, this model among them; None without votes."""
    parts = {**scenarios, own.name: own.models[split].predictions}
    return study.study(parts, votes, split)


def record(
    own: OwnModel,
    scenarios: Mapping[str, Artifact],
    stored: Mapping[str, Predictions],
    votes: Votes,
    twins: Collection[str],
) -> OwnComparison:
    """Everything as plain JSON types.

    Args:
        stored: the scenarios' predictions.
        twins: the images of the test splits that have a twin in Training.
    """
    splits = {}
    for split, model in own.models.items():
        parts = {key: part.of(split) for key, part in stored.items()}
        people = with_people(own, split, parts, votes)
        found: OwnSplit = {
            "scores": {
                name: None if isinstance(value, float) and math.isnan(value) else value
                for name, value in model.scores.items()
            },
            "against": {key: against(model.predictions, part) for key, part in parts.items()},
            "twins": leakage.accuracies(model.predictions, twins),
            "only_wrong": only_wrong(model.predictions, parts).sources.tolist(),
        }
        if people is not None:
            found["crowd"] = people["models"][own.name]
        splits[split.value] = found
    return {
        "model": own.name,
        "temperature": own.temperature,
        "unused_rows": own.table.others,
        "weights_sha256": {key: scenarios[key].digest for key in stored},
        "splits": splits,
    }
