"""Ways to spoil a 48x48 face, each at any strength: what the study of robustness measures at five,
and what a visitor tries.

After Hendrycks & Dietterich 2019, on 48x48.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from fer import FerError
from fer.vision import regions
from fer.vision.preprocessing import FER_SIZE, Floats, Gray

# Face (48, 48) uint8, its landmarks (5, 2) if known, the strength, a generator; the spoilt face.
Spoil: TypeAlias = Callable[[Gray, Floats | None, float, np.random.Generator], Gray]
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
    apply: Spoil
    is_signed: bool = False

    def spoil(
        self, face: Gray, landmarks: Floats, strength: float, rng: np.random.Generator
    ) -> Gray:
        """Return the face as the study spoils it: where it goes both ways, in one that is drawn."""
        if self.is_signed and not rng.random() < 0.5:
            strength = -strength
        return self.apply(face, landmarks, strength, rng)

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
        landmarks: (5, 2) x and y in pixels; None where they were not found.

    Raises:
        FerError: if a region is to be covered and there are no landmarks.
    """
    for key in ORDER:
        corruption = CORRUPTIONS[key]
        strength = strengths.get(key, corruption.neutral)
        if strength == corruption.neutral:
            continue
        face = corruption.apply(face, landmarks, strength, np.random.default_rng(NOISE_SEED))
    return face


def _rotation(face: Gray, _: object, degrees: float, __: np.random.Generator) -> Gray:
    centre = (FER_SIZE - 1) / 2
    turn = cv2.getRotationMatrix2D((centre, centre), degrees, 1.0)
    return _uint8(cv2.warpAffine(face, turn, face.shape, borderMode=cv2.BORDER_REFLECT_101))


def _blur(face: Gray, _: object, sigma: float, __: np.random.Generator) -> Gray:
    return _uint8(cv2.GaussianBlur(face, (0, 0), sigma))


def _noise(face: Gray, _: object, sigma: float, rng: np.random.Generator) -> Gray:
    return _uint8(face + rng.normal(0.0, sigma, face.shape))


def _brightness(face: Gray, _: object, shift: float, __: np.random.Generator) -> Gray:
    return _uint8(face.astype(np.float32) + shift)


def _contrast(face: Gray, _: object, factor: float, __: np.random.Generator) -> Gray:
    middle = float(face.mean())
    return _uint8((face - middle) * factor + middle)


def _resolution(face: Gray, _: object, side: float, __: np.random.Generator) -> Gray:
    small = cv2.resize(face, (int(side), int(side)), interpolation=cv2.INTER_AREA)
    return _uint8(cv2.resize(small, (FER_SIZE, FER_SIZE), interpolation=cv2.INTER_LINEAR))


def _occlusion(region: str) -> Spoil:
    def cover(face: Gray, landmarks: Floats | None, share: float, _: np.random.Generator) -> Gray:
        if landmarks is None:
            raise FerError("No single face was detected in this image; nothing can be covered.")
        mask = regions.masks(landmarks)[region]
        rows = np.flatnonzero(mask.any(axis=1))
        if len(rows) == 0:
            return face
        # A bar of the region's width that covers this share of its height, around its middle.
        middle = (rows[0] + rows[-1]) / 2
        reach = share * (rows[-1] - rows[0] + 1) / 2
        spoilt = face.copy()
        covered = mask & (np.abs(np.arange(FER_SIZE) - middle)[:, None] <= reach)
        spoilt[covered] = np.uint8(round(float(face.mean())))
        return spoilt

    return cover


def _uint8(image: object) -> Gray:
    return np.clip(np.rint(np.asarray(image, dtype=np.float32)), 0, 255).astype(np.uint8)


_SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
_HEIGHT = "share of the height"
CORRUPTIONS: dict[str, Corruption] = {
    c.key: c
    for c in (
        Corruption("rotation", "degrees", (10, 20, 30, 45, 60), 0, 2.5, _rotation, is_signed=True),
        Corruption("blur", "pixels", (0.5, 1.0, 1.5, 2.0, 3.0), 0, 0.1, _blur),
        Corruption("noise", "gray levels", (8, 16, 24, 36, 50), 0, 2, _noise),
        Corruption(
            "brightness", "gray levels", (20, 40, 60, 80, 110), 0, 5, _brightness, is_signed=True
        ),
        Corruption("contrast", "factor", (0.7, 0.5, 0.35, 0.2, 0.1), 1, 0.05, _contrast),
        Corruption("resolution", "pixels a side", (36, 28, 20, 14, 10), FER_SIZE, 2, _resolution),
        Corruption("eyes_covered", _HEIGHT, _SHARES, 0, 0.1, _occlusion("eyes")),
        Corruption("mouth_covered", _HEIGHT, _SHARES, 0, 0.1, _occlusion("mouth")),
    )
}
COVERING = ("eyes_covered", "mouth_covered")
# In which several are applied.
ORDER = (*COVERING, "rotation", "resolution", "blur", "brightness", "contrast", "noise")
