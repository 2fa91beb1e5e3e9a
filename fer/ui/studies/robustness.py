"""Page 3's view "Robustness": both models' accuracy on corrupted faces."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer import emotions
from fer.studies.records import ROBUSTNESS, Robustness
from fer.ui.shared import charts, widgets
from fer.ui.shared.text import _
from fer.ui.studies import model_comparison, records


def draw_robustness() -> None:
    """Draw the accuracy of both models under a corruption that the visitor chooses."""
    record = records.record(ROBUSTNESS)
    if record is None:
        return
    names = corruptions()
    key = st.pills(
        _("What is done to the face"),
        list(record["corruptions"]),
        default="blur",
        format_func=lambda key: names[key][0],
        required=True,
        key="corruption",
    )
    widgets.chart(
        robustness_chart(record, key),
        key="robustness",
        alt=_("Lines: accuracy of both models as the faces are corrupted more and more"),
    )
    st.caption(method(record))
    with st.expander(_("Table and download"), key="robustness_details"):
        widgets.table(
            robustness_table(record), "robustness_table", _("Accuracy on corrupted faces")
        )
    records.made_with(record, "fer analyse --only robustness")


def method(record: Robustness) -> str:
    """Return on which images and with which backend the accuracies were measured."""

    def listed(accuracies: Mapping[str, float]) -> str:
        return ", ".join(f"{key} {_.percent(share)}" for key, share in accuracies.items())

    whole = model_comparison.metrics_of("PrivateTest")
    return _(
        "{n} PrivateTest images, the same for every point, with 95% intervals; answers of the "
        "backend `{backend}` ({precision}). Undisturbed, these {n} give {clean}, all of "
        "PrivateTest {whole}.",
        n=_.number(record["images"]),
        backend=record["backend"],
        precision="int8" if record["backend"] == "fast" else "float32",
        clean=listed({key: row["accuracy"] for key, row in record["clean"].items()}),
        whole=listed({key: row["accuracy"] for key, row in whole.items()}),
    )


def corruptions() -> dict[str, tuple[str, str]]:
    """Return the name of each corruption, and the unit of its strength."""
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


def robustness_chart(record: Robustness, key: str) -> go.Figure:
    """Both models' accuracy under one corruption, from the clean images to the strongest."""
    results = record["corruptions"][key]["results"]
    strengths = [
        _.number(strength, next((n for n in (0, 1) if round(strength, n) == strength), 2))
        for strength in (row["strength"] for row in results)
    ]
    figure = go.Figure()
    for model, clean in record["clean"].items():
        rows = [clean, *(row["models"][model] for row in results)]
        values = [row["accuracy"] for row in rows]
        charts.add_line(
            figure,
            model,
            [_("none").replace(" ", "<br>"), *strengths],
            [100 * value for value in values],
            "%{x}: %{y:.1f}%",
            error_y=charts.error_bars(values, [row["interval"] for row in rows]),
            mode="lines+markers",
        )
    figure.add_hline(
        y=100 / emotions.COUNT,
        line={"dash": "dot", "width": 1, "color": charts.BOTH},
        annotation={"text": _("random guessing"), "font": {"color": charts.BOTH}},
        annotation_position="bottom left",
    )
    figure.update_xaxes(type="category", tickangle=0)
    figure.update_yaxes(range=[0, 100])
    name, unit = corruptions()[key]
    charts.arrange(figure, x=f"{name} ({unit})", y=_("Accuracy (%)"))
    return charts.name_lines(figure)


def robustness_table(record: Robustness) -> pd.DataFrame:
    """A row for each corruption, strength and model; the clean images first."""
    names = corruptions()
    rows = [(_("none"), 0.0, record["clean"])]
    rows += [
        (names[key][0], float(result["strength"]), result["models"])
        for key, corruption in record["corruptions"].items()
        for result in corruption["results"]
    ]
    return pd.DataFrame(
        [
            {
                _("Model"): model,
                _("What is done to the face"): name,
                _("Strength"): strength,
                _("Accuracy (%)"): round(100 * scores["accuracy"], 2),
                **widgets.interval_columns(scores["interval"]),
            }
            for name, strength, models in rows
            for model, scores in models.items()
        ]
    )
