"""Module 3: how good the two scenarios are, and where they differ."""

import streamlit as st

from fer.ui import text

_ = text.translator()
from fer import FerError
from fer.ui import (
    confusions,
    crowd_views,
    doubts,
    literature,
    parts,
    report,
    result_views,
    results,
    studies,
    views,
)

st.markdown(_("Which scenario reads faces better, by how much, and on which expressions?"))
models = results.evaluated()
if not models:
    st.warning(_("No model is evaluated here yet. Run `fer train`, `fer publish`, `fer evaluate`."))
    parts.problems(_)
    st.stop()

parts.notices(_)
split = st.segmented_control(
    _("Split"),
    results.SPLITS,
    default=results.SPLITS[0],
    required=True,
    key="split",
    bind="query-params",
    help=_("PrivateTest is for the report; PublicTest chose epochs, head and temperature."),
)
found = results.metrics_of(split)
GROUPS = {
    "comparison": {
        "metrics": _("Metrics"),
        "parameters": _("Parameters"),
        "literature": _("Compared with others"),
    },
    "emotions": {
        "classes": _("Classes"),
        "confusion": _("Confusion"),
        "curves": _("ROC and PR"),
        "crowd": _("What people see"),
    },
    "trust": {
        "calibration": _("Calibration"),
        "errors": _("Errors"),
        "robustness": _("Robustness"),
    },
    "inside": {"looking": _("Where they look"), "speed": _("Speed")},
}
NAMES = {
    "comparison": _("Comparison"),
    "emotions": _("By emotion"),
    "trust": _("How far to trust"),
    "inside": _("Inside the networks"),
}
view = views.chosen(GROUPS, NAMES, _)
try:
    result_views.headline(split, view == "metrics", _)
    if view == "metrics":
        result_views.metrics(split, _)
    elif view == "parameters":
        result_views.parameters(_)
    elif view == "classes":
        result_views.classes(split, _)
    elif view == "confusion":
        confusions.show(found, split, _)
    elif view == "curves":
        result_views.curves(split, _)
    elif view == "calibration":
        doubts.calibrated(split, _)
    elif view == "errors":
        doubts.errors(split, _)
    elif view == "crowd":
        crowd_views.show(split, _)
    elif view == "looking":
        studies.looking(_)
    elif view == "robustness":
        studies.robustness(_)
    elif view == "literature":
        literature.show(_)
    else:
        result_views.speed(_)
    report.button(split, _)
except FerError as error:
    st.error(_.error(error))
parts.sources(_)
