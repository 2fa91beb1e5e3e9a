"""The smallest change that turns an answer, searched with a classifier of known answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest

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
        self.asked = 0
        self.by_model = Counter[str]()

    def predict(
        self, faces: Sequence[np.ndarray], keys: Sequence[str] | None = None
    ) -> list[dict[str, Prediction]]:
        self.asked += len(faces)
        asked = list(self.is_sad) if keys is None else keys
        self.by_model.update(dict.fromkeys(asked, len(faces)))
        return [
            {
                model: Prediction(model, np.eye(7)[SAD if self.is_sad[model](face) else HAPPY])
                for model in asked
            }
            for face in faces
        ]


# Light may change by half of its range before a pixel is black or white.
FACE = np.random.default_rng(2).integers(110, 140, (48, 48), dtype=np.uint8)


def search(rule: Rule, landmarks: np.ndarray | None = LANDMARKS):
    return turning_points.search(FACE, landmarks, rule)  # type: ignore[arg-type]


def test_the_first_strength_that_turns_the_answer_is_found() -> None:
    # Only light changes the mean by so much: 33 gray levels lie between two steps.
    found = search(
        Rule(
            bright=lambda other: float(other.mean()) > float(FACE.mean()) + 33,
            dark=lambda other: float(other.mean()) < float(FACE.mean()) - 43,
        )
    )
    assert found["bright"]["brightness"] == TurningPoint("brightness", 35, 35 / 110, "sad")
    assert found["dark"]["brightness"] == TurningPoint("brightness", -45, 45 / 110, "sad")
    assert turning_points.smallest(found["bright"]) == found["bright"]["brightness"]


def test_of_several_changes_the_smallest_share_of_its_range_counts() -> None:
    points = {
        key: TurningPoint(key, strength, CORRUPTIONS[key].share(strength), "sad")
        for key, strength in (("rotation", 30.0), ("contrast", 0.7), ("resolution", 20.0))
    }
    assert turning_points.smallest(points) == points["contrast"]


def test_nothing_stronger_is_tried_once_all_answers_turned() -> None:
    told: list[tuple[int, int]] = []
    rule = Rule(touchy=lambda other: not np.array_equal(other, FACE))
    found = turning_points.search(FACE, LANDMARKS, rule, lambda *now: told.append(now))  # type: ignore[arg-type]
    assert set(found["touchy"]) == set(CORRUPTIONS)
    # The weakest blur moves no pixel by half a gray level.
    weakest = {key: CORRUPTIONS[key].levels[0] for key in CORRUPTIONS if key != "blur"}
    assert {k: p.strength for k, p in found["touchy"].items() if k != "blur"} == weakest
    assert rule.asked < 30
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert all(done <= most for done, most in told)


def test_where_nothing_turns_the_answer_every_strength_is_tried_by_that_model_alone() -> None:
    rule = Rule(touchy=lambda other: not np.array_equal(other, FACE), stubborn=lambda other: False)
    found = search(rule)
    assert found["stubborn"] == {}
    assert turning_points.smallest(found["stubborn"]) is None
    # Both ways where there are two.
    tried = sum(len(c.levels) * (1 + c.is_signed) for c in CORRUPTIONS.values())
    assert rule.asked == rule.by_model["stubborn"] == 1 + tried
    assert rule.by_model["touchy"] < 30


@pytest.mark.parametrize("key", ["eyes_covered", "mouth_covered"])
def test_without_landmarks_nothing_is_covered(key: str) -> None:
    found = search(Rule(touchy=lambda other: True), None)
    assert key not in found["touchy"]
