"""Why both models answered what they did for one face: Grad-CAM and SE gates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from fer import emotions
from fer.inference.classification import Prediction
from fer.scenarios import PROPOSED
from fer.studies.records import GATES, Gates
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.charts import arrange
from fer.ui.shared.text import _
from fer.vision.preprocessing import Gray

OWN = "own"


def offer(face: Gray, predictions: dict[str, Prediction], key: str) -> None:
    """Draw a switch that explains the answers for a gray face; see `show_grad_cam`."""
    if st.toggle(_("Why? Where both models look (Grad-CAM)"), key=f"{key}_why"):
        show_grad_cam(face, predictions, key)


def show_grad_cam(face: Gray, predictions: dict[str, Prediction], key: str) -> None:
    """Draw both models' maps over the face for a chosen class, and the gates of the SE block.

    Raises:
        FerError: if the networks cannot be explained here.
    """
    # What it needs of SciPy takes time and memory that answers do without.
    from fer.inference import gradcam

    chosen = st.pills(
        _("Explain the answer"),
        [OWN, *emotions.KEYS],
        default=OWN,
        format_func=lambda name: _("each model's own") if name == OWN else _(name),
        required=True,
        key=f"{key}_target",
    )
    strength = st.slider(
        _("Strength of the overlay (%)"), 0, 100, 50, 5, key=f"{key}_strength", width=320
    )
    target = None if chosen == OWN else emotions.LABEL_OF[chosen]
    with st.spinner(_("Looking where the models look…")):
        explanations, seconds = loaders.explained(face, target)
    rows = pd.DataFrame(gradcam.rows(explanations))
    for column, (model, explanation) in zip(
        st.columns(len(explanations)), explanations.items(), strict=True
    ):
        name = emotions.KEYS[explanation.target]
        share = float(predictions[model].probabilities[explanation.target])
        with column:
            st.image(
                gradcam.overlay(face, explanation, strength / 100),
                width="stretch",
                alt=_(
                    "Grad-CAM of {model} for {emotion} over the face", model=model, emotion=_(name)
                ),
            )
            st.markdown(f"{charts.swatch(model)} {model}: **{_(name)}** {_.percent(share)}")
            if explanation.is_blank:
                st.caption(_("Nothing in this face speaks for that class."))
    st.caption(
        _(
            "Bright: what speaks for the class (Selvaraju et al. 2017, last convolution); each map "
            "is scaled to its own highest value and has {cells} cells a side. {ms} ms for both "
            "models.",
            cells=" / ".join(str(e.side) for e in explanations.values()),
            ms=_.number(1000 * seconds),
        )
    )
    record = loaders.record(GATES)
    for model, explanation in explanations.items():
        if explanation.gates is not None and record is not None:
            st.markdown(_("Gates of the SE block of `{model}`", model=model))
            widgets.chart(
                gates_of_image(explanation.gates, record, explanation.target),
                key=f"{key}_gates",
                alt=_("Points: the gate of each channel for this face, beside its class' average"),
            )
    widgets.download(rows, f"{key}_grad_cam")


def gates_of_image(gates: NDArray[np.float32], record: Gates, target: int) -> go.Figure:
    """Draw one image's gates beside its class' average gates, by which channels are sorted."""
    average = np.array(record["classes"][target])
    order = np.argsort(-average)
    rank = np.arange(1, len(order) + 1)
    emotion = emotions.EMOTIONS[target]
    figure = go.Figure()
    figure.add_scattergl(
        x=rank,
        y=100 * gates[order],
        mode="markers",
        name=_("this face"),
        marker={"size": 4, "color": PROPOSED.colour},
        customdata=order,
        hovertemplate=_("channel") + " %{customdata}: %{y:.1f}%<extra></extra>",
    )
    figure.add_scattergl(
        x=rank,
        y=100 * average[order],
        mode="lines",
        name=_("average of {emotion}", emotion=_(emotion.key)),
        line={"color": emotion.colour, "width": 2},
        hoverinfo="skip",
    )
    figure.update_xaxes(range=[0, len(order)])
    figure.update_yaxes(range=[0, 100])
    return arrange(figure, x=_("Channels, by their average"), y=_("Gate (%)"), height=240)
