"""Explanations of an answer: Grad-CAM and the gates of the SE block, for both models at once.

The classifier hands out the maps of the last convolution, and what follows is differentiated in
`heads`: no TensorFlow where the fast backend answers, and no second copy of the networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from fer import emotions
from fer.inference import heads
from fer.inference.heads import Head
from fer.vision.preprocessing import FER_SIZE, Floats, Gray, Rgb

if TYPE_CHECKING:
    from fer.inference.classification import Classifier

# OpenCV's perceptually even scale, dark to light.
COLOUR_SCALE = cv2.COLORMAP_INFERNO
OVERLAY_SHAPE = (384, 384)


@dataclass(frozen=True)
class Explanation:
    """An explanation of one model's answer for one face.

    target: the explained class, 0-6. side: cells along a side of the map before it was enlarged.
    heat: Grad-CAM of the class, (48, 48) float32 from 0 up, in the logit's own unit. gates: of the
    SE block, (512,) between 0 and 1; None for a model without one.
    """

    model: str
    target: int
    side: int
    heat: Floats
    gates: Floats | None

    @property
    def is_blank(self) -> bool:
        """Return whether nothing in the image speaks for the class: the whole map is zero."""
        return not bool(self.heat.max() > 0)


class Explainer:
    """Grad-CAM of a classifier's models; safe to share between threads, in the classifier's queue.

    `heads`: what follows the last convolution, by model key. `maps`: `Classifier.maps`.
    """

    def __init__(self, classifier: Classifier) -> None:
        """Read the heads; raise FerError if weights are missing or damaged."""
        self.heads: dict[str, Head] = {
            key: heads.from_tensors(model.scenario, model.weights())
            for key, model in classifier.models.items()
        }
        self.maps = classifier.maps

    def explain(self, face: Gray, target: int | None = None) -> dict[str, Explanation]:
        """Return each model's explanation for a gray face of any size: of a class, 0-6, or of the
        model's own top-1 if None."""
        return {
            key: explanation(key, maps, self.heads[key], target)
            for key, maps in self.maps([face]).items()
        }


def explanation(model: str, maps: Floats, head: Head, target: int | None = None) -> Explanation:
    """Explain the answer of a model's head for one face, of which the last convolution's maps
    (1, h, w, C) are given: a class, 0-6, or the head's own top-1 if None."""
    explained = int(head.logits(maps)[0].argmax()) if target is None else target
    heat = grad_cam(maps, head, np.array([explained]))[0]
    gates = None if head.gate is None else head.gates(maps)[0]
    return Explanation(model, explained, len(heat), enlarge(heat), gates)


def grad_cam(maps: Floats, head: Head, targets: NDArray[np.int64]) -> Floats:
    """Return gradient-weighted class activation maps (Selvaraju et al. 2017, eq. 1-2), (n, h, w),
    of the last convolution's maps (n, h, w, C). `targets`: the class, 0-6, whose logit is
    differentiated for each image, (n,)."""
    positions = maps.shape[1] * maps.shape[2]
    weights = head.summed_gradient(maps, targets) / positions
    return np.asarray(np.maximum(np.einsum("nhwc,nc->nhw", maps, weights), 0.0), dtype=np.float32)


def enlarge(heat: Floats) -> Floats:
    """Enlarge a map (h, w) bilinearly to (48, 48)."""
    return np.asarray(cv2.resize(heat, (FER_SIZE, FER_SIZE)), dtype=np.float32)


def overlay(face: Gray, explanation: Explanation, strength: float) -> Rgb:
    """Return the face (any size) with the map, scaled to its own highest value, laid over it,
    (384, 384, 3) uint8; a strength of 0 shows the face alone, 1 the map alone."""
    gray = cv2.resize(face, OVERLAY_SHAPE, interpolation=cv2.INTER_CUBIC)
    heat = cv2.resize(explanation.heat, OVERLAY_SHAPE)
    highest = float(heat.max())
    shades = np.rint(255 * heat / highest if highest > 0 else heat).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(shades, COLOUR_SCALE), cv2.COLOR_BGR2RGB)
    base = np.repeat(gray[:, :, None], 3, axis=2)
    return np.asarray(cv2.addWeighted(base, 1 - strength, colours, strength, 0), dtype=np.uint8)


def rows(explanations: dict[str, Explanation]) -> list[dict[str, object]]:
    """Return a row for each model and pixel: model, class, row, column, share of the map's sum."""
    return [
        {
            "model": key,
            "class": emotions.KEYS[explanation.target],
            "row": row,
            "column": column,
            "share": round(float(share), 8),
        }
        for key, explanation in explanations.items()
        for (row, column), share in np.ndenumerate(
            explanation.heat / (float(explanation.heat.sum()) or 1.0)
        )
    ]
