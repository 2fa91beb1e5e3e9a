"""Published results on FER-2013 beside which ours are shown: network, protocol, year, source.

Only single networks without data from elsewhere, each as its authors report it; `caveat` says what
keeps a figure from being compared one to one.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from fer.evaluation.protocols import Protocol

Caveat = Literal[
    "",
    "protocol_not_stated",
    "ten_views",
    "epochs_chosen_on_private_test",
    "validation_accuracy",
    "measured_here",
    "people",
]


@dataclass(frozen=True)
class PublishedResult:
    """One reported top-1 accuracy, a share of 1, and where it stands.

    protocol: the views that were averaged; None where the source does not say, and for people,
    whose `network` is empty. link: a DOI, an arXiv number or the project's page. reproduced_low and
    reproduced_high: the range of what others measured with the authors' code or weights, as they
    report it at reproduced_link; None where nobody does.
    """

    name: str
    network: str
    accuracy: float
    year: int
    protocol: Protocol | None
    source: str
    link: str
    caveat: Caveat = ""
    reproduced_low: float | None = None
    reproduced_high: float | None = None
    reproduced_link: str = ""


def _read_published() -> tuple[PublishedResult, ...]:
    path = Path(__file__).with_name("published_results.csv")
    optional = ("protocol", "reproduced_low", "reproduced_high")
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [
            {**row, **{name: row[name] or None for name in optional}}
            for row in csv.DictReader(stream)
        ]
    return msgspec.convert(rows, tuple[PublishedResult, ...], strict=False)


PUBLISHED = _read_published()
