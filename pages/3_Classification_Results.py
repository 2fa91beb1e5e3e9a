"""Module 3: how good the two scenarios are, and where they differ."""

import streamlit as st

from fer import FerError, emotions
from fer.ui import confusions, loaders, parts, report, result_charts, results, text

_ = text.translator()
parts.heading(
    _("Classification results"),
    _("Which scenario reads faces better, by how much, and on which expressions?"),
)
models = results.evaluated()
if not models:
    st.warning(_("No model is evaluated here yet. Run `fer train`, `fer publish`, `fer evaluate`."))
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
        parts.table(
            results.metric_table(split, _), f"metrics_{split}", _("Both models' metrics"), _
        )
        if comparison is not None:
            st.subheader(_("Where one model is right and the other wrong"))
            parts.table(
                results.disagreement_table(split, _),
                f"mcnemar_{split}",
                _("Counts of images that both, one or none of the models gets right"),
                _,
            )
    elif view == "parameters":
        parts.table(
            results.parameter_table(_), "parameters", _("Both scenarios, property by property"), _
        )
    elif view == "classes":
        scores = {"f1": "F1", "precision": _("Precision"), "recall": _("Recall")}
        score = st.segmented_control(
            _("Metric"),
            list(scores),
            default="f1",
            format_func=scores.__getitem__,
            required=True,
            key="class_score",
        )
        parts.chart(
            result_charts.class_scores(
                {
                    key: [m["per_class"][e][score] for e in emotions.KEYS]
                    for key, m in found.items()
                },
                scores[score],
                _,
            ),
            key="class_scores",
            alt=_("Bars of {metric} for each emotion and model", metric=scores[score]),
        )
        parts.table(
            results.class_table(split, _), f"classes_{split}", _("Metrics of each class"), _
        )
    elif view == "confusion":
        confusions.show(found, split, _)
    elif view == "curves":
        with st.spinner(_("Computing the curves…")):
            roc, precision = results.roc_and_precision_recall(split)
        emotion = st.pills(
            _("Emotion"),
            emotions.KEYS,
            default="happy",
            format_func=_,
            required=True,
            key="curve_emotion",
        )
        left, right = st.columns(2)
        with left:
            st.subheader("ROC")
            parts.chart(
                result_charts.receiver_operating({k: c[emotion] for k, c in roc.items()}, _),
                key="roc",
                alt=_("ROC curves of both models for {emotion}", emotion=_(emotion)),
            )
        with right:
            st.subheader(_("Precision and recall"))
            parts.chart(
                result_charts.precision_recall({k: c[emotion] for k, c in precision.items()}, _),
                key="precision_recall",
                alt=_("Precision-recall curves of both models for {emotion}", emotion=_(emotion)),
            )
        parts.table(
            results.curve_table(roc, precision, _),
            f"curves_{split}",
            _("Area under ROC and average precision of each class"),
            _,
        )
    else:
        st.write(
            _("On the dotted line, answers given with 70 % confidence are right 70 % of the time.")
        )
        parts.chart(
            result_charts.reliability(
                results.reliability(split), {key: m["ece"] for key, m in found.items()}, _
            ),
            key="reliability",
            alt=_("Accuracy against confidence for both models"),
        )
        parts.table(
            results.reliability_table(split, _),
            f"reliability_{split}",
            _("Confidence bins with accuracy"),
            _,
        )
    report.button(split, _)
except FerError as error:
    st.error(_.error(error))
parts.sources(_)
