"""Page 3's view "Overfitting": accuracy on Training and on both tests, and on images that occur in
both."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from fer.artifacts.records import Accuracy
from fer.data import aggregates
from fer.evaluation.records import TRAINING_FIT, TrainingFit
from fer.studies import leakage
from fer.studies.records import LEAKAGE, GroupAccuracy
from fer.ui.results.measured_models import MeasuredModels
from fer.ui.shared import loaders, widgets
from fer.ui.shared.text import _
from fer.ui.studies import records, verdict


def draw_overfitting(measured: MeasuredModels, split: str) -> None:
    """Draw how far the models overfit, and their accuracy on images that Training has, too."""
    verdict.draw_sentences("overfitting", "twins")
    fit = loaders.training_fit()
    if fit is None:
        records.missing()
    else:
        widgets.table(fit_table(fit), "training_fit", _("Accuracy on Training and tests"))
        records.made_with(fit, TRAINING_FIT.command)
    st.subheader(_("Test images with a twin in Training"))
    record = records.record(LEAKAGE)
    if record is None:
        return
    twins = aggregates.read_duplicates(loaders.figures_folder())["twins"]
    groups = record["splits"][split] | {
        key: leakage.accuracies(model.predictions, twins)
        for key, model in measured.models.items()
        if key not in record["splits"][split]
    }
    widgets.table(twin_table(groups), f"leakage_{split}", _("Accuracy with and without duplicates"))
    records.made_with(record, LEAKAGE.command)


def fit_table(fit: TrainingFit) -> pd.DataFrame:
    """A row for each model and split: accuracy with its interval in percent, and by how many points
    that on Training is higher."""
    rows: list[tuple[str, str, Accuracy]] = []
    for key, model in loaders.evaluated().items():
        if key in fit["models"] and model.metrics is not None:
            rows.append((key, fit["split"], fit["models"][key]))
            rows += [(key, name, scores) for name, scores in model.metrics["splits"].items()]
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("Split"): split,
                _("Images"): scores["images"],
                _("Accuracy (%)"): round(100 * scores["accuracy"], 2),
                **widgets.interval_columns(scores["accuracy_interval"]),
                _("Gap (points)"): _.points(fit["models"][key]["accuracy"], scores["accuracy"], 2),
            }
            for key, split, scores in rows
        ]
    )


def twin_table(groups: Mapping[str, Mapping[str, GroupAccuracy]]) -> pd.DataFrame:
    """A row for each model and group of a split's images: all, those with and without a twin."""
    names = {
        "all": _("all images"),
        "with_twin": _("with a duplicate in Training"),
        "without_twin": _("without"),
    }
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("Images of the split"): names[group],
                _("Images"): row["images"],
                _("Accuracy (%)"): round(100 * row["accuracy"], 2),
                **widgets.interval_columns(row["interval"]),
            }
            for key, by_group in groups.items()
            for group, row in by_group.items()
        ]
    )
