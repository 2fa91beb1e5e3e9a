"""Page 5's mode "Teach": a visitor shows expressions, and a classifier of their own is fitted on
the features of both models; beside the published answers it judges the next face."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer import FerError, emotions
from fer.data import sample
from fer.inference.answered_face import AnsweredFace
from fer.inference.classification import Prediction
from fer.own import teaching
from fer.own.teaching import Frame, LeftOut, Taught, Vectors
from fer.ui import (
    announcer,
    charts,
    image_sources,
    loaders,
    sample_faces,
    shown_uploads,
    turns,
    widgets,
)
from fer.ui.demo import live_camera, webcam
from fer.ui.demo.live_camera import Way
from fer.ui.demo.stream import Stream
from fer.ui.text import _
from fer.vision import faces

KEY = "teach"
# Session state: the lesson, and the frames that are being taken from the camera.
LESSON, TAKING = "teach_lesson", "teach_taking"
# What one press takes from the camera, and what an emotion has at most.
AT_ONCE, MOST_EACH = 10, 20
# The camera's frames are taken, and its bars drawn anew, so often, in seconds.
TICK = 0.5
# Four bars an emotion.
HEIGHT = 680


@dataclass
class _Lesson:
    """What a visitor showed in this visit, with the weights whose features it has.

    files: by file id what came of each upload. fitted: of which frames, and what came of it.
    """

    weights: dict[str, str]
    frames: list[Frame] = field(default_factory=list)
    files: dict[str, Frame | FerError] = field(default_factory=dict)
    fitted: tuple[tuple[int, ...], tuple[Taught, LeftOut], float] | None = None

    def count(self, label: int) -> int:
        return sum(frame.label == label for frame in self.frames)

    def has_room(self, label: int) -> bool:
        return self.count(label) < MOST_EACH

    def fit(self, chosen: list[Frame]) -> tuple[Taught, LeftOut, float]:
        """The head of these frames, what is answered for each without it, and the seconds that
        fitting took."""
        of = tuple(map(id, chosen))
        if self.fitted is None or self.fitted[0] != of:
            started = time.perf_counter()
            found = teaching.teach(chosen, self.weights)
            self.fitted = of, found, time.perf_counter() - started
        return *self.fitted[1], self.fitted[2]


@dataclass(frozen=True)
class _Taking:
    """Frames that are being taken: of which emotion (0-6), how many there are to be in the lesson,
    and when the last one was taken, in seconds of `time.monotonic`."""

    label: int
    until: int
    last: float


def show() -> None:
    """The lesson from the first frame to the next face.

    Raises:
        FerError: if no model is installed or its networks cannot be explained here.
    """
    weights = {key: model.digest for key, model in loaders.models().items()}
    lesson: _Lesson = st.session_state.setdefault(LESSON, _Lesson(weights))
    if lesson.weights != weights:
        # Other models were published meanwhile, whose features are others.
        lesson = st.session_state[LESSON] = _Lesson(weights)
    st.write(
        _(
            "Show a few expressions, and a classifier of your own is taught at once, on what both "
            "models see in a face. The networks themselves stay as they are, as in the thesis' "
            "first scenario."
        )
    )
    sources = {"camera": _("Camera"), "photos": _("Photo"), "sample": _("Sample")}
    source = widgets.choice(_("Frames from"), sources, f"{KEY}_source")
    if source == "camera":
        _camera(lesson)
        return
    if source == "photos":
        _photos(lesson)
    else:
        _sample(lesson)
    taught = _taught(lesson)
    if taught is not None:
        _next_face(taught)


def _camera(lesson: _Lesson) -> None:
    """The camera's picture, a button for each emotion, and the bars of the face before it."""
    stream = webcam.opened()
    if stream is None:
        return
    is_on = live_camera.state().is_on
    if not is_on:
        st.session_state.pop(TAKING, None)
    left, right = st.columns(2)
    with left:
        way = webcam.picture(stream)
        _buttons(lesson, is_on)
    with st.container():
        taught = _taught(lesson)
    with right:
        st.fragment(_live, run_every=TICK if is_on else None)(stream, way, lesson, taught)


def _buttons(lesson: _Lesson, is_on: bool) -> None:
    def take(label: int) -> None:
        until = min(lesson.count(label) + AT_ONCE, MOST_EACH)
        st.session_state[TAKING] = _Taking(label, until, time.monotonic())

    st.caption(
        _("Press an emotion and hold the expression: {n} frames are taken.", n=AT_ONCE)
        if is_on
        else _("Press Start; then a button for each emotion takes {n} frames.", n=AT_ONCE)
    )
    with st.grid(4, min_column_width=110, gap="xsmall"):
        for emotion in emotions.EMOTIONS:
            st.button(
                _named(lesson, emotion.label),
                key=f"{KEY}_{emotion.key}",
                disabled=not is_on or not lesson.has_room(emotion.label),
                width="stretch",
                on_click=take,
                args=(emotion.label,),
            )


def _named(lesson: _Lesson, label: int) -> str:
    """An emotion with how many frames it has."""
    count, name = lesson.count(label), _(emotions.KEYS[label])
    return f"{name} · {_.number(count)}" if count else name


def _live(stream: Stream, way: Way, lesson: _Lesson, taught: Taught | None) -> None:
    """Take frames where they are asked for, else show what all say now. A fragment: it must always
    be called, and draws little when idle."""
    webcam.keep_up(stream, way)
    is_on, analyser = live_camera.state().is_on, stream.analyser
    if analyser is None or not is_on:
        return
    latest = analyser.latest()
    taking: _Taking | None = st.session_state.get(TAKING)
    if not latest.faces:
        st.caption(_("No face is seen. Face the camera in good light, not too far away."))
    elif taking is not None and latest.taken > taking.last:
        lesson.frames.append(
            teaching.frame(loaders.explainer(), _largest(latest.faces).crop, taking.label)
        )
        taking = _Taking(taking.label, taking.until, latest.taken)
        st.session_state[TAKING] = taking
    if taking is not None:
        count = lesson.count(taking.label)
        if count >= taking.until:
            del st.session_state[TAKING]
            st.rerun()
        st.progress(
            1 - (taking.until - count) / AT_ONCE,
            _("{emotion}: {n} frames", emotion=_(emotions.KEYS[taking.label]), n=count),
        )
    elif latest.faces:
        _bars(_largest(latest.faces), taught)


def _largest(found: tuple[AnsweredFace, ...]) -> AnsweredFace:
    return found[faces.largest([answer.face for answer in found])]


def _photos(lesson: _Lesson) -> None:
    """Photos as frames of the chosen emotion."""
    key = st.pills(
        _("Photos of"),
        emotions.KEYS,
        default="happy",
        format_func=lambda name: _named(lesson, emotions.LABEL_OF[name]),
        required=True,
        key=f"{KEY}_emotion",
    )
    label = emotions.LABEL_OF[key]

    def ask(content: bytes, name: str) -> Frame:
        answers = loaders.classified_once(content, name).answers
        if not answers:
            raise FerError("{name} shows no face; choose another photo.", name=name)
        if not lesson.has_room(label):
            raise FerError(
                "{name} was left out: the emotion has {n} frames.", name=name, n=MOST_EACH
            )
        frame = teaching.frame(loaders.explainer(), _largest(answers).crop, label)
        lesson.frames.append(frame)
        return frame

    uploads = image_sources.uploads(f"{KEY}_upload_{key}")
    image_sources.promise()
    most = len(lesson.files) + len(uploads)
    turns.answer(uploads, lesson.files, ask, lambda name, error: error, most)
    found = [lesson.files[upload.file_id] for upload in uploads if upload.file_id in lesson.files]
    errors = [result for result in found if isinstance(result, FerError)]
    if errors:
        st.error("  \n".join(_.error(error) for error in errors))


def _sample(lesson: _Lesson) -> None:
    """The 70 sample faces at a press, for whoever has no camera at hand."""

    def take() -> None:
        found = sample_faces.faces()
        features = teaching.features(loaders.explainer(), list(found.images))
        lesson.frames[:] = [
            Frame(face, int(label), {key: values[at] for key, values in features.items()})
            for at, (face, label) in enumerate(zip(found.images, found.labels, strict=True))
        ]

    st.button(
        _("Teach with the sample's {n} faces", n=sample.EACH * emotions.COUNT),
        icon=":material/school:",
        key=f"{KEY}_sample",
        on_click=widgets.catch_errors(take),
    )
    widgets.show_callback_error()
    st.caption(
        _(
            "They replace your frames. They are Training images, from which `proposed` has learnt "
            "what it sees in a face; your own frames are the fairer trial."
        )
    )


def _taught(lesson: _Lesson) -> Taught | None:
    """What was shown, how far both models' features separate it, and the head that comes of it."""
    brought = _brought()
    labels = [label for label in range(emotions.COUNT) if lesson.count(label)]
    if labels:
        chosen = _shown(lesson, labels)
        frames = [frame for frame in lesson.frames if frame.label in chosen]
    if not labels or len(chosen) < 2:
        if brought is None:
            st.info(_("It takes frames of at least two emotions."), icon=":material/school:")
        return brought
    taught, left_out, seconds = lesson.fit(frames)
    _measured(left_out, seconds)
    st.download_button(
        _("Take it home (JSON)"),
        teaching.to_file(taught),
        file_name="fer-head.json",
        mime="application/json",
        icon=":material/download:",
        key=f"{KEY}_home",
        on_click="ignore",
    )
    return brought or taught


def _shown(lesson: _Lesson, labels: list[int]) -> list[int]:
    """The frames so far, and which emotions the visitor teaches."""
    st.subheader(_("What you showed"))
    chosen = st.pills(
        _("Taught emotions"),
        labels,
        default=labels,
        format_func=lambda label: _named(lesson, label),
        selection_mode="multi",
        # Other pills for other emotions: what is new is chosen, too.
        key=f"{KEY}_labels_" + "".join(map(str, labels)),
    )
    with st.expander(_("Your frames"), key=f"{KEY}_frames"):
        for label in labels:
            row = [frame.face for frame in lesson.frames if frame.label == label]
            st.image(
                np.concatenate(row, axis=1),
                caption=_named(lesson, label),
                alt=_("Frames of {emotion}: {n}", emotion=_(emotions.KEYS[label]), n=len(row)),
            )

    def forget() -> None:
        del st.session_state[LESSON]

    st.button(
        _("Forget all frames"), icon=":material/delete:", key=f"{KEY}_forget", on_click=forget
    )
    return list(chosen)


def _measured(left_out: LeftOut, seconds: float) -> None:
    """How many frames are answered right by a head that was taught without them."""
    st.subheader(_("Whose features separate your expressions better?"))
    n = len(left_out.labels)
    right = {key: left_out.right(key) for key in left_out.probabilities}
    figures: widgets.Metrics = {
        _("On features of {model}", model=key): (
            _.percent(found.mean()),
            _(
                "{right} of {n} frames, 95%: {interval}",
                right=int(found.sum()),
                n=n,
                interval=_.interval(left_out.interval(key)),
            ),
        )
        for key, found in right.items()
    }
    widgets.metrics(figures, f"{KEY}_metrics", narrowest=210)
    if len(right) == 2:
        said = _said(left_out)
        st.markdown(said)
        announcer.announce(said, KEY)
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
        widgets.table(
            left_out_table(left_out),
            f"{KEY}_left_out",
            _("Right answers for frames left out, by emotion and model"),
        )


def _said(left_out: LeftOut) -> str:
    """Which model's features separate the frames better, as far as so many frames tell."""
    if not left_out.is_separated:
        return _(
            "On neither model's features are your expressions told apart better than by guessing: "
            "show them more strongly, or more of them."
        )
    found = left_out.compared()
    better, other = ("proposed", "baseline") if found["gain"] > 0 else ("baseline", "proposed")
    p = _.p_value(found["mcnemar_p"])
    if found["mcnemar_p"] < 0.05:
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


def left_out_table(left_out: LeftOut) -> pd.DataFrame:
    """A row for each taught emotion and for all: frames, and how many each model's head answers
    right without them, in percent."""
    labels = [None, *np.unique(left_out.labels)]
    rows = []
    for label in labels:
        among = np.ones(len(left_out.labels), bool) if label is None else left_out.labels == label
        rows.append(
            {
                _("Emotion"): _("all") if label is None else _(emotions.KEYS[label]),
                _("Frames"): int(among.sum()),
                **{
                    f"{key} (%)": round(100 * left_out.right(key)[among].mean(), 1)
                    for key in left_out.probabilities
                },
            }
        )
    return pd.DataFrame(rows)


def _brought() -> Taught | None:
    """The head that the visitor brings back as a file."""
    with st.expander(_("To try, and a head that you took home"), key=f"{KEY}_more"):
        st.markdown(
            "\n".join(
                f"- {task}"
                for task in (
                    _("Take your glasses off, or put some on: does it still know you?"),
                    _("Let a friend try the head that you taught."),
                    _("Leave one emotion out: what does it answer instead?"),
                )
            )
        )
        file = st.file_uploader(_("Bring a head back (JSON)"), key=f"{KEY}_brought")
        shown_uploads.keep(file)
        if file is None:
            return None
        sizes = {key: len(head.scale) for key, head in loaders.explainer().heads.items()}
        weights = {key: model.digest for key, model in loaders.models().items()}
        try:
            content = shown_uploads.content(file)
            taught = teaching.from_file(content, file.name, weights, sizes)
        except FerError as error:
            st.error(_.error(error))
            return None
        st.success(
            _(
                "The head from {name} answers, not your frames. It knows: {emotions}.",
                name=file.name,
                emotions=", ".join(_(emotions.KEYS[label]) for label in taught.labels),
            )
        )
        return taught


def _next_face(taught: Taught) -> None:
    """The published answers and the visitor's own for another face."""
    st.subheader(_("The next face"))
    chosen = image_sources.choose(f"{KEY}_next")
    if chosen is None:
        return
    found = loaders.classified(*chosen, True)
    every = _bars(found.answers[found.largest], taught)
    widgets.folded_table(
        lambda: answer_table(every),
        f"{KEY}_answers",
        _("Confidence of both models and of your own two heads for each emotion"),
        f"{KEY}_next_details",
    )


def answer_table(every: dict[str, Prediction]) -> pd.DataFrame:
    """A row for each emotion: the confidence of each model and head in percent."""
    return pd.DataFrame(
        {
            _("Emotion"): [_(key) for key in emotions.KEYS],
            **{f"{name} (%)": (100 * one.probabilities).round(2) for name, one in every.items()},
        }
    )


def _bars(face: AnsweredFace, taught: Taught | None) -> dict[str, Prediction]:
    """Show and return both models' answers for a face, and beside them those of the taught heads,
    by name."""
    own: dict[str, Prediction] = {}
    if taught is not None:
        features: Vectors = teaching.features(loaders.explainer(), [face.crop])
        own = {
            _("yours on {model}", model=key): Prediction(key, shares[0])
            for key, shares in taught.probabilities(features).items()
        }
    widgets.chart(
        four_bars(face.predictions, own, taught),
        key=f"{KEY}_bars",
        alt=_("Bars: confidence of both models and of your own two heads for each emotion"),
    )
    every = {**face.predictions, **own}
    st.markdown(
        "  \n".join(
            f"{name}: **{_(one.top1)}** {_.percent(one.confidence)}" for name, one in every.items()
        )
    )
    return every


def four_bars(
    published: dict[str, Prediction], own: dict[str, Prediction], taught: Taught | None
) -> go.Figure:
    """A bar for each emotion of both models and of both heads, which have none for an emotion that
    they were not taught; what is the visitor's has its colour, hatched as the model it is on."""
    known = set() if taught is None else {int(label) for label in taught.labels}
    values: dict[str, list[float | None]] = {
        key: list(map(float, one.probabilities)) for key, one in published.items()
    }
    for name, one in own.items():
        values[name] = [
            float(share) if label in known else None
            for label, share in enumerate(one.probabilities)
        ]
    figure = charts.emotion_bars(values, _("Confidence (%)"))
    for name, one in own.items():
        marker = {"color": charts.OWN_COLOUR, "pattern": {"shape": charts.pattern(one.model)}}
        figure.update_traces(marker=marker, selector={"name": name})
    return figure.update_layout(height=HEIGHT if own else charts.HEIGHT)
