"""Flaws that make a face hard to read: little light, blur, a covered mouth, a drawing."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from fer.vision.preprocessing import Gray, to_fer_resolution

Flaw = Literal["dark", "blurred", "covered", "drawn"]
# All limits hold at 48x48 pixels, FER-2013's own size, in which the networks get a face.
# Mean gray, 0-255. Of 3,000 PublicTest faces 0.2 % are darker; at 0.2 of their light 73 % are, at
# 0.15 99 %. With a tenth of the contrast the models are right in 40 and 63 of 100 instead of 64 and
# 73 (models/analysis/robustness.json).
DARK_BELOW = 30.0
# `sharpness`. Of 3,000 PublicTest faces 0.03 % have less; blurred by 1 pixel of 48 67 % do, by 1.5
# pixels 99 %. The models are then right in 47 and 58, and in 34 and 46 of 100 (the same record).
BLURRED_BELOW = 0.08
# Deviation of the gray values around the mouth as a share of that around the eyes: of 3,000
# PublicTest faces 0.5 % have less than this; of 500 with a drawn mask of one shade, 95 % with folds
# of 8 gray levels in it, 87 % with 12. A patterned mask deviates as much as a mouth.
COVERED_BELOW = 0.40
# `flatness`, where the gray values deviate by DRAWN_DEVIATION and nothing is covered: dark and pale
# faces and masks are flat, too. Of 3,000 PublicTest faces 0.07 % have more; of the nine heads in
# clip art that YuNet is sure of, the six with shaded areas do, those of black lines do not.
DRAWN_ABOVE, DRAWN_DEVIATION = 0.28, 25.0
BLACK, WHITE = 5, 250
# Rows and columns of eyes and mouth in FER-2013's crops, of 48.
EYES, MOUTH = (slice(12, 28), slice(6, 42)), (slice(29, 45), slice(10, 38))


def flaws(crop: Gray) -> tuple[Flaw, ...]:
    """Return the flaws of a gray face (H, W) uint8 of any size, cropped as FER-2013's are; empty if
    it can be read well."""
    face = to_fer_resolution(crop)
    is_covered = float(face[MOUTH].std()) < COVERED_BELOW * float(face[EYES].std())
    is_flat = flatness(face) > DRAWN_ABOVE and float(face.std()) > DRAWN_DEVIATION
    has_flaw: dict[Flaw, bool] = {
        "dark": float(face.mean()) < DARK_BELOW,
        "blurred": sharpness(face) < BLURRED_BELOW,
        "covered": is_covered,
        "drawn": is_flat and not is_covered,
    }
    return tuple(flaw for flaw, is_present in has_flaw.items() if is_present)


def sharpness(gray: Gray) -> float:
    """Return the variance of an image's Laplacian over that of its gray values: the fineness of its
    details, whatever the contrast; 0 for an image of a single shade."""
    laplacian = cv2.Laplacian(gray, cv2.CV_64F)
    return float(laplacian.var() / max(float(np.var(gray)), 1e-12))


def flatness(gray: Gray) -> float:
    """Return the share of pixels, neither black nor white, that differ by at most one gray level
    from both the pixel to the right and the one below, 0-1."""
    values = gray.astype(np.int16)
    across, down = np.abs(np.diff(values, axis=1)), np.abs(np.diff(values, axis=0))
    inner = values[:-1, :-1]
    is_flat = (across[:-1] <= 1) & (down[:, :-1] <= 1) & (inner > BLACK) & (inner < WHITE)
    return float(is_flat.mean())
