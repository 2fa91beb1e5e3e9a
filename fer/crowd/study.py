"""Models against people: pure functions of stored predictions and FER+ votes.

No network runs, no image is needed, and nothing is stored: a second for both test splits.
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
    CrowdGain,
    CrowdSplit,
    ErrorSides,
    Level,
    ModelAgreement,
    Proportion,
)
from fer.data.dataset import Split
from fer.data.votes import Votes

# The two whose gain is measured.
PAIR = ("baseline", "proposed")


def study(predictions: Mapping[str, Predictions], votes: Votes, split: Split) -> CrowdSplit | None:
    """Return how models, FER-2013's labels and single voters agree with the crowd on a test split;
    None if none of its images has votes.

    Args:
        predictions: by model key; those about other images than the first's are left out.
    """
    parts = {key: part.of(split) for key, part in predictions.items()}
    first = next(iter(parts.values()), None)
    if first is None:
        return None
    rows = votes.find(first.sources, first.labels)
    known = rows >= 0
    if not (known.any() and agreement.has_majority(votes.counts[rows[known]]).any()):
        return None
    return of_split(
        votes.counts[rows[known]],
        first.labels[known],
        {
            key: part.probabilities[known]
            for key, part in parts.items()
            if np.array_equal(part.sources, first.sources)
        },
    )


def of_split(
    counts: Counts, labels: NDArray[np.int64], probabilities: Mapping[str, Floats]
) -> CrowdSplit:
    """The figures of one split, all of images with votes.

    Shares are of 1. `label`: agreement with FER-2013's label. `majority`: with the crowd's most
    frequent answer, on the images that have a majority (`agreement.has_majority`). `voters`: with a
    voter drawn at random. `others`: with the most frequent answer of nine voters, on the same
    images; a single voter's is the ceiling.
    """
    chosen = agreement.has_majority(counts)
    answers = {key: p.argmax(axis=1) for key, p in probabilities.items()}
    found: CrowdSplit = {
        "images": len(labels),
        "images_with_majority": int(chosen.sum()),
        "images_with_tie": int(((agreement.winners(counts) > 0).sum(axis=1) > 1)[chosen].sum()),
        "vote_entropy": float(agreement.entropy(counts[agreement.saw_an_emotion(counts)]).mean()),
        "human": {
            "others": _mean(agreement.agreement_with_others(counts, None)[chosen]),
            "voters": _mean(_pairs(counts)),
        },
        "fer2013_label": {
            "most_frequent": _mean(agreement.credit(counts, labels)),
            **_agreement(counts, labels, chosen),
        },
        "models": {
            key: _model(counts, labels, p, answers[key], chosen) for key, p in probabilities.items()
        },
        "levels": _levels(counts, labels, answers),
    }
    if set(PAIR) <= answers.keys():
        found["gain"] = _gain(counts, labels, answers, chosen)
    return found


def _mean(values: Floats) -> Proportion:
    return {"share": float(values.mean()), "interval": agreement.mean_interval(values)}


def _pairs(counts: Counts) -> Floats:
    """How often two of an image's voters, drawn at random, agree, (n,)."""
    total = counts.sum(axis=1).astype(np.float64)
    votes = counts.astype(np.float64)
    return np.asarray((votes * (votes - 1)).sum(axis=1) / (total * (total - 1)))


def _agreement(counts: Counts, answers: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Agreement:
    return {
        "majority": _mean(agreement.credit(counts, answers)[chosen]),
        "voters": _mean(agreement.share_of_voters(counts, answers)),
        "others": _mean(agreement.agreement_with_others(counts, answers)[chosen]),
    }


def _model(
    counts: Counts,
    labels: NDArray[np.int64],
    probabilities: Floats,
    answers: NDArray[np.int64],
    chosen: NDArray[np.bool_],
) -> ModelAgreement:
    confidence = probabilities.max(axis=1)
    by_voters = agreement.share_of_voters(counts, answers)
    by_majority = agreement.credit(counts, answers)[chosen]
    seen = agreement.saw_an_emotion(counts)
    divergence = float(agreement.divergence(counts[seen], probabilities[seen]).mean())
    right = (answers == labels).astype(np.float64)
    return {
        "label": _mean(right),
        "label_with_majority": _mean(right[chosen]),
        **_agreement(counts, answers, chosen),
        "divergence": divergence,
        "cross_entropy": divergence + float(agreement.entropy(counts[seen]).mean()),
        "ece_voters": agreement.calibration_error(confidence, by_voters),
        "ece_majority": agreement.calibration_error(confidence[chosen], by_majority),
        "reliability_voters": agreement.reliability(confidence, by_voters),
        "reliability_majority": agreement.reliability(confidence[chosen], by_majority),
        "errors": _errors(counts, labels, answers),
    }


def _errors(counts: Counts, labels: NDArray[np.int64], answers: NDArray[np.int64]) -> ErrorSides:
    """Of the answers that are not the label: with whom the crowd sides."""
    wrong = answers != labels
    found: ErrorSides = {"images": int(wrong.sum())}
    if not wrong.any():
        return found
    of_error = agreement.side_of(counts[wrong], answers[wrong], labels[wrong])
    for side in agreement.SIDES:
        is_so = of_error == side
        found[side] = {"images": int(is_so.sum()), **_mean(is_so.astype(np.float64))}
    return found


def _levels(
    counts: Counts, labels: NDArray[np.int64], answers: Mapping[str, NDArray[np.int64]]
) -> list[Level]:
    """By how many voters chose the most frequent emotion, from all ten down; accuracy against the
    majority only where there is one."""
    level_of = agreement.agreement(counts)
    table = []
    for level in sorted(np.unique(level_of).tolist(), reverse=True):
        at = level_of == level
        row: Level = {"votes": int(level), "images": int(at.sum()), "models": {}}
        has_majority = level >= agreement.ENOUGH
        if has_majority:
            row["fer2013_label"] = _mean(agreement.credit(counts[at], labels[at]))
            row["human"] = _mean(agreement.agreement_with_others(counts[at], None))
        for key, found in answers.items():
            row["models"][key] = {
                "voters": _mean(agreement.share_of_voters(counts[at], found[at])),
                "label": _mean((found[at] == labels[at]).astype(np.float64)),
            }
            if has_majority:
                row["models"][key]["majority"] = _mean(agreement.credit(counts[at], found[at]))
        table.append(row)
    return table


def _gain(
    counts: Counts,
    labels: NDArray[np.int64],
    answers: Mapping[str, NDArray[np.int64]],
    chosen: NDArray[np.bool_],
) -> CrowdGain:
    """What `proposed` gains over `baseline` by each yardstick, pairs of answers kept together."""
    baseline, proposed = (answers[key] for key in PAIR)
    by_label = (proposed == labels).astype(np.float64) - (baseline == labels)
    by_crowd = agreement.credit(counts, proposed) - agreement.credit(counts, baseline)
    by_voters = agreement.share_of_voters(counts, proposed) - agreement.share_of_voters(
        counts, baseline
    )
    return {
        "label": _mean(by_label),
        "label_with_majority": _mean(by_label[chosen]),
        "majority": _mean(by_crowd[chosen]),
        "voters": _mean(by_voters),
    }
