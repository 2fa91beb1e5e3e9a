"""The smallest change of a face that turns a model's answer into another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fer.inference.classification import Classifier
from fer.progress import Progress
from fer.vision import corruptions
from fer.vision.corruptions import CORRUPTIONS, COVERING
from fer.vision.preprocessing import Floats, Gray


@dataclass(frozen=True)
class TurningPoint:
    """The weakest strength of a corruption at which a model's most probable emotion is another one.

    strength: in the corruption's unit, negative for the other way. share: how far that lies on the
    way to the strongest measured, 0-1. top1: the new answer.
    """

    corruption: str
    strength: float
    share: float
    top1: str


def search(
    face: Gray,
    landmarks: Floats | None,
    classifier: Classifier,
    progress: Progress | None = None,
) -> dict[str, dict[str, TurningPoint]]:
    """Return for each model the turning point of each corruption alone; none where no strength
    turns the answer.

    Strengths are tried from weak to strong, both ways where there are two, each by the models whose
    answer has not turned yet.

    Args:
        face: (48, 48) uint8.
        landmarks: (5, 2) x and y in pixels; without them nothing is covered.
        progress: called with how many strengths are tried or need no trial.
    """
    (untouched,) = classifier.predict([face])
    points: dict[str, dict[str, TurningPoint]] = {model: {} for model in untouched}
    kinds = [c for c in CORRUPTIONS.values() if landmarks is not None or c.key not in COVERING]
    steps = sum(len(corruption.levels) for corruption in kinds)
    done = 0
    for corruption in kinds:
        waiting = list(untouched)
        for at, level in enumerate(corruption.levels, start=1):
            ways = (level, -level) if corruption.is_signed else (level,)
            changed = [corruptions.combine(face, {corruption.key: s}, landmarks) for s in ways]
            for strength, answers in zip(ways, classifier.predict(changed, waiting), strict=True):
                for model, answer in answers.items():
                    if answer.top1 != untouched[model].top1:
                        share = corruption.share(strength)
                        point = TurningPoint(corruption.key, strength, share, answer.top1)
                        points[model].setdefault(corruption.key, point)
            waiting = [model for model in waiting if corruption.key not in points[model]]
            if progress is not None:
                progress(done + at, steps)
            if not waiting:
                break
        done += len(corruption.levels)
    return points


def smallest(points: Mapping[str, TurningPoint]) -> TurningPoint | None:
    """Return the one of a model's turning points that takes the smallest share of its corruption's
    range; None if no corruption turns the answer."""
    return min(points.values(), key=lambda point: point.share, default=None)
