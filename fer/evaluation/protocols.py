"""Protocols under which accuracies on FER-2013 are compared: which views of an image are averaged.

Published figures were found under different protocols, and averaging over views changes accuracy by
itself; a comparison has to name the one it used.
"""

from __future__ import annotations

from enum import StrEnum

from fer.data.dataset import Split

# Side of a crop of the 48x48 image: with 44 the face is enlarged by 9 % and moved by at most 4 %,
# both within what training varied.
CROP = 44
SPLIT = Split.PRIVATE_TEST


class Protocol(StrEnum):
    """The views of an image over which confidences are averaged."""

    ONE_CROP = "one_crop"
    MIRROR = "mirror"
    TEN_CROPS = "ten_crops"


# The protocols that average views; the metrics hold one crop.
AVERAGING = (Protocol.MIRROR, Protocol.TEN_CROPS)
