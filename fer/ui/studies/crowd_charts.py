"""Figures of models against people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fer import emotions
from fer.crowd import agreement
from fer.crowd.agreement import Side
from fer.crowd.records import Level, ModelAgreement, Proportion
from fer.data.votes import CHOICES
from fer.ui import vote_bars
from fer.ui.charts import BOTH, INK, arrange, colour, dash, heat_map, pattern
from fer.ui.studies.study_charts import error_bars
from fer.ui.text import _


def by_agreement(levels: Sequence[Level]) -> go.Figure:
    """Agreement with the crowd's majority over how many of ten voters make it, in percent: each
    model's, FER-2013's label's, and a single voter's with the nine others."""
    shown = [row for row in reversed(levels) if row["votes"] >= agreement.ENOUGH]
    names = [str(row["votes"]) for row in shown]
    figure = go.Figure()

    def line(name: str, found: Sequence[Proportion], **style: object) -> None:
        values = [row["share"] for row in found]
        figure.add_scatter(
            x=names,
            y=[100 * value for value in values],
            customdata=[
                [_.percent(v), _.number(row["images"])]
                for v, row in zip(values, shown, strict=True)
            ],
            error_y=error_bars(values, [row["interval"] for row in found]),
            mode="lines+markers",
            name=name,
            hovertemplate="%{x}: %{customdata[0]}, n = %{customdata[1]}<extra>" + name + "</extra>",
            **style,
        )

    for key in shown[0]["models"]:
        style = {"color": colour(key), "dash": dash(key), "width": 2}
        line(key, [row["models"][key]["majority"] for row in shown], line=style)
    line(
        _("FER-2013's label"),
        [row["fer2013_label"] for row in shown],
        line={"color": BOTH, "dash": "dot", "width": 2},
        marker={"symbol": "square"},
    )
    line(
        _("one person"),
        [row["human"] for row in shown],
        line={"color": INK, "dash": "longdash", "width": 2},
        marker={"symbol": "diamond"},
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(range=[0, 100])
    return arrange(figure, x=_("Voters who agree, of ten"), y=_("Agreement with the majority (%)"))


def sides(models: Mapping[str, ModelAgreement]) -> go.Figure:
    """A pair of bars a side: in what share of its errors by the label the crowd sides with the
    model, with the label, with both by a tie, with neither."""
    names = side_names()
    figure = go.Figure()
    for key, found in models.items():
        values = [found["errors"][side]["share"] for side in names]
        figure.add_bar(
            name=key,
            orientation="h",
            y=list(names.values()),
            x=[100 * value for value in values],
            text=[_.percent(value) for value in values],
            textposition="outside",
            constraintext="none",
            cliponaxis=False,
            marker={"color": colour(key), "pattern": {"shape": pattern(key)}},
            hovertemplate="%{y}: %{text}<extra>" + key + "</extra>",
        )
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(range=[0, 60])
    figure.update_yaxes(autorange="reversed")
    return arrange(
        figure,
        x=_("Share of the model's errors (%)"),
        y=_("The crowd sides with"),
        height=300,
        right=48,
    )


def side_names() -> dict[Side, str]:
    """What each of `agreement.SIDES` is called."""
    return {
        "model": _("the model"),
        "label": _("the label"),
        "both": _("both, by a tie"),
        "neither": _("neither"),
        "no_majority": _("no majority"),
    }


def label_confusion(counts: NDArray[np.float64]) -> go.Figure:
    """For each label (row), in what percent of its images the crowd's most frequent answer is each
    choice (column).

    Args:
        counts: (7, 10), as `agreement.label_confusion` gives it.
    """
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = heat_map(
        shares,
        [[_.number(value, 0) for value in row] for row in shares],
        [vote_bars.name(choice) for choice in CHOICES],
        [_(key) for key in emotions.KEYS],
        emotions.EMOTIONS[2].colour,
        100,
        hover="%{y} → %{x}: %{text}%<extra></extra>",
    )
    figure.update_xaxes(tickangle=-45)
    return arrange(
        figure, x=_("Most frequent answer (% of the label)"), y=_("FER-2013's label"), height=380
    )
