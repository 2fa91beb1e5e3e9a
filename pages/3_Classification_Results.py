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
    loaders,
    parts,
    report,
    result_views,
    results,
    studies,
)

st.markdown(_("Which scenario reads faces better, by how much, and on which expressions?"))
models = results.evaluated()
if not models:
    st.warning(_("No model is evaluated here yet. Run `fer train`, `fer publish`, `fer evaluate`."))
    parts.problems(_)
    st.stop()

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
row = {
    _("{model} accuracy", model=key): (
        _.percent(m["accuracy"]),
        _.interval(m["accuracy_interval"]),
    )
    for key, m in found.items()
}
comparison = loaders.comparison()
if comparison is not None:
    gain = comparison["splits"][split]
    low, high = gain["gain_interval"]
    row[_("Gain (percentage points)")] = (
        _.signed(100 * gain["gain"], 1),
        _("{low} to {high}", low=_.signed(100 * low, 1), high=_.signed(100 * high, 1)),
    )
    row[_("McNemar's exact p")] = (
        _.p_value(gain["mcnemar_p"]),
        _("{n} images", n=_.number(gain["images"])),
    )
parts.metrics(row, "result_metrics")
st.caption(
    _(
        "Ranges are 95 % bootstrap intervals over images. One crop, no test-time augmentation; "
        "confidences calibrated by a temperature fitted on PublicTest."
    )
)

VIEWS = {
    "metrics": _("Metrics"),
    "parameters": _("Parameters"),
    "classes": _("Classes"),
    "confusion": _("Confusion"),
    "curves": _("ROC and PR"),
    "calibration": _("Calibration"),
    "errors": _("Errors"),
    "crowd": _("What people see"),
    "looking": _("Where they look"),
    "robustness": _("Robustness"),
    "literature": _("Compared with others"),
    "speed": _("Speed"),
}
view = st.segmented_control(
    _("View"),
    list(VIEWS),
    default="metrics",
    format_func=VIEWS.__getitem__,
    required=True,
    key="result_view",
    label_visibility="collapsed",
)
try:
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
