"""How far answers can be trusted: calibration, abstaining, the surest errors, doubtful labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from fer import emotions
from fer.artifacts.model_store import Predictions
from fer.crowd import disputes
from fer.data.dataset import Split
from fer.evaluation import calibration, mistakes, reviews
from fer.evaluation.calibration import Coverage, Probabilities
from fer.evaluation.mistakes import Mistake
from fer.evaluation.reviews import VERDICTS, Review, Verdict
from fer.ui import loaders, model_comparison, vote_bars, vote_loaders, widgets
from fer.ui.results import result_charts, result_sections, result_tables
from fer.ui.studies import study_charts
from fer.ui.text import Translator

SHOWN = 24
MOST = 500
REVIEWS = "reviews.csv"
STATE = "doubts_position"


def calibrated(split: str, _: Translator) -> None:
    """Whether confidences can be believed, before and after the temperature, and what abstaining
    gains."""
    st.write(
        _("On the dotted line, answers given with 70 % confidence are right 70 % of the time.")
    )
    is_raw = (
        st.segmented_control(
            _("Confidences"),
            ["calibrated", "raw"],
            default="calibrated",
            format_func={"calibrated": _("calibrated"), "raw": _("before calibration")}.__getitem__,
            required=True,
            key="calibration_state",
            help=_("One temperature for each model, fitted on PublicTest (Guo et al. 2017)."),
        )
        == "raw"
    )
    found = {key: _probabilities(key, split, is_raw) for key in model_comparison.evaluated()}
    labels = {key: loaders.predictions(key).of(Split(split)).labels for key in found}
    widgets.chart(
        result_charts.reliability(
            {key: calibration.reliability(labels[key], p) for key, p in found.items()},
            {
                key: calibration.expected_calibration_error(labels[key], p)
                for key, p in found.items()
            },
            _,
        ),
        key="reliability",
        alt=_("Accuracy against confidence for both models"),
    )
    st.subheader(_("How confident the models are"))
    widgets.chart(
        study_charts.confidences(
            {key: calibration.histogram(labels[key], p) for key, p in found.items()}, _
        ),
        key="confidence_histogram",
        alt=_("Lines: number of images by confidence for both models"),
    )
    st.subheader(_("Answer only when sure"))
    threshold = st.slider(
        _("Answer only from this confidence on (%)"), 0, 99, 50, key="threshold", width=320
    )
    curves = {key: calibration.selective(labels[key], p) for key, p in found.items()}
    widgets.metrics(
        {
            _("{model} accuracy", model=key): _at(curve, threshold / 100, _)
            for key, curve in curves.items()
        },
        "coverage_metrics",
    )
    widgets.chart(
        study_charts.coverage(curves, threshold / 100, _),
        key="coverage",
        alt=_("Lines: accuracy of the answers given against the share of images answered"),
    )
    with st.expander(_("Tables and downloads"), key="calibration_details"):
        widgets.table(
            result_tables.reliability_table(split, _),
            f"reliability_{split}",
            _("Confidence bins with accuracy"),
            _,
        )
        widgets.table(
            classwise_table(split, _),
            f"classwise_{split}",
            _("Calibration error of each emotion's probability"),
            _,
        )
        widgets.table(
            coverage_table(curves, _),
            f"coverage_{split}",
            _("Coverage and accuracy by threshold"),
            _,
        )


def _at(curve: Coverage, threshold: float, _: Translator) -> tuple[str, str]:
    at = int(np.searchsorted(curve.threshold, threshold - 1e-9))
    accuracy = "–" if np.isnan(curve.accuracy[at]) else _.percent(curve.accuracy[at])
    return accuracy, _("{share} of images answered", share=_.percent(curve.coverage[at]))


@loaders.follows
def _probabilities(key: str, split: str, is_raw: bool) -> Probabilities:
    part = loaders.predictions(key).of(Split(split))
    if not is_raw:
        return part.probabilities
    return calibration.uncalibrated(part.probabilities, loaders.models()[key].temperature)


def classwise_table(split: str, _: Translator) -> pd.DataFrame:
    """For each emotion and model, the class-wise calibration error before and after the
    temperature, in percent."""
    columns: dict[str, list[object]] = {_("Emotion"): [_(key) for key in emotions.KEYS]}
    for key in model_comparison.evaluated():
        labels = loaders.predictions(key).of(Split(split)).labels
        for is_raw, state in ((True, _("before calibration")), (False, _("calibrated"))):
            errors = calibration.classwise_error(labels, _probabilities(key, split, is_raw))
            columns[f"{key}, {state} (%)"] = [round(100 * errors[e], 2) for e in emotions.KEYS]
    return pd.DataFrame(columns)


def coverage_table(curves: dict[str, Coverage], _: Translator) -> pd.DataFrame:
    """Every fifth threshold with coverage and accuracy of each model, in percent."""
    first = next(iter(curves.values()))
    chosen = slice(None, None, 5)
    columns: dict[str, list[float]] = {
        _("From confidence (%)"): [round(100 * float(t)) for t in first.threshold[chosen]]
    }
    for key, curve in curves.items():
        columns[f"{key}: {_('coverage (%)')}"] = [
            round(100 * float(v), 2) for v in curve.coverage[chosen]
        ]
        columns[f"{key}: {_('accuracy (%)')}"] = [
            round(100 * float(v), 2) for v in curve.accuracy[chosen]
        ]
    return pd.DataFrame(columns)


def errors(split: str, _: Translator) -> None:
    """The surest wrong answers, the most confused pairs, and labels that both models doubt."""
    kinds = {
        "labels": _("Doubtful labels"),
        "confident": _("Surest errors"),
        "pairs": _("Confused pairs"),
        "twins": _("Without duplicates"),
    }
    kind = st.segmented_control(
        _("Errors"),
        list(kinds),
        default="labels",
        format_func=kinds.__getitem__,
        required=True,
        key="error_kind",
        label_visibility="collapsed",
    )
    parts_of = {
        key: loaders.predictions(key).of(Split(split)) for key in model_comparison.evaluated()
    }
    if kind == "labels":
        _doubtful(parts_of, split, _)
    elif kind == "confident":
        _confident(parts_of, split, _)
    elif kind == "pairs":
        widgets.table(
            pair_table(parts_of, _), f"pairs_{split}", _("Pairs that the models confuse"), _
        )
    else:
        result_sections.without_twins(split, _)


def _confident(predictions: dict[str, Predictions], split: str, _: Translator) -> None:
    model = st.segmented_control(
        _("Model"),
        list(predictions),
        default=list(predictions)[-1],
        required=True,
        key="sure_model",
    )
    part = predictions[model]
    found = _ordered(mistakes.confident(part, len(part.labels)), _)[:MOST]
    _faces(found[:SHOWN], _)
    with st.expander(_("Table and download"), key="sure_details"):
        widgets.table(mistake_table(found, _), f"errors_{model}_{split}", _("Wrong answers"), _)


def _ordered(found: list[Mistake], _: Translator) -> list[Mistake]:
    """The mistakes in the order that the visitor chooses; they come in that of confidence."""
    orders = {"confidence": _("by confidence"), "crowd": _("by what people saw")}
    order = st.segmented_control(
        _("Order"),
        list(orders),
        default="confidence",
        format_func=orders.__getitem__,
        required=True,
        key="error_order",
        help=_(
            "By what people saw: first where most of ten voters side with the answer against the "
            "label."
        ),
    )
    if order == "confidence":
        return found
    votes = vote_loaders.votes_of([one.source for one in found])
    return [one for one, _votes in disputes.by_crowd(found, votes)]


def _doubtful(predictions: dict[str, Predictions], split: str, _: Translator) -> None:
    if len(predictions) < 2:
        st.caption(_("Two evaluated models are needed."))
        return
    first, second = list(predictions.values())[:2]
    every = mistakes.against_label(first, second, len(first.labels))
    st.write(
        _(
            "Both models give the same answer and the label is another for {n} of {all} images. "
            "Who is right? Your verdicts stay on this server, and you can take them with you.",
            n=_.number(len(every)),
            all=_.number(len(first.labels)),
        )
    )
    found = _ordered(every, _)[:MOST]
    if loaders.data() is not None and found:
        _review(found, split, _)
    else:
        _faces(found[:SHOWN], _)
    with st.expander(_("Table and download"), key="doubt_details"):
        widgets.table(
            mistake_table(found, _), f"doubts_{split}", _("Labels that both models doubt"), _
        )


def _review(found: list[Mistake], split: str, _: Translator) -> None:
    """One doubtful image after another with a button for each verdict."""
    path = loaders.RUNS / REVIEWS
    done = reviews.read(path)
    called: dict[Verdict, str] = {
        "label": _("The label"),
        "models": _("The models"),
        "neither": _("Neither"),
        "unclear": _("Cannot tell"),
    }
    key = f"{STATE}_{split}"
    position = min(st.session_state.get(key, 0), len(found) - 1)
    one = found[position]
    picture, side = st.columns([1, 2])
    data = loaders.data()
    row = loaders.rows_by_source().get(one.source)
    counts = vote_loaders.votes_of([one.source])[0]
    if data is not None and row is not None:
        picture.image(
            data.images[row].repeat(6, axis=0).repeat(6, axis=1),
            width="stretch",
            alt=vote_bars.spoken(
                _(
                    "Face labelled {true}, predicted {predicted}",
                    true=_(one.label),
                    predicted=_(one.answer),
                ),
                counts,
                _,
            ),
        )
    with side:
        st.markdown(
            _(
                "Label **{label}**, both models **{answer}** (at least {confidence})",
                label=_(one.label),
                answer=_(one.answer),
                confidence=_.percent(one.confidence),
            )
        )
        if counts is not None:
            vote_bars.chart(counts, "doubt_votes", _)
        verdict = done.get(one.source)
        st.caption(
            _("{n} of {all}: {source}", n=position + 1, all=len(found), source=one.source)
            + ("" if verdict is None else f" · {called[verdict.verdict]}")
        )

        @widgets.telling
        def decide(choice: Verdict) -> None:
            reviews.add(path, Review(one.source, one.label, one.answer, choice))
            st.session_state[key] = min(position + 1, len(found) - 1)

        def go(step: int) -> None:
            st.session_state[key] = max(0, min(position + step, len(found) - 1))

        with st.container(horizontal=True):
            for choice in VERDICTS:
                st.button(called[choice], key=f"verdict_{choice}", on_click=decide, args=(choice,))
        with st.container(horizontal=True):
            st.button(_("Back"), key="doubt_back", on_click=go, args=(-1,), type="tertiary")
            st.button(_("Skip"), key="doubt_skip", on_click=go, args=(1,), type="tertiary")
            st.download_button(
                _("Download {n} verdicts as CSV", n=len(done)),
                reviews.text(done),
                file_name=REVIEWS,
                mime="text/csv",
                icon=":material/download:",
                key="reviews_csv",
                on_click="ignore",
            )


def _faces(found: list[Mistake], _: Translator) -> None:
    """The images of some mistakes, if FER-2013 is imported."""
    data = loaders.data()
    if data is None:
        st.caption(
            _(
                "To see them, import FER-2013: `fer data download`, or "
                "`fer data import archive.zip`."
            )
        )
        return
    row_of = loaders.rows_by_source()
    shown = [one for one in found if one.source in row_of]
    votes = vote_loaders.votes_of([one.source for one in shown])
    with st.grid("auto", min_column_width=96, gap="xsmall"):
        for one, counts in zip(shown, votes, strict=True):
            vote_bars.image(
                data.images[row_of[one.source]],
                counts,
                f"{_(one.label)} → {_(one.answer)} {_.percent(one.confidence, 0)}",
                _(
                    "Face labelled {true}, predicted {predicted}",
                    true=_(one.label),
                    predicted=_(one.answer),
                ),
                _,
            )


def mistake_table(found: list[Mistake], _: Translator) -> pd.DataFrame:
    """A row for each mistake: image, label, answer, confidence in percent, votes."""
    votes = vote_loaders.votes_of([one.source for one in found])
    return pd.DataFrame(
        [
            {
                _("Image"): one.source,
                _("True"): _(one.label),
                _("Predicted"): _(one.answer),
                _("Confidence (%)"): round(100 * one.confidence, 2),
                _("What people saw"): "" if counts is None else vote_bars.words(counts, _),
            }
            for one, counts in zip(found, votes, strict=True)
        ]
    )


def pair_table(predictions: dict[str, Predictions], _: Translator) -> pd.DataFrame:
    """A row for each model and pair of label and answer, the most frequent first."""
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("True"): _(label),
                _("Predicted"): _(answer),
                _("Images"): count,
                _("Share of the row (%)"): round(100 * share, 2),
            }
            for key, part in predictions.items()
            for label, answer, count, share in mistakes.confused_pairs(part)
        ]
    ).sort_values(_("Images"), ascending=False, kind="stable")
