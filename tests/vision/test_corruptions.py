"""Spoilt faces: what a visitor tries is what the study of robustness measured."""

from __future__ import annotations

import numpy as np
import pytest

from fer import FerError
from fer.lab.studies import robustness
from fer.vision import corruptions, regions
from fer.vision.corruptions import CORRUPTIONS
from tests.support.making import face_like

LANDMARKS = np.array([[15, 20], [33, 20], [24, 28], [17, 37], [31, 37]], np.float32)


@pytest.mark.parametrize("key", list(CORRUPTIONS))
def test_a_visitor_sees_exactly_the_studys_pixels(key: str) -> None:
    face = face_like(5)
    for strength in CORRUPTIONS[key].strengths:
        rngs = (np.random.default_rng(corruptions.NOISE_SEED) for _ in range(2))
        studied = robustness.CORRUPTIONS[key].spoil(face, LANDMARKS, strength, next(rngs))
        is_other_way = CORRUPTIONS[key].is_signed and next(rngs).random() >= 0.5
        tried = {key: -strength if is_other_way else strength}
        assert (corruptions.combine(face, tried, LANDMARKS) == studied).all()


def test_the_covered_mouth_is_the_studys_region() -> None:
    face = face_like(6)
    covered = corruptions.combine(face, {"mouth_covered": 1.0}, LANDMARKS)
    mouth = regions.masks(LANDMARKS)["mouth"]
    assert (covered[mouth] == round(float(face.mean()))).all()
    assert (covered[~mouth] == face[~mouth]).all()


def test_levels_go_from_weak_to_strong_and_hold_every_measured_strength() -> None:
    for corruption in CORRUPTIONS.values():
        shares = [corruption.share(level) for level in corruption.levels]
        assert shares == sorted(shares)
        assert 0 < shares[0] < 0.11 < shares[-1] == 1
        assert set(corruption.strengths) <= set(corruption.levels)


def test_neutral_strengths_change_nothing() -> None:
    face = face_like(7)
    neutral = {key: corruption.neutral for key, corruption in CORRUPTIONS.items()}
    assert (corruptions.combine(face, neutral, None) == face).all()


def test_several_changes_are_made_one_after_the_other() -> None:
    face = face_like(8)
    both = corruptions.combine(face, {"brightness": -40, "eyes_covered": 1.0}, LANDMARKS)
    covered = corruptions.combine(face, {"eyes_covered": 1.0}, LANDMARKS)
    assert (both == corruptions.combine(covered, {"brightness": -40}, None)).all()
    assert set(corruptions.ORDER) == set(CORRUPTIONS)


def test_without_landmarks_covering_is_refused_in_words() -> None:
    with pytest.raises(FerError, match="nothing can be covered"):
        corruptions.combine(face_like(9), {"mouth_covered": 0.2}, None)
