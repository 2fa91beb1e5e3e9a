"""What the page of classification results shows under each of its views."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from fer.data import aggregates
from fer.evaluation.records import TRAINING_FIT
from fer.inference.benchmark import BENCHMARK
from fer.inference.records import FAST_EXPORT
from fer.scenarios import BASELINE, PROPOSED
from fer.studies import leakage
from fer.studies.records import LEAKAGE
from fer.ui import charts, loaders, model_comparison, presentation, widgets
from fer.ui.results import result_charts, result_tables
from fer.ui.results.shown import Shown
from fer.ui.studies import records, verdict
from fer.ui.text import _, plain


def chips(shown: Shown) -> None:
    """The verdict's chips, above every view where there is room for them, and the accuracies of
    other models."""
    verdict.choose_view()
    for key, scores in shown.scores.items():
        if key not in (BASELINE.key, PROPOSED.key):
            st.markdown(f"{charts.swatch(key)} {plain(key)} **{_.percent(scores['accuracy'])}**")


def metrics(shown: Shown, split: str) -> None:
    """The verdict in sentences, both models' metrics, how often only one of them is right."""
    if presentation.is_phone():
        chips(shown)
    st.markdown(model_comparison.gain_in_words(split))
    verdict.show()
    tables(shown)


def tables(shown: Shown) -> None:
    """Every metric of the models, and how often only one of the scenarios is right."""
    widgets.table(
        result_tables.metric_numbers(shown.scores),
        f"metrics_{shown.name}",
        _("Both models' metrics"),
        shown=result_tables.metric_table(shown.scores),
    )
    st.caption(
        _(
            "Ranges are 95% bootstrap intervals over images. One crop, no test-time augmentation; "
            "confidences calibrated by a temperature fitted on PublicTest."
        )
    )
    if shown.gain is not None:
        st.subheader(_("Where one model is right and the other wrong"))
        widgets.table(
            result_tables.disagreement_table(shown.gain),
            f"mcnemar_{shown.name}",
            _("Counts of images that both, one or none of the models gets right"),
        )


def parameters() -> None:
    """The technical comparison of the scenarios."""
    widgets.table(
        model_comparison.parameter_table(), "parameters", _("Both scenarios, property by property")
    )


def classes(of: Shown) -> None:
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
        key: [row[score] if row["support"] else None for row in found["per_class"].values()]
        for key, found in of.scores.items()
    }
    widgets.chart(
        charts.emotion_bars(shown, f"{scores[score]} (%)"),
        key="class_scores",
        alt=_("Bars of {metric} for each emotion and model", metric=scores[score]),
    )
    widgets.table(
        result_tables.class_table(of.scores), f"classes_{of.name}", _("Metrics of each class")
    )


def curves(shown: Shown) -> None:
    """ROC and precision-recall of a class, and the areas of all classes."""
    with st.spinner(_("Computing the curves…")):
        found = shown.with_probabilities
        roc = {key: model.roc for key, model in found.items()}
        precision = {key: model.precision_recall for key, model in found.items()}
    emotion = widgets.emotion(_("Emotion"), "curve_emotion", "happy")
    left, right = st.columns(2)
    with left:
        st.subheader("ROC")
        widgets.chart(
            result_charts.receiver_operating({k: c[emotion] for k, c in roc.items()}),
            key="roc",
            alt=_("ROC curves of both models for {emotion}", emotion=_(emotion)),
        )
    with right:
        st.subheader(_("Precision and recall"))
        widgets.chart(
            result_charts.precision_recall({k: c[emotion] for k, c in precision.items()}),
            key="precision_recall",
            alt=_("Precision-recall curves of both models for {emotion}", emotion=_(emotion)),
        )
    widgets.table(
        result_tables.curve_table(roc, precision),
        f"curves_{shown.name}",
        _("Area under ROC and average precision of each class"),
    )


def speed() -> None:
    """How long both models take for a face, and what the fast backend changes."""
    record, exported = loaders.record(BENCHMARK), loaders.record(FAST_EXPORT)
    if record is None:
        records.missing()
        return
    machine = record["machine"]
    records.warn_of_other_weights(record["weights_sha256"])
    st.write(
        _(
            "Both models on one face take {fast} ms as served here, {speedup} times as fast as two "
            "calls of Keras' `predict`.",
            fast=_.number(record["ways"]["fast"]["1"]["p50_ms"], 1),
            speedup=_.number(record["ways"]["fast"]["1"]["speedup"], 1),
        )
    )
    widgets.chart(
        result_charts.speed(record, result_tables.ways()),
        key="speed",
        alt=_(
            "Bars: milliseconds that both models take for one face, for each way of running them"
        ),
    )
    st.caption(
        _(
            "Measured on {processor}, {cores} cores; every way is timed in turn in one run.",
            processor=machine["processor"],
            cores=machine["cores"],
        )
    )
    widgets.note_source(
        _(
            "Times: `fer benchmark`, processor family {family}, model {model}.",
            family=machine["family"],
            model=machine["model"],
        )
    )
    widgets.table(result_tables.speed_table(record), "speed_table", _("Times by way and faces"))
    if exported is not None and (fidelity := exported.get("fidelity")):
        st.subheader(_("What int8 changes"))
        records.warn_of_other_weights(exported["weights_sha256"])
        widgets.table(
            result_tables.fidelity_table(fidelity),
            "fidelity",
            _("Accuracy of both models in int8 and in float32"),
        )
        if (calibrated := exported["calibration"]) is not None:
            st.caption(
                _(
                    "The int8 networks were calibrated on {n} Training images. The other views "
                    "show float32, except where they name int8.",
                    n=_.number(calibrated["images"]),
                )
            )


def overfitting(shown: Shown, split: str) -> None:
    """How far both models overfit: their accuracy on Training and on both tests, and on the test
    images that also stand in Training."""
    verdict.show("overfitting", "twins")
    fit = loaders.training_fit()
    if fit is None:
        records.missing()
    else:
        widgets.table(
            result_tables.fit_table(fit), "training_fit", _("Accuracy on Training and tests")
        )
        records.made_with(fit, TRAINING_FIT.command)
    record = loaders.record(LEAKAGE)
    st.subheader(_("Test images with a twin in Training"))
    if record is None:
        records.missing()
        return
    twins = aggregates.read_duplicates(loaders.figures_folder())["twins"]
    groups = record["splits"][split] | {
        key: leakage.accuracies(model.predictions, twins)
        for key, model in shown.models.items()
        if key not in record["splits"][split]
    }
    widgets.table(
        result_tables.twin_table(groups),
        f"leakage_{split}",
        _("Accuracy with and without duplicates"),
    )
    records.made_with(record, LEAKAGE.command)
