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
from fer.ui import loaders, named_faces, vote_bars, widgets
from fer.ui.studies import crowd_charts
from fer.ui.text import Language, _, in_language

ALL = "all"
SHOWN = 24
LISTED = 500


def show(data: Dataset | None) -> None:
    """Label against crowd by class, and the images on which they differ most; the images
    themselves only of an imported data set; one sentence if the votes are missing or damaged."""
    try:
        votes = loaders.votes()
    except FerError as error:
        st.error(_.error(error))
        return
    split = st.segmented_control(
        _("Split"),
        [ALL, *(str(s) for s in SPLITS)],
        default=ALL,
        format_func=lambda name: _("all images") if name == ALL else name,
        required=True,
        key="label_split",
    )
    _crowd_against_label(split)
    _disputed(data, votes, split)


def _crowd_against_label(split: str) -> None:
    """How often FER-2013's label is the most frequent answer of ten people, by class."""
    matrix = confusion(split)
    st.write(_lead(matrix))
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
    widgets.folded_table(
        lambda: confusion_table(matrix),
        f"label_votes_{split}",
        _("FER-2013's label against the most frequent answer of ten people"),
        "label_details",
    )


def _disputed(data: Dataset | None, votes: Votes, split: str) -> None:
    """The images of a kind that the visitor chooses: how many, the first of them, and a table."""
    kinds = {
        "contested": _("Most contested"),
        "contradicted": _("Label against everyone"),
        "no_face": _("No face"),
    }
    kind = widgets.choice(
        _("Images"),
        kinds,
        "label_kind",
        is_labelled=False,
    )
    found = _rows(split, kind)
    st.write(_how_many(kind, len(found)))
    _images(data, votes, found)
    widgets.folded_table(
        lambda: image_table(split, kind, _.language),
        f"label_{kind}_{split}",
        kinds[kind],
        "label_image_details",
    )


def _how_many(kind: str, images: int) -> str:
    n = _.number(images)
    if kind == "contested":
        return _(
            "In {n} images every voter saw an expression, but no five of ten the same one.", n=n
        )
    if kind == "contradicted":
        return _(
            "For {n} images nobody gives FER-2013's label, and at least nine of ten people agree "
            "on another emotion.",
            n=n,
        )
    return _("In {n} images most people saw no face.", n=n)


@loaders.follows
def _rows(split: str, kind: str) -> NDArray[np.int64]:
    """The votes' rows of the images of a kind in a split, or in all."""
    votes = loaders.votes()
    rows = np.arange(len(votes)) if split == ALL else np.flatnonzero(votes.splits == split)
    counts, labels = votes.counts[rows], votes.labels[rows]
    if kind == "contested":
        return np.asarray(rows[disputes.contested(counts)])
    if kind == "contradicted":
        return np.asarray(rows[disputes.contradicted(counts, labels)])
    return np.asarray(rows[disputes.no_faces(counts)])


@loaders.follows
def confusion(split: str) -> NDArray[np.float64]:
    """Images of a split, or of all, by label (7) and most frequent answer of the crowd (10)."""
    votes = loaders.votes()
    chosen = np.ones(len(votes), bool) if split == ALL else votes.splits == split
    return agreement.label_confusion(votes.counts[chosen], votes.labels[chosen])


@loaders.follows
def _confusion_chart(split: str, language: Language) -> go.Figure:
    with in_language(language):
        return crowd_charts.label_confusion(confusion(split))


def _lead(matrix: NDArray[np.float64]) -> str:
    shares = np.diag(matrix) / np.maximum(matrix.sum(axis=1), 1)
    least, most = int(shares.argmin()), int(shares.argmax())
    return _(
        "FER-2013's label is the most frequent answer of ten people for {share} of the images: for "
        "{most_share} of those labelled {most}, for {least_share} of those labelled {least}.",
        share=_.percent(float(np.trace(matrix) / matrix.sum())),
        most_share=_.percent(float(shares[most])),
        most=_(emotions.KEYS[most]),
        least_share=_.percent(float(shares[least])),
        least=_(emotions.KEYS[least]),
    )


def confusion_table(matrix: NDArray[np.float64]) -> pd.DataFrame:
    """Images by label, a row each, and most frequent answer; ties count by their shares."""
    frame = pd.DataFrame(
        np.round(matrix, 1), columns=[vote_bars.name(choice) for choice in CHOICES]
    )
    frame.insert(0, _("FER-2013's label"), [_(key) for key in emotions.KEYS])
    return frame


@loaders.follows
def image_table(split: str, kind: str, language: Language) -> pd.DataFrame:
    """A row an image: its name, its label, what people saw."""
    votes, rows = loaders.votes(), _rows(split, kind)[:LISTED]
    with in_language(language):
        return pd.DataFrame(
            {
                _("Image"): votes.sources[rows],
                _("Label"): [_(emotions.KEYS[label]) for label in votes.labels[rows]],
                _("What people saw"): [vote_bars.words(votes.counts[row]) for row in rows],
            }
        )


def _images(data: Dataset | None, votes: Votes, rows: NDArray[np.int64]) -> None:
    """The first images of those rows of the votes that the imported data set has."""
    row_of = named_faces.dataset_row_of_vote()
    shown = [int(row) for row in rows[:SHOWN] if row_of is not None and row_of[row] >= 0]
    if data is None or row_of is None or not shown:
        named_faces.offer_import()
        return
    with st.grid("auto", min_column_width=76, gap="xsmall"):
        for row in shown:
            label = _(emotions.KEYS[votes.labels[row]])
            vote_bars.image(
                data.images[row_of[row]],
                votes.counts[row],
                label,
                _("Face: {emotion}", emotion=label),
            )
    if len(rows) > len(shown):
        st.caption(
            _(
                "The first {n} of them; below a face its label, and a square for each voter.",
                n=len(shown),
            )
        )
