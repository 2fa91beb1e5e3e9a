"""Ways to spoil a 48x48 face, each at any strength: what the study of robustness measures at five,
and what a visitor tries.

After Hendrycks & Dietterich 2019, on 48x48.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from fer import FerError
from fer.vision import regions
from fer.vision.preprocessing import FER_SIZE, Floats, Gray

NOISE_SEED = 2013


@dataclass(frozen=True)
class Corruption:
    """One way to spoil a face.

    strengths: the five that are measured, mild to strong. neutral: the strength that changes
    nothing. step: between two strengths that a visitor can choose. is_signed: whether it goes both
    ways, left and right or darker and lighter.
    """

    key: str
    unit: str
    strengths: tuple[float, ...]
    neutral: float
    step: float
    is_signed: bool = False

    def spoil(
        self, face: Gray, landmarks: Floats, strength: float, rng: np.random.Generator
    ) -> Gray:
        """Return the face as the study spoils it: where it goes both ways, in one that is drawn."""
        if self.is_signed and not rng.random() < 0.5:
            strength = -strength
        return apply(self.key, face, landmarks, strength, rng)

    @property
    def levels(self) -> tuple[float, ...]:
        """Every strength that a visitor can choose, from the weakest to the strongest measured."""
        reach = self.strengths[-1] - self.neutral
        count = round(abs(reach) / self.step)
        return tuple(round(self.neutral + reach * n / count, 6) for n in range(1, count + 1))

    def share(self, strength: float) -> float:
        """Return the place of a strength on the way to the strongest measured, 0-1."""
        return (abs(strength) - self.neutral) / (self.strengths[-1] - self.neutral)


def combine(face: Gray, strengths: Mapping[str, float], landmarks: Floats | None) -> Gray:
    """Return the face (48, 48) uint8 with several corruptions, one after the other as a camera
    would meet them: what covers it, its pose, then resolution, blur, light, contrast and noise.

    Args:
        strengths: by key of `CORRUPTIONS`, negative for the other way; a missing one changes
            nothing. Noise of every strength has the same pattern.
        landmarks: (5, 2) x and y in pixels; None where they were not found: a FerError is raised
            if a region is to be covered.
    """
    for key in ORDER:
        corruption = CORRUPTIONS[key]
        strength = strengths.get(key, corruption.neutral)
        if strength == corruption.neutral:
            continue
        face = apply(key, face, landmarks, strength, np.random.default_rng(NOISE_SEED))
    return face


def apply(
    key: str, face: Gray, landmarks: Floats | None, strength: float, rng: np.random.Generator
) -> Gray:
    """Return the face (48, 48) uint8 with one corruption. Raises as `combine`."""
    spoilt: ArrayLike
    match key:
        case "rotation":
            centre = (FER_SIZE - 1) / 2
            turn = cv2.getRotationMatrix2D((centre, centre), strength, 1.0)
            spoilt = cv2.warpAffine(face, turn, face.shape, borderMode=cv2.BORDER_REFLECT_101)
        case "blur":
            spoilt = cv2.GaussianBlur(face, (0, 0), strength)
        case "noise":
            spoilt = face + rng.normal(0.0, strength, face.shape)
        case "brightness":
            spoilt = face.astype(np.float32) + strength
        case "contrast":
            middle = float(face.mean())
            spoilt = (face - middle) * strength + middle
        case "resolution":
            small = cv2.resize(face, (int(strength),) * 2, interpolation=cv2.INTER_AREA)
            spoilt = cv2.resize(small, (FER_SIZE, FER_SIZE), interpolation=cv2.INTER_LINEAR)
        case _:
            spoilt = _covered(face, landmarks, key.removesuffix("_covered"), strength)
    return np.clip(np.rint(np.asarray(spoilt, dtype=np.float32)), 0, 255).astype(np.uint8)


def _covered(face: Gray, landmarks: Floats | None, region: str, share: float) -> Gray:
    """Return the face with a bar of the region's width that covers this share of its height, around
    its middle."""
    if landmarks is None:
        raise FerError("No single face was detected in this image; nothing can be covered.")
    mask = regions.masks(landmarks)[region]
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return face
    middle, reach = (rows[0] + rows[-1]) / 2, share * (rows[-1] - rows[0] + 1) / 2
    is_covered = mask & (np.abs(np.arange(FER_SIZE) - middle)[:, None] <= reach)
    return np.where(is_covered, np.uint8(round(float(face.mean()))), face)


_SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
_HEIGHT = "share of the height"
CORRUPTIONS: dict[str, Corruption] = {
    c.key: c
    for c in (
        Corruption("rotation", "degrees", (10, 20, 30, 45, 60), 0, 2.5, is_signed=True),
        Corruption("blur", "pixels", (0.5, 1.0, 1.5, 2.0, 3.0), 0, 0.1),
        Corruption("noise", "gray levels", (8, 16, 24, 36, 50), 0, 2),
        Corruption("brightness", "gray levels", (20, 40, 60, 80, 110), 0, 5, is_signed=True),
        Corruption("contrast", "factor", (0.7, 0.5, 0.35, 0.2, 0.1), 1, 0.05),
        Corruption("resolution", "pixels a side", (36, 28, 20, 14, 10), FER_SIZE, 2),
        Corruption("eyes_covered", _HEIGHT, _SHARES, 0, 0.1),
        Corruption("mouth_covered", _HEIGHT, _SHARES, 0, 0.1),
    )
}
COVERING = ("eyes_covered", "mouth_covered")
# In which several are applied.
ORDER = (*COVERING, "rotation", "resolution", "blur", "brightness", "contrast", "noise")
