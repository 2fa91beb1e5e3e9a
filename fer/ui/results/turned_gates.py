"""The SE block in the visitor's hand: other gates for one face, and what the model then says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer import emotions
from fer.artifacts.model_store import Artifact
from fer.data.dataset import Split
from fer.inference import gradcam
from fer.studies import turned_gates
from fer.studies.records import GATES, Gates
from fer.studies.turned_gates import Answer, Kind, Setting
from fer.ui.faces import announcer, confidence_bars, image_sources
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.text import _
from fer.ui.studies import attention, records
from fer.vision.preprocessing import Gray

KEY = "turn"
# How many of the 512 channels are closed before the visitor says otherwise.
FIRST_CLOSED = 64
# Of the maps laid over the face, 0-1.
STRENGTH = 0.5


def draw_turned_gates() -> None:
    """Draw a face, a setting of the gates, and both answers beside each other.

    Raises:
        FerError: if the image cannot be read or the networks cannot be explained here.
    """
    record = records.record(GATES)
    gated = [model for model in loaders.models().values() if model.scenario.se_ratio is not None]
    if not gated:
        st.warning(_("No model that is installed here has an SE block."))
        return
    if record is None:
        return
    st.write(
        _(
            "The SE block gives each of the 512 channels a gate between 0 and 1, anew for each "
            "face. Set the gates yourself and see what changes."
        )
    )
    chosen = image_sources.choose(KEY)
    if chosen is None:
        return
    photo = loaders.classified(*chosen, True)
    # The largest face, the whole image if there is none.
    answered = photo.answers[photo.largest]
    if answered.face is None and photo.size != (48, 48):
        st.caption(_("No face was found; the middle of the image is taken instead."))
    face = answered.crop
    setting = _setting()
    head, maps = loaders.exact_maps(gated[0].key, face)
    untouched, turned = turned_gates.turn(gated[0], head, maps, setting, record)
    sentence = verdict(untouched, turned)
    st.markdown(sentence)
    announcer.announce(sentence, KEY)
    _stored_answer(chosen[1], setting, gated[0], record)
    _answers(face, gated[0], untouched, turned)
    widgets.chart(
        gate_chart(untouched, turned),
        key=f"{KEY}_gates",
        alt=_("Lines: the 512 gates of this face, the most open first, and the turned ones"),
    )
    widgets.folded_table(
        lambda: gate_table(untouched, turned),
        f"{KEY}_table",
        _("Each channel's gate as computed and as turned"),
        f"{KEY}_details",
    )
    st.caption(attention.what_gates_give(record))
    if setting.kind == "ones":
        st.caption(attention.mismatch())
    st.caption(
        _(
            "Their mean: over PublicTest, as in the study of the gates; another emotion's: over "
            "its PrivateTest images. Both answers come from the same feature maps in float32, as "
            "the study's do; elsewhere faces are answered in int8. Grad-CAM of turned gates takes "
            "them as fixed: it does not ask how the face would have opened them."
        )
    )
    records.made_with(record, GATES.command)


def _setting() -> Setting:
    """Draw the choice of what the gates are set to, and return it."""
    kinds: dict[Kind, str] = {
        "mean": _("their mean over PublicTest"),
        "ones": _("all open (1)"),
        "closed": _("the most open closed"),
        "borrowed": _("another emotion's"),
    }
    kind = widgets.choice(_("Set the gates to"), kinds, f"{KEY}_kind", wrap=True)
    if kind == "closed":
        label = _("How many of the most open gates to close")
        closed = st.slider(label, 0, 512, FIRST_CLOSED, key=f"{KEY}_closed")
        return Setting(kind, closed=int(closed))
    if kind == "borrowed":
        emotion = widgets.emotion(_("Mean gates of the images of"), f"{KEY}_emotion", "sad")
        return Setting(kind, emotion=emotion)
    return Setting(kind)


def verdict(untouched: Answer, turned: Answer) -> str:
    """Return the sentence on how the turned gates change the answer, as Markdown."""
    before, after = untouched.prediction, turned.prediction
    values = {
        "model": before.model,
        "before": _(before.top1),
        "after": _(after.top1),
        "sure": _.percent(before.confidence),
        "then": _.percent(after.confidence),
    }
    if before.top1 == after.top1:
        return _(
            "With these gates `{model}` still answers **{before}**: {then} instead of {sure}.",
            **values,
        )
    return _(
        "With these gates `{model}` answers **{after}** ({then}) instead of **{before}** ({sure}).",
        **values,
    )


def _stored_answer(name: str, setting: Setting, model: Artifact, record: Gates) -> None:
    """Show what the study answered for an image of PrivateTest with these gates."""
    if model.key not in loaders.evaluated():
        return
    sources = loaders.predictions(model.key).of(Split(record["split"])).sources
    answer = turned_gates.stored_answer(setting, name, sources, record)
    if answer is not None:
        st.caption(
            _(
                "The stored study answered **{emotion}** for {name} with these gates.",
                emotion=_(answer),
                name=name,
            )
        )


def _answers(face: Gray, model: Artifact, untouched: Answer, turned: Answer) -> None:
    """Both answers' bars, and where each rests in the face."""
    names = {model.key: untouched, _("{model}, gates turned", model=model.key): turned}
    bars, maps = st.columns([3, 2])
    with bars:
        shares = {name: list(map(float, a.prediction.probabilities)) for name, a in names.items()}
        widgets.chart(
            confidence_bars.emotion_bars(shares, _("Confidence (%)")),
            key=f"{KEY}_bars",
            alt=_("Bars: confidence for each emotion with the gates as computed and as turned"),
        )
    with maps, st.grid(2, min_column_width=130, gap="small"):
        for name, answer in names.items():
            emotion = _(emotions.KEYS[answer.explanation.target])
            st.image(
                gradcam.overlay(face, answer.explanation, STRENGTH),
                width="stretch",
                caption=f"{name}: {emotion}",
                alt=_(
                    "Grad-CAM of {model} for {emotion} over the face", model=name, emotion=emotion
                ),
            )


def gate_chart(untouched: Answer, turned: Answer) -> go.Figure:
    """A face's gates, the most open first, and the turned ones in the same order."""
    order = np.argsort(-untouched.gates, kind="stable")
    model = untouched.prediction.model
    figure = go.Figure()
    dots = {"mode": "markers", "marker": {"color": charts.OWN_COLOUR, "size": 4}}
    line = {"mode": "lines", "line": {"color": charts.colour(model), "width": 3}}
    for name, answer, style in (
        (_("turned"), turned, dots),
        (_("as computed for this face"), untouched, line),
    ):
        figure.add_scattergl(
            x=np.arange(1, len(order) + 1),
            y=100 * answer.gates[order],
            customdata=order,
            name=name,
            hovertemplate=_("channel") + " %{customdata}: %{y:.1f}%<extra></extra>",
            **style,
        )
    figure.update_xaxes(range=[0, len(order)], tick0=0, dtick=len(order) // 4)
    figure.update_yaxes(range=[0, 100])
    return charts.arrange(figure, x=_("Channels, the most open first"), y=_("Gate (%)"), height=240)


def gate_table(untouched: Answer, turned: Answer) -> pd.DataFrame:
    """A row for each channel, the most open first: its gate as computed and as turned."""
    order = np.argsort(-untouched.gates, kind="stable")
    return pd.DataFrame(
        {
            _("Channel of block5_pool"): [str(channel) for channel in order],
            _("Gate as computed (%)"): (100 * untouched.gates[order]).round(2),
            _("Gate as turned (%)"): (100 * turned.gates[order]).round(2),
        }
    )
