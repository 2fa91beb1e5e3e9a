"""Module 4: how the models learnt, and whether they overfit."""

import streamlit as st

from fer import FerError
from fer.ui import widgets
from fer.ui.studies import verdict
from fer.ui.text import _
from fer.ui.training import live_runs, training_charts, training_sections

st.markdown(_("How did the models learn, do they overfit, and would longer training help?"))
widgets.notices()
try:
    verdict.show("overfitting", "twins")
    histories = training_sections.histories()
    if not histories:
        st.warning(_("There is no history here yet: see the README."))
    else:
        st.header(_("Learning curves"), anchor="curves")
        chosen = training_sections.choose(list(histories))
        quantities = {
            "accuracy": _("Accuracy"),
            "loss": _("Loss"),
            "learning_rate": _("Learning rate"),
            "gap": _("Gap"),
            "seconds": _("Time"),
        }
        with st.container(horizontal=True, vertical_alignment="bottom"):
            quantity = widgets.choice(
                _("Curve"),
                quantities,
                "quantity",
                wrap=True,
            )
            is_log = st.toggle(_("Logarithmic axis"), key="is_log")
        smoothing = st.slider(
            _("Smoothing (weight of earlier epochs, %)"), 0, 90, 0, 10, key="smoothing", width=320
        )
        shown = {name: histories[name] for name in chosen if name in histories}
        widgets.chart(
            training_charts.curves(
                shown, quantity, smoothing=smoothing / 100, is_log=is_log and quantity != "gap"
            ),
            key="curves",
            alt=_("Lines: {quantity} of each run by epoch", quantity=quantities[quantity]),
        )
        st.caption(training_charts.marks())
        if quantity == "gap":
            st.caption(training_sections.gap())
        if quantity == "loss":
            st.caption(training_sections.losses())
        if details := widgets.opened(_("Compare runs: table and download"), "run_details"):
            with details:
                runs = training_sections.run_table(shown)
                widgets.table(
                    runs,
                    "runs_table",
                    _("The chosen runs compared"),
                    shown=training_sections.turned(runs),
                )
                if len(shown) > 1:
                    st.markdown(_("Hyperparameters in which they differ:"))
                    widgets.table(
                        training_sections.differences(list(shown)),
                        "run_differences",
                        _("Hyperparameters in which the chosen runs differ"),
                    )

    st.header(_("What the curves say"), anchor="reading")
    training_sections.show_words()

    st.header(_("Running now"), anchor="live")
    st.fragment(live_runs.show, run_every=2 if live_runs.is_active() else None)()
    live_runs.outcome()

    st.header(_("Start a short training"), anchor="start")
    st.write(
        _(
            "On a small share of the images, to see curves grow. It runs on this server in a "
            "process of its own, survives a reload, and never replaces the published models."
        )
    )
    live_runs.start_form()
except FerError as error:
    st.error(_.error(error))
widgets.sources()
