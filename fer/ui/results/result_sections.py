"""What the page of classification results shows under each of its views."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import streamlit as st

from fer import emotions
from fer.studies.records import LEAKAGE
from fer.ui import charts, loaders, model_comparison, widgets
from fer.ui.results import result_charts, result_tables
from fer.ui.studies import findings, records
from fer.ui.text import Translator


def answer(split: str, _: Translator) -> None:
    """The page's answer in one line above every view: both accuracies, the gain, its interval."""
    told = [
        f"{charts.swatch(key)} {key} **{_.percent(m['accuracy'])}**"
        for key, m in model_comparison.metrics_of(split).items()
    ]
    gain = model_comparison.gain(split, _)
    if gain is not None:
        told.append(
            _(
                "gain **{points}** points (95% {low} to {high})",
                points=gain.points,
                low=gain.low,
                high=gain.high,
            )
        )
    st.markdown(f"{split}: " + " · ".join(told))


def _headline(split: str, _: Translator) -> None:
    """Both models' accuracy and the gain as a row of figures with their intervals."""
    row = {
        _("{model} accuracy", model=key): (
            _.percent(m["accuracy"]),
            _.interval(m["accuracy_interval"]),
        )
        for key, m in model_comparison.metrics_of(split).items()
    }
    gain = model_comparison.gain(split, _)
    if gain is not None:
        row[_("Gain (points)")] = (
            gain.points,
            _("{low} to {high}", low=gain.low, high=gain.high),
        )
        row[_("McNemar's exact p")] = (gain.p, _("{n} images", n=gain.images))
    widgets.metrics(row, "result_metrics")
    st.caption(
        _(
            "Ranges are 95% bootstrap intervals over images. One crop, no test-time augmentation; "
            "confidences calibrated by a temperature fitted on PublicTest."
        )
    )


def metrics(split: str, _: Translator) -> None:
    """What gives the gain, every metric of both models, how often only one of them is right."""
    _headline(split, _)
    findings.show(_)
    widgets.table(
        result_tables.metric_table(split, _), f"metrics_{split}", _("Both models' metrics"), _
    )
    comparison = loaders.comparison()
    if comparison is not None:
        st.subheader(_("Where one model is right and the other wrong"))
        widgets.table(
            result_tables.disagreement_table(comparison["splits"][split], _),
            f"mcnemar_{split}",
            _("Counts of images that both, one or none of the models gets right"),
            _,
        )


def parameters(_: Translator) -> None:
    """The technical comparison of the scenarios."""
    widgets.table(
        model_comparison.parameter_table(_),
        "parameters",
        _("Both scenarios, property by property"),
        _,
    )


def classes(split: str, _: Translator) -> None:
    """Precision, recall and F1 of each class."""
    scores: dict[Literal["f1", "precision", "recall"], str] = {
        "f1": "F1",
        "precision": _("Precision"),
        "recall": _("Recall"),
    }
    score = widgets.choice(
        _("Metric"),
        scores,
        "class_score",
    )
    shown = {
        key: [found["per_class"][emotion][score] for emotion in emotions.KEYS]
        for key, found in model_comparison.metrics_of(split).items()
    }
    widgets.chart(
        charts.emotion_bars(shown, f"{scores[score]} (%)", _),
        key="class_scores",
        alt=_("Bars of {metric} for each emotion and model", metric=scores[score]),
    )
    widgets.table(
        result_tables.class_table(split, _), f"classes_{split}", _("Metrics of each class"), _
    )


def curves(split: str, _: Translator) -> None:
    """ROC and precision-recall of a class, and the areas of all classes."""
    with st.spinner(_("Computing the curves…")):
        roc, precision = result_tables.roc_and_precision_recall(split)
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
        widgets.chart(
            result_charts.receiver_operating({k: c[emotion] for k, c in roc.items()}, _),
            key="roc",
            alt=_("ROC curves of both models for {emotion}", emotion=_(emotion)),
        )
    with right:
        st.subheader(_("Precision and recall"))
        widgets.chart(
            result_charts.precision_recall({k: c[emotion] for k, c in precision.items()}, _),
            key="precision_recall",
            alt=_("Precision-recall curves of both models for {emotion}", emotion=_(emotion)),
        )
    widgets.table(
        result_tables.curve_table(roc, precision, _),
        f"curves_{split}",
        _("Area under ROC and average precision of each class"),
        _,
    )


def speed(_: Translator) -> None:
    """How long both models take for a face, and what the fast backend changes."""
    record, exported = loaders.benchmark(), loaders.fast_export()
    if record is None:
        st.caption(_("Not timed yet. Run `fer benchmark --out models/benchmark.json`."))
        return
    machine = record["machine"]
    records.warn_of_other_weights(record["weights_sha256"], _)
    st.write(
        _(
            "Both models on one face take {fast} ms as served here, {speedup} times as fast as two "
            "calls of Keras' `predict`.",
            fast=_.number(record["ways"]["fast"]["1"]["p50_ms"], 1),
            speedup=_.number(record["ways"]["fast"]["1"]["speedup"], 1),
        )
    )
    widgets.chart(
        result_charts.speed(record, result_tables.ways(_), _),
        key="speed",
        alt=_(
            "Bars: milliseconds that both models take for one face, for each way of running them"
        ),
    )
    st.caption(
        _(
            "Measured with `fer benchmark` on {processor} (family {family}, model {model}), "
            "{cores} cores; every way is timed in turn in one run.",
            processor=machine["processor"],
            family=machine["family"],
            model=machine["model"],
            cores=machine["cores"],
        )
    )
    widgets.table(
        result_tables.speed_table(record, _), "speed_table", _("Times by way and faces"), _
    )
    if exported is not None and (fidelity := exported.get("fidelity")):
        st.subheader(_("What int8 changes"))
        records.warn_of_other_weights(exported["weights_sha256"], _)
        widgets.table(
            result_tables.fidelity_table(fidelity, _),
            "fidelity",
            _("Accuracy of both models in int8 and in float32"),
            _,
        )
        if (calibrated := exported["calibration"]) is not None:
            st.caption(
                _(
                    "The int8 networks were calibrated on {n} Training images. The other views "
                    "show float32, except where they name int8.",
                    n=_.number(calibrated["images"]),
                )
            )


def without_twins(split: str, _: Translator) -> None:
    """Accuracy without the test images that also stand in Training."""
    record = loaders.study(LEAKAGE)
    if record is None:
        st.caption(_("Not made yet. Run `{command}`.", command="fer analyse --only leakage"))
        return
    st.write(
        _(
            "Some test images are also in Training, exactly or nearly. Without them a model "
            "cannot gain by remembering."
        )
    )
    called = {
        "all": _("all images"),
        "with_twin": _("with a duplicate in Training"),
        "without_twin": _("without"),
    }
    frame = pd.DataFrame(
        [
            {
                _("Model"): key,
                _("Images of the split"): called[name],
                _("Images"): row["images"],
                _("Accuracy (%)"): round(100 * row["accuracy"], 2),
                _("95% interval"): _.interval(row["interval"]),
            }
            for key, by_name in record["splits"][split].items()
            for name, row in by_name.items()
        ]
    )
    widgets.table(frame, f"leakage_{split}", _("Accuracy with and without duplicates"), _)
    records.made_with(record, "fer analyse --only leakage", _)
