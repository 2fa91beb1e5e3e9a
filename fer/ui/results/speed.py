"""Page 3's view "Speed": how long both models take for a face, and what int8 costs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer.inference.records import BENCHMARK, FAST_EXPORT, Benchmark, Fidelity
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.text import _
from fer.ui.studies import records


def draw_speed() -> None:
    """Draw the time for a face of each way of running both models, and the accuracy of int8."""
    record, exported = loaders.record(BENCHMARK), loaders.record(FAST_EXPORT)
    if record is None:
        records.missing()
        return
    machine = record["machine"]
    records.warn_of_other_weights(record["weights_sha256"])
    st.write(
        _(
            "Both models on one face take {fast} ms as served here, {speedup} times as fast as two "
            "calls of Keras' `predict`.",
            fast=_.number(record["ways"]["fast"]["1"]["p50_ms"], 1),
            speedup=_.number(record["ways"]["fast"]["1"]["speedup"], 1),
        )
    )
    widgets.chart(
        speed_chart(record),
        key="speed",
        alt=_(
            "Bars: milliseconds that both models take for one face, for each way of running them"
        ),
    )
    st.caption(
        _(
            "Measured on {processor}, {cores} cores; every way is timed in turn in one run.",
            processor=machine["processor"],
            cores=machine["cores"],
        )
    )
    widgets.note_source(
        _(
            "Times: `fer benchmark`, processor family {family}, model {model}.",
            family=machine["family"],
            model=machine["model"],
        )
    )
    widgets.table(speed_table(record), "speed_table", _("Times by way and faces"))
    if exported is not None and (fidelity := exported.get("fidelity")):
        st.subheader(_("What int8 changes"))
        records.warn_of_other_weights(exported["weights_sha256"])
        widgets.table(
            fidelity_table(fidelity),
            "fidelity",
            _("Accuracy of both models in int8 and in float32"),
        )
        if (calibrated := exported["calibration"]) is not None:
            st.caption(
                _(
                    "The int8 networks were calibrated on {n} Training images. The other views "
                    "show float32, except where they name int8.",
                    n=_.number(calibrated["images"]),
                )
            )


def way_names() -> dict[str, str]:
    """Return the name of each timed way of running both models."""
    return {
        "two_predict_calls": _("Keras predict, twice"),
        "two_float32_graphs": _("Two float32 graphs"),
        "joined_float32": _("Float32, joined graph"),
        "fast": _("Int8 (OpenVINO), as served"),
    }


def speed_chart(record: Benchmark) -> go.Figure:
    """A bar for each way of running both models on one face: its median in milliseconds."""
    names = way_names()
    medians = {names[way]: by_count["1"]["p50_ms"] for way, by_count in record["ways"].items()}
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=list(medians),
        x=list(medians.values()),
        text=[_.number(value, 1) for value in medians.values()],
        textposition="outside",
        cliponaxis=False,
        marker={"color": charts.BOTH},
        hovertemplate="%{y}: %{text} ms<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed")
    return charts.arrange(figure, x=_("Median time (ms)"), height=220, right=48)


def speed_table(record: Benchmark) -> pd.DataFrame:
    """A row for each way and number of faces, as `fer benchmark` measured them."""
    names = way_names()
    return pd.DataFrame(
        [
            {
                _("Way"): names[way],
                _("Faces at once"): int(count),
                _("Median (ms)"): row["p50_ms"],
                _("95th percentile (ms)"): row["p95_ms"],
                _("Faces per second"): row["faces_per_second"],
                _("Speed-up"): row["speedup"],
            }
            for way, by_count in record["ways"].items()
            for count, row in by_count.items()
        ]
    )


def fidelity_table(fidelity: Mapping[str, Mapping[str, Fidelity]]) -> pd.DataFrame:
    """The accuracy of both precisions, and how often their top-1 agrees."""
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("Split"): split,
                _("Accuracy, int8 (%)"): round(100 * row["accuracy"], 2),
                _("Accuracy, float32 (%)"): round(100 * row["float32_accuracy"], 2),
                _("Same top-1 (%)"): round(100 * row["top1_agreement"], 2),
            }
            for key, splits in fidelity.items()
            for split, row in splits.items()
        ]
    )
