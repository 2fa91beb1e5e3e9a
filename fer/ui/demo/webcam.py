"""The webcam on the demo page: the visitor's camera in, both models' answers out."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from fer import emotions
from fer.inference.answered_face import AnsweredFace
from fer.media import annotation, photos, streaming
from fer.media.live import socket as live_socket
from fer.media.streaming import FrameAnalyser, StreamAnalyser
from fer.scenarios import SCENARIOS
from fer.ui import announcer, answers, ice, loaders, presentation, widgets
from fer.ui.demo import confidence_charts, live_camera
from fer.ui.demo.live_camera import OPEN, Way
from fer.ui.demo.stream import Stream
from fer.ui.text import _

STREAM = "webcam_stream"
FROZEN = "webcam_frozen"
# Whether the socket took over from a video connection that did not come about, in this visit.
TAKEN_OVER = "webcam_taken_over"
# What the address may ask for.
WAYS: dict[str, Way] = {"webrtc": "webrtc", "socket": "socket"}
# How often the bars are drawn anew, and what changes slowly, in seconds. Drawing takes a browser
# longer than the networks take the server: where both are one machine, the video pays for it.
TICK = 0.5
SLOW_TICK = 3.0
# Faces are looked for in a smaller copy, in a third of the time: who sits before a camera is near.
LOOK_IN = 384
MOST_FACES = 6


def show() -> None:
    """Camera, picture with both models' answers, and beside it what they say, several times a
    second.

    Raises:
        FerError: if no model is installed.
    """
    stream = opened()
    if stream is None:
        return
    camera = live_camera.state()
    # Above the video, where whoever froze a frame looks; always there: what comes and goes above
    # the video would move it, and moved it starts anew.
    frozen = st.container()
    left, right = st.columns(presentation.COLUMNS if presentation.is_on() else 2)
    with left.container(key="stage_camera"):
        way = picture(stream)
    with right:
        st.fragment(_live, run_every=TICK if camera.is_on else None)(stream, way)
    # Below both: on a phone the answers stand right below the picture.
    with st.container():
        if stream.has_frame and not presentation.is_on() and stream.analyser is not None:
            _files(stream, stream.analyser, camera.is_on)
    st.fragment(_lately, run_every=SLOW_TICK if camera.is_on else None)(stream)
    if presentation.is_on():
        return
    half_life = _settings()
    if stream.analyser is not None:
        stream.analyser.smoother.half_life = half_life
    st.caption(
        _("Frames stay in this server's memory, one at a time; nothing is stored or logged.")
    )
    with frozen:
        _frozen(stream)


def opened() -> Stream | None:
    """Return the visit's stream, which takes note of whether its camera is on; None, with a
    sentence, where browsers give no camera to the page."""
    if not ice.is_secure(st.context.url or ""):
        st.warning(
            _(
                "Browsers give a camera only to pages opened over https or on this machine; open "
                "this page that way, or use a photo."
            )
        )
        return None
    stream: Stream = st.session_state.setdefault(STREAM, Stream())
    stream.names = {key: _(key) for key in emotions.KEYS}
    stream.follow(live_camera.state().is_on, time.monotonic())
    return stream


def picture(stream: Stream) -> Way:
    """Draw the camera's picture, have its frames answered, and return the way by which they go to
    the server.

    Raises:
        FerError: if no model is installed.
    """
    camera = live_camera.state()
    way = _picture(stream, st.context.url or "")
    if camera.is_on and stream.analyser is None:
        # While the connection is being made, not when the page is opened.
        stream.analyser = StreamAnalyser(
            FrameAnalyser(loaders.detector(LOOK_IN), loaders.classifier(), most_faces=MOST_FACES)
        )
    stream.drawn = _drawn(stream, way)
    return way


def _picture(stream: Stream, url: str) -> Way:
    camera, servers = live_camera.state(), ice.servers(url)
    way = _way(url, servers)
    is_wanted = way == "webrtc" and camera.is_on
    with st.container():
        if OPEN in st.session_state or is_wanted:
            # Brings half a second of imports that the socket need not wait for.
            from fer.ui.demo import webrtc

            webrtc.show(stream, camera, servers, is_wanted=is_wanted)
    live_camera.show(stream, way, is_shown=_drawn(stream, way)[0])
    if way == "socket" and TAKEN_OVER in st.session_state:
        st.caption(
            _(
                "No direct video connection came about, so the pictures go to the server as the "
                "page itself does."
            )
        )
    return way


def _way(url: str, servers: list[ice.Server]) -> Way:
    """Return the way by which the camera's pictures go to the server.

    The visitor's address may choose it (`?way=…`). Else WebRTC where it can be expected to connect:
    on the server's own machine, or with a TURN server, unless it did not in this visit.
    """
    if not live_socket.is_served():
        return "webrtc"
    if asked := WAYS.get(st.query_params.get("way", "")):
        return asked
    is_expected = ice.is_local(url) or ice.has_turn(servers)
    return "webrtc" if is_expected and TAKEN_OVER not in st.session_state else "socket"


def _drawn(stream: Stream, way: Way) -> tuple[bool, bool]:
    """Whether the video stands on the page, and whether there is something to take home: where that
    changes, the whole page is drawn anew."""
    is_video = way == "webrtc" and stream.is_moving(time.monotonic())
    return is_video, stream.has_frame


def _settings() -> float:
    """The half-life of smoothing in seconds."""
    with st.expander(_("Smoothing"), icon=":material/settings:", key="webcam_settings"):
        milliseconds = st.slider(
            _("Smoothing: half-life in milliseconds (0: every frame as it is)"),
            0,
            2000,
            300,
            100,
            key="webcam_half_life",
        )
        return milliseconds / 1000


def _frozen(stream: Stream) -> None:
    """The frame that the visitor froze: both models' answers for it, and why."""
    if FROZEN not in st.session_state:
        return
    st.subheader(_("Frozen frame"))
    rgb, found = st.session_state[FROZEN]
    if found is None:
        found = photos.classify(rgb, "frame", loaders.detector(), loaders.classifier())
        st.session_state[FROZEN] = rgb, found
    if not found.answers:
        st.caption(_("No face is seen. Face the camera in good light, not too far away."))
    st.caption(
        _(
            "This one frame, looked at closely: its face is searched in the whole picture and its "
            "answers are not smoothed, so they can differ from the live ones."
        )
    )
    answers.show_photo(rgb, found, "frozen")
    with st.container(horizontal=True):
        _picture_file(annotation.png(rgb, found.answers, stream.names), "webcam_still")
        st.button(
            _("Discard it"),
            icon=":material/delete:",
            key="webcam_discard",
            on_click=lambda: st.session_state.pop(FROZEN, None),
        )


def _unreachable() -> None:
    """Say that no video came about, where the socket may not take over, and offer photos."""
    url = st.context.url or ""
    if ice.is_local(url):
        sentence = _(
            "The camera's video did not begin. Press Stop and Start again, or use a photo."
        )
    elif ice.has_turn(ice.servers(url)):
        sentence = _(
            "No video connection could be made, not through the TURN server either. Press Stop and "
            "Start again, or use a photo."
        )
    else:
        sentence = _(
            "No video connection could be made. Behind a strict network the server needs a TURN "
            "server (see the README); until then, use a photo."
        )
    st.warning(sentence)
    if st.button(
        _("Use a photo"),
        icon=":material/image:",
        key="webcam_instead",
        on_click=lambda: st.session_state.update(mode="photo"),
    ):
        # Pressed inside a fragment, which alone would be drawn anew.
        st.rerun()


def keep_up(stream: Stream, way: Way) -> None:
    """Draw the whole page anew where the picture's place on it changed, take another way where this
    one leads nowhere, or say so; called first by the fragment beside the picture."""
    is_on = live_camera.state().is_on
    if is_on and way == "webrtc" and stream.is_unreachable(time.monotonic()):
        if live_socket.is_served() and st.query_params.get("way") != "webrtc":
            st.session_state[TAKEN_OVER] = True
            st.rerun()
        _unreachable()
    if is_on and _drawn(stream, way) != stream.drawn:
        st.rerun()


def _live(stream: Stream, way: Way) -> None:
    """What the models see now. A fragment: it must always be called, and draws little when idle."""
    keep_up(stream, way)
    now, is_on = time.monotonic(), live_camera.state().is_on
    analyser = stream.analyser
    moments = [] if analyser is None else analyser.moments()
    if analyser is None or not (is_on or moments):
        return
    if not is_on:
        st.caption(_("Stopped. The last answers are shown."))
    latest = analyser.latest()
    if is_on and stream.is_moving(now):
        answers.tell_turn(latest.turns)
        answers.tell_too_small(latest.too_small)
        if not latest.faces:
            st.caption(_("No face is seen. Face the camera in good light, not too far away."))
    if latest.faces:
        _answers(_chosen(stream, latest.faces))


def _lately(stream: Stream) -> None:
    """What the models saw in the last minute, and how the server keeps up. A fragment as `_live`
    is, drawn less often."""
    analyser, is_on = stream.analyser, live_camera.state().is_on
    moments = [] if analyser is None else analyser.moments()
    if analyser is None or not (is_on or moments):
        return
    faces = analyser.latest().faces
    if moments and not presentation.is_on():
        _minute(stream, moments, faces)
    if is_on and faces:
        chosen = next((face for face in faces if face.number == stream.face), faces[0])
        # Confidences are never twice the same: only another expression is worth a sentence.
        told = announcer.tops(chosen.predictions, with_confidence=False)
        announcer.announce(told, "webcam")
    if presentation.is_on():
        return
    throughput = analyser.throughput()
    widgets.metrics(
        {
            _("Shown"): (_("{n} frames/s", n=_.number(throughput.shown, 1)), None),
            _("Analysed"): (
                _("{n} frames/s", n=_.number(throughput.analysed, 1)),
                _(
                    "{p50} ms, 95%: {p95} ms",
                    p50=_.number(throughput.p50_ms),
                    p95=_.number(throughput.p95_ms),
                ),
            ),
            _("Models agree"): (
                "–" if throughput.agreement is None else _.percent(throughput.agreement),
                None,
            ),
        },
        "webcam_metrics",
        narrowest=210,
    )


def _files(stream: Stream, analyser: StreamAnalyser, is_on: bool) -> None:
    """What can be taken home: while the camera is on, the frame that is frozen; afterwards the last
    one and all confidences, which change no more. Outside the fragment, which would replace the
    buttons while they are pressed."""

    def freeze() -> None:
        st.session_state.update({FROZEN: (stream.still(), None), "frozen_why": True})

    with st.container(horizontal=True):
        if not is_on:
            _picture_file(stream.snapshot(), "webcam_snapshot")
            widgets.download(pd.DataFrame(streaming.rows(analyser.record())), "webcam_session")
        st.button(
            _("Freeze and explain"),
            icon=":material/ac_unit:",
            key="webcam_freeze",
            on_click=widgets.catch_errors(freeze),
        )
        st.button(
            _("Start over"),
            icon=":material/restart_alt:",
            help=_("Forgets this session's confidences and the agreement so far."),
            key="webcam_clear",
            on_click=widgets.catch_errors(analyser.clear),
        )


def _picture_file(png: bytes, key: str) -> None:
    st.download_button(
        _("Snapshot (PNG)"),
        png,
        file_name="snapshot.png",
        mime="image/png",
        icon=":material/photo_camera:",
        key=key,
        on_click="ignore",
    )


def _chosen(stream: Stream, faces: tuple[AnsweredFace, ...]) -> AnsweredFace:
    by_number = {face.number: face for face in sorted(faces, key=lambda p: p.number)}
    if len(faces) == 1:
        return faces[0]
    # New pills for every other group of faces. In the same ones Streamlit keeps what it fell back
    # to while the chosen face was missed for a moment; and writing the choice into their state
    # races with the presses that are on their way from the browser.
    if tuple(by_number) != stream.group:
        stream.group, stream.groups = tuple(by_number), stream.groups + 1
    key = f"webcam_face_{stream.groups}"
    default = stream.face if stream.face in by_number else next(iter(by_number))

    def choose() -> None:
        # Called, too, when the browser has drawn new pills.
        if st.session_state[key] != default:
            stream.face, stream.is_newly_chosen = st.session_state[key], True

    number = st.pills(
        _("Face"), list(by_number), default=default, required=True, key=key, on_change=choose
    )
    if stream.is_newly_chosen:
        stream.is_newly_chosen = False
        # The chart over time is another fragment, which would show the former face for seconds.
        st.rerun()
    return by_number[number]


def _answers(face: AnsweredFace) -> None:
    answers.in_large_words(face)
    answers.bars(face.predictions, "webcam")
    if not presentation.is_on():
        st.caption(answers.agreement(face))
    if face.is_doubtful:
        st.caption(_("A question mark: it is doubtful that this is a face."))


def _minute(
    stream: Stream, moments: list[streaming.Moment], faces: tuple[AnsweredFace, ...]
) -> None:
    keys = [key for key in SCENARIOS if key in moments[-1].probabilities]
    model = st.segmented_control(
        _("Model over the last minute"), keys, default=keys[-1], required=True, key="webcam_model"
    )
    present = {face.number for face in faces}
    number = stream.face if stream.face in present else moments[-1].number
    widgets.chart(
        confidence_charts.minute(moments, model, number, time.monotonic()),
        key="webcam_minute_chart",
        alt=_("Lines: {model}'s confidence for each emotion over the last minute", model=model),
    )
