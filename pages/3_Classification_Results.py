"""Module 3: how good the two scenarios are, and where they differ."""

from collections.abc import Callable

import streamlit as st

from fer import FerError
from fer.ui import address, model_comparison, presentation, widgets
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

is_phone = presentation.is_phone()
top = st.container(gap="xsmall" if is_phone else "small")
row = top.container(
    horizontal=True,
    horizontal_alignment="distribute",
    vertical_alignment="center",
    gap="xsmall",
)
with row:
    st.title(
        _("Classification results"),
        width="content",
        help=_("Which scenario reads faces better, by how much, and on which expressions?"),
    )
    headline = st.container(width="content")
chips = top.container()
# On a phone one row of lists: buttons would take a third of its screen.
choices = top.container(horizontal=True, wrap=not is_phone, gap="small")
with choices if is_phone else row:
    split = address.choice(
        _("Split"),
        {name: name for name in ("PrivateTest", "PublicTest")},
        "split",
        list_width=140 if is_phone else None,
        help=_("PrivateTest is for the report; PublicTest chose epochs, head and temperature."),
    )
models = model_comparison.evaluated()
if not models:
    st.warning(_("No model is evaluated here yet: see the README."))
    widgets.problems()
    st.stop()

widgets.notices()
shown = with_own(stored(split))
NAMES = {
    "comparison": _("Comparison"),
    "emotions": _("Emotions"),
    "trust": _("Reliability"),
    "inside": _("Networks"),
    "yours": _("Yours"),
}
# By group and view: what the view is called, and what draws it.
VIEWS: dict[str, dict[str, tuple[str, Callable[[], object]]]] = {
    "comparison": {
        "metrics": (_("Metrics"), lambda: result_sections.metrics(shown, split)),
        "ingredients": (_("Ingredients"), ablation.ablation),
        "literature": (_("Other studies"), literature.show),
    },
    "emotions": {
        "classes": (_("Classes"), lambda: result_sections.classes(shown)),
        "confusion": (_("Confusion"), lambda: confusions.show(shown)),
        "curves": ("ROC", lambda: result_sections.curves(shown)),
        "crowd": (_("People"), lambda: crowd_sections.show(shown, split)),
    },
    "trust": {
        "calibration": (_("Calibration"), lambda: reliability.calibrated(shown)),
        "overfitting": (_("Overfitting"), lambda: result_sections.overfitting(shown, split)),
        "errors": (_("Errors"), lambda: error_sections.errors(shown)),
        "robustness": (_("Robustness"), robustness.robustness),
    },
    "inside": {
        "looking": (_("Attention"), attention.looking),
        "gates": (_("Turn the gates"), turned_gates.show),
        "map": (_("Map"), feature_map.show),
        "speed": (_("Speed"), result_sections.speed),
        "parameters": (_("Parameters"), result_sections.parameters),
    },
    "yours": {
        "own_images": (_("Your images"), own_images.show),
        "own_predictions": (_("Your predictions"), own_predictions.show),
    },
}
headline.markdown(f"### {model_comparison.headline(split)}")
if not is_phone:
    with chips:
        result_sections.chips(shown)
with choices:
    draw = address.grouped_choice(NAMES, VIEWS, as_list=is_phone)
try:
    draw()
    report.button(split)
except FerError as error:
    st.error(_.error(error))
widgets.sources()
