"""Page 3's view "Confusion": each model's matrix, their difference, the images behind a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import ArrayLike, NDArray

from fer import emotions
from fer.scenarios import BASELINE, PROPOSED
from fer.ui.faces import named_faces, vote_bars
from fer.ui.results.measured_models import MeasuredModels
from fer.ui.shared import charts, widgets
from fer.ui.shared.text import _

# Two rows on a phone and three in half of a page's width: no more to scroll past.
MOST_FACES = 12
TRUE, PREDICTED = "confusion_cell_true", "confusion_cell_predicted"
HEIGHT = 360


def draw_confusions(measured: MeasuredModels) -> None:
    """Draw each model's matrix, below it the images of the chosen cell; a click on a cell of either
    chooses it for both.

    Raises:
        FerError: if stored predictions are damaged.
    """
    scores = measured.scores
    # The cell that examiners ask about first: fear taken for sadness.
    st.session_state.setdefault(TRUE, "fear")
    st.session_state.setdefault(PREDICTED, "sad")
    is_normalised = st.toggle(_("Percent of each true class"), value=True, key="is_normalised")
    with st.container(horizontal=True):
        true, predicted = (
            # It is chosen before it is drawn, and required from then on. Two stand in a row, where
            # a phone would have to be scrolled sideways to reach the last ones.
            cast(
                "str",
                st.pills(label, emotions.KEYS, format_func=_, required=True, key=key, wrap=True),
            )
            for label, key in ((_("True"), TRUE), (_("Predicted"), PREDICTED))
        )
    st.caption(_("Click a cell or choose it above: its images are shown below each matrix."))
    cell = (emotions.LABEL_OF[true], emotions.LABEL_OF[predicted])
    for column, (key, metrics) in zip(st.columns(len(scores)), scores.items(), strict=True):
        with column:
            st.subheader(f"{charts.swatch(key)} {key}")
            widgets.clickable(
                confusion_chart(metrics["confusion"], key, is_normalised, cell),
                key=f"confusion_{key}",
                alt=_("Confusion matrix of {model}: true against predicted emotion", model=key),
                on_click=lambda at: st.session_state.update(
                    {TRUE: emotions.KEYS[at[0]], PREDICTED: emotions.KEYS[at[1]]}
                ),
            )
            _draw_images(measured, key, *cell)
    if measured.image_of is None:
        named_faces.offer_import()
    if {BASELINE.key, PROPOSED.key} <= scores.keys():
        st.subheader(_("What `proposed` changes"))
        st.caption(
            _(
                "Percentage points of each true class; on the diagonal, more is better, "
                "elsewhere less."
            )
        )
        widgets.chart(
            difference_chart(scores[BASELINE.key]["confusion"], scores[PROPOSED.key]["confusion"]),
            key="confusion_difference",
            alt=_("Difference of the two confusion matrices in percentage points"),
        )
    with st.expander(_("Table and download"), key="confusion_tables"):
        names = [_(key) for key in emotions.KEYS]
        for key, metrics in scores.items():
            st.markdown(f"**{key}**")
            frame = pd.DataFrame(metrics["confusion"], columns=names)
            frame.insert(0, _("True"), names)
            widgets.table(
                frame,
                f"confusion_{key}_{measured.name}",
                _("Confusion matrix of {model}: true against predicted emotion", model=key),
            )


def _draw_images(measured: MeasuredModels, model: str, true: int, predicted: int) -> None:
    """Draw how many images a cell has, and the most confident of them that are here."""
    part = measured.models[model].predictions
    confidences = part.probabilities[:, predicted]
    rows = np.flatnonzero((part.labels == true) & (part.probabilities.argmax(axis=1) == predicted))
    rows = rows[np.argsort(-confidences[rows], kind="stable")]
    names = {"true": _(emotions.KEYS[true]), "predicted": _(emotions.KEYS[predicted])}
    sentence = _(
        "{model} answers {predicted} for {n} faces labelled {true}.",
        model=model,
        n=_.number(len(rows)),
        **{key: f"**{name}**" for key, name in names.items()},
    )
    faces = {}
    if measured.image_of is not None:
        images = {row: measured.image_of(str(part.sources[row])) for row in rows[:MOST_FACES]}
        faces = {row: image for row, image in images.items() if image is not None}
    if faces and len(rows) > len(faces):
        sentence += " " + _("The {n} most confident ones:", n=len(faces))
    st.write(sentence)
    votes = measured.votes_of([str(part.sources[row]) for row in faces])
    with st.grid("auto", min_column_width=76, gap="xsmall"):
        for (row, face), counts in zip(faces.items(), votes, strict=True):
            vote_bars.image(
                face,
                counts,
                _.percent(float(confidences[row]), 0),
                _("Face labelled {true}, predicted {predicted}", **names),
            )


def confusion_chart(
    counts: Sequence[Sequence[int]],
    model: str,
    is_normalised: bool,
    cell: tuple[int, int] | None = None,
) -> go.Figure:
    """A model's confusion matrix, a row for each true class; counts or percent of the row. The cell
    of that row and column has a frame."""
    values = _row_shares(counts) if is_normalised else np.array(counts, np.float64)
    texts = [[_.number(value, 1 if is_normalised else 0) for value in row] for row in values]
    unit = _("Share of the row (%)") if is_normalised else _("Images")
    limit = 100.0 if is_normalised else float(values.max())
    figure = _matrix(values, texts, unit, charts.colour(model), limit)
    if cell is not None:
        row, column = cell
        figure.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"color": charts.INK, "width": 2},
        )
    return figure


def difference_chart(
    baseline: Sequence[Sequence[int]], proposed: Sequence[Sequence[int]]
) -> go.Figure:
    """How many percentage points of each true class `proposed` moves into each cell."""
    change = _row_shares(proposed) - _row_shares(baseline)
    texts = [[("+" if value > 0 else "") + _.number(value, 1) for value in row] for row in change]
    limit = float(np.abs(change).max()) or 1.0
    unit = _("Percentage points")
    return _matrix(change, texts, unit, PROPOSED.colour, limit, BASELINE.colour)


def _row_shares(counts: ArrayLike) -> NDArray[np.float64]:
    """Return each count in percent of its row."""
    matrix = np.array(counts, np.float64)
    return np.asarray(100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))


def _matrix(
    values: NDArray[np.float64],
    texts: list[list[str]],
    unit: str,
    colour: str,
    limit: float,
    below: str | None = None,
) -> go.Figure:
    names = [_(key) for key in emotions.KEYS]
    figure = charts.heat_map(values, texts, names, names, colour, limit, below=below)
    # A heat map reports no clicks; one unseen marker on each cell does.
    cells = [(row, column) for row in range(len(names)) for column in range(len(names))]
    figure.add_scatter(
        x=[names[column] for _row, column in cells],
        y=[names[row] for row, _column in cells],
        customdata=[[row, column, texts[row][column]] for row, column in cells],
        mode="markers",
        marker={"symbol": "square", "size": 34, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate="%{y} → %{x}: %{customdata[2]}<extra>" + unit + "</extra>",
        showlegend=False,
    )
    figure.update_xaxes(tickangle=-45)
    return charts.arrange(figure, x=_("Predicted"), y=_("True"), height=HEIGHT)
