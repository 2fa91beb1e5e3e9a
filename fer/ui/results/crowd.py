"""Page 3's view "People": both models, FER-2013's labels and one person against ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import plotly.graph_objects as go
import streamlit as st

from fer import FerError
from fer.crowd import agreement, disputes
from fer.crowd.disputes import Kind
from fer.crowd.records import CrowdSplit, GainYardstick, Level, ModelAgreement, Proportion
from fer.data.dataset import Split
from fer.own import comparison
from fer.scenarios import PROPOSED
from fer.ui.faces import confidence_bars
from fer.ui.results import crowd_tables, reliability
from fer.ui.results.measured_models import OWN, MeasuredModels, draw_face, own_model
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.text import _

MOST_DISPUTED = 200


def draw_crowd(measured: MeasuredModels, split: str) -> None:
    """Draw how models, labels and one person agree with the crowd, and the images in dispute.

    Raises:
        FerError: if votes or stored predictions are missing or damaged.
    """
    crowd = _with_own_model(measured, split) or loaders.crowd(split)
    if crowd is None:
        st.caption(_("None of these images has votes of people."))
        return
    st.write(lead(crowd))
    widgets.metrics(_metrics(crowd), "crowd_metrics")
    st.subheader(_("The clearer the face, the better the models"))
    widgets.chart(
        level_chart(crowd["levels"]),
        key="crowd_levels",
        alt=_("Lines: agreement with the majority over the number of voters who make it"),
    )
    st.caption(method())
    st.subheader(_("Whose error is it?"))
    st.write(sides(crowd))
    widgets.chart(
        side_chart(crowd["models"]),
        key="crowd_sides",
        alt=_("Bars: with whom the crowd sides where a model's answer is not the label"),
    )
    with st.expander(_("Tables and downloads"), key="crowd_details"):
        for key, title, words, numbers in crowd_tables.tables(crowd):
            name = f"crowd_{key}_{split}"
            if numbers is None:
                widgets.table(words, name, title)
            else:
                widgets.table(numbers, name, title, shown=words)
    st.subheader(_("Calibration against people"))
    bins = {key: model["reliability_voters"] for key, model in crowd["models"].items()}
    ece = {key: model["ece_voters"] for key, model in crowd["models"].items()}
    widgets.chart(
        reliability.reliability_chart(bins, ece).update_layout(
            title_text=_("Voters who agree with the answer (%)")
        ),
        key="crowd_reliability",
        alt=_("Share of voters who agree with the answer against confidence, for both models"),
    )
    _draw_disputed_images(measured, split)
    data = {
        model.metrics["data_sha256"][:12]
        for model in loaders.evaluated().values()
        if model.metrics is not None
    }
    widgets.note_source(
        _(
            "Computed from the stored predictions and the votes {votes}, data {data}.",
            votes=loaders.votes().digest[:12],
            data=", ".join(sorted(data)),
        )
    )


def _with_own_model(measured: MeasuredModels, split: str) -> CrowdSplit | None:
    """Return the figures with the visitor's own model, kept for the visit; None without one."""
    own = own_model()
    if own is None or own.name not in measured.models:
        return None
    key = f"{OWN}_people_{split}"
    kept = st.session_state.get(key)
    if kept is None or kept[0] is not own:
        parts = {k: part for k, part in measured.predictions.items() if k != own.name}
        crowd = comparison.with_people(own, Split(split), parts, loaders.votes())
        kept = st.session_state[key] = (own, crowd)
    return cast("CrowdSplit | None", kept[1])


def _draw_disputed_images(measured: MeasuredModels, split: str) -> None:
    """Draw the most disputed images of a kind that the visitor chooses, one after another."""
    st.subheader(_("The most disputed images"))
    kinds: dict[Kind, str] = {
        "model": _("Crowd with the model"),
        "label": _("Crowd with the label"),
        "neither": _("Crowd with neither"),
        "divided": _("Crowd divided"),
    }
    models = list(measured.models)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = widgets.choice(_("Images"), kinds, "dispute_kind", wrap=True)
        model = widgets.choice(
            _("Model"),
            {key: key for key in models},
            "dispute_model",
            default=PROPOSED.key if PROPOSED.key in models else models[-1],
            wrap=True,
        )
    images = disputes.find(measured.models[model].predictions, loaders.votes(), kind, MOST_DISPUTED)
    if not images:
        st.caption(_("There is no such image."))
        return
    key = f"dispute_position_{split}_{model}_{kind}"
    last = len(images) - 1
    position = min(st.session_state.get(key, 0), last)
    dispute = images[position]
    draw_face(measured, dispute.source, dispute.label, "dispute")

    def go(step: int) -> None:
        st.session_state[key] = max(0, min(position + step, last))

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Back"), key="dispute_back", on_click=go, args=(-1,), disabled=position == 0)
        st.button(_("Next"), key="dispute_next", on_click=go, args=(1,), disabled=position == last)
        st.caption(
            _("{n} of {all}: {source}", n=position + 1, all=len(images), source=dispute.source)
        )


def figures(split: str) -> CrowdSplit | None:
    """Return the figures of a split; None if no image has votes, or they cannot be read."""
    try:
        return loaders.crowd(split)
    except FerError:
        return None


def method() -> str:
    """Return what counts as a majority, and what the intervals are of."""
    return _(
        "Ten people saw each image (FER+, Barsoum et al. 2016). The majority is the emotion that "
        "at least {enough} of them chose; where two emotions tie, each counts half. One person is "
        "measured against the nine others. Error bars: 95% bootstrap intervals over images.",
        enough=agreement.ENOUGH,
    )


def lead(crowd: CrowdSplit) -> str:
    """Return the answer in a sentence, and in a second one what `proposed` gains."""
    sentence = _(
        "On the {n} images where at least five of ten people agree, one person agrees with the "
        "nine others in {human} of the cases, and FER-2013's own label with the majority in "
        "{label}.",
        n=_.number(crowd["images_with_majority"]),
        human=_.percent(crowd["human"]["others"]["share"]),
        label=_.percent(crowd["fer2013_label"]["majority"]["share"]),
    )
    if "gain" not in crowd:
        return sentence

    def points(yardstick: GainYardstick) -> str:
        low, high = crowd["gain"][yardstick]["interval"]
        return _(
            "{gain} ({low} to {high})",
            gain=crowd_tables.difference(crowd, yardstick),
            low=_.signed(100 * low, 1),
            high=_.signed(100 * high, 1),
        )

    gain = _(
        "On these images `proposed` gains {label} percentage points over `baseline` by the label "
        "and {majority} by the majority.",
        label=points("label_with_majority"),
        majority=points("majority"),
    )
    return f"{sentence} {gain}"


def sides(crowd: CrowdSplit) -> str:
    """Return with whom the crowd sides where a model's answer is not the label."""
    sides = "; ".join(
        _(
            "with `{model}` in {by_model} of its errors, with the label in {by_label}",
            model=key,
            by_model=_.percent(errors["model"]["share"]),
            by_label=_.percent(errors["label"]["share"]),
        )
        for key, model in crowd["models"].items()
        if "model" in (errors := model["errors"]) and "label" in errors
    )
    return _("The crowd sides {sides}.", sides=sides) if sides else ""


def _metrics(crowd: CrowdSplit) -> widgets.Metrics:
    label, human = crowd["fer2013_label"]["majority"], crowd["human"]["others"]
    return {
        **{
            _("{model} and the majority", model=key): (
                _.percent(model["majority"]["share"]),
                _("by the label {share}", share=_.percent(model["label_with_majority"]["share"])),
            )
            for key, model in crowd["models"].items()
        },
        _("FER-2013's label and the majority"): (
            _.percent(label["share"]),
            _.interval(label["interval"]),
        ),
        _("One person and the nine others"): (
            _.percent(human["share"]),
            _.interval(human["interval"]),
        ),
    }


def level_chart(levels: Sequence[Level]) -> go.Figure:
    """Agreement with the crowd's majority over how many of ten voters make it, in percent: each
    model's, FER-2013's label's, and a single voter's with the nine others."""
    with_majority = [row for row in reversed(levels) if row["votes"] >= agreement.ENOUGH]
    figure = go.Figure()

    def add_line(name: str, agreements: Sequence[Proportion], **style: object) -> None:
        values = [row["share"] for row in agreements]
        figure.add_scatter(
            x=[str(row["votes"]) for row in with_majority],
            y=[100 * value for value in values],
            customdata=[
                [_.percent(value), _.number(row["images"])]
                for value, row in zip(values, with_majority, strict=True)
            ],
            error_y=charts.error_bars(values, [row["interval"] for row in agreements]),
            mode="lines+markers",
            name=name,
            hovertemplate="%{x}: %{customdata[0]}, n = %{customdata[1]}<extra>" + name + "</extra>",
            **style,
        )

    for key in with_majority[0]["models"]:
        add_line(
            key,
            [row["models"][key]["majority"] for row in with_majority],
            line={"color": charts.colour(key), "dash": charts.dash(key), "width": 2},
        )
    add_line(
        _("FER-2013's label"),
        [row["fer2013_label"] for row in with_majority],
        line={"color": charts.BOTH, "dash": "dot", "width": 2},
        marker={"symbol": "square"},
    )
    add_line(
        _("one person"),
        [row["human"] for row in with_majority],
        line={"color": charts.INK, "dash": "longdash", "width": 2},
        marker={"symbol": "diamond"},
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(range=[0, 100])
    return charts.arrange(
        figure, x=_("Voters who agree, of ten"), y=_("Agreement with the majority (%)")
    )


def side_chart(models: Mapping[str, ModelAgreement]) -> go.Figure:
    """A pair of bars a side: in what share of its errors by the label the crowd sides with the
    model, with the label, with both by a tie, with neither."""
    names = crowd_tables.side_names()
    values = {
        key: [model["errors"][side]["share"] for side in names] for key, model in models.items()
    }
    figure = confidence_bars.model_bars(values, list(names.values()), 60)
    return charts.arrange(
        figure,
        x=_("Share of the model's errors (%)"),
        y=_("The crowd sides with"),
        height=300,
        right=48,
    )
