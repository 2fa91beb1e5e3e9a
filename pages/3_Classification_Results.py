"""Module 3: how good the two scenarios are, and where they differ."""

from collections.abc import Callable

import streamlit as st

from fer import FerError
from fer.ui.results import (
    confusions,
    crowd,
    curves,
    errors,
    feature_map,
    literature,
    metrics,
    overfitting,
    own_images,
    own_predictions,
    reliability,
    report,
    speed,
    turned_gates,
)
from fer.ui.results.measured_models import stored, with_own_model
from fer.ui.shared import address, loaders, presentation, widgets
from fer.ui.shared.text import _
from fer.ui.studies import ablation, attention, model_comparison, robustness

is_phone = presentation.is_phone()
top = st.container(gap="xsmall")
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
models = loaders.evaluated()
if not models:
    st.warning(_("No model is evaluated here yet: see the README."))
    widgets.problems()
    st.stop()

widgets.notices()
measured = with_own_model(stored(split))
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
        "metrics": (_("Metrics"), lambda: metrics.draw_metrics(measured, split)),
        "ingredients": (_("Ingredients"), ablation.draw_ablation),
        "literature": (_("Other studies"), literature.draw_literature),
    },
    "emotions": {
        "classes": (_("Classes"), lambda: metrics.draw_classes(measured)),
        "confusion": (_("Confusion"), lambda: confusions.draw_confusions(measured)),
        "curves": ("ROC", lambda: curves.draw_curves(measured)),
        "crowd": (_("People"), lambda: crowd.draw_crowd(measured, split)),
    },
    "trust": {
        "calibration": (_("Calibration"), lambda: reliability.draw_calibration(measured)),
        "overfitting": (_("Overfitting"), lambda: overfitting.draw_overfitting(measured, split)),
        "errors": (_("Errors"), lambda: errors.draw_errors(measured)),
        "robustness": (_("Robustness"), robustness.draw_robustness),
    },
    "inside": {
        "looking": (_("Attention"), attention.draw_attention),
        "gates": (_("Turn the gates"), turned_gates.draw_turned_gates),
        "map": (_("Map"), feature_map.draw_map),
        "speed": (_("Speed"), speed.draw_speed),
        "parameters": (
            _("Parameters"),
            lambda: widgets.table(
                model_comparison.parameter_table(),
                "parameters",
                _("Both scenarios, property by property"),
            ),
        ),
    },
    "yours": {
        "own_images": (_("Your images"), own_images.draw_own_images),
        "own_predictions": (_("Your predictions"), own_predictions.draw_own_predictions),
    },
}
headline.markdown(f"### {model_comparison.headline(split)}")
if not is_phone:
    with chips:
        metrics.draw_chips(measured)
with choices:
    draw = address.grouped_choice(NAMES, VIEWS, as_list=is_phone)
try:
    draw()
    report.draw_button(split)
except FerError as error:
    st.error(_.error(error))
widgets.sources()
