"""Module 3: how good the two scenarios are, and where they differ."""

import streamlit as st

from fer import FerError
from fer.ui import address, model_comparison, widgets
from fer.ui.results import (
    confusions,
    crowd_sections,
    error_sections,
    feature_map,
    literature,
    own_images,
    own_predictions,
    reliability,
    report,
    result_sections,
    turned_gates,
)
from fer.ui.results.shown import stored, with_own
from fer.ui.studies import ablation, attention, robustness
from fer.ui.text import _

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title(
        _("Classification results"),
        width="content",
        help=_("Which scenario reads faces better, by how much, and on which expressions?"),
    )
    headline = st.container(width="content")
    split = address.choice(
        _("Split"),
        {name: name for name in ("PrivateTest", "PublicTest")},
        "split",
        help=_("PrivateTest is for the report; PublicTest chose epochs, head and temperature."),
    )
models = model_comparison.evaluated()
if not models:
    st.warning(_("No model is evaluated here yet: see the README."))
    widgets.problems()
    st.stop()

widgets.notices()
shown = with_own(stored(split))
GROUPS = {
    "comparison": {
        "metrics": _("Metrics"),
        "ingredients": _("Ingredients"),
        "literature": _("Others"),
    },
    "emotions": {
        "classes": _("Classes"),
        "confusion": _("Confusion"),
        "curves": "ROC",
        "crowd": _("People"),
    },
    "trust": {
        "calibration": _("Calibration"),
        "overfitting": _("Overfitting"),
        "errors": _("Errors"),
        "robustness": _("Robustness"),
    },
    "inside": {
        "looking": _("Attention"),
        "gates": _("Turn the gates"),
        "map": _("Map"),
        "speed": _("Speed"),
        "parameters": _("Parameters"),
    },
    "yours": {"own_images": _("Your images"), "own_predictions": _("Your predictions")},
}
NAMES = {
    "comparison": _("Comparison"),
    "emotions": _("Emotions"),
    "trust": _("Reliability"),
    "inside": _("Networks"),
    "yours": _("Yours"),
}
headline.markdown(f"### {model_comparison.headline(split)}")
result_sections.chips(shown)
view = address.grouped_choice(GROUPS, NAMES)
try:
    if view == "metrics":
        result_sections.metrics(shown, split)
    elif view == "parameters":
        result_sections.parameters()
    elif view == "ingredients":
        ablation.ablation()
    elif view == "classes":
        result_sections.classes(shown)
    elif view == "confusion":
        confusions.show(shown)
    elif view == "curves":
        result_sections.curves(shown)
    elif view == "calibration":
        reliability.calibrated(shown)
    elif view == "overfitting":
        result_sections.overfitting(shown, split)
    elif view == "errors":
        error_sections.errors(shown)
    elif view == "crowd":
        crowd_sections.show(shown, split)
    elif view == "looking":
        attention.looking()
    elif view == "gates":
        turned_gates.show()
    elif view == "map":
        feature_map.show()
    elif view == "robustness":
        robustness.robustness()
    elif view == "own_images":
        own_images.show()
    elif view == "own_predictions":
        own_predictions.show()
    elif view == "literature":
        literature.show()
    else:
        result_sections.speed()
    report.button(split)
except FerError as error:
    st.error(_.error(error))
widgets.sources()
