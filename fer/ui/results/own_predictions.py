"""Page 3's view "Your predictions": a visitor's model beside both scenarios."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer import FerError, logs
from fer.evaluation.measured import MeasuredModel
from fer.own import comparison, tables
from fer.own.comparison import OwnModel
from fer.ui.results.measured_models import OWN, own_model, stored
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.text import _, plain
from fer.ui.uploads import shown_uploads

UPLOAD = "own_table"
# Session state: the id of the file that was read last.
READ = "own_table_read"
EXAMPLE = """\
image,angry,disgust,fear,happy,sad,surprise,neutral
test/fear/PrivateTest_88305.jpg,0.05,0.01,0.62,0.02,0.2,0.05,0.05"""


def draw_own_predictions() -> None:
    """Draw the uploader, and the model of the table beside both scenarios."""
    st.write(
        _(
            "How does your model do beside ours? Give its predictions on PublicTest, PrivateTest "
            "or both as a table: the column image (the name in Kaggle's archive, with its folder) "
            "or row (in fer2013.csv, from 0), and seven columns of probabilities or one column "
            "answer. Names are checked, and labels, too, if there is a column label."
        )
    )
    st.code(EXAMPLE, language=None)
    upload = st.file_uploader(_("A table of predictions (CSV)"), key=UPLOAD)
    shown_uploads.keep(upload)
    try:
        if upload is not None and upload.file_id != st.session_state.get(READ):
            st.session_state[READ] = upload.file_id
            st.session_state.pop(OWN, None)
            content = shown_uploads.content(upload)
            with logs.refusals("table refused", content):
                stored_ones = loaders.predictions(next(iter(loaders.evaluated())))
                table = tables.read(content, upload.name, stored_ones, loaders.votes())
                st.session_state[OWN] = comparison.measure(table)
            # What stands above gains the model, too.
            st.rerun()
    except FerError as error:
        st.session_state.pop(READ, None)
        st.error(_.error(error))
        return
    own = own_model()
    if own is not None:
        _draw_own_model(own)


def _draw_own_model(own: OwnModel) -> None:
    """Draw the model's figures on each split that it has."""
    for split, model in own.models.items():
        st.subheader(f"{charts.swatch(own.name)} {plain(own.name)}: {split}")
        _draw_figures(own.name, split.value, model)
    lines = [
        _("Every view above shows {model} as well until you leave.", model=f"`{own.name}`"),
        _("One answer an image: no calibration, curves or losses.")
        if not own.table.has_probabilities
        else _("The probabilities as given: without PublicTest no temperature was fitted.")
        if own.temperature is None
        else _(
            "Confidences calibrated by the temperature {temperature}, fitted on PublicTest.",
            temperature=_.number(own.temperature, 3),
        ),
    ]
    if own.table.others:
        lines.append(_("Rows about Training are not used: {n}.", n=_.number(own.table.others)))
    st.markdown("\n".join(f"- {line}" for line in lines))
    st.button(
        _("Take it away"),
        icon=":material/close:",
        key="own_forget",
        on_click=lambda: st.session_state.pop(OWN, None),
    )


def _draw_figures(name: str, split: str, model: MeasuredModel) -> None:
    scenarios = stored(split).models
    pairs = {
        key: comparison.against(model.predictions, scenario.predictions)
        for key, scenario in scenarios.items()
    }
    row: widgets.Metrics = {
        _("Accuracy"): (
            _.percent(model.scores["accuracy"]),
            _.interval(model.scores["accuracy_interval"]),
        ),
        _("Macro F1"): (_.number(model.scores["macro_f1"], 3), None),
        **{
            _("Against {model} (points)", model=key): (
                _.difference(model.scores["accuracy"], scenarios[key].scores["accuracy"]),
                _.gain_interval(pair["interval"]),
            )
            for key, pair in pairs.items()
        },
    }
    widgets.metrics(row, f"own_metrics_{split}")
    widgets.table(
        pd.DataFrame(
            [
                {
                    _("Scenario"): key,
                    _("Only {model} right", model=name): pair["only_own_right"],
                    _("Only the scenario right"): pair["only_scenario_right"],
                    _("McNemar's exact p"): _.p_value(pair["mcnemar_p"]),
                }
                for key, pair in pairs.items()
            ]
        ),
        f"own_mcnemar_{split}",
        _("Your model against each scenario"),
    )
