"""The smallest change that turns an answer, searched with a classifier of known answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from fer import emotions
from fer.inference import turning_points
from fer.inference.classification import Prediction
from fer.inference.turning_points import TurningPoint
from fer.vision.corruptions import CORRUPTIONS

LANDMARKS = np.array([[15, 20], [33, 20], [24, 28], [17, 37], [31, 37]], np.float32)
HAPPY, SAD = emotions.LABEL_OF["happy"], emotions.LABEL_OF["sad"]


class Rule:
    """A classifier that is happy until a rule says sad, for each model another one."""

    def __init__(self, **is_sad: Callable[[np.ndarray], bool]) -> None:
        self.is_sad = is_sad
        self.asked = Counter[str]()

    def predict(
        self, faces: Sequence[np.ndarray], keys: Sequence[str] | None = None
    ) -> list[dict[str, Prediction]]:
        models = list(self.is_sad) if keys is None else keys
        self.asked.update(dict.fromkeys(models, len(faces)))
        return [
            {
                model: Prediction(model, np.eye(7)[SAD if self.is_sad[model](face) else HAPPY])
                for model in models
            }
            for face in faces
        ]


# Light may change by half of its range before a pixel is black or white.
FACE = np.random.default_rng(2).integers(110, 140, (48, 48), dtype=np.uint8)


def search(rule: Rule, landmarks: np.ndarray | None = LANDMARKS):
    return turning_points.search(FACE, landmarks, rule)  # type: ignore[arg-type]


def test_the_first_strength_that_turns_the_answer_is_found() -> None:
    # Only light changes the mean by so much: 33 gray levels lie between two steps.
    mean = float(FACE.mean())
    rule = Rule(bright=lambda other: other.mean() > mean + 33, dark=lambda o: o.mean() < mean - 43)
    found = search(rule)
    assert found["bright"]["brightness"] == TurningPoint("brightness", 35, 35 / 110, "sad")
    assert found["dark"]["brightness"] == TurningPoint("brightness", -45, 45 / 110, "sad")
    assert turning_points.smallest(found["bright"]) == found["bright"]["brightness"]


def test_where_nothing_turns_the_answer_every_strength_is_tried_by_that_model_alone() -> None:
    rule = Rule(touchy=lambda other: not np.array_equal(other, FACE), stubborn=lambda other: False)
    found = search(rule)
    assert found["stubborn"] == {}
    assert turning_points.smallest(found["stubborn"]) is None
    # Both ways where there are two.
    tried = sum(len(c.levels) * (1 + c.is_signed) for c in CORRUPTIONS.values())
    assert rule.asked["stubborn"] == 1 + tried
    assert rule.asked["touchy"] < 30


def test_without_landmarks_nothing_is_covered() -> None:
    found = search(Rule(touchy=lambda other: True), None)
    assert not {"eyes_covered", "mouth_covered"} & set(found["touchy"])
