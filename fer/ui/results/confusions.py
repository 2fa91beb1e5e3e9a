"""Confusion matrices side by side, their difference, and the images behind a cell."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from fer import emotions
from fer.artifacts.records import SplitScores
from fer.scenarios import BASELINE, PROPOSED
from fer.ui import charts, vote_bars, vote_loaders, widgets
from fer.ui.results import result_charts, result_tables
from fer.ui.text import Translator

SHOWN = 24
CELL = "confusion_cell"


def show(found: Mapping[str, SplitScores], split: str, _: Translator) -> None:
    """Each model's matrix; a click on a cell shows its images below.

    Raises:
        FerError: if stored predictions are damaged.
    """
    is_normalised = st.toggle(_("Percent of each true class"), value=True, key="is_normalised")
    st.caption(_("Click a cell to see its images."))
    for column, (key, metrics) in zip(st.columns(len(found)), found.items(), strict=True):
        with column:
            st.subheader(f"{charts.swatch(key)} {key}")
            clicked = widgets.clickable(
                result_charts.confusion(metrics["confusion"], key, is_normalised, _),
                key=f"confusion_{key}",
                alt=_("Confusion matrix of {model}: true against predicted emotion", model=key),
            )
            _remember(key, clicked)
    if {BASELINE.key, PROPOSED.key} <= found.keys():
        st.subheader(_("What `proposed` changes"))
        st.caption(
            _(
                "Percentage points of each true class; on the diagonal, more is better, "
                "elsewhere less."
            )
        )
        widgets.chart(
            result_charts.confusion_difference(
                found[BASELINE.key]["confusion"], found[PROPOSED.key]["confusion"], _
            ),
            key="confusion_difference",
            alt=_("Difference of the two confusion matrices in percentage points"),
        )
    _images(found, split, _)
    with st.expander(_("Table and download"), key="confusion_tables"):
        for key, metrics in found.items():
            st.markdown(f"**{key}**")
            widgets.table(
                result_tables.confusion_table(metrics["confusion"], _),
                f"confusion_{key}_{split}",
                _("Confusion matrix of {model}: true against predicted emotion", model=key),
                _,
            )


def _remember(model: str, clicked: tuple[int, ...] | None) -> None:
    """Puts a new click into the controls below; a figure repeats its last click on every rerun."""
    seen = f"{CELL}_{model}"
    if clicked is not None and clicked != st.session_state.get(seen):
        st.session_state[f"{CELL}_model"] = model
        st.session_state[f"{CELL}_true"] = emotions.KEYS[clicked[0]]
        st.session_state[f"{CELL}_predicted"] = emotions.KEYS[clicked[1]]
    st.session_state[seen] = clicked


def _images(found: Mapping[str, SplitScores], split: str, _: Translator) -> None:
    st.subheader(_("Images of a cell"))
    # The cell that examiners ask about first: fear taken for sadness.
    st.session_state.setdefault(f"{CELL}_true", "fear")
    st.session_state.setdefault(f"{CELL}_predicted", "sad")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = st.selectbox(_("Model"), list(found), key=f"{CELL}_model", width=160)
        true = st.selectbox(_("True"), emotions.KEYS, format_func=_, key=f"{CELL}_true", width=160)
        predicted = st.selectbox(
            _("Predicted"),
            emotions.KEYS,
            format_func=_,
            key=f"{CELL}_predicted",
            width=160,
        )
    images, sources, confidences, count = result_tables.cell_images(
        split,
        model,
        emotions.LABEL_OF[true],
        emotions.LABEL_OF[predicted],
        SHOWN,
    )
    sentence = _(
        "{model} answers {predicted} for {n} faces labelled {true}.",
        model=model,
        n=_.number(count),
        true=f"**{_(true)}**",
        predicted=f"**{_(predicted)}**",
    )
    if count and not images:
        st.write(sentence)
        st.caption(
            _(
                "To see them, import FER-2013: `fer data download`, or "
                "`fer data import archive.zip`."
            )
        )
        return
    if count > len(images):
        sentence += " " + _("The {n} most confident ones:", n=len(images))
    st.write(sentence)
    with st.grid("auto", min_column_width=84, gap="xsmall"):
        votes = vote_loaders.votes_of(sources)
        for image, counts, confidence in zip(images, votes, confidences, strict=True):
            vote_bars.image(
                image,
                counts,
                _.percent(confidence, 0),
                _(
                    "Face labelled {true}, predicted {predicted}",
                    true=_(true),
                    predicted=_(predicted),
                ),
                _,
            )
