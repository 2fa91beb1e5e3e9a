"""Page 1's section on labels: how often FER-2013's label is what people see, and where not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from fer import FerError, emotions
from fer.crowd import agreement, disputes
from fer.data.dataset import SPLITS, Dataset
from fer.data.votes import CHOICES, Votes
from fer.ui.faces import named_faces, vote_bars
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.text import Language, _, in_language

ALL = "all"
# Images on the page, and in the table.
MOST_SHOWN, MOST_LISTED = 24, 500


def draw_label_votes(data: Dataset | None) -> None:
    """Draw label against crowd by class, and the images on which they differ most; the images
    themselves only of an imported data set; one sentence if the votes are missing or damaged."""
    try:
        votes = loaders.votes()
    except FerError as error:
        st.error(_.error(error))
        return
    names = {ALL: _("all images"), **{str(split): str(split) for split in SPLITS}}
    split = widgets.choice(_("Split"), names, "label_split")
    _draw_confusion(split)
    _draw_disputed(data, votes, split)


def _draw_confusion(split: str) -> None:
    """Draw how often FER-2013's label is the most frequent answer of ten people, by class."""
    matrix = _confusion(split)
    shares = np.diag(matrix) / np.maximum(matrix.sum(axis=1), 1)
    least, most = int(shares.argmin()), int(shares.argmax())
    st.write(
        _(
            "FER-2013's label is the most frequent answer of ten people for {share} of the images: "
            "for {most_share} of those labelled {most}, for {least_share} of those labelled "
            "{least}.",
            share=_.percent(float(np.trace(matrix) / matrix.sum())),
            most_share=_.percent(float(shares[most])),
            most=_(emotions.KEYS[most]),
            least_share=_.percent(float(shares[least])),
            least=_(emotions.KEYS[least]),
        )
    )
    widgets.chart(
        _confusion_chart(split, _.language),
        key="label_confusion",
        alt=_("Matrix: FER-2013's label against the most frequent answer of ten people"),
    )
    st.caption(
        _(
            "Ten people looked at each image (FER+, Barsoum et al. 2016); where answers tie, each "
            "counts its share."
        )
    )

    def table() -> pd.DataFrame:
        names = [vote_bars.name(choice) for choice in CHOICES]
        frame = pd.DataFrame(np.round(matrix, 1), columns=names)
        frame.insert(0, _("FER-2013's label"), [_(key) for key in emotions.KEYS])
        return frame

    widgets.folded_table(
        table,
        f"label_votes_{split}",
        _("FER-2013's label against the most frequent answer of ten people"),
        "label_details",
    )


@loaders.follows
def _confusion(split: str) -> NDArray[np.float64]:
    """Return images of a split, or of all, by label and most frequent answer of the crowd, (7, 10);
    ties count by their shares."""
    votes = loaders.votes()
    rows = _rows(split)
    return agreement.label_confusion(votes.counts[rows], votes.labels[rows])


@loaders.follows
def _confusion_chart(split: str, language: Language) -> go.Figure:
    """In what percent of each label's images (row) the crowd's most frequent answer is each choice
    (column)."""
    counts = _confusion(split)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with in_language(language):
        figure = charts.heat_map(
            shares,
            [[_.number(value, 0) for value in row] for row in shares],
            [vote_bars.name(choice) for choice in CHOICES],
            [_(key) for key in emotions.KEYS],
            emotions.EMOTIONS[2].colour,
            100,
            hover="%{y} → %{x}: %{text}%<extra></extra>",
        )
        figure.update_xaxes(tickangle=-45)
        return charts.arrange(
            figure,
            x=_("Most frequent answer (% of the label)"),
            y=_("FER-2013's label"),
            height=380,
        )


def _draw_disputed(data: Dataset | None, votes: Votes, split: str) -> None:
    """Draw the images of a kind that the visitor chooses: how many, the first of them, a table."""
    kinds = {
        "contested": _("Most contested"),
        "contradicted": _("Label against everyone"),
        "no_face": _("No face"),
    }
    kind = widgets.choice(_("Images"), kinds, "label_kind", is_labelled=False)
    rows = _disputed_rows(split, kind)
    n = _.number(len(rows))
    if kind == "contested":
        count = _(
            "In {n} images every voter saw an expression, but no five of ten the same one.", n=n
        )
    elif kind == "contradicted":
        count = _(
            "For {n} images nobody gives FER-2013's label, and at least nine of ten people agree "
            "on another emotion.",
            n=n,
        )
    else:
        count = _("In {n} images most people saw no face.", n=n)
    st.write(count)
    _draw_faces(data, votes, rows)
    widgets.folded_table(
        lambda: _disputed_table(split, kind, _.language),
        f"label_{kind}_{split}",
        kinds[kind],
        "label_image_details",
    )


def _rows(split: str) -> NDArray[np.int64]:
    """Return the votes' rows of the images of a split, or of all."""
    votes = loaders.votes()
    return np.arange(len(votes)) if split == ALL else np.flatnonzero(votes.splits == split)


@loaders.follows
def _disputed_rows(split: str, kind: str) -> NDArray[np.int64]:
    votes, rows = loaders.votes(), _rows(split)
    counts, labels = votes.counts[rows], votes.labels[rows]
    if kind == "contested":
        order = disputes.contested(counts)
    elif kind == "contradicted":
        order = disputes.contradicted(counts, labels)
    else:
        order = disputes.no_faces(counts)
    return np.asarray(rows[order])


@loaders.follows
def _disputed_table(split: str, kind: str, language: Language) -> pd.DataFrame:
    votes, rows = loaders.votes(), _disputed_rows(split, kind)[:MOST_LISTED]
    with in_language(language):
        return pd.DataFrame(
            {
                _("Image"): votes.sources[rows],
                _("Label"): [_(emotions.KEYS[label]) for label in votes.labels[rows]],
                _("What people saw"): [vote_bars.words(votes.counts[row]) for row in rows],
            }
        )


def _draw_faces(data: Dataset | None, votes: Votes, rows: NDArray[np.int64]) -> None:
    """Draw the first images of those rows of the votes that the imported data set has."""
    data_rows = named_faces.dataset_row_of_vote()
    is_here = np.zeros(len(votes), bool) if data_rows is None else data_rows >= 0
    first = [int(row) for row in rows[:MOST_SHOWN] if is_here[row]]
    if data is None or data_rows is None or not first:
        named_faces.offer_import()
        return
    with st.grid("auto", min_column_width=76, gap="xsmall"):
        for row in first:
            label = _(emotions.KEYS[votes.labels[row]])
            vote_bars.image(
                data.images[data_rows[row]],
                votes.counts[row],
                label,
                _("Face: {emotion}", emotion=label),
            )
    if len(rows) > len(first):
        st.caption(
            _(
                "The first {n} of them; below a face its label, and a square for each voter.",
                n=len(first),
            )
        )
