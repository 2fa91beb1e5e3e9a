"""Tables of the studies for the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pandas as pd

from fer.artifacts.stored import Stored
from fer.studies.records import ABLATION, GATES, REGION_SHARES, ROBUSTNESS
from fer.ui import loaders
from fer.ui.studies import ablation, attention, robustness
from fer.ui.text import Translator

T = TypeVar("T")


def report_tables(_: Translator) -> dict[str, pd.DataFrame]:
    """The studies' tables that the report shows, by heading; only of studies that were made."""
    found: dict[str, pd.DataFrame] = {}

    def add(heading: str, study: Stored[T], make: Callable[[T], pd.DataFrame]) -> None:
        record = loaders.study(study)
        if record is not None:
            found[heading] = make(record)

    add(_("What each ingredient gives"), ABLATION, lambda r: ablation.ablation_table(r, _))
    add(_("Gates of the SE block"), GATES, lambda r: attention.gate_ablation_table(r, _))
    add(
        _("Accuracy on corrupted faces"),
        ROBUSTNESS,
        lambda r: robustness.robustness_table(r, robustness.corruptions(_), _),
    )
    add(
        _("Share of Grad-CAM by class and region"),
        REGION_SHARES,
        lambda r: attention.region_table(r, attention.region_names(_), _),
    )
    return found
