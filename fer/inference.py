"""Every trained model's confidences for a batch of faces, in one pass.

The one door to a backend: importing this module is cheap, TensorFlow is imported when the first
`Classifier` needs it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer import FerError, artifacts, emotions, preprocessing
from fer.artifacts import Artifact
from fer.preprocessing import Floats, Gray


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
    """Something that runs the networks."""

    def logits(self, inputs: Floats, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Logits (n, 7) by model key for network input (n, S, S, 3)."""
        ...


class Classifier:
    """All trained models behind one call, safe to share between threads."""

    def __init__(self, models: dict[str, Artifact], backend: Backend, compute_dtype: str) -> None:
        self.models = models
        self.compute_dtype = compute_dtype
        self._backend = backend
        self._lock = threading.Lock()

    def logits(self, faces: Sequence[Gray] | NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Logits (n, 7) by model key for gray faces of any size."""
        sizes = sorted({model.scenario.input_size for model in self.models.values()})
        found: dict[str, NDArray[np.float32]] = {}
        for size in sizes:
            keys = [k for k, m in self.models.items() if m.scenario.input_size == size]
            if len(faces) == 0:
                found.update({key: np.zeros((0, emotions.COUNT), np.float32) for key in keys})
                continue
            inputs = preprocessing.batch(faces, size)
            with self._lock:
                found.update(self._backend.logits(inputs, keys))
        return {key: found[key] for key in self.models}

    def predict(self, faces: Sequence[Gray]) -> list[dict[str, Prediction]]:
        """For each gray face, each model's calibrated prediction by model key."""
        by_model = {
            key: softmax(logits / self.models[key].temperature)
            for key, logits in self.logits(faces).items()
        }
        return [
            {key: Prediction(key, values[row]) for key, values in by_model.items()}
            for row in range(len(faces))
        ]


def load(
    folder: Path = artifacts.FOLDER,
    keys: Sequence[str] | None = None,
    compute_dtype: str | None = None,
) -> Classifier:
    """A classifier with every trained model in the folder, or with the named ones.

    Args:
        compute_dtype: the dtype policy of the convolutions; None takes `preferred_dtype`.

    Raises:
        FerError: if there is none, a named one is missing, or its files are damaged.
    """
    if keys is None:
        models = artifacts.available(folder)
        if not models:
            raise FerError(
                "There is no trained model in {folder}; restore it from the repository or train: "
                "fer train baseline, fer train proposed",
                folder=folder,
            )
    else:
        models = {key: artifacts.open_artifact(key, folder) for key in keys}
    from fer.reference import ReferenceBackend

    compute_dtype = compute_dtype or preferred_dtype()
    backend = ReferenceBackend(list(models.values()), compute_dtype)
    return Classifier(models, backend, compute_dtype)


def preferred_dtype() -> str:
    """The policy that convolves fastest here: bf16 where the processor has it, else float32."""
    flags = Path("/proc/cpuinfo")
    try:
        has_bf16 = "avx512_bf16" in flags.read_text(encoding="ascii", errors="ignore")
    except OSError:
        has_bf16 = False
    return "mixed_bfloat16" if has_bf16 else "float32"


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities of logits along the last axis, float64."""
    shifted = np.asarray(logits, dtype=np.float64)
    exponent = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True))
