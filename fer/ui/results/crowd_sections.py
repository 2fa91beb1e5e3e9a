"""Page 3's view "People": both models, FER-2013's labels and one person against ten."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st

from fer import FerError
from fer.crowd import agreement, disputes
from fer.crowd.disputes import Dispute, Kind
from fer.crowd.records import CrowdSplit, GainYardstick
from fer.data.dataset import Split
from fer.evaluation.calibration import AccuracyBin
from fer.inference.classification import Prediction
from fer.own import comparison
from fer.scenarios import PROPOSED, SCENARIOS
from fer.ui import charts, loaders, model_comparison, named_faces, vote_bars, widgets
from fer.ui.answers import confidences
from fer.ui.results import crowd_tables, result_charts
from fer.ui.results.shown import OWN, Shown, own_model
from fer.ui.studies import crowd_charts
from fer.ui.text import _

POSITION = "dispute_position"
MOST = 200


def show(shown: Shown, split: str) -> None:
    """How models, labels and one person agree with the crowd, and the images in dispute.

    Raises:
        FerError: if votes or stored predictions are missing or damaged.
    """
    found = _with_own(shown, split) or loaders.crowd(split)
    if found is None:
        st.caption(_("None of these images has votes of people."))
        return
    st.write(lead(found))
    widgets.metrics(_metrics(found), "crowd_metrics")
    st.subheader(_("The clearer the face, the better the models"))
    widgets.chart(
        crowd_charts.by_agreement(found["levels"]),
        key="crowd_levels",
        alt=_("Lines: agreement with the majority over the number of voters who make it"),
    )
    st.caption(measured())
    st.subheader(_("Whose error is it?"))
    st.write(sides(found))
    widgets.chart(
        crowd_charts.sides(found["models"]),
        key="crowd_sides",
        alt=_("Bars: with whom the crowd sides where a model's answer is not the label"),
    )
    with st.expander(_("Tables and downloads"), key="crowd_details"):
        to_download = numbers(found)
        for name, frame in tables(found).items():
            widgets.table(
                to_download.get(name, frame),
                f"crowd_{name}_{split}",
                _called(name),
                shown=frame if name in to_download else None,
            )
    st.subheader(_("Calibration against people"))
    widgets.chart(
        result_charts.reliability(
            {
                key: [
                    AccuracyBin(
                        low=row["low"],
                        high=row["high"],
                        count=row["count"],
                        confidence=row["confidence"],
                        accuracy=row["agreement"],
                    )
                    for row in model["reliability_voters"]
                ]
                for key, model in found["models"].items()
            },
            {key: model["ece_voters"] for key, model in found["models"].items()},
        ).update_layout(title_text=_("Voters who agree with the answer (%)")),
        key="crowd_reliability",
        alt=_("Share of voters who agree with the answer against confidence, for both models"),
    )
    _disputed(shown, split)
    widgets.note_source(
        _(
            "Computed from the stored predictions and the votes {votes}, data {data}.",
            votes=loaders.votes().digest[:12],
            data=", ".join(
                sorted(
                    {
                        model.metrics["data_sha256"][:12]
                        for model in model_comparison.evaluated().values()
                        if model.metrics is not None
                    }
                )
            ),
        )
    )


def _with_own(shown: Shown, split: str) -> CrowdSplit | None:
    """The figures with the visitor's own model, kept for the visit; None if there is none."""
    own = own_model()
    if own is None or own.name not in shown.models:
        return None
    key = f"{OWN}_people_{split}"
    kept = st.session_state.get(key)
    if kept is None or kept[0] is not own:
        parts = {k: part for k, part in shown.predictions.items() if k != own.name}
        found = comparison.with_people(own, Split(split), parts, loaders.votes())
        kept = st.session_state[key] = (own, found)
    return cast("CrowdSplit | None", kept[1])


def measured() -> str:
    """What counts as a majority, and what the intervals are of."""
    return _(
        "Ten people saw each image (FER+, Barsoum et al. 2016). The majority is the emotion that "
        "at least {enough} of them chose; where two emotions tie, each counts half. One person is "
        "measured against the nine others. Error bars: 95% bootstrap intervals over images.",
        enough=agreement.ENOUGH,
    )


def lead(found: CrowdSplit) -> str:
    """The answer in two sentences."""
    human, label = found["human"]["others"]["share"], found["fer2013_label"]["majority"]["share"]
    sentence = _(
        "On the {n} images where at least five of ten people agree, one person agrees with the "
        "nine others in {human} of the cases, and FER-2013's own label with the majority in "
        "{label}.",
        n=_.number(found["images_with_majority"]),
        human=_.percent(human),
        label=_.percent(label),
    )
    if "gain" not in found:
        return sentence
    return f"{sentence} {gain(found)}"


def gain(found: CrowdSplit) -> str:
    """What `proposed` gains by both yardsticks."""

    def points(name: GainYardstick) -> str:
        low, high = found["gain"][name]["interval"]
        return _(
            "{gain} ({low} to {high})",
            gain=crowd_tables.difference(found, name),
            low=_.signed(100 * low, 1),
            high=_.signed(100 * high, 1),
        )

    return _(
        "On these images `proposed` gains {label} percentage points over `baseline` by the label "
        "and {majority} by the majority.",
        label=points("label_with_majority"),
        majority=points("majority"),
    )


def sides(found: CrowdSplit) -> str:
    """With whom the crowd sides where a model's answer is not the label."""
    told = "; ".join(
        _(
            "with `{model}` in {by_model} of its errors, with the label in {by_label}",
            model=key,
            by_model=_.percent(errors["model"]["share"]),
            by_label=_.percent(errors["label"]["share"]),
        )
        for key, model in found["models"].items()
        if "model" in (errors := model["errors"]) and "label" in errors
    )
    return _("The crowd sides {sides}.", sides=told) if told else ""


def _metrics(found: CrowdSplit) -> dict[str, tuple[str, str | None]]:
    row: dict[str, tuple[str, str | None]] = {
        _("{model} and the majority", model=key): (
            _.percent(model["majority"]["share"]),
            _("by the label {share}", share=_.percent(model["label_with_majority"]["share"])),
        )
        for key, model in found["models"].items()
    }
    label, human = found["fer2013_label"]["majority"], found["human"]["others"]
    row[_("FER-2013's label and the majority")] = (
        _.percent(label["share"]),
        _.interval(label["interval"]),
    )
    row[_("One person and the nine others")] = (
        _.percent(human["share"]),
        _.interval(human["interval"]),
    )
    return row


def tables(found: CrowdSplit) -> dict[str, pd.DataFrame]:
    """The figures of the view, to read: yardsticks, levels of agreement, sides."""
    return {
        "yardsticks": crowd_tables.yardstick_table(found),
        "levels": crowd_tables.level_table(found),
        "sides": crowd_tables.side_table(found),
    }


def numbers(found: CrowdSplit) -> dict[str, pd.DataFrame]:
    """The same figures to reckon with, of those tables whose cells are words."""
    return {
        "yardsticks": crowd_tables.yardstick_numbers(found),
        "levels": crowd_tables.level_numbers(found),
    }


def _called(name: str) -> str:
    return {
        "yardsticks": _("Models, label and one person by each yardstick"),
        "levels": _("Agreement with the majority by the number of voters who make it"),
        "sides": _("With whom the crowd sides in each model's errors"),
    }[name]


def report_tables(split: str) -> dict[str, pd.DataFrame]:
    """The tables by their headings; empty if no image has votes."""
    found = figures(split)
    if found is None:
        return {}
    return {_called(name): frame for name, frame in tables(found).items()}


def figures(split: str) -> CrowdSplit | None:
    """The view's figures; None if no image has votes, or they cannot be read."""
    try:
        return loaders.crowd(split)
    except FerError:
        return None


def _disputed(shown: Shown, split: str) -> None:
    """The most disputed images, one after another."""
    st.subheader(_("The most disputed images"))
    kinds: dict[Kind, str] = {
        "model": _("Crowd with the model"),
        "label": _("Crowd with the label"),
        "neither": _("Crowd with neither"),
        "divided": _("Crowd divided"),
    }
    evaluated = list(shown.models)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = widgets.choice(
            _("Images"),
            kinds,
            "dispute_kind",
            wrap=True,
        )
        model = st.segmented_control(
            _("Model"),
            evaluated,
            default=PROPOSED.key if PROPOSED.key in evaluated else evaluated[-1],
            required=True,
            key="dispute_model",
            wrap=True,
        )
    if model in SCENARIOS:
        found = disputed(model, split, kind)
    else:
        part = shown.models[model].predictions
        found = disputes.find(part, loaders.votes(), kind, MOST)
    if not found:
        st.caption(_("There is no such image."))
        return
    key = f"{POSITION}_{split}_{model}_{kind}"
    position = min(st.session_state.get(key, 0), len(found) - 1)

    def go(step: int) -> None:
        st.session_state[key] = max(0, min(position + step, len(found) - 1))

    _one(found[position], shown)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Back"), key="dispute_back", on_click=go, args=(-1,), disabled=position == 0)
        st.button(
            _("Next"),
            key="dispute_next",
            on_click=go,
            args=(1,),
            disabled=position == len(found) - 1,
        )
        st.caption(
            _(
                "{n} of {all}: {source}",
                n=position + 1,
                all=len(found),
                source=found[position].source,
            )
        )


@loaders.follows
def disputed(model: str, split: str, kind: Kind) -> list[Dispute]:
    """The most disputed images of a kind for a model."""
    part = loaders.predictions(model).of(Split(split))
    return disputes.find(part, loaders.votes(), kind, MOST)


def _one(dispute: Dispute, shown: Shown) -> None:
    picture, votes, bars = st.columns([1, 1, 1])
    face = named_faces.pixels(dispute.source)
    with picture:
        if face is None:
            named_faces.offer_import()
        else:
            alt = _(
                "Face labelled {true}, predicted {predicted}",
                true=_(dispute.label),
                predicted=_(dispute.answer),
            )
            named_faces.enlarged(face, vote_bars.spoken(alt, dispute.counts))
    with votes:
        st.markdown(_("FER-2013's label: **{label}**", label=_(dispute.label)))
        vote_bars.chart(dispute.counts, "dispute_votes")
    with bars:
        answers = {
            key: Prediction(key, part.probabilities[part.row_of[dispute.source]])
            for key, part in shown.predictions.items()
        }
        st.markdown(
            " · ".join(f"{charts.swatch(key)} {key}: **{_(p.top1)}**" for key, p in answers.items())
        )
        confidences(answers, "dispute")
