"""Module 4: how the models learnt, and whether they overfit."""

import streamlit as st

from fer import FerError
from fer.ui.shared import widgets
from fer.ui.shared.text import _
from fer.ui.studies import verdict
from fer.ui.training import live_runs, training_sections

st.markdown(_("How did the models learn, do they overfit, and would longer training help?"))
widgets.notices()
try:
    verdict.draw_sentences("overfitting", "twins")
    training_sections.draw_curves()

    st.header(_("What the curves say"), anchor="reading")
    training_sections.draw_readings()

    st.header(_("Running now"), anchor="live")
    st.fragment(live_runs.draw_running, run_every=2 if live_runs.running() else None)()
    live_runs.draw_outcome()

    st.header(_("Start a short training"), anchor="start")
    live_runs.draw_form()
except FerError as error:
    st.error(_.error(error))
widgets.sources()
