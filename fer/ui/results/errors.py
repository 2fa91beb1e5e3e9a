"""Page 3's view "Errors": the surest errors, confused pairs, labels that both models doubt."""

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
from fer.own import comparison
from fer.scenarios import BASELINE, PROPOSED
from fer.ui.faces import named_faces, side_panel, vote_bars
from fer.ui.results import crowd
from fer.ui.results.measured_models import MeasuredModels, draw_face, own_model
from fer.ui.shared import widgets
from fer.ui.shared.text import _, plain
from fer.ui.uploads import shown_uploads

# Faces in the grid, and rows of the table.
MOST_FACES, MOST_ROWS = 24, 500
POSITION = "doubts_position"
FACES = "errors"
# The visit's verdicts, and the file that was last read into them.
REVIEWED, READ = "reviews", "reviews_read"


def draw_errors(measured: MeasuredModels) -> None:
    """Draw the kind of errors that the visitor chooses.

    Raises:
        FerError: if stored predictions are missing or damaged.
    """
    kinds = {
        "labels": _("Doubtful labels"),
        "confident": _("Most confident errors"),
        "pairs": _("Confused pairs"),
    }
    own = own_model()
    if own is not None and own.name in measured.models:
        kinds["own"] = _("Only of your model")
    kind = widgets.choice(_("Errors"), kinds, "error_kind", is_labelled=False)
    if kind == "labels":
        _draw_doubtful_labels(measured)
    elif kind == "confident":
        _draw_confident(measured)
    elif kind == "own" and own is not None:
        _draw_errors_of_own_model(own.name, measured)
    else:
        widgets.table(
            pair_table(measured.predictions),
            f"pairs_{measured.name}",
            _("Pairs that the models confuse"),
        )


def _draw_confident(measured: MeasuredModels) -> None:
    models = {key: key for key in measured.models}
    model = widgets.choice(_("Model"), models, "sure_model", default=list(models)[-1])
    part, is_graded = measured.models[model].predictions, model in measured.with_probabilities
    errors = _in_chosen_order(mistakes.confident(part, len(part.labels)), measured)
    _draw_faces(errors, measured, is_graded=is_graded)
    with st.expander(_("Table and download"), key="sure_details"):
        frame = mistake_table(errors, measured, is_graded=is_graded)
        widgets.table(frame, f"errors_{model}_{measured.name}", _("Wrong answers"))


def _draw_errors_of_own_model(name: str, measured: MeasuredModels) -> None:
    """Draw the errors that only the visitor's model makes, the surest first."""
    parts = measured.predictions
    own = parts.pop(name)
    wrong = comparison.only_wrong(own, parts)
    st.write(
        _(
            "Both scenarios are right on {n} images on which {model} is wrong.",
            n=_.number(len(wrong.labels)),
            model=plain(name),
        )
    )
    errors, is_graded = mistakes.confident(wrong, MOST_ROWS), name in measured.with_probabilities
    _draw_faces(errors, measured, is_graded=is_graded)
    frame = mistake_table(errors, measured, is_graded=is_graded)
    widgets.table(frame, f"only_{measured.name}", _("Errors of your model alone"))


def _in_chosen_order(errors: list[Mistake], measured: MeasuredModels) -> list[Mistake]:
    """Return the first of the mistakes, which come by confidence, in the order that is chosen."""
    if measured.split is not None:
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
        if order == "crowd":
            votes = measured.votes_of([error.source for error in errors])
            errors = [error for error, _votes in disputes.by_crowd(errors, votes)]
    return errors[:MOST_ROWS]


def _draw_doubtful_labels(measured: MeasuredModels) -> None:
    if measured.gain is None:
        st.caption(_("Two evaluated models are needed."))
        return
    first, second = (measured.models[key].predictions for key in (BASELINE.key, PROPOSED.key))
    doubts = mistakes.against_label(first, second, len(first.labels))
    figures = None if measured.split is None else crowd.figures(measured.split.value)
    st.write(
        _(
            "Both models agree with each other and not with the label on {n} of {all} images. "
            "Who is right?",
            n=_.number(len(doubts)),
            all=_.number(len(first.labels)),
        ),
        "" if figures is None else crowd.sides(figures),
    )
    doubts = _in_chosen_order(doubts, measured)
    if measured.split is not None and measured.image_of is not None and doubts:
        _review(doubts, measured.name)
    else:
        _draw_faces(doubts, measured)
    with st.expander(_("Table and download"), key="doubt_details"):
        widgets.table(
            mistake_table(doubts, measured),
            f"doubts_{measured.name}",
            _("Labels that both models doubt"),
        )


def _review(doubts: list[Mistake], split: str) -> None:
    """Draw one doubtful image after another with a button for each verdict."""
    done: dict[str, Review] = st.session_state.setdefault(REVIEWED, {})
    names: dict[Verdict, str] = {
        "label": _("The label"),
        "models": _("The models"),
        "neither": _("Neither"),
        "unclear": _("Cannot tell"),
    }
    key = f"{POSITION}_{split}"
    position = min(st.session_state.get(key, 0), len(doubts) - 1)
    doubt = doubts[position]
    face, counts = named_faces.pixels(doubt.source), named_faces.votes_for([doubt.source])[0]
    picture, side = st.columns([1, 2])
    if face is not None:
        with picture:
            words = vote_bars.spoken(_label_and_answer(doubt), counts)
            named_faces.enlarged(face, words, width=side_panel.FACE)
    with side:
        st.markdown(
            _(
                "Label **{label}**, both models **{answer}** (at least {confidence})",
                label=_(doubt.label),
                answer=_(doubt.answer),
                confidence=_.percent(doubt.confidence),
            )
        )
        if counts is not None:
            vote_bars.chart(counts, "doubt_votes")
        review = done.get(doubt.source)
        st.caption(
            _("{n} of {all}: {source}", n=position + 1, all=len(doubts), source=doubt.source)
            + ("" if review is None else f" · {names[review.verdict]}")
        )

        def go(step: int) -> None:
            st.session_state[key] = max(0, min(position + step, len(doubts) - 1))

        def decide(verdict: Verdict) -> None:
            done[doubt.source] = Review(doubt.source, doubt.label, doubt.answer, verdict)
            go(1)

        st.caption(_("Your verdicts last as long as your visit; take them with you as a file."))
        with st.container(horizontal=True):
            for verdict in VERDICTS:
                st.button(
                    names[verdict], key=f"verdict_{verdict}", on_click=decide, args=(verdict,)
                )
        with st.container(horizontal=True):
            st.button(_("Back"), key="doubt_back", on_click=go, args=(-1,), type="tertiary")
            st.button(_("Skip"), key="doubt_skip", on_click=go, args=(1,), type="tertiary")
            st.download_button(
                _("Download {n} verdicts as CSV", n=len(done)),
                reviews.text(done),
                file_name="reviews.csv",
                mime="text/csv",
                icon=":material/download:",
                key="reviews_csv",
                on_click="ignore",
            )
    _resume(done)


def _resume(done: dict[str, Review]) -> None:
    """Add the verdicts of an earlier visit from the file that it gave."""
    upload = st.file_uploader(
        _("Go on with the verdicts of an earlier visit (CSV)"), key="reviews_upload"
    )
    shown_uploads.keep(upload)
    if upload is None or upload.file_id == st.session_state.get(READ):
        return
    try:
        earlier = reviews.parse(shown_uploads.content(upload), upload.name)
    except FerError as error:
        # Drawn where the file was chosen: the rest of the view stays.
        st.error(_.error(error))
        return
    st.session_state[READ] = upload.file_id
    done.update(earlier | done)
    st.rerun()


def _label_and_answer(error: Mistake) -> str:
    return _(
        "Face labelled {true}, predicted {predicted}",
        true=_(error.label),
        predicted=_(error.answer),
    )


def _draw_faces(errors: list[Mistake], measured: MeasuredModels, *, is_graded: bool = True) -> None:
    """Draw the first images to press, if there are any to be seen; the pressed one in the panel.
    `is_graded`: the model gave a confidence and not the answer alone."""
    if measured.image_of is None:
        named_faces.offer_import()
        return
    errors = errors[:MOST_FACES]
    votes = measured.votes_of([error.source for error in errors])
    faces = [measured.image_of(error.source) for error in errors]
    side_panel.grid(
        FACES,
        [
            side_panel.PressableFace(
                at,
                face,
                counts,
                f"{_(error.label)} → {_(error.answer)}"
                + (f" {_.percent(error.confidence, 0)}" if is_graded else ""),
                _label_and_answer(error),
            )
            for at, (error, face, counts) in enumerate(zip(errors, faces, votes, strict=True))
            if face is not None
        ],
        narrowest=96,
    )
    st.caption(_("Press the words below a face to look closer."))
    at = side_panel.chosen(FACES)
    if at is not None and at < len(errors):
        error = errors[at]
        side_panel.open_panel(
            f"{_(error.label)} → {_(error.answer)}",
            lambda: draw_face(measured, error.source, error.label, "error"),
        )


def mistake_table(
    errors: list[Mistake], measured: MeasuredModels, *, is_graded: bool = True
) -> pd.DataFrame:
    """A row for each mistake: image, label, answer, confidence in percent if there is one, votes if
    people were asked."""
    votes = measured.votes_of([error.source for error in errors])
    voted = ["" if counts is None else vote_bars.words(counts) for counts in votes]
    return pd.DataFrame(
        [
            {
                _("Image"): error.source,
                _("True"): _(error.label),
                _("Predicted"): _(error.answer),
                **({_("Confidence (%)"): round(100 * error.confidence, 2)} if is_graded else {}),
                **({_("What people saw"): seen} if measured.split is not None else {}),
            }
            for error, seen in zip(errors, voted, strict=True)
        ]
    )


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
