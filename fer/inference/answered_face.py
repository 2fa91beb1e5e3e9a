"""A face with each model's answer, as photos, videos and the webcam give it."""

from __future__ import annotations

from dataclasses import dataclass

from fer.inference.classification import Prediction, agree
from fer.vision import quality
from fer.vision.faces import Face
from fer.vision.preprocessing import Gray
from fer.vision.quality import Flaw


@dataclass(frozen=True)
class AnsweredFace:
    """One face, the crop that the networks were given, and each model's prediction by model key.

    face: where it is in the upright image; None where the whole image was taken. crop: gray
    (side, side) uint8. number: its number among the faces of a stream; 0 in a photo.
    """

    face: Face | None
    crop: Gray
    predictions: dict[str, Prediction]
    number: int = 0

    @property
    def is_doubtful(self) -> bool:
        """Return whether the detected face may be none."""
        return self.face is not None and self.face.is_doubtful

    @property
    def flaws(self) -> tuple[Flaw, ...]:
        """Flaws that make the face hard to read, in the crop that the networks were given."""
        return quality.flaws(self.crop)

    @property
    def is_agreed(self) -> bool:
        """Return whether every model has the same most probable emotion."""
        return agree(p.probabilities for p in self.predictions.values())
