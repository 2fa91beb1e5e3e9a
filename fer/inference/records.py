"""The record of the fast backend: `models/fast/export.json`, which `fer export` writes."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from fer.artifacts import model_store
from fer.artifacts.stored import Stored


class Calibration(TypedDict):
    """The images that activations were calibrated on: `images` of a split, drawn with the seed,
    from the data set with that SHA-256."""

    split: str
    images: int
    seed: int
    data_sha256: str


class Fidelity(TypedDict):
    """How far int8 is from float32 on one split.

    accuracy: top-1 in int8; float32_accuracy: in float32; top1_agreement: how often both answer the
    same; mean_absolute_difference: of confidences. All 0-1.
    """

    accuracy: float
    float32_accuracy: float
    top1_agreement: float
    mean_absolute_difference: float


class FastExport(TypedDict):
    """The networks under OpenVINO and what they were made from.

    weights_sha256: by model key. networks: file by side of the input in pixels. files_sha256: by
    file. calibration: None of networks in full precision. versions: by package. fidelity: by model
    key and test split; missing until it is measured.
    """

    weights_sha256: dict[str, str]
    networks: dict[str, str]
    files_sha256: dict[str, str]
    calibration: Calibration | None
    versions: dict[str, str]
    fidelity: NotRequired[dict[str, dict[str, Fidelity]]]


FAST_EXPORT = Stored(f"{model_store.FAST}/export.json", FastExport, "fer export")
