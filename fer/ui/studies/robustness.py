"""How both models bear spoilt faces."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from fer.studies.records import ROBUSTNESS, Robustness
from fer.ui import intervals, model_comparison, widgets
from fer.ui.studies import records, study_charts
from fer.ui.text import _


def robustness() -> None:
    """Accuracy of both models on spoilt faces."""
    record = records.record(ROBUSTNESS)
    if record is None:
        return
    called = corruptions()
    key = st.pills(
        _("What is done to the face"),
        list(record["corruptions"]),
        default="blur",
        format_func=lambda name: called[name][0],
        required=True,
        key="corruption",
    )
    name, unit = called[key]
    widgets.chart(
        study_charts.corruption(record, key, f"{name} ({unit})"),
        key="robustness",
        alt=_("Lines: accuracy of both models as the faces are corrupted more and more"),
    )
    st.caption(measured(record))
    with st.expander(_("Table and download"), key="robustness_details"):
        widgets.table(
            robustness_table(record, called), "robustness_table", _("Accuracy on corrupted faces")
        )
    records.made_with(record, "fer analyse --only robustness")


def measured(record: Robustness) -> str:
    """On which images and with which backend the accuracies were found."""
    return _(
        "{n} PrivateTest images, the same for every point, with 95% intervals; answers of the "
        "backend `{backend}` ({precision}). Undisturbed, these {n} give {clean}, all of "
        "PrivateTest {whole}.",
        n=_.number(record["images"]),
        backend=record["backend"],
        precision="int8" if record["backend"] == "fast" else "float32",
        clean=_each({key: row["accuracy"] for key, row in record["clean"].items()}),
        whole=_each(
            {key: m["accuracy"] for key, m in model_comparison.metrics_of("PrivateTest").items()}
        ),
    )


def _each(accuracies: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {_.percent(share)}" for key, share in accuracies.items())


def corruptions() -> dict[str, tuple[str, str]]:
    """What each corruption is called, and the unit of its strength."""
    return {
        "rotation": (_("Rotation"), "°"),
        "blur": (_("Blur"), _("σ in pixels")),
        "noise": (_("Noise"), _("σ in gray levels")),
        "brightness": (_("Brightness"), _("± gray levels")),
        "contrast": (_("Contrast"), _("factor")),
        "resolution": (_("Low resolution"), _("pixels a side")),
        "eyes_covered": (_("Eyes covered"), _("share of their height")),
        "mouth_covered": (_("Mouth covered"), _("share of its height")),
    }


def robustness_table(record: Robustness, called: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """A row for each corruption, strength and model; the clean images first."""
    clean = [
        {
            _("Model"): model,
            _("What is done to the face"): _("none"),
            _("Strength"): 0.0,
            _("Accuracy (%)"): round(100 * row["accuracy"], 2),
            **intervals.columns(row["interval"]),
        }
        for model, row in record["clean"].items()
    ]
    return pd.DataFrame(
        clean
        + [
            {
                _("Model"): model,
                _("What is done to the face"): called[key][0],
                _("Strength"): float(result["strength"]),
                _("Accuracy (%)"): round(100 * row["accuracy"], 2),
                **intervals.columns(row["interval"]),
            }
            for key, found in record["corruptions"].items()
            for result in found["results"]
            for model, row in result["models"].items()
        ]
    )
