"""Home's places before there is anything to put there: drawn first, so that the browser fetches
Plotly while a fresh server still imports what answers."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer.ui.faces import confidence_bars
from fer.ui.shared import presentation
from fer.ui.shared.text import _


@dataclass(frozen=True)
class Places:
    """Home's places from the top.

    compared: what the two scenarios give, as one line. chips: what is said of it, below the line,
    on a phone below the answers, which are to be in its first screen.
    answered: the column of the answers; answer: the one place in it, held by the bars' empty axes.
    offered: the column of the faces to choose from.
    """

    compared: DeltaGenerator
    chips: DeltaGenerator
    answered: DeltaGenerator
    answer: DeltaGenerator
    offered: DeltaGenerator


def lay_out() -> Places:
    """Draw and return the places, with the axes on which the bars are to stand."""
    compared = st.container()
    above = st.container()
    answered, offered = st.columns([11, 9])
    with st.container() if presentation.is_phone() else above:
        chips = st.container(horizontal=True, gap="xsmall")
    answer = answered.empty()
    with answer.container(height=480, border=False):
        st.plotly_chart(
            confidence_bars.confidence_bars({}),
            config={"displayModeBar": False},
            key="home_waiting",
            alt=_("Looking for faces and asking both models…"),
        )
    return Places(compared, chips, answered, answer, offered)
