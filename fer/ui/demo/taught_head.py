"""A taught head in the mode "Teach": how far features separate the frames, and its answers beside
both models'."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer import FerError, emotions
from fer.inference.answered_face import AnsweredFace
from fer.inference.classification import Prediction
from fer.own import teaching
from fer.own.teaching import LeftOut, Taught
from fer.ui.faces import announcer, confidence_bars, image_sources
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.text import _
from fer.ui.uploads import shown_uploads

KEY = "teach"
# Four bars an emotion.
HEIGHT = 680


def draw_separation(left_out: LeftOut, seconds: float) -> None:
    """Draw how many frames are answered right by a head that was taught without them."""
    st.subheader(_("Whose features separate your expressions better?"))
    n = len(left_out.labels)
    figures: dict[str, tuple[str, str | None]] = {}
    for key in left_out.probabilities:
        is_right, interval = left_out.right(key), _.interval(left_out.interval(key))
        right = int(is_right.sum())
        below = _("{right} of {n} frames, 95%: {interval}", right=right, n=n, interval=interval)
        figures[_("On features of {model}", model=key)] = (_.percent(is_right.mean()), below)
    widgets.metrics(figures, f"{KEY}_metrics", narrowest=210)
    if len(left_out.probabilities) == 2:
        sentence = _comparison(left_out)
        st.markdown(sentence)
        announcer.announce(sentence, KEY)
    st.caption(
        _(
            "Leave-one-out: each frame is judged by a head that was taught with all others; both "
            "heads and all their {n} repetitions took {ms} ms. Frames of one moment are nearly "
            "the same picture, so expect less on another day.",
            n=n,
            ms=_.number(1000 * seconds),
        )
    )
    with st.expander(_("Table and download"), key=f"{KEY}_details"):
        alt = _("Right answers for frames left out, by emotion and model")
        widgets.table(_left_out_table(left_out), f"{KEY}_left_out", alt)


def _comparison(left_out: LeftOut) -> str:
    """Return which model's features separate the frames better, as far as so many frames tell."""
    if not left_out.is_separated:
        return _(
            "On neither model's features are your expressions told apart better than by guessing: "
            "show them more strongly, or more of them."
        )
    gain = left_out.compared()
    better, other = ("proposed", "baseline") if gain["gain"] > 0 else ("baseline", "proposed")
    p = _.p_value(gain["mcnemar_p"])
    if gain["mcnemar_p"] < 0.05:
        return _(
            "The features of **`{better}`** separate them better than those of `{other}` "
            "(McNemar's p {p}).",
            better=better,
            other=other,
            p=p,
        )
    return _(
        "So few frames show no clear difference between both models' features (McNemar's p {p}).",
        p=p,
    )


def _left_out_table(left_out: LeftOut) -> pd.DataFrame:
    """Return a row for all frames and for each taught emotion: how many there are, and the share
    that each model's head answers right without them, in percent."""
    labels = left_out.labels
    right = pd.DataFrame({f"{key} (%)": left_out.right(key) for key in left_out.probabilities})
    by_label = right.groupby(labels).mean()
    names = [_("all"), *(_(emotions.KEYS[label]) for label in by_label.index)]
    table = (100 * pd.concat([right.mean().to_frame().T, by_label])).round(1)
    table.insert(0, _("Frames"), [len(labels), *right.groupby(labels).size()])
    table.insert(0, _("Emotion"), names)
    return table


def bring_back() -> Taught | None:
    """Draw things to try, and return the head that the visitor brings back as a file."""
    with st.expander(_("To try, and a head that you took home"), key=f"{KEY}_more"):
        tasks = (
            _("Take your glasses off, or put some on: does it still know you?"),
            _("Let a friend try the head that you taught."),
            _("Leave one emotion out: what does it answer instead?"),
        )
        st.markdown("\n".join(f"- {task}" for task in tasks))
        file = st.file_uploader(_("Bring a head back (JSON)"), key=f"{KEY}_brought")
        shown_uploads.keep(file)
        if file is None:
            return None
        sizes = {key: len(head.scale) for key, head in loaders.explainer().heads.items()}
        weights = {key: model.digest for key, model in loaders.models().items()}
        try:
            content = shown_uploads.content(file)
            head = teaching.from_file(content, file.name, weights, sizes)
        except FerError as error:
            st.error(_.error(error))
            return None
        st.success(
            _(
                "The head from {name} answers, not your frames. It knows: {emotions}.",
                name=file.name,
                emotions=", ".join(_(emotions.KEYS[label]) for label in head.labels),
            )
        )
        return head


def draw_next_face(head: Taught) -> None:
    """Draw the published answers and the visitor's own for another face."""
    st.subheader(_("The next face"))
    chosen = image_sources.choose(f"{KEY}_next")
    if chosen is not None:
        photo = loaders.classified(*chosen, True)
        draw_table(draw_bars(photo.answers[photo.largest], head))


def draw_table(predictions: dict[str, Prediction]) -> None:
    """Draw the confidences that `draw_bars` returned as a table with its download."""
    columns = {
        f"{name} (%)": (100 * prediction.probabilities).round(2)
        for name, prediction in predictions.items()
    }
    widgets.folded_table(
        lambda: pd.DataFrame({_("Emotion"): [_(key) for key in emotions.KEYS], **columns}),
        f"{KEY}_answers",
        _("Confidence of both models and of your own two heads for each emotion"),
        f"{KEY}_answer_details",
    )


def draw_bars(face: AnsweredFace, head: Taught | None) -> dict[str, Prediction]:
    """Draw and return both models' answers for a face, and those of a taught head, by name."""
    own: dict[str, Prediction] = {}
    if head is not None:
        features = teaching.features(loaders.explainer(), [face.crop])
        own = {
            _("yours on {model}", model=key): Prediction(key, probabilities[0])
            for key, probabilities in head.probabilities(features).items()
        }
    widgets.chart(
        four_bars(face.predictions, own, head),
        key=f"{KEY}_bars",
        alt=_("Bars: confidence of both models and of your own two heads for each emotion"),
    )
    predictions = {**face.predictions, **own}
    st.markdown(
        "  \n".join(
            f"{name}: **{_(prediction.top1)}** {_.percent(prediction.confidence)}"
            for name, prediction in predictions.items()
        )
    )
    return predictions


def four_bars(
    published: dict[str, Prediction], own: dict[str, Prediction], head: Taught | None
) -> go.Figure:
    """Return a bar for each emotion of both models and of the taught head on each, which has none
    for an emotion that it was not taught; the visitor's have their colour, hatched as the model
    they are on."""
    values: dict[str, list[float | None]] = {
        key: list(map(float, prediction.probabilities)) for key, prediction in published.items()
    }
    taught = set() if head is None else set(head.labels.tolist())
    for name, prediction in own.items():
        values[name] = [
            float(share) if label in taught else None
            for label, share in enumerate(prediction.probabilities)
        ]
    figure = confidence_bars.emotion_bars(values, _("Confidence (%)"))
    for name, prediction in own.items():
        pattern = {"shape": charts.pattern(prediction.model)}
        marker = {"color": charts.OWN_COLOUR, "pattern": pattern}
        figure.update_traces(marker=marker, selector={"name": name})
    return figure.update_layout(height=HEIGHT if own else charts.HEIGHT)
