"""Tables of the studies for the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from fer.ui import loaders
from fer.ui.studies import ablation, attention, robustness
from fer.ui.text import Translator


def report_tables(_: Translator) -> dict[str, pd.DataFrame]:
    """The studies' tables that the report shows, by heading; only of studies that were made."""
    makers: dict[str, tuple[str, Callable[[Mapping[str, Any]], pd.DataFrame]]] = {
        "ablation": (_("What each ingredient gives"), lambda r: ablation.ablation_table(r, _)),
        "gates": (_("Gates of the SE block"), lambda r: attention.gate_ablation_table(r, _)),
        "robustness": (
            _("Accuracy on corrupted faces"),
            lambda r: robustness.robustness_table(r, robustness.corruptions(_), _),
        ),
        "regions": (
            _("Share of Grad-CAM by class and region"),
            lambda r: attention.region_table(r, attention.region_names(_), _),
        ),
    }
    found = {}
    for study, (heading, make) in makers.items():
        record = loaders.study(study)
        if record is not None:
            found[heading] = make(record)
    return found
