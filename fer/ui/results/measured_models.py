"""Models measured on the same images, which page 3's views are about, and one of those images."""

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
from fer.inference.classification import Prediction
from fer.own.comparison import OwnModel
from fer.ui.faces import named_faces, side_panel
from fer.ui.shared import charts, loaders
from fer.ui.shared.text import _, plain
from fer.ui.studies import model_comparison
from fer.vision.preprocessing import Gray

# Session state: the model that the visitor brought.
OWN = "own_model"


@dataclass(frozen=True)
class MeasuredModels:
    """Models measured on the same images.

    name: of the images, in downloads. split: None if they are none of FER-2013's. gain: of
    `proposed` over `baseline`, None without both. image_of: the face (48, 48) of a source, None for
    one that is not here; itself None where there are no images to be seen. votes_of: what people
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


def stored(split: str) -> MeasuredModels:
    """Return the evaluated models on a test split."""
    return MeasuredModels(
        split,
        Split(split),
        stored_models(split),
        model_comparison.compared(split),
        None if loaders.data() is None else named_faces.pixels,
        named_faces.votes_for,
    )


def with_own_model(measured: MeasuredModels) -> MeasuredModels:
    """Add the visitor's own model, if there is one and it has this split."""
    own = own_model()
    if own is None or measured.split is None or measured.split not in own.models:
        return measured
    return replace(measured, models={**measured.models, own.name: own.models[measured.split]})


def own_model() -> OwnModel | None:
    """Return the model that the visitor brought."""
    return cast("OwnModel | None", st.session_state.get(OWN))


@loaders.follows
def stored_models(split: str) -> dict[str, MeasuredModel]:
    """Return the evaluated models on a test split, by key; shared by all visitors."""

    def measured(key: str, model: Artifact, scores: SplitScores) -> MeasuredModel:
        return MeasuredModel(
            lambda: loaders.predictions(key).of(Split(split)), scores, model.temperature
        )

    return {
        key: measured(key, model, model.metrics["splits"][split])
        for key, model in loaders.evaluated().items()
        if model.metrics is not None
    }


def draw_face(measured: MeasuredModels, source: str, label: str, key: str) -> None:
    """Draw one image closely: its pixels, label and votes, every model's answer, and why."""
    answers = {
        name: Prediction(name, part.probabilities[part.row_of[source]])
        for name, part in measured.predictions.items()
        if source in part.row_of
    }

    def label_and_answers() -> None:
        name = _("Label") if measured.split is None else _("FER-2013's label")
        lines = [f"{name}: **{_(label)}**"]
        lines += [f"{charts.swatch(k)} {plain(k)}: **{_(a.top1)}**" for k, a in answers.items()]
        st.markdown("  \n".join(lines))
        st.caption(source)

    graded = {name: a for name, a in answers.items() if name in measured.with_probabilities}
    note = "" if measured.split is None else _("Stored predictions.")
    side_panel.draw_face(
        None if measured.image_of is None else measured.image_of(source),
        measured.votes_of([source])[0],
        "",
        key,
        below=label_and_answers,
        answer=lambda: (graded, note),
    )
