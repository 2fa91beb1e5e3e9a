"""The webcam on the demo page: the visitor's camera in, both models' answers out."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from fer import emotions
from fer.inference.answered_face import AnsweredFace
from fer.media import annotation, photos, streaming
from fer.media.live import socket as live_socket
from fer.media.live.stream import LiveStream
from fer.media.streaming import HISTORY_SECONDS, FrameAnalyser, StreamAnalyser
from fer.ui.demo import confidence_over_time, ice, live_camera
from fer.ui.demo.live_camera import OPEN, Way
from fer.ui.faces import announcer, answers
from fer.ui.shared import loaders, permissions, presentation, widgets
from fer.ui.shared.text import _

# Session state: the stream; the frame that was frozen, with its answers once there are any.
STREAM, FROZEN = "webcam_stream", "webcam_frozen"
# Set once the socket took over from a video connection that did not come about, in this visit.
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
# A video connection that comes about brings its first picture within this many seconds.
SLOW_SECONDS = 4.0


class Stream(LiveStream):
    """A visitor's live stream and what the page has to remember of it.

    `face` is the number of the chosen face, `is_newly_chosen` whether the page has yet to be drawn
    for it; `group` are the faces to choose among, `groups` counts how often they changed.
    `layout` is whether the page shows the video, and downloads.
    """

    def __init__(self) -> None:
        super().__init__()
        self.face: int | None = None
        self.is_newly_chosen = False
        self.group: tuple[int, ...] = ()
        self.groups = 0
        self.layout = (False, False)
        self._on_since: float | None = None

    def follow(self, is_on: bool, now: float) -> None:
        """Take note of whether the visitor wants the camera on."""
        if not is_on:
            self._on_since = None
        elif self._on_since is None:
            self._on_since, self._last_picture = now, None

    def is_moving(self, now: float) -> bool:
        """Whether pictures have come since it was turned on, and still do."""
        has_come = self._on_since is not None and self._last_picture is not None
        return has_come and not self.is_still(now)

    def is_unreachable(self, now: float) -> bool:
        """Whether the first picture does not come, or no more do."""
        if self._on_since is None:
            return False
        is_late = self._last_picture is None and now - self._on_since > SLOW_SECONDS
        return self.is_still(now) or is_late


def draw_webcam() -> None:
    """Draw camera, picture with both models' answers, and beside it their confidences, several
    times a second. Raise FerError if no model is installed."""
    stream = open_stream()
    if stream is None:
        return
    is_on = live_camera.state().is_on
    # Above the video, where whoever froze a frame looks; always there: what comes and goes above
    # the video would move it, and moved it starts anew.
    frozen = st.container()
    left, right = st.columns(presentation.COLUMNS if presentation.is_on() else 2)
    with left.container(key="stage_camera"):
        way = draw_picture(stream)
    with right:
        st.fragment(_draw_live, run_every=TICK if is_on else None)(stream, way)
    # Below both: on a phone the answers stand right below the picture.
    with st.container():
        if stream.has_frame and not presentation.is_on() and stream.analyser is not None:
            _draw_files(stream, stream.analyser, is_on)
    st.fragment(_draw_last_minute, run_every=SLOW_TICK if is_on else None)(stream)
    if presentation.is_on():
        return
    with st.expander(_("Smoothing"), icon=":material/settings:", key="webcam_settings"):
        label = _("Smoothing: half-life in milliseconds (0: every frame as it is)")
        milliseconds = st.slider(label, 0, 2000, 300, 100, key="webcam_half_life")
    if stream.analyser is not None:
        stream.analyser.smoother.half_life = milliseconds / 1000
    st.caption(
        _("Frames stay in this server's memory, one at a time; nothing is stored or logged.")
    )
    if FROZEN in st.session_state:
        with frozen:
            _draw_frozen(stream)


def open_stream() -> Stream | None:
    """Return the visit's stream, which takes note of whether its camera is on; None, and draw why,
    where browsers give no camera to the page."""
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


def draw_picture(stream: Stream) -> Way:
    """Draw the camera's picture, have its frames answered, and return the way by which they go to
    the server. Raise FerError if no model is installed."""
    camera, url = live_camera.state(), st.context.url or ""
    servers = ice.servers(url)
    way = _way(url, servers)
    is_wanted = way == "webrtc" and camera.is_on
    with st.container():
        if OPEN in st.session_state or is_wanted:
            # Brings half a second of imports that the socket need not wait for.
            from fer.ui.demo import webrtc

            webrtc.draw_video(stream, camera, servers, is_wanted=is_wanted)
    live_camera.draw_camera(stream, way, is_shown=_layout(stream, way)[0])
    if way == "socket" and TAKEN_OVER in st.session_state:
        st.caption(
            _(
                "No direct video connection came about, so the pictures go to the server as the "
                "page itself does."
            )
        )
    if camera.is_on and stream.analyser is None:
        # While the connection is being made, not when the page is opened.
        stream.analyser = StreamAnalyser(
            FrameAnalyser(loaders.detector(LOOK_IN), loaders.classifier(), most_faces=MOST_FACES)
        )
    stream.layout = _layout(stream, way)
    return way


def _way(url: str, servers: list[ice.Server]) -> Way:
    """Return the way by which the camera's pictures go to the server, which the visitor's address
    may choose (`?way=…`). Else WebRTC where it can be expected to connect: on the server's own
    machine, or with a TURN server, unless it did not in this visit."""
    if not live_socket.is_served():
        return "webrtc"
    if asked := WAYS.get(st.query_params.get("way", "")):
        return asked
    is_expected = permissions.is_local(url) or ice.has_turn(servers)
    return "webrtc" if is_expected and TAKEN_OVER not in st.session_state else "socket"


def _layout(stream: Stream, way: Way) -> tuple[bool, bool]:
    """Return what the page's layout depends on: whether the video stands on it, and whether there
    is something to take home."""
    is_video = way == "webrtc" and stream.is_moving(time.monotonic())
    return is_video, stream.has_frame


def _draw_frozen(stream: Stream) -> None:
    st.subheader(_("Frozen frame"))
    rgb, photo = st.session_state[FROZEN]
    if photo is None:
        photo = photos.classify(rgb, "frame", loaders.detector(), loaders.classifier())
        st.session_state[FROZEN] = rgb, photo
    if not photo.answers:
        tell_no_face()
    st.caption(
        _(
            "This one frame, looked at closely: its face is searched in the whole picture and its "
            "answers are not smoothed, so they can differ from the live ones."
        )
    )
    answers.show_photo(rgb, photo, "frozen")
    with st.container(horizontal=True):
        _draw_png_download(annotation.png(rgb, photo.answers, stream.names), "webcam_still")
        st.button(
            _("Discard it"),
            icon=":material/delete:",
            key="webcam_discard",
            on_click=lambda: st.session_state.pop(FROZEN, None),
        )


def tell_no_face() -> None:
    """Tell the visitor that no face is seen, and what to do."""
    st.caption(_("No face is seen. Face the camera in good light, not too far away."))


def _draw_unreachable() -> None:
    """Draw that no video came about, where the socket may not take over, and offer photos."""
    url = st.context.url or ""
    if permissions.is_local(url):
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
    """Draw the whole page anew where its layout changed, take another way where this one leads
    nowhere, or say so; called first by the fragment beside the picture."""
    is_on = live_camera.state().is_on
    if is_on and way == "webrtc" and stream.is_unreachable(time.monotonic()):
        if live_socket.is_served() and st.query_params.get("way") != "webrtc":
            st.session_state[TAKEN_OVER] = True
            st.rerun()
        _draw_unreachable()
    if is_on and _layout(stream, way) != stream.layout:
        st.rerun()


def _draw_live(stream: Stream, way: Way) -> None:
    """Draw both models' answers of now. A fragment: it must always be called, and draws little when
    idle."""
    keep_up(stream, way)
    is_on, analyser = live_camera.state().is_on, stream.analyser
    if analyser is None or not (is_on or analyser.moments()):
        return
    if not is_on:
        st.caption(_("Stopped. The last answers are shown."))
    latest = analyser.latest()
    if is_on and stream.is_moving(time.monotonic()):
        answers.tell_turn(latest.turns)
        answers.tell_too_small(latest.too_small)
        if not latest.faces:
            tell_no_face()
    if latest.faces:
        face = _choose_face(stream, latest.faces)
        answers.in_large_words(face)
        answers.bars(face.predictions, "webcam")
        if not presentation.is_on():
            st.caption(answers.agreement(face))
        if face.is_doubtful:
            st.caption(_("A question mark: it is doubtful that this is a face."))


def _draw_last_minute(stream: Stream) -> None:
    """Draw the confidences of the last minute, and how the server keeps up. A fragment as
    `_draw_live` is, drawn less often."""
    is_on, analyser = live_camera.state().is_on, stream.analyser
    moments = [] if analyser is None else analyser.moments()
    if analyser is None or not (is_on or moments):
        return
    by_number = {face.number: face for face in analyser.latest().faces}
    if moments and not presentation.is_on():
        models = list(moments[-1].probabilities)
        model = st.segmented_control(
            _("Model over the last minute"),
            models,
            default=models[-1],
            required=True,
            key="webcam_model",
        )
        number = stream.face if stream.face in by_number else moments[-1].number
        axis, span = _("Seconds before now"), (-HISTORY_SECONDS, 0.0)
        widgets.chart(
            confidence_over_time.lines(moments, model, number, axis, span, time.monotonic()),
            key="webcam_minute_chart",
            alt=_("Lines: {model}'s confidence for each emotion over the last minute", model=model),
        )
    if is_on and by_number:
        face = by_number[stream.face if stream.face in by_number else next(iter(by_number))]
        # Confidences are never twice the same: only another expression is worth a sentence.
        announcer.announce(announcer.tops(face.predictions, with_confidence=False), "webcam")
    if presentation.is_on():
        return
    throughput = analyser.throughput()
    p50, p95 = _.number(throughput.p50_ms), _.number(throughput.p95_ms)
    agreement = "–" if throughput.agreement is None else _.percent(throughput.agreement)
    metrics: widgets.Metrics = {
        _("Shown"): (_("{n} frames/s", n=_.number(throughput.shown, 1)), None),
        _("Analysed"): (
            _("{n} frames/s", n=_.number(throughput.analysed, 1)),
            _("{p50} ms, 95%: {p95} ms", p50=p50, p95=p95),
        ),
        _("Models agree"): (agreement, None),
    }
    widgets.metrics(metrics, "webcam_metrics", narrowest=210)


def _draw_files(stream: Stream, analyser: StreamAnalyser, is_on: bool) -> None:
    """Draw what can be taken home: while the camera is on, the frame that is frozen; afterwards the
    last one and all confidences, which change no more. Outside the fragment, which would replace
    the buttons while they are pressed."""

    def freeze() -> None:
        st.session_state.update({FROZEN: (stream.still(), None), "frozen_why": True})

    with st.container(horizontal=True):
        if not is_on:
            _draw_png_download(stream.snapshot(), "webcam_snapshot")
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


def _draw_png_download(png: bytes, key: str) -> None:
    st.download_button(
        _("Snapshot (PNG)"),
        png,
        file_name="snapshot.png",
        mime="image/png",
        icon=":material/photo_camera:",
        key=key,
        on_click="ignore",
    )


def _choose_face(stream: Stream, faces: tuple[AnsweredFace, ...]) -> AnsweredFace:
    """Return the face that the visitor chose among several, with pills to choose another."""
    by_number = {face.number: face for face in sorted(faces, key=lambda face: face.number)}
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
