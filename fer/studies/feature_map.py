"""A map of the test images as it is stored: places, and of which images they are."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer import FerError

# The components that t-SNE is given, and the neighbours of each image on the map, on average.
COMPONENTS, PERPLEXITY = 50, 30.0
# Coordinates are stored in whole steps, from -SCALE to SCALE.
SCALE = 32_000


def digest_of(sources: Sequence[str] | NDArray[np.str_]) -> str:
    """Return the SHA-256 of images' names in their order, by which a map knows its images."""
    return hashlib.sha256("\n".join(map(str, sources)).encode()).hexdigest()


def packed(places: NDArray[np.float32] | NDArray[np.float64]) -> str:
    """Return places (n, 2) about their middle as base64 of int16; the farthest lies at `SCALE`."""
    middle = (places.max(axis=0) + places.min(axis=0)) / 2
    centred = np.asarray(places, np.float64) - middle
    steps = np.rint(SCALE * centred / max(float(np.abs(centred).max()), 1e-9))
    return base64.b64encode(steps.astype("<i2").tobytes()).decode()


def unpacked(coordinates: str, images: int) -> NDArray[np.float64]:
    """Return the places (n, 2) from -1 to 1 that `packed` packed. Raises a FerError if they are not
    those of so many images."""
    try:
        steps = np.frombuffer(base64.b64decode(coordinates, validate=True), "<i2")
        return np.asarray(steps.reshape(images, 2) / SCALE, np.float64)
    except ValueError as error:
        raise FerError(
            "The map of the test images is damaged; make it anew: fer analyse --only map"
        ) from error
