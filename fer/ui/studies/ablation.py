"""What each ingredient of `proposed` gives: trainings without it."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer.studies.records import ABLATION, Ablation
from fer.ui import loaders, widgets
from fer.ui.studies import findings, records, study_charts
from fer.ui.text import Language, Translator


def ablation(_: Translator) -> None:
    """What each ingredient of `proposed` gives, under one small budget."""
    record = records.record(ABLATION, _)
    if record is None:
        return
    repeated = record["repeated"].get("se")
    if unfinished := progress(record, _):
        st.info(unfinished)
    if any("gain" in run for run in record["runs"]):
        widgets.chart(
            _chart(_.language),
            key="ablation",
            alt=_("Bars: percentage points of accuracy that each ingredient of proposed gives"),
        )
    st.caption(budget(record, _))
    if repeated is not None and repeated["standard_deviation"] is not None:
        st.write(
            _(
                "Over {n} seeds the SE block gives {mean} points on average, with a standard "
                "deviation of {deviation} between seeds.",
                n=len(repeated["seeds"]),
                mean=_.signed(100 * repeated["mean_gain"], 1),
                deviation=_.number(100 * repeated["standard_deviation"], 1),
            )
        )
    widgets.table(ablation_table(record, _), "ablation_table", _("Every run of the ablation"), _)
    records.made_with(record, "fer ablate", _)


def progress(record: Ablation, _: Translator) -> str:
    """How many of the planned runs are done, empty once all are."""
    done, planned = len(record["runs"]), len(record["planned"])
    if done == planned:
        return ""
    return _(
        "{done} of {planned} runs are done; `fer ablate` goes on with the next.",
        done=done,
        planned=planned,
    )


def budget(record: Ablation, _: Translator) -> str:
    """What all runs have in common, and what that means for the gains."""
    return _(
        "`proposed` trained with one ingredient left out at a time: the same {epochs} epochs "
        "({passes} passes over Training) at {size} px, the same learning rate and the same seed, "
        "measured on PrivateTest, 95% intervals over images. The published model was trained far "
        "longer; what pays off late, such as augmentation against overfitting, shows least here. "
        "The learning rate is the one for fine-tuning: under a frozen backbone the head is not "
        "done learning at it, so what fine-tuning gives is at its highest here.",
        epochs=record["budget"]["epochs"],
        passes=_.number(record["passes"], 1),
        size=record["budget"]["image_size"],
    )


@loaders.follows
def _chart(language: Language) -> go.Figure:
    _, record = Translator(language), loaders.study(ABLATION)
    called = findings.ingredients(_)
    runs = [] if record is None else [r for r in record["runs"] if r["seed"] == record["seed"]]
    rows = [
        (called[run["without"]], run["gain"]["gain"], run["gain"]["gain_interval"])
        for run in runs
        if "gain" in run
    ]
    return study_charts.ablation(rows, _)


def ablation_table(record: Ablation, _: Translator) -> pd.DataFrame:
    """A row for each run: what was left out, seed, accuracies (in training, too: how far the run
    overfits), macro F1, gain, McNemar's p."""
    called = findings.ingredients(_)
    whole = {
        run["seed"]: run["private"]["accuracy"]
        for run in record["runs"]
        if run["without"] == "full"
    }
    return pd.DataFrame(
        [
            {
                _("Left out"): called[run["without"]],
                _("Seed"): str(run["seed"]),
                _("Training (%)"): round(100 * run["training_accuracy"], 2),
                _("PublicTest (%)"): round(100 * run["public_accuracy"], 2),
                _("PrivateTest (%)"): round(100 * run["private"]["accuracy"], 2),
                _("Macro F1"): round(run["private"]["macro_f1"], 4),
                _("Gain (points)"): (
                    _.points(whole[run["seed"]], run["private"]["accuracy"], 2)
                    if "gain" in run
                    else None
                ),
                _("McNemar's exact p"): (
                    _.p_value(run["gain"]["mcnemar_p"]) if "gain" in run else ""
                ),
            }
            for run in record["runs"]
        ]
    )
