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
    if not (has_votes.any() and agreement.has_majority(votes.counts[rows[has_votes]]).any()):
        return None
    return of_split(
        votes.counts[rows[has_votes]],
        first.labels[has_votes],
        {
            key: part.probabilities[has_votes]
            for key, part in parts.items()
            if np.array_equal(part.sources, first.sources)
        },
    )


def of_split(
    counts: Counts, labels: NDArray[np.int64], probabilities: Mapping[str, Floats]
) -> CrowdSplit:
    """Compute the figures of one split; all its images must have votes."""
    decided = agreement.has_majority(counts)
    answers = {key: p.argmax(axis=1) for key, p in probabilities.items()}
    figures: CrowdSplit = {
        "images": len(labels),
        "images_with_majority": int(decided.sum()),
        "images_with_tie": int(((agreement.winners(counts) > 0).sum(axis=1) > 1)[decided].sum()),
        "vote_entropy": float(agreement.entropy(counts[agreement.saw_an_emotion(counts)]).mean()),
        "human": {
            "others": _proportion(agreement.agreement_with_others(counts, None)[decided]),
            "voters": _proportion(_voter_agreement(counts)),
        },
        "fer2013_label": {
            "most_frequent": _proportion(agreement.credit(counts, labels)),
            **_agreement(counts, labels, decided),
        },
        "models": {
            key: _model(counts, labels, p, answers[key], decided)
            for key, p in probabilities.items()
        },
        "levels": _levels(counts, labels, answers),
    }
    if set(PAIR) <= answers.keys():
        figures["gain"] = _gain(counts, labels, answers, decided)
    return figures


def _proportion(values: Floats) -> Proportion:
    return {"share": float(values.mean()), "interval": agreement.mean_interval(values)}


def _voter_agreement(counts: Counts) -> Floats:
    """Return how often two of an image's voters, drawn at random, agree, (n,)."""
    total = counts.sum(axis=1).astype(np.float64)
    votes = counts.astype(np.float64)
    return np.asarray((votes * (votes - 1)).sum(axis=1) / (total * (total - 1)))


def _agreement(counts: Counts, answers: NDArray[np.int64], decided: NDArray[np.bool_]) -> Agreement:
    return {
        "majority": _proportion(agreement.credit(counts, answers)[decided]),
        "voters": _proportion(agreement.share_of_voters(counts, answers)),
        "others": _proportion(agreement.agreement_with_others(counts, answers)[decided]),
    }


def _model(
    counts: Counts,
    labels: NDArray[np.int64],
    probabilities: Floats,
    answers: NDArray[np.int64],
    decided: NDArray[np.bool_],
) -> ModelAgreement:
    confidence = probabilities.max(axis=1)
    by_voters = agreement.share_of_voters(counts, answers)
    by_majority = agreement.credit(counts, answers)[decided]
    saw_emotion = agreement.saw_an_emotion(counts)
    divergence = float(agreement.divergence(counts[saw_emotion], probabilities[saw_emotion]).mean())
    right = (answers == labels).astype(np.float64)
    return {
        "label": _proportion(right),
        "label_with_majority": _proportion(right[decided]),
        **_agreement(counts, answers, decided),
        "divergence": divergence,
        "cross_entropy": divergence + float(agreement.entropy(counts[saw_emotion]).mean()),
        "ece_voters": agreement.calibration_error(confidence, by_voters),
        "ece_majority": agreement.calibration_error(confidence[decided], by_majority),
        "reliability_voters": agreement.reliability(confidence, by_voters),
        "reliability_majority": agreement.reliability(confidence[decided], by_majority),
        "errors": _errors(counts, labels, answers),
    }


def _errors(counts: Counts, labels: NDArray[np.int64], answers: NDArray[np.int64]) -> ErrorSides:
    """Count the crowd's sides for the answers that are not the label."""
    wrong = answers != labels
    sides: ErrorSides = {"images": int(wrong.sum())}
    if not wrong.any():
        return sides
    side_of_error = agreement.side_of(counts[wrong], answers[wrong], labels[wrong])
    for side in agreement.SIDES:
        is_side = side_of_error == side
        sides[side] = {"images": int(is_side.sum()), **_proportion(is_side.astype(np.float64))}
    return sides


def _levels(
    counts: Counts, labels: NDArray[np.int64], answers: Mapping[str, NDArray[np.int64]]
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
            model: LevelAgreement = {
                "voters": _proportion(agreement.share_of_voters(counts[rows], classes[rows])),
                "label": _proportion((classes[rows] == labels[rows]).astype(np.float64)),
            }
            if has_majority:
                model["majority"] = _proportion(agreement.credit(counts[rows], classes[rows]))
            row["models"][key] = model
        table.append(row)
    return table


def _gain(
    counts: Counts,
    labels: NDArray[np.int64],
    answers: Mapping[str, NDArray[np.int64]],
    decided: NDArray[np.bool_],
) -> dict[GainYardstick, Proportion]:
    """Compute the gain of `proposed` over `baseline` by each yardstick, paired by image."""
    baseline, proposed = (answers[key] for key in PAIR)
    by_label = (proposed == labels).astype(np.float64) - (baseline == labels)
    by_crowd = agreement.credit(counts, proposed) - agreement.credit(counts, baseline)
    by_voters = agreement.share_of_voters(counts, proposed) - agreement.share_of_voters(
        counts, baseline
    )
    return {
        "label": _proportion(by_label),
        "label_with_majority": _proportion(by_label[decided]),
        "majority": _proportion(by_crowd[decided]),
        "voters": _proportion(by_voters),
    }
