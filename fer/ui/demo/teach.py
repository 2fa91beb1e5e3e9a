"""Page 5's mode "Teach": a visitor shows expressions, and a classifier of their own is fitted on
the features of both models; beside the published answers it judges the next face."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st

from fer import FerError, emotions
from fer.data import sample
from fer.inference.answered_face import AnsweredFace
from fer.own import teaching
from fer.own.teaching import Frame, LeftOut, Taught
from fer.ui.demo import live_camera, taught_head, webcam
from fer.ui.demo.live_camera import Way
from fer.ui.demo.webcam import Stream
from fer.ui.faces import image_sources, sample_faces
from fer.ui.shared import loaders, widgets
from fer.ui.shared.text import _
from fer.ui.uploads import turns
from fer.vision import faces

KEY = taught_head.KEY
# Session state: the lesson, the frames that are being taken from the camera, and the answers that
# the camera's bars showed last.
LESSON, TAKING, LAST = "teach_lesson", "teach_taking", "teach_last"
# What one press takes from the camera, and what an emotion has at most.
AT_ONCE, MOST_EACH = 10, 20
# The camera's frames are taken, and its bars drawn anew, so often, in seconds.
TICK = 0.5


@dataclass
class _Lesson:
    """The frames that a visitor showed in this visit, with the weights whose features they have.

    results: of each upload, by file id. fitted: the ids of the frames that were fitted last, and
    the results: the head, the answers for frames left out, the seconds that fitting took.
    """

    weights: dict[str, str]
    frames: list[Frame] = field(default_factory=list)
    results: dict[str, Frame | FerError] = field(default_factory=dict)
    fitted: tuple[tuple[int, ...], tuple[Taught, LeftOut, float]] | None = None

    def count(self, label: int) -> int:
        return sum(frame.label == label for frame in self.frames)

    def has_room(self, label: int) -> bool:
        return self.count(label) < MOST_EACH

    def fit(self, chosen: list[Frame]) -> tuple[Taught, LeftOut, float]:
        ids = tuple(map(id, chosen))
        if self.fitted is None or self.fitted[0] != ids:
            started = time.perf_counter()
            head, left_out = teaching.teach(chosen, self.weights)
            self.fitted = ids, (head, left_out, time.perf_counter() - started)
        return self.fitted[1]


@dataclass(frozen=True)
class _Taking:
    """Frames that are being taken: of which emotion (0-6), how many the lesson is to have, and when
    the last one was taken, in seconds of `time.monotonic`."""

    label: int
    until: int
    last: float


def draw_lesson() -> None:
    """Draw the lesson from the first frame to the next face.

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
        _draw_camera(lesson)
        return
    if source == "photos":
        _take_photos(lesson)
    else:
        _take_sample(lesson)
    if head := _draw_head(lesson):
        taught_head.draw_next_face(head)


def _draw_camera(lesson: _Lesson) -> None:
    stream = webcam.open_stream()
    if stream is None:
        return
    is_on = live_camera.state().is_on
    if not is_on:
        st.session_state.pop(TAKING, None)

    def take(label: int) -> None:
        until = min(lesson.count(label) + AT_ONCE, MOST_EACH)
        st.session_state[TAKING] = _Taking(label, until, time.monotonic())

    left, right = st.columns(2)
    with left:
        way = webcam.draw_picture(stream)
        st.caption(
            _("Press an emotion and hold the expression: {n} frames are taken.", n=AT_ONCE)
            if is_on
            else _("Press Start; then a button for each emotion takes {n} frames.", n=AT_ONCE)
        )
        with st.grid(4, min_column_width=110, gap="xsmall"):
            for emotion in emotions.EMOTIONS:
                st.button(
                    _name_and_count(lesson, emotion.label),
                    key=f"{KEY}_{emotion.key}",
                    disabled=not is_on or not lesson.has_room(emotion.label),
                    width="stretch",
                    on_click=take,
                    args=(emotion.label,),
                )
    with st.container():
        head = _draw_head(lesson)
    with right:
        st.fragment(_draw_live, run_every=TICK if is_on else None)(stream, way, lesson, head)


def _name_and_count(lesson: _Lesson, label: int) -> str:
    count, name = lesson.count(label), _(emotions.KEYS[label])
    return f"{name} · {_.number(count)}" if count else name


def _draw_live(stream: Stream, way: Way, lesson: _Lesson, head: Taught | None) -> None:
    """Take frames where they are asked for, else draw the answers of now; once the camera is off,
    the last answers as a table. A fragment: it must always be called, and draws little when
    idle."""
    webcam.keep_up(stream, way)
    is_on, analyser = live_camera.state().is_on, stream.analyser
    if analyser is None or not is_on:
        if LAST in st.session_state:
            taught_head.draw_table(st.session_state[LAST])
        return
    latest = analyser.latest()
    taking: _Taking | None = st.session_state.get(TAKING)
    if not latest.faces:
        webcam.tell_no_face()
    elif taking is not None and latest.taken > taking.last:
        crop = _largest(latest.faces).crop
        lesson.frames.append(teaching.frame(loaders.explainer(), crop, taking.label))
        taking = st.session_state[TAKING] = replace(taking, last=latest.taken)
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
        st.session_state[LAST] = taught_head.draw_bars(_largest(latest.faces), head)


def _largest(answered: tuple[AnsweredFace, ...]) -> AnsweredFace:
    return answered[faces.largest([answer.face for answer in answered])]


def _take_photos(lesson: _Lesson) -> None:
    key = st.pills(
        _("Photos of"),
        emotions.KEYS,
        default="happy",
        format_func=lambda name: _name_and_count(lesson, emotions.LABEL_OF[name]),
        required=True,
        key=f"{KEY}_emotion",
    )
    label = emotions.LABEL_OF[key]

    def take(content: bytes, name: str) -> Frame:
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
    most = len(lesson.results) + len(uploads)
    turns.answer(uploads, lesson.results, take, lambda name, error: error, most)
    results = [lesson.results.get(upload.file_id) for upload in uploads]
    errors = [_.error(result) for result in results if isinstance(result, FerError)]
    if errors:
        st.error("  \n".join(errors))


def _take_sample(lesson: _Lesson) -> None:
    """Draw a button that takes the 70 sample faces, for whoever has no camera at hand."""

    def take() -> None:
        images, labels = sample_faces.faces().images, sample_faces.faces().labels
        features = teaching.features(loaders.explainer(), list(images))
        lesson.frames[:] = [
            Frame(face, int(label), {key: vectors[row] for key, vectors in features.items()})
            for row, (face, label) in enumerate(zip(images, labels, strict=True))
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


def _draw_head(lesson: _Lesson) -> Taught | None:
    """Draw the frames, how far both models' features separate them, and the head to download;
    return the head that answers: one that was brought back, else that of the frames."""
    brought = taught_head.bring_back()
    labels = [label for label in range(emotions.COUNT) if lesson.count(label)]
    chosen = _choose_labels(lesson, labels) if labels else []
    if len(chosen) < 2:
        if brought is None:
            st.info(_("It takes frames of at least two emotions."), icon=":material/school:")
        return brought
    head, left_out, seconds = lesson.fit([f for f in lesson.frames if f.label in chosen])
    taught_head.draw_separation(left_out, seconds)
    st.download_button(
        _("Take it home (JSON)"),
        teaching.to_file(head),
        file_name="fer-head.json",
        mime="application/json",
        icon=":material/download:",
        key=f"{KEY}_home",
        on_click="ignore",
    )
    return brought or head


def _choose_labels(lesson: _Lesson, labels: list[int]) -> list[int]:
    """Draw the frames so far, and return which emotions the visitor teaches."""
    st.subheader(_("What you showed"))
    chosen = st.pills(
        _("Taught emotions"),
        labels,
        default=labels,
        format_func=lambda label: _name_and_count(lesson, label),
        selection_mode="multi",
        # Other pills for other emotions: what is new is chosen, too.
        key=f"{KEY}_labels_" + "".join(map(str, labels)),
    )
    with st.expander(_("Your frames"), key=f"{KEY}_frames"):
        for label in labels:
            row = [frame.face for frame in lesson.frames if frame.label == label]
            st.image(
                np.concatenate(row, axis=1),
                caption=_name_and_count(lesson, label),
                alt=_("Frames of {emotion}: {n}", emotion=_(emotions.KEYS[label]), n=len(row)),
            )

    def forget() -> None:
        st.session_state.pop(LESSON)
        st.session_state.pop(LAST, None)

    st.button(
        _("Forget all frames"), icon=":material/delete:", key=f"{KEY}_forget", on_click=forget
    )
    return list(chosen)
