"""Both models from Python: `fer.load()` and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fer import emotions
from fer.artifacts import locations, model_store
from fer.inference import classification
from fer.inference.classification import Classifier
from fer.media import photos
from fer.media.photos import Photo
from fer.vision import preprocessing
from fer.vision.faces import Detector
from fer.vision.preprocessing import Gray


@dataclass(frozen=True)
class FaceClassifier:
    """The face detector and every trained model, safe to share between threads.

    Example:
        >>> photo = fer.load().photo("photo.jpg")
        >>> photo.answers[0].predictions["proposed"].top1
        'happy'
    """

    detector: Detector
    classifier: Classifier

    def photo(
        self,
        image: str | Path | bytes | Image.Image | NDArray[np.uint8],
        *,
        name: str | None = None,
        whole: bool = False,
    ) -> Photo:
        """Classify every face of a photo, from left to right, with its box. Raise FerError if the
        image cannot be read, or is an array of another shape or type.

        Args:
            image: a file's path, its content, a Pillow image, or RGB (H, W, 3) uint8, 0-255.
            name: the photo's name in its record; its path by default.
            whole: classify the image's centre square if no face is found.
        """
        name = name or (str(image) if isinstance(image, str | Path) else "image")
        if isinstance(image, str | Path | bytes):
            image = preprocessing.read_image(image, name)
        elif isinstance(image, Image.Image):
            image = preprocessing.from_pillow(image)
        return photos.classify(image, name, self.detector, self.classifier, whole=whole)

    def faces(self, crops: list[Gray] | NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
        """Return each model's calibrated probabilities (n, 7) for cropped faces, by model key;
        classes in the order of `fer.emotions.KEYS`. Raise FerError if the crops have another shape
        or type.

        Args:
            crops: gray faces (n, H, W) uint8, 0-255, or a list of (H, W); FER-2013's are 48x48.
        """
        answers = self.classifier.predict(crops)
        return {
            key: np.array([answer[key].probabilities for answer in answers]).reshape(
                -1, emotions.COUNT
            )
            for key in self.classifier.models
        }


def load(models_dir: str | Path | None = None) -> FaceClassifier:
    """Load the detector and every trained model; see `fer.load`."""
    folder = locations.default(model_store.FOLDER) if models_dir is None else Path(models_dir)
    locations.require_models(folder)
    return FaceClassifier(Detector(locations.detector(folder)), classification.load(folder))
