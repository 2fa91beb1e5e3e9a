"""Both models on labelled images of people's own: answered one by one, then measured together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer import FerError, emotions
from fer.artifacts.model_store import Artifact, Predictions
from fer.data.formats.labelled_files import LabelledFile
from fer.evaluation import measured, metrics
from fer.evaluation.measured import MeasuredModel
from fer.evaluation.records import PairedGain
from fer.inference.classification import Classifier
from fer.media import photos
from fer.scenarios import BASELINE, PROPOSED
from fer.vision import faces, orientation, preprocessing
from fer.vision.faces import Detector
from fer.vision.preprocessing import Gray

# Pixels a side up to which an image is taken whole where no face is found: faces that are cut out
# closely have about this size, and detectors miss faces that fill an image.
MAX_WHOLE_SIDE = 128
COLUMNS = (
    *("image", "label", "taken", "faces", "model", "top1", "right", *emotions.KEYS),
    "problem",
)


@dataclass(frozen=True)
class AnsweredImage:
    """An image, its label (0-6), the gray face (48, 48) uint8, each model's probabilities (7,).

    is_whole: the whole image was taken for the face. faces: how many were found.
    """

    source: str
    label: int
    face: Gray
    probabilities: dict[str, NDArray[np.float64]]
    is_whole: bool
    faces: int


@dataclass(frozen=True)
class LeftOut:
    """An image that is not measured, and why; its folder, if the reason is the folder's name."""

    source: str
    reason: FerError
    folder: str | None = None


Outcome = AnsweredImage | LeftOut


def answer(
    file: LabelledFile, detector: Detector, classifier: Classifier, *, whole: bool = False
) -> Outcome:
    """Answer the largest face of an image with both models, found and cut out as in photos.

    An image of FER-2013's size is taken whole, and so is one of at most `MAX_WHOLE_SIDE` pixels a
    side in which no face is found; with `whole`, every image without a face.
    """
    try:
        rgb = file.read()
    except FerError as error:
        return LeftOut(file.source, error)
    if file.label is None:
        reason = FerError(
            "its folder {folder} names none of the seven emotions", folder=file.folder
        )
        return LeftOut(file.source, reason, file.folder)
    turns, detected = photos.search(rgb, detector)
    rgb = orientation.turned(rgb, turns)
    if not detected.faces and not whole and max(rgb.shape[:2]) > MAX_WHOLE_SIDE:
        return LeftOut(file.source, FerError("no face found"))
    face = detected.faces[faces.largest(detected.faces)] if detected.faces else None
    crop = faces.gray_crop(rgb, face)
    (predictions,) = classifier.predict([crop])
    return AnsweredImage(
        file.source,
        file.label,
        np.rint(preprocessing.resize(crop, preprocessing.FER_SIZE)).astype(np.uint8),
        {key: prediction.probabilities for key, prediction in predictions.items()},
        face is None,
        len(detected.faces),
    )


@dataclass(frozen=True)
class OwnImages:
    """Answered and left-out images of one source, and both models measured on them."""

    name: str
    answered: list[AnsweredImage]
    left_out: list[LeftOut]
    models: dict[str, MeasuredModel]
    gain: PairedGain | None

    @property
    def without_counterpart(self) -> Counter[str]:
        """Images left out by folder, where its name is none of the seven emotions."""
        return Counter(left.folder for left in self.left_out if left.folder is not None)

    @property
    def others_left_out(self) -> list[LeftOut]:
        """Images left out for another reason than their folder's name."""
        return [left for left in self.left_out if left.folder is None]

    @property
    def support(self) -> dict[str, int]:
        """The number of measured images by emotion."""
        images_by_label = Counter(image.label for image in self.answered)
        return {key: images_by_label[label] for label, key in enumerate(emotions.KEYS)}

    @property
    def missing(self) -> list[str]:
        """The emotions of which there is no image."""
        return [key for key, count in self.support.items() if not count]

    @property
    def taken_whole(self) -> int:
        """The number of images that were taken whole."""
        return sum(image.is_whole for image in self.answered)

    @property
    def several_faces(self) -> int:
        """The number of images in which more than one face was found."""
        return sum(image.faces > 1 for image in self.answered)

    def rows(self) -> list[dict[str, object]]:
        """Return a row of `COLUMNS` for each image and model; one row for an image left out."""
        rows: list[dict[str, object]] = []
        for image in self.answered:
            for key, probabilities in image.probabilities.items():
                top1 = int(probabilities.argmax())
                rows.append(
                    {
                        "image": image.source,
                        "label": emotions.KEYS[image.label],
                        "taken": "whole" if image.is_whole else "face",
                        "faces": image.faces,
                        "model": key,
                        "top1": emotions.KEYS[top1],
                        "right": top1 == image.label,
                        **dict(zip(emotions.KEYS, probabilities.round(6).tolist(), strict=True)),
                    }
                )
        return rows + [
            {"image": left.source, "problem": str(left.reason)} for left in self.left_out
        ]

    def record(self, artifacts: Mapping[str, Artifact], compute_dtype: str) -> dict[str, object]:
        """Return what `fer evaluate --images --json` prints, as docs/OUTPUT.md describes it."""
        record: dict[str, object] = {
            "source": self.name,
            "images": len(self.answered),
            "taken_whole": self.taken_whole,
            "several_faces": self.several_faces,
            "support": self.support,
            "missing": self.missing,
            "without_counterpart": dict(self.without_counterpart),
            "left_out": {left.source: str(left.reason) for left in self.others_left_out},
            "weights_sha256": {key: artifacts[key].digest for key in self.models},
            "compute_dtype": compute_dtype,
            "models": {key: model.scores for key, model in self.models.items()},
            "private_test": self.on_private_test(artifacts),
        }
        if self.gain is not None:
            record["gain"] = self.gain
        return record

    def on_private_test(self, artifacts: Mapping[str, Artifact]) -> dict[str, float]:
        """Return each evaluated model's accuracy on PrivateTest, were its emotions as frequent as
        here."""
        accuracies = {}
        for key in self.models:
            stored = artifacts[key].metrics
            if stored is not None:
                by_class = stored["splits"]["PrivateTest"]["per_class"]
                right = sum(n * by_class[name]["recall"] for name, n in self.support.items())
                accuracies[key] = right / len(self.answered)
        return accuracies


def measure(name: str, outcomes: Iterable[Outcome], models: Mapping[str, Artifact]) -> OwnImages:
    """Measure both models on the images that were answered. Raises a FerError if none was."""
    images = list(outcomes)
    answered = [image for image in images if isinstance(image, AnsweredImage)]
    left_out = [image for image in images if isinstance(image, LeftOut)]
    if not answered:
        # The first image that has a label tells more than those of other folders.
        first = min(left_out, key=lambda left: left.folder is not None, default=None)
        raise FerError(
            "No image of {path} can be measured (the first: {reason}).",
            path=name,
            reason="–" if first is None else f"{first.source}: {first.reason}",
        )
    measured_models = {}
    for key, model in models.items():
        if key not in answered[0].probabilities:
            continue
        predictions = Predictions(
            # The images belong to none of FER-2013's splits.
            splits=np.full(len(answered), ""),
            sources=np.array([image.source for image in answered]),
            labels=np.array([image.label for image in answered]),
            probabilities=np.stack([image.probabilities[key] for image in answered]),
        )
        measured_models[key] = measured.measure(predictions, model.temperature)
    gain = None
    if {BASELINE.key, PROPOSED.key} <= measured_models.keys():
        baseline, proposed = (measured_models[m.key].predictions for m in (BASELINE, PROPOSED))
        gain = metrics.compare(baseline.labels, baseline.probabilities, proposed.probabilities)
    return OwnImages(name, answered, left_out, measured_models, gain)
