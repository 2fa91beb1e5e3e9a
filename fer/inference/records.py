"""The record of the fast backend: `models/fast/export.json`, which `fer export` writes."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from fer.artifacts import model_store
from fer.artifacts.stored import Stored


class Calibration(TypedDict):
    """The images that activations were calibrated on: so many of a split, drawn with the seed."""

    split: str
    images: int
    seed: int
    data_sha256: str


class Fidelity(TypedDict):
    """The distance of int8 from float32 on one split, 0-1: top-1 accuracies, the share of images
    with the same answer, and the mean difference of confidences."""

    accuracy: float
    float32_accuracy: float
    top1_agreement: float
    mean_absolute_difference: float


class FastExport(TypedDict):
    """The networks under OpenVINO and what they were made from.

    networks: file by side of the input in pixels. calibration: None of networks in full precision.
    versions: by package. fidelity: by model key and test split; missing until it is measured.
    """

    weights_sha256: dict[str, str]
    networks: dict[str, str]
    files_sha256: dict[str, str]
    calibration: Calibration | None
    versions: dict[str, str]
    fidelity: NotRequired[dict[str, dict[str, Fidelity]]]


FAST_EXPORT = Stored(f"{model_store.FAST}/export.json", FastExport, "fer export")
