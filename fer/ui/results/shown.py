"""What the views of page 3 are about: models on a test split, or on a visitor's own images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer.artifacts.model_store import Artifact, Predictions
from fer.artifacts.records import SplitScores
from fer.data.dataset import Split
from fer.evaluation.measured import MeasuredModel
from fer.evaluation.records import PairedGain
from fer.own.comparison import OwnModel
from fer.ui import loaders, model_comparison, named_faces
from fer.vision.preprocessing import Gray

# Session state: the model that the visitor brought.
OWN = "own_model"


@dataclass(frozen=True)
class Shown:
    """Models measured on the same images.

    name: of the images, in downloads. split: None if they are none of FER-2013's. gain: of
    `proposed` over `baseline`, None without both. image_of: the face (48, 48) of a source, None for
    one that there is not; itself None where there are no images to be seen. votes_of: what people
    saw, None where nobody was asked.
    """

    name: str
    split: Split | None
    models: Mapping[str, MeasuredModel]
    gain: PairedGain | None
    image_of: Callable[[str], Gray | None] | None
    votes_of: Callable[[Sequence[str]], list[NDArray[np.uint8] | None]]

    @property
    def scores(self) -> dict[str, SplitScores]:
        """Each model's metrics."""
        return {key: model.scores for key, model in self.models.items()}

    @property
    def with_probabilities(self) -> dict[str, MeasuredModel]:
        """The models that have probabilities, and not only answers."""
        return {key: model for key, model in self.models.items() if model.has_probabilities}

    @property
    def predictions(self) -> dict[str, Predictions]:
        """Each model's predictions. Raises a FerError if stored ones are missing or damaged."""
        return {key: model.predictions for key, model in self.models.items()}


def stored(split: str) -> Shown:
    """The evaluated models on a test split."""
    comparison = loaders.comparison()
    return Shown(
        split,
        Split(split),
        stored_models(split),
        None if comparison is None else comparison["splits"][split],
        None if loaders.data() is None else named_faces.pixels,
        named_faces.votes_for,
    )


def with_own(shown: Shown) -> Shown:
    """The same with the visitor's own model, if there is one and it has this split."""
    own = own_model()
    if own is None or shown.split is None or shown.split not in own.models:
        return shown
    return replace(shown, models={**shown.models, own.name: own.models[shown.split]})


def own_model() -> OwnModel | None:
    """The model that the visitor brought."""
    return cast("OwnModel | None", st.session_state.get(OWN))


@loaders.follows
def stored_models(split: str) -> dict[str, MeasuredModel]:
    """The evaluated models on a test split, by key; shared by all visitors."""

    def of(key: str, model: Artifact, scores: SplitScores) -> MeasuredModel:
        return MeasuredModel(
            lambda: loaders.predictions(key).of(Split(split)), scores, model.temperature
        )

    return {
        key: of(key, model, model.metrics["splits"][split])
        for key, model in model_comparison.evaluated().items()
        if model.metrics is not None
    }
