"""Every trained model's confidences for a batch of faces, in one pass.

`load` opens the networks that answer under OpenVINO; `keras_backend.load` opens them as they were
trained, for evaluation and studies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fer import FerError, emotions, layer_names
from fer.artifacts import intact, model_store
from fer.artifacts.model_store import Artifact
from fer.inference import openvino_backend
from fer.inference.calibrate import softmax
from fer.inference.fair_queue import FairQueue
from fer.vision import preprocessing
from fer.vision.preprocessing import Floats, Gray

# Gray faces: any sizes in a list, one size in an array (n, H, W).
Faces: TypeAlias = Sequence[Gray] | NDArray[np.uint8]


@dataclass(frozen=True)
class Prediction:
    """One model's answer for one face: probabilities (7,) float64 that sum to 1."""

    model: str
    probabilities: NDArray[np.float64]

    @property
    def top1(self) -> str:
        """Key of the most probable emotion."""
        return emotions.KEYS[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """Probability of the most probable emotion."""
        return float(self.probabilities.max())


class Backend(Protocol):
    """The engine that runs the networks, called by one caller at a time."""

    name: str

    def outputs(self, inputs: Floats, layer: str) -> dict[str, Floats]:
        """Return a layer's output by model key, of the models that take input of this size
        (n, S, S, 3): of `layer_names.LOGITS` (n, 7), of `LAST_CONVOLUTION` (n, h, w, 512)."""
        ...


class Classifier:
    """All trained models behind one call, safe to share between threads. Whatever else runs the
    networks takes a turn in `queue`."""

    def __init__(self, models: dict[str, Artifact], backend: Backend, compute_dtype: str) -> None:
        self.models = models
        self.compute_dtype = compute_dtype
        self.backend = backend.name
        # A request to the backend already uses every core: two at once would only slow each other.
        self.queue = FairQueue()
        self._backend = backend
        self._by_size = model_store.by_input_size(models.values())

    def logits(self, faces: Faces, keys: Sequence[str] | None = None) -> dict[str, Floats]:
        """Return logits (n, 7) by model key for gray faces of any size; of the models with these
        keys only, if given. Raises as `preprocessing.require_faces`."""
        preprocessing.require_faces(faces)
        if len(faces) == 0:
            models = self.models if keys is None else keys
            return {key: np.zeros((0, emotions.COUNT), np.float32) for key in models}
        return self._outputs(layer_names.LOGITS, faces, keys)

    def maps(self, faces: Faces, keys: Sequence[str] | None = None) -> dict[str, Floats]:
        """Return the last convolution's maps (n, h, w, 512) by model key for at least one gray face
        of any size. Arguments and errors are those of `logits`."""
        return self._outputs(layer_names.LAST_CONVOLUTION, faces, keys)

    def predict(
        self, faces: Faces, keys: Sequence[str] | None = None
    ) -> list[dict[str, Prediction]]:
        """Return each gray face's calibrated predictions by model key.

        Each face waits for its own turn in the queue, so that a crowd in one photo holds nobody up.
        Arguments and errors are those of `logits`.
        """
        preprocessing.require_faces(faces)
        return [
            {
                key: Prediction(key, softmax(logits[0], self.models[key].temperature))
                for key, logits in self._outputs(layer_names.LOGITS, [face], keys).items()
            }
            for face in faces
        ]

    def _outputs(self, layer: str, faces: Faces, keys: Sequence[str] | None) -> dict[str, Floats]:
        """Return a layer's output of these models, in one turn of the queue."""
        keys = list(self.models) if keys is None else keys
        inputs = [
            preprocessing.batch(faces, size)
            for size, group in self._by_size.items()
            if any(model.key in keys for model in group)
        ]
        outputs: dict[str, Floats] = {}
        with self.queue.turn():
            for batch in inputs:
                outputs |= self._backend.outputs(batch, layer)
        return {key: outputs[key] for key in keys}


def load(folder: Path = model_store.FOLDER, keys: Sequence[str] | None = None) -> Classifier:
    """Return a classifier of every trained model in the folder, or of the named ones, warmed up.
    Raise FerError if there is no model, a named one is missing, its files are not those in the
    manifest, or the networks under OpenVINO are missing, made of other weights, or give other
    answers on this processor than the recorded ones."""
    models = require_models(folder, keys)
    backend = openvino_backend.FastBackend(list(models.values()), folder)
    backend.check()
    return Classifier(models, backend, "int8")


def require_models(
    folder: Path, keys: Sequence[str] | None, *, with_metrics: bool = True
) -> dict[str, Artifact]:
    """Return every trained model in the folder, or the named ones, by key. Raise FerError if there
    is none, a named one is missing, or its files are not those in the manifest.

    Args:
        with_metrics: whether damaged metrics are an error, too; False where they are made anew.
    """
    models = (
        intact.require(folder, with_metrics=with_metrics)
        if keys is None
        else {key: intact.open_model(key, folder, with_metrics=with_metrics) for key in keys}
    )
    if not models:
        raise FerError(
            "There is no trained model in {folder}; restore it from the repository or train: "
            "fer train baseline, fer train proposed",
            folder=folder,
        )
    return models


def agree(probabilities: Iterable[NDArray[np.float64]]) -> bool:
    """Return whether models' probabilities (7,) of one face have the same most probable class."""
    return len({int(values.argmax()) for values in probabilities}) <= 1
