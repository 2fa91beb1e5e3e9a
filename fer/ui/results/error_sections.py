"""Where the models err: the surest errors, confused pairs, labels that both models doubt."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from fer import FerError
from fer.artifacts.model_store import Predictions
from fer.crowd import disputes
from fer.evaluation import mistakes, reviews
from fer.evaluation.mistakes import Mistake
from fer.evaluation.reviews import VERDICTS, Review, Verdict
from fer.inference.classification import Prediction
from fer.own import comparison
from fer.scenarios import BASELINE, PROPOSED
from fer.ui import named_faces, shown_uploads, side_panel, vote_bars, widgets
from fer.ui.results import crowd_sections
from fer.ui.results.shown import Shown, own_model
from fer.ui.text import _, plain
from fer.vision.preprocessing import Gray

SHOWN = 24
MOST = 500
REVIEWS = "reviews.csv"
STATE = "doubts_position"
FACES = "errors"
# The visit's verdicts, and the file that was last read into them.
REVIEWED, READ = "reviews", "reviews_read"


def errors(shown: Shown) -> None:
    """The surest wrong answers, the most confused pairs, and labels that both models doubt."""
    kinds = {
        "labels": _("Doubtful labels"),
        "confident": _("Most confident errors"),
        "pairs": _("Confused pairs"),
    }
    own = own_model()
    if own is not None and own.name in shown.models:
        kinds["own"] = _("Only of your model")
    kind = widgets.choice(
        _("Errors"),
        kinds,
        "error_kind",
        is_labelled=False,
    )
    if kind == "labels":
        _doubtful(shown)
    elif kind == "confident":
        _confident(shown)
    elif kind == "own" and own is not None:
        _only_of(own.name, shown)
    else:
        widgets.table(
            pair_table(shown.predictions), f"pairs_{shown.name}", _("Pairs that the models confuse")
        )


def _confident(shown: Shown) -> None:
    model = st.segmented_control(
        _("Model"),
        list(shown.models),
        default=list(shown.models)[-1],
        required=True,
        key="sure_model",
    )
    part = shown.models[model].predictions
    found = _ordered(mistakes.confident(part, len(part.labels)), shown)[:MOST]
    _faces(found[:SHOWN], shown)
    with st.expander(_("Table and download"), key="sure_details"):
        widgets.table(
            mistake_table(found, shown), f"errors_{model}_{shown.name}", _("Wrong answers")
        )


def _only_of(name: str, shown: Shown) -> None:
    """The errors that only the visitor's model makes, the surest first."""
    parts = shown.predictions
    own = parts.pop(name)
    wrong = comparison.only_wrong(own, parts)
    st.write(
        _(
            "Both scenarios are right on {n} images on which {model} is wrong.",
            n=_.number(len(wrong.labels)),
            model=plain(name),
        )
    )
    found = mistakes.confident(wrong, MOST)
    _faces(found[:SHOWN], shown)
    widgets.table(
        mistake_table(found, shown), f"only_{shown.name}", _("Errors of your model alone")
    )


def _ordered(found: list[Mistake], shown: Shown) -> list[Mistake]:
    """The mistakes in the order that the visitor chooses; they come in that of confidence."""
    if shown.split is None:
        return found
    orders = {"confidence": _("by confidence"), "crowd": _("by what people saw")}
    order = widgets.choice(
        _("Order"),
        orders,
        "error_order",
        help=_(
            "By what people saw: first the images where the most voters side with the answer "
            "rather than the label."
        ),
    )
    if order == "confidence":
        return found
    votes = shown.votes_of([one.source for one in found])
    return [one for one, _votes in disputes.by_crowd(found, votes)]


def _doubtful(shown: Shown) -> None:
    if shown.gain is None:
        st.caption(_("Two evaluated models are needed."))
        return
    first, second = (shown.models[key].predictions for key in (BASELINE.key, PROPOSED.key))
    every = mistakes.against_label(first, second, len(first.labels))
    st.write(
        _(
            "Both models agree with each other and not with the label on {n} of {all} images. "
            "Who is right?",
            n=_.number(len(every)),
            all=_.number(len(first.labels)),
        )
        + f" {_crowd(shown)}"
    )
    found = _ordered(every, shown)[:MOST]
    if shown.split is not None and shown.image_of is not None and found:
        _review(found, shown.name)
    else:
        _faces(found[:SHOWN], shown)
    with st.expander(_("Table and download"), key="doubt_details"):
        widgets.table(
            mistake_table(found, shown), f"doubts_{shown.name}", _("Labels that both models doubt")
        )


def _crowd(shown: Shown) -> str:
    """Whom ten people think right, of all errors; empty if nobody was asked."""
    found = None if shown.split is None else crowd_sections.figures(shown.split.value)
    return "" if found is None else crowd_sections.sides(found)


def _review(found: list[Mistake], split: str) -> None:
    """One doubtful image after another with a button for each verdict."""
    done: dict[str, Review] = st.session_state.setdefault(REVIEWED, {})
    called: dict[Verdict, str] = {
        "label": _("The label"),
        "models": _("The models"),
        "neither": _("Neither"),
        "unclear": _("Cannot tell"),
    }
    key = f"{STATE}_{split}"
    position = min(st.session_state.get(key, 0), len(found) - 1)
    one = found[position]
    counts = named_faces.votes_for([one.source])[0]
    picture, side = st.columns([1, 2])
    with picture:
        _enlarged(one, counts)
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
            vote_bars.chart(counts, "doubt_votes")
        verdict = done.get(one.source)
        st.caption(
            _("{n} of {all}: {source}", n=position + 1, all=len(found), source=one.source)
            + ("" if verdict is None else f" · {called[verdict.verdict]}")
        )

        def go(step: int) -> None:
            st.session_state[key] = max(0, min(position + step, len(found) - 1))

        def decide(choice: Verdict) -> None:
            done[one.source] = Review(one.source, one.label, one.answer, choice)
            go(1)

        st.caption(_("Your verdicts last as long as your visit; take them with you as a file."))
        with st.container(horizontal=True):
            for choice in VERDICTS:
                st.button(called[choice], key=f"verdict_{choice}", on_click=decide, args=(choice,))
        with st.container(horizontal=True):
            st.button(_("Back"), key="doubt_back", on_click=go, args=(-1,), type="tertiary")
            st.button(_("Skip"), key="doubt_skip", on_click=go, args=(1,), type="tertiary")
            _download(done)
    _go_on(done)


def _enlarged(one: Mistake, counts: vote_bars.Counts | None) -> None:
    """The image of a mistake, pixel by pixel, if FER-2013 is imported."""
    face = named_faces.pixels(one.source)
    if face is not None:
        words = vote_bars.spoken(_labelled(one), counts)
        named_faces.enlarged(face, words, width=240)


def _labelled(one: Mistake) -> str:
    return _(
        "Face labelled {true}, predicted {predicted}", true=_(one.label), predicted=_(one.answer)
    )


def _go_on(done: dict[str, Review]) -> None:
    """Takes in the verdicts of an earlier visit from the file that it gave."""
    upload = st.file_uploader(
        _("Go on with the verdicts of an earlier visit (CSV)"),
        key="reviews_upload",
    )
    shown_uploads.keep(upload)
    try:
        if upload is None or upload.file_id == st.session_state.get(READ):
            return
        found = reviews.parse(shown_uploads.content(upload), upload.name)
    except FerError as error:
        # Told where the file was chosen: the rest of the view stays.
        st.error(_.error(error))
        return
    st.session_state[READ] = upload.file_id
    done.update({source: review for source, review in found.items() if source not in done})
    st.rerun()


def _download(done: dict[str, Review]) -> None:
    st.download_button(
        _("Download {n} verdicts as CSV", n=len(done)),
        reviews.text(done),
        file_name=REVIEWS,
        mime="text/csv",
        icon=":material/download:",
        key="reviews_csv",
        on_click="ignore",
    )


def _faces(found: list[Mistake], shown: Shown) -> None:
    """The images of some mistakes to press, if there are any to be seen; the pressed one in the
    panel."""
    image_of = shown.image_of
    if image_of is None:
        named_faces.offer_import()
        return
    votes = shown.votes_of([one.source for one in found])
    faces = {at: face for at, one in enumerate(found) if (face := image_of(one.source)) is not None}
    side_panel.grid(
        FACES,
        [
            side_panel.PressableFace(
                at,
                face,
                votes[at],
                f"{_(found[at].label)} → {_(found[at].answer)} "
                + _.percent(found[at].confidence, 0),
                _labelled(found[at]),
            )
            for at, face in faces.items()
        ],
        narrowest=96,
    )
    st.caption(_("Press the words below a face to look closer."))
    at = side_panel.chosen(FACES)
    if at in faces:
        one = found[at]
        side_panel.open_panel(
            f"{_(one.label)} → {_(one.answer)}", lambda: _closely(one, faces[at], votes[at], shown)
        )


def _closely(one: Mistake, face: Gray, counts: vote_bars.Counts | None, shown: Shown) -> None:
    """A mistake in the panel: its face, the votes, what every model said and why."""
    parts = {key: model.predictions for key, model in shown.with_probabilities.items()}
    found = {
        key: Prediction(key, part.probabilities[part.row_of[one.source]])
        for key, part in parts.items()
        if one.source in part.row_of
    }
    note = "" if shown.split is None else _("Stored predictions.")
    side_panel.draw_face(
        face,
        counts,
        one.source,
        "error",
        below=lambda: st.caption(_labelled(one)),
        answer=lambda: (found, note),
    )


def mistake_table(found: list[Mistake], shown: Shown) -> pd.DataFrame:
    """A row for each mistake: image, label, answer, confidence in percent, votes."""
    votes = shown.votes_of([one.source for one in found])
    frame = pd.DataFrame(
        [
            {
                _("Image"): one.source,
                _("True"): _(one.label),
                _("Predicted"): _(one.answer),
                _("Confidence (%)"): round(100 * one.confidence, 2),
                _("What people saw"): "" if counts is None else vote_bars.words(counts),
            }
            for one, counts in zip(found, votes, strict=True)
        ]
    )
    return frame if shown.split is not None else frame.drop(columns=frame.columns[4:])


def pair_table(predictions: Mapping[str, Predictions]) -> pd.DataFrame:
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
