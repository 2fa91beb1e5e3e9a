"""Where a film cuts from one shot to the next."""

from __future__ import annotations

import cv2
import numpy as np

from fer.vision.preprocessing import Floats, Rgb

# Between two looks 0.1 s apart a moving camera shifts what is seen and a lamp changes its colours;
# a cut does both at once, or changes the colours altogether. Of 66 cuts between photographs these
# limits find 94 of 100; of pans by up to a tenth of the picture, zoomed and with a quarter more or
# less light, they take 5 of 100 for one.
LEAST_CORRELATION, MOST_DISTANCE = 0.7, 0.45
OTHER_COLOURS = 0.65
WIDTH, HEIGHT = 48, 27
# How far the middle of a picture is looked for in the one before.
ASIDE, ABOVE = 9, 6
BINS = 8
# A picture of one shade has no structure that could be compared.
LEAST_DEVIATION = 4.0


class CutDetector:
    """Tells whether a new shot began since the picture before. Not to be shared between threads."""

    def __init__(self) -> None:
        self._before: tuple[Floats, Floats] | None = None

    def is_cut(self, rgb: Rgb) -> bool:
        """Whether a picture (H, W, 3) uint8 belongs to another shot than the one before it.

        Compares how well the picture's middle is found in the one before (correlation of small gray
        copies) and their colour histograms (Hellinger distance), as shot detectors do (Boreczky &
        Rowe 1996); False for the first picture.
        """
        small = cv2.resize(rgb, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.float32)
        counts = cv2.calcHist([rgb], [0, 1, 2], None, [BINS] * 3, [0, 256] * 3)
        colours = np.asarray(counts / max(float(counts.sum()), 1.0), dtype=np.float32)
        before, self._before = self._before, (gray, colours)
        if before is None:
            return False
        middle = np.ascontiguousarray(gray[ABOVE:-ABOVE, ASIDE:-ASIDE])
        if min(middle.std(), before[0].std()) < LEAST_DEVIATION:
            return False
        correlation = cv2.matchTemplate(before[0], middle, cv2.TM_CCOEFF_NORMED).max()
        distance = cv2.compareHist(colours, before[1], cv2.HISTCMP_BHATTACHARYYA)
        is_elsewhere = correlation < LEAST_CORRELATION and distance > MOST_DISTANCE
        return bool(is_elsewhere or distance > OTHER_COLOURS)
