"""Models against people: pure functions of stored predictions and FER+ votes.

No network runs, no image is needed, and nothing is stored: it takes a second for both test splits.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fer.artifacts.model_store import Predictions
from fer.crowd import agreement
from fer.crowd.agreement import Counts, Floats
from fer.crowd.records import (
    Agreement,
    CrowdSplit,
    ErrorSides,
    GainYardstick,
    Level,
    LevelAgreement,
    ModelAgreement,
    Proportion,
)
from fer.data.dataset import Split
from fer.data.votes import Votes
from fer.evaluation import calibration
from fer.evaluation.calibration import Labels

# The two models whose gain is measured.
PAIR = ("baseline", "proposed")


def study(predictions: Mapping[str, Predictions], votes: Votes, split: Split) -> CrowdSplit | None:
    """Return how models, FER-2013's labels and single voters agree with the crowd on a test split;
    None if none of its images has votes. Models with other images than the first are left out."""
    parts = {key: part.of(split) for key, part in predictions.items()}
    first = next(iter(parts.values()), None)
    if first is None:
        return None
    rows = votes.find(first.sources, first.labels)
    has_votes = rows >= 0
    counts = votes.counts[rows[has_votes]]
    if not agreement.has_majority(counts).any():
        return None
    return of_split(
        counts,
        first.labels[has_votes],
        {
            key: part.probabilities[has_votes]
            for key, part in parts.items()
            if np.array_equal(part.sources, first.sources)
        },
    )


def of_split(counts: Counts, labels: Labels, probabilities: Mapping[str, Floats]) -> CrowdSplit:
    """Compute the figures of one split; all its images must have votes."""
    decided = agreement.has_majority(counts)
    answers = {key: p.argmax(axis=1) for key, p in probabilities.items()}
    votes = counts.astype(np.float64)
    total = votes.sum(axis=1)
    # How often two of an image's voters, drawn at random, agree.
    two_agree = (votes * (votes - 1)).sum(axis=1) / (total * (total - 1))
    figures: CrowdSplit = {
        "images": len(labels),
        "images_with_majority": int(decided.sum()),
        "human": {
            "others": _proportion(agreement.agreement_with_others(counts, None)[decided]),
            "voters": _proportion(two_agree),
        },
        "fer2013_label": _agreement(counts, labels, decided),
        "models": {key: _model(counts, labels, p, decided) for key, p in probabilities.items()},
        "levels": _levels(counts, labels, answers, decided),
    }
    if set(PAIR) <= answers.keys():
        baseline, proposed = (_by_yardstick(counts, labels, answers[key], decided) for key in PAIR)
        figures["gain"] = {key: _proportion(proposed[key] - baseline[key]) for key in baseline}
    return figures


def _proportion(values: Floats) -> Proportion:
    return {"share": float(values.mean()), "interval": agreement.mean_interval(values)}


def _agreement(counts: Counts, answers: Labels, decided: NDArray[np.bool_]) -> Agreement:
    return {
        "majority": _proportion(agreement.credit(counts, answers)[decided]),
        "voters": _proportion(agreement.share_of_voters(counts, answers)),
        "others": _proportion(agreement.agreement_with_others(counts, answers)[decided]),
    }


def _by_yardstick(
    counts: Counts, labels: Labels, answers: Labels, decided: NDArray[np.bool_]
) -> dict[GainYardstick, Floats]:
    """Return the agreement (m,) of answers by each yardstick, on the images that it is for."""
    right = (answers == labels).astype(np.float64)
    return {
        "label": right,
        "label_with_majority": right[decided],
        "majority": agreement.credit(counts, answers)[decided],
        "voters": agreement.share_of_voters(counts, answers),
    }


def _model(
    counts: Counts, labels: Labels, probabilities: Floats, decided: NDArray[np.bool_]
) -> ModelAgreement:
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    agreed = _by_yardstick(counts, labels, answers, decided)
    by_voters = calibration.binned(confidence, agreed["voters"])
    by_majority = calibration.binned(confidence[decided], agreed["majority"])
    saw_emotion = agreement.saw_an_emotion(counts)
    divergence = float(agreement.divergence(counts[saw_emotion], probabilities[saw_emotion]).mean())
    errors: ErrorSides = {"images": int((answers != labels).sum())}
    if errors["images"]:
        wrong = answers != labels
        side_of_error = agreement.side_of(counts[wrong], answers[wrong], labels[wrong])
        for side in agreement.SIDES:
            is_side = side_of_error == side
            errors[side] = {"images": int(is_side.sum()), **_proportion(is_side.astype(np.float64))}
    return {
        "label": _proportion(agreed["label"]),
        "label_with_majority": _proportion(agreed["label_with_majority"]),
        **_agreement(counts, answers, decided),
        "divergence": divergence,
        "cross_entropy": divergence + float(agreement.entropy(counts[saw_emotion]).mean()),
        "ece_voters": calibration.mean_gap(by_voters),
        "ece_majority": calibration.mean_gap(by_majority),
        "reliability_voters": by_voters,
        "reliability_majority": by_majority,
        "errors": errors,
    }


def _levels(
    counts: Counts, labels: Labels, answers: Mapping[str, Labels], decided: NDArray[np.bool_]
) -> list[Level]:
    """Group images by how many voters chose the most frequent emotion, from all ten down."""
    level_of = agreement.agreement(counts)
    table = []
    for level in sorted(np.unique(level_of).tolist(), reverse=True):
        rows = level_of == level
        row: Level = {"votes": level, "images": int(rows.sum()), "models": {}}
        has_majority = level >= agreement.ENOUGH
        if has_majority:
            row["fer2013_label"] = _proportion(agreement.credit(counts[rows], labels[rows]))
            row["human"] = _proportion(agreement.agreement_with_others(counts[rows], None))
        for key, classes in answers.items():
            agreed = _by_yardstick(counts[rows], labels[rows], classes[rows], decided[rows])
            model: LevelAgreement = {
                "voters": _proportion(agreed["voters"]),
                "label": _proportion(agreed["label"]),
            }
            if has_majority:
                model["majority"] = _proportion(agreed["majority"])
            row["models"][key] = model
        table.append(row)
    return table
