"""The images on which models, FER-2013's labels and people differ most, one after another."""

from __future__ import annotations

import streamlit as st

from fer.crowd import disputes
from fer.crowd.disputes import Kind
from fer.scenarios import PROPOSED
from fer.ui.results.measured_models import MeasuredModels, draw_face
from fer.ui.shared import loaders, widgets
from fer.ui.shared.text import _

MOST = 200


def draw_disputed_images(measured: MeasuredModels, split: str) -> None:
    """Draw the most disputed images of a kind that the visitor chooses, one after another."""
    st.subheader(_("The most disputed images"))
    kinds: dict[Kind, str] = {
        "model": _("Crowd with the model"),
        "label": _("Crowd with the label"),
        "neither": _("Crowd with neither"),
        "divided": _("Crowd divided"),
    }
    models = list(measured.models)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = widgets.choice(_("Images"), kinds, "dispute_kind", wrap=True)
        model = st.segmented_control(
            _("Model"),
            models,
            default=PROPOSED.key if PROPOSED.key in models else models[-1],
            required=True,
            key="dispute_model",
            wrap=True,
        )
    images = disputes.find(measured.models[model].predictions, loaders.votes(), kind, MOST)
    if not images:
        st.caption(_("There is no such image."))
        return
    key = f"dispute_position_{split}_{model}_{kind}"
    last = len(images) - 1
    position = min(st.session_state.get(key, 0), last)
    dispute = images[position]
    draw_face(measured, dispute.source, dispute.label, "dispute")

    def go(step: int) -> None:
        st.session_state[key] = max(0, min(position + step, last))

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Back"), key="dispute_back", on_click=go, args=(-1,), disabled=position == 0)
        st.button(_("Next"), key="dispute_next", on_click=go, args=(1,), disabled=position == last)
        st.caption(
            _("{n} of {all}: {source}", n=position + 1, all=len(images), source=dispute.source)
        )
