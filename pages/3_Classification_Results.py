"""Module 3: how good the two scenarios are, and where they differ."""

import streamlit as st

from fer import FerError
from fer.ui import address, model_comparison, text, views, widgets
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

_ = text.translator()
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
    widgets.problems(_)
    st.stop()

widgets.notices(_)
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
headline.markdown(f"### {model_comparison.headline(split, _)}")
result_sections.chips(shown, _)
view = views.chosen(GROUPS, NAMES, _)
try:
    if view == "metrics":
        result_sections.metrics(shown, split, _)
    elif view == "parameters":
        result_sections.parameters(_)
    elif view == "ingredients":
        ablation.ablation(_)
    elif view == "classes":
        result_sections.classes(shown, _)
    elif view == "confusion":
        confusions.show(shown, _)
    elif view == "curves":
        result_sections.curves(shown, _)
    elif view == "calibration":
        reliability.calibrated(shown, _)
    elif view == "overfitting":
        result_sections.overfitting(shown, split, _)
    elif view == "errors":
        error_sections.errors(shown, _)
    elif view == "crowd":
        crowd_sections.show(shown, split, _)
    elif view == "looking":
        attention.looking(_)
    elif view == "gates":
        turned_gates.show(_)
    elif view == "map":
        feature_map.show(_)
    elif view == "robustness":
        robustness.robustness(_)
    elif view == "own_images":
        own_images.show(_)
    elif view == "own_predictions":
        own_predictions.show(_)
    elif view == "literature":
        literature.show(_)
    else:
        result_sections.speed(_)
    report.button(split, _)
except FerError as error:
    st.error(_.error(error))
widgets.sources(_)
