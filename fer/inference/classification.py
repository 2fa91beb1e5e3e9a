"""Every trained model's confidences for a batch of faces, in one pass.

The one door to a backend. Importing this module is cheap; the fast backend needs no TensorFlow,
which is imported only where the reference backend is asked for or nothing else works.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer import FerError, emotions
from fer.artifacts import intact, model_store
from fer.artifacts.model_store import Artifact
from fer.inference.calibrate import softmax
from fer.inference.fair_queue import FairQueue
from fer.vision import preprocessing
from fer.vision.preprocessing import Floats, Gray

# What FER_BACKEND may be: the fastest that works here, or one of the two and nothing else.
BACKENDS = ("auto", "fast", "reference")
VARIABLE = "FER_BACKEND"


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
    """Something that runs the networks, asked by one caller at a time."""

    name: str

    def logits(self, inputs: Floats) -> dict[str, NDArray[np.float32]]:
        """Logits (n, 7) by model key, of the models that take input of this size (n, S, S, 3)."""
        ...

    def maps(self, inputs: Floats) -> dict[str, NDArray[np.float32]]:
        """The last convolution's maps (n, h, w, 512) by model key, of the models that take input of
        this size (n, S, S, 3)."""
        ...


class Classifier:
    """All trained models behind one call, safe to share between threads.

    `notice` is why a slower backend answers than was wished for, None if there is nothing to say.
    """

    def __init__(
        self,
        models: dict[str, Artifact],
        backend: Backend,
        compute_dtype: str,
        notice: FerError | None = None,
    ) -> None:
        self.models = models
        self.compute_dtype = compute_dtype
        self.backend = backend.name
        self.notice = notice
        self._backend = backend
        self._by_size = model_store.by_input_size(models.values())
        # A request to the backend already uses every core: two at once would only slow each other.
        self._queue = FairQueue()

    def logits(self, faces: Sequence[Gray] | NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Logits (n, 7) by model key for gray faces of any size.

        Raises:
            FerError: as `preprocessing.require_faces`.
        """
        preprocessing.require_faces(faces)
        if len(faces) == 0:
            return {key: np.zeros((0, emotions.COUNT), np.float32) for key in self.models}
        return self._ask(self._backend.logits, faces, list(self.models))

    def maps(
        self, faces: Sequence[Gray] | NDArray[np.uint8], keys: Sequence[str] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """The last convolution's maps (n, h, w, 512) by model key for at least one gray face of any
        size.

        Args:
            keys: only these models; all of them if None.

        Raises:
            FerError: as `preprocessing.require_faces`.
        """
        return self._ask(self._backend.maps, faces, list(self.models) if keys is None else keys)

    def _ask(
        self,
        of: Callable[[Floats], dict[str, NDArray[np.float32]]],
        faces: Sequence[Gray] | NDArray[np.uint8],
        keys: Sequence[str],
    ) -> dict[str, NDArray[np.float32]]:
        """What a backend's method returns for these models, in one turn."""
        inputs = [
            preprocessing.batch(faces, size)
            for size, group in self._by_size.items()
            if any(model.key in keys for model in group)
        ]
        found: dict[str, NDArray[np.float32]] = {}
        with self._queue.turn():
            for batch in inputs:
                found.update(of(batch))
        return {key: found[key] for key in keys}

    def predict(self, faces: Sequence[Gray] | NDArray[np.uint8]) -> list[dict[str, Prediction]]:
        """For each gray face, each model's calibrated prediction by model key.

        Each face waits for a turn of its own: a crowd in one photo holds nobody up.

        Raises:
            FerError: as `preprocessing.require_faces`.
        """
        preprocessing.require_faces(faces)
        return [
            {
                key: Prediction(key, softmax(logits[0], self.models[key].temperature))
                for key, logits in self.logits([face]).items()
            }
            for face in faces
        ]


def load(
    folder: Path = model_store.FOLDER,
    keys: Sequence[str] | None = None,
    *,
    backend: str | None = None,
    compute_dtype: str = "float32",
    with_metrics: bool = True,
    before_fast: Callable[[], object] | None = None,
    before_reference: Callable[[], object] | None = None,
) -> Classifier:
    """A classifier with every trained model in the folder, or with the named ones, warmed up.

    Args:
        backend: one of `BACKENDS`; None takes the environment variable FER_BACKEND, or "auto".
        compute_dtype: the dtype policy of the reference backend's convolutions.
        with_metrics: whether damaged metrics count, too; not to make them anew.
        before_fast: called before the fast backend is made; a FerError of it counts as that
            backend's own.
        before_reference: called before TensorFlow is imported.

    Raises:
        FerError: if there is no model, a named one is missing, its files are not those in the
            manifest, or the wished-for backend does not work here.
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
    chosen = backend or wished()
    notice = None
    if chosen != "reference":
        from fer.inference import openvino_backend

        try:
            if before_fast is not None:
                before_fast()
            quick = openvino_backend.FastBackend(list(models.values()), folder)
            quick.check()
            return Classifier(models, quick, "int8")
        except FerError as error:
            if chosen == "fast":
                raise
            notice = error
    model_store.checked(folder, model_store.TRUNK)
    if before_reference is not None:
        before_reference()
    from fer.inference.keras_backend import ReferenceBackend

    reference = ReferenceBackend(list(models.values()), compute_dtype)
    classifier = Classifier(models, reference, compute_dtype, notice)
    # The first call of a Keras graph traces it.
    classifier.logits([np.zeros((preprocessing.FER_SIZE,) * 2, np.uint8)])
    return classifier


def wished() -> str:
    """What the environment variable FER_BACKEND asks for, "auto" if it is not set.

    Raises:
        FerError: if it is none of `BACKENDS`.
    """
    found = os.environ.get(VARIABLE) or "auto"
    if found not in BACKENDS:
        raise FerError(
            "There is no backend {backend}; set FER_BACKEND to one of {choices}.",
            backend=f"{found!r}",
            choices=", ".join(BACKENDS),
        )
    return found


def agree(probabilities: Iterable[NDArray[np.float64]]) -> bool:
    """Whether models' probabilities (7,) of one face have the same most probable class."""
    return len({int(values.argmax()) for values in probabilities}) <= 1
