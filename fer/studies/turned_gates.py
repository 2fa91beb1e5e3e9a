"""An SE block's gates turned by hand: what a model answers for the same face with other gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fer import emotions
from fer.artifacts.model_store import Artifact
from fer.inference import gradcam
from fer.inference.calibrate import softmax
from fer.inference.classification import Prediction
from fer.inference.gradcam import Explainer, Explanation
from fer.inference.heads import Floats, Head
from fer.studies.records import GateFigures
from fer.vision.preprocessing import Gray

Kind = Literal["mean", "ones", "closed", "borrowed"]


@dataclass(frozen=True)
class Setting:
    """To what the gates are set.

    kind: each to its `mean` over PrivateTest, to 1 (`ones`), the most open ones `closed` and all
    others left as they are, or each to its mean over the images of one emotion (`borrowed`).
    closed: how many are closed, 0-512. emotion: key of the one whose gates are borrowed.
    """

    kind: Kind
    closed: int = 0
    emotion: str = emotions.KEYS[0]


@dataclass(frozen=True)
class Answer:
    """What a model says of a face with some gates (C,), 0-1, and what that rests on."""

    gates: Floats
    prediction: Prediction
    explanation: Explanation


def gates(setting: Setting, own: Floats, record: GateFigures) -> Floats:
    """Return the gates (C,) of a setting.

    Args:
        own: the gates as the network computed them for the face, (C,).
        record: the stored study, which has the means.
    """
    if setting.kind == "mean":
        return np.array(record["mean"], np.float32)
    if setting.kind == "ones":
        return np.ones_like(own)
    if setting.kind == "borrowed":
        return np.array(record["classes"][emotions.LABEL_OF[setting.emotion]], np.float32)
    turned = own.copy()
    turned[np.argsort(-own, kind="stable")[: setting.closed]] = 0
    return turned


def turn(
    explainer: Explainer, model: Artifact, face: Gray, setting: Setting, record: GateFigures
) -> tuple[Answer, Answer]:
    """Return the answer for a gray face of any size with the gates as computed, and with those of
    the setting; the convolutions run once."""
    maps = explainer.maps([face], (model.key,))[model.key]
    head = explainer.heads[model.key]
    untouched = _answer(model, head, maps)
    fixed = head.with_fixed_gates(gates(setting, untouched.gates, record))
    return untouched, _answer(model, fixed, maps)


def _answer(model: Artifact, head: Head, maps: Floats) -> Answer:
    return Answer(
        head.gates(maps)[0],
        Prediction(model.key, softmax(head.logits(maps)[0], model.temperature)),
        gradcam.explanation(model.key, maps, head),
    )
