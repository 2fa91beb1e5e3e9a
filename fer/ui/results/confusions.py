"""Confusion matrices side by side, their difference, and the images behind a cell."""

from __future__ import annotations

from typing import cast

import streamlit as st

from fer import emotions
from fer.scenarios import BASELINE, PROPOSED
from fer.ui import charts, named_faces, vote_bars, widgets
from fer.ui.results import result_charts, result_tables
from fer.ui.results.shown import Shown
from fer.ui.text import _

# Two rows on a phone and three in half of a page's width: no more to scroll past.
SHOWN = 12
CELL = "confusion_cell"


def show(shown: Shown) -> None:
    """Each model's matrix, below it the images of the chosen cell; a click on a cell of either
    chooses it for both.

    Raises:
        FerError: if stored predictions are damaged.
    """
    found = shown.scores
    # The cell that examiners ask about first: fear taken for sadness.
    st.session_state.setdefault(f"{CELL}_true", "fear")
    st.session_state.setdefault(f"{CELL}_predicted", "sad")
    is_normalised = st.toggle(_("Percent of each true class"), value=True, key="is_normalised")
    with st.container(horizontal=True):
        true = _emotion(_("True"), f"{CELL}_true")
        predicted = _emotion(_("Predicted"), f"{CELL}_predicted")
    st.caption(_("Click a cell or choose it above: its images are shown below each matrix."))
    chosen = (emotions.LABEL_OF[true], emotions.LABEL_OF[predicted])
    for column, (key, metrics) in zip(st.columns(len(found)), found.items(), strict=True):
        with column:
            st.subheader(f"{charts.swatch(key)} {key}")
            widgets.clickable(
                result_charts.confusion(metrics["confusion"], key, is_normalised, chosen),
                key=f"confusion_{key}",
                alt=_("Confusion matrix of {model}: true against predicted emotion", model=key),
                on_click=choose,
            )
            _images(shown, key, true, predicted)
    if shown.image_of is None:
        named_faces.offer_import()
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
                found[BASELINE.key]["confusion"], found[PROPOSED.key]["confusion"]
            ),
            key="confusion_difference",
            alt=_("Difference of the two confusion matrices in percentage points"),
        )
    with st.expander(_("Table and download"), key="confusion_tables"):
        for key, metrics in found.items():
            st.markdown(f"**{key}**")
            widgets.table(
                result_tables.confusion_table(metrics["confusion"]),
                f"confusion_{key}_{shown.name}",
                _("Confusion matrix of {model}: true against predicted emotion", model=key),
            )


def choose(cell: tuple[int, ...]) -> None:
    """Makes the cell in that row and column the one whose images are shown."""
    st.session_state[f"{CELL}_true"] = emotions.KEYS[cell[0]]
    st.session_state[f"{CELL}_predicted"] = emotions.KEYS[cell[1]]


def _emotion(label: str, key: str) -> str:
    # It is chosen before it is drawn, and required from then on.
    # Two stand in a row, where a phone would have to be scrolled sideways to reach the last ones.
    return cast(
        str, st.pills(label, emotions.KEYS, format_func=_, required=True, key=key, wrap=True)
    )


def _images(shown: Shown, model: str, true: str, predicted: str) -> None:
    """Which cell is chosen, how many images it has, and the first of them."""
    images, sources, confidences, count = result_tables.cell_images(
        shown,
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
    if images and count > len(images):
        sentence += " " + _("The {n} most confident ones:", n=len(images))
    st.write(sentence)
    with st.grid("auto", min_column_width=76, gap="xsmall"):
        votes = shown.votes_of(sources)
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
            )
