"""An SE block's gates turned by hand: what a model answers for the same face with other gates."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fer import FerError, emotions
from fer.artifacts.model_store import Artifact
from fer.inference import gradcam
from fer.inference.calibrate import softmax
from fer.inference.classification import Prediction
from fer.inference.gradcam import Explanation
from fer.inference.heads import Head
from fer.studies.feature_map import digest_of
from fer.studies.records import GateFigures
from fer.vision.preprocessing import Floats

Kind = Literal["mean", "ones", "closed", "borrowed"]
# Of a packed answer, 0-6.
BITS = 3


@dataclass(frozen=True)
class Setting:
    """To what the gates are set.

    kind: each to its `mean` over PublicTest, to 1 (`ones`), the most open ones `closed` and all
    others left as they are, or each to its mean over PrivateTest's images of one emotion
    (`borrowed`).
    closed: how many are closed, 0-512. emotion: key of the one whose gates are borrowed.
    """

    kind: Kind
    closed: int = 0
    emotion: str = emotions.KEYS[0]


@dataclass(frozen=True)
class Answer:
    """A model's answer for a face with some gates (C,), 0-1, and its Grad-CAM."""

    gates: Floats
    prediction: Prediction
    explanation: Explanation


def fixed_gates(kind: Literal["mean", "ones"], public_mean: Sequence[float]) -> Floats:
    """Return the gates (C,) that a setting gives to every face: each its mean over PublicTest, as
    the study stores it, or 1."""
    mean = np.array(public_mean, np.float32)
    return mean if kind == "mean" else np.ones_like(mean)


def packed_answers(answers: NDArray[np.int64]) -> str:
    """Return answers (n,) with 0-6 as base64 of three bits an image."""
    bits = np.unpackbits(answers.astype(np.uint8)[:, None], axis=1)[:, -BITS:]
    return base64.b64encode(np.packbits(bits).tobytes()).decode()


def unpacked_answers(packed: str, images: int) -> NDArray[np.int64]:
    """Return the answers (n,) with 0-6 that `packed_answers` packed. Raises a FerError if they are
    not those of so many images."""
    try:
        content = np.frombuffer(base64.b64decode(packed, validate=True), np.uint8)
        bits = np.unpackbits(content)[: BITS * images].reshape(images, BITS)
        answers = bits.astype(np.int64) @ (1 << np.arange(BITS)[::-1])
        if len(content) != -(-BITS * images // 8) or (answers >= emotions.COUNT).any():
            raise ValueError(f"not {images} answers")
    except ValueError as error:
        raise FerError(
            "The study of the gates is damaged; make it anew: fer analyse --only gates"
        ) from error
    return answers


def gates(setting: Setting, own: Floats, record: GateFigures) -> Floats:
    """Return the gates (C,) of a setting, given the network's own for the face and the study."""
    if setting.kind == "mean" or setting.kind == "ones":
        return fixed_gates(setting.kind, record["public_mean"])
    if setting.kind == "borrowed":
        return np.array(record["classes"][emotions.LABEL_OF[setting.emotion]], np.float32)
    turned = own.copy()
    turned[np.argsort(-own, kind="stable")[: setting.closed]] = 0
    return turned


def stored_answer(
    setting: Setting, name: str, sources: NDArray[np.str_], record: GateFigures
) -> str | None:
    """Return the key of the emotion that the study's model answered for an image with the gates of
    a setting; None for another image than the study's, or a setting that it does not have.

    name: of the image's file. sources: of the images of the study's split, in their order. Raises a
    FerError if the stored answers are damaged.
    """
    packed = record["answers"].get(setting.kind)
    rows = [row for row, source in enumerate(sources) if source.endswith(f"/{name}")]
    if packed is None or len(rows) != 1 or digest_of(sources) != record["sources_sha256"]:
        return None
    return emotions.KEYS[int(unpacked_answers(packed, record["images"])[rows[0]])]


def turn(
    model: Artifact, head: Head, maps: Floats, setting: Setting, record: GateFigures
) -> tuple[Answer, Answer]:
    """Return the answer for a face, of the last convolution's output (1, h, w, C), with the gates
    as computed, and with those of the setting."""
    fixed = head.with_fixed_gates(gates(setting, head.gates(maps)[0], record))
    untouched, turned = (
        Answer(
            one.gates(maps)[0],
            Prediction(model.key, softmax(one.logits(maps)[0], model.temperature)),
            gradcam.explanation(model.key, maps, one),
        )
        for one in (head, fixed)
    )
    return untouched, turned
