"""Tables of the studies for the report, each with the sentence that it is read with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import pandas as pd

from fer.artifacts.records import MadeWith
from fer.artifacts.stored import Stored
from fer.studies.records import ABLATION, GATES, REGION_SHARES, ROBUSTNESS
from fer.ui import loaders
from fer.ui.studies import ablation, attention, records, robustness
from fer.ui.text import _

T = TypeVar("T", bound=MadeWith)


class Part(NamedTuple):
    """A table of the report and the sentence that it is read with."""

    table: pd.DataFrame
    note: str


def report_tables() -> dict[str, Part]:
    """The studies' tables that the report shows, by heading; only of studies that were made."""
    found: dict[str, Part] = {}

    def add(heading: str, study: Stored[T], make: Callable[[T], Part]) -> None:
        record = loaders.record(study)
        if record is not None:
            part = make(record)
            stale = records.of_other_weights(record["weights_sha256"])
            found[heading] = part._replace(note=f"{part.note} {stale}".strip())

    add(
        _("What each ingredient gives"),
        ABLATION,
        lambda r: Part(
            ablation.gain_table(r),
            " ".join([*ablation.sentences(r), ablation.budget(r)]),
        ),
    )
    add(
        _("Every run of the ablation"),
        ABLATION,
        lambda r: Part(ablation.run_table(r), ""),
    )
    add(
        _("Gates of the SE block"),
        GATES,
        lambda r: Part(attention.gate_ablation_table(r), attention.mismatch()),
    )
    add(
        _("Accuracy on corrupted faces"),
        ROBUSTNESS,
        lambda r: Part(
            robustness.robustness_table(r, robustness.corruptions()), robustness.measured(r)
        ),
    )
    add(
        _("Share of Grad-CAM by class and region"),
        REGION_SHARES,
        lambda r: Part(attention.region_table(r, attention.region_names()), attention.measured(r)),
    )
    return found
