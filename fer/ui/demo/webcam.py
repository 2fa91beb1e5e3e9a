"""The webcam on the demo page: streamlit-webrtc's stream in, both models' answers out."""

from __future__ import annotations

import logging
import time

import pandas as pd
import streamlit as st

# Before TensorFlow, whose BoringSSL symbols would crash aiortc; see `loaders.classifier`.
import streamlit_webrtc as webrtc
from streamlit_webrtc.webrtc import SignallingTimeoutError

from fer import FerError, emotions
from fer.inference.answered_face import AnsweredFace
from fer.media import photos, streaming
from fer.media.streaming import FrameAnalyser, StreamAnalyser
from fer.scenarios import SCENARIOS
from fer.ui import announcer, answers, ice, kept_files, loaders, presentation, widgets
from fer.ui.demo import camera, confidence_charts, relay, start_button
from fer.ui.demo.stream import Stream
from fer.ui.text import Translator

logger = logging.getLogger(__name__)
relay.install()

STREAM = "webcam_stream"
VIDEO = "webcam_video"
FROZEN = "webcam_frozen"
# Widths of video and answers on a projector.
PRESENTED = [3, 2]
# How often the bars are drawn anew, and what changes slowly, in seconds. Drawing takes a browser
# longer than the networks take the server: where both are one machine, the video pays for it.
TICK = 0.5
SLOW_TICK = 3.0
# Both models on a frame are asked for this size; a camera that ignores it is scaled down.
WIDTH, HEIGHT, RATE = 640, 480, 30
# Faces are looked for in a smaller copy, in a third of the time: who sits before a camera is near.
LOOK_IN = 384
MOST_FACES = 6


def show(_: Translator) -> None:
    """Camera, video with both models' answers, and beside it what they say, several times a second.

    Raises:
        FerError: if no model is installed.
    """
    url = st.context.url or ""
    if not ice.is_secure(url):
        st.warning(
            _(
                "Browsers give a camera only to pages opened over https or on this machine; open "
                "this page that way, or use a photo."
            )
        )
        return
    _no_camera(_)
    stream: Stream = st.session_state.setdefault(STREAM, Stream())
    stream.names = {key: _(key) for key in emotions.KEYS}
    # Before what it guards, so that it is there when Start can be pressed, and where it takes no
    # room.
    with st.sidebar:
        start_button.guard(_)
    # Above the video, where whoever froze a frame looks; always there, as `_no_camera`.
    frozen = st.container()
    left, right = st.columns(PRESENTED if presentation.is_on() else 2)
    with left:
        video = st.container()
        half_life = _settings(_)
        with video:
            state = _connection(stream, url, _)
        stream.has_files = stream.has_frame
        if stream.has_files and stream.analyser is not None:
            _files(stream, stream.analyser, _)
        st.caption(
            _("Frames stay in this server's memory, one at a time; nothing is stored or logged.")
        )
    is_busy = state.playing or state.signalling
    if is_busy and stream.analyser is None:
        # While the connection is being made, not when the page is opened.
        stream.analyser = StreamAnalyser(
            FrameAnalyser(loaders.detector(LOOK_IN), loaders.classifier(), most_faces=MOST_FACES)
        )
    with right:
        if stream.analyser is not None:
            stream.analyser.half_life = half_life
        st.fragment(_live, run_every=TICK if is_busy else None)(stream, state, _)
        st.fragment(_lately, run_every=SLOW_TICK if is_busy else None)(stream, state, _)
        if stream.analyser is not None:
            answers.backend_notice(_)
        presentation.offer(_)
    with frozen:
        _frozen(_)


def _no_camera(_: Translator) -> None:
    """What to do where the browser gives no camera."""
    found = camera.state()
    # Always there: what comes and goes above the video would move it, and moved it starts anew.
    with st.container():
        if found == "missing":
            _instead(_("No camera was found; connect one, or use a photo."), "missing", _)
        elif found == "refused":
            _instead(
                _("Access to the camera was refused; allow it in the browser, or use a photo."),
                "refused",
                _,
            )


def _settings(_: Translator) -> float:
    """The half-life of smoothing in seconds. Below the video, so that a phone held sideways shows
    the video."""
    with st.expander(_("Smoothing"), icon=":material/settings:", key="webcam_settings"):
        return widgets.tenths(
            _("Smoothing: half-life in seconds (0: every frame as it is)"),
            2.0,
            "webcam_half_life",
            _,
            value=0.3,
        )


def _frozen(_: Translator) -> None:
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
    answers.show(rgb, found, "frozen", _)
    st.button(
        _("Discard it"),
        icon=":material/delete:",
        key="webcam_discard",
        on_click=lambda: st.session_state.pop(FROZEN, None),
    )


def _connection(stream: Stream, url: str, _: Translator) -> webrtc.WebRtcStreamerState:
    """The video with its Start button, and whether it plays or is being connected."""
    try:
        context = webrtc.webrtc_streamer(
            key=VIDEO,
            mode=webrtc.WebRtcMode.SENDRECV,
            rtc_configuration={"iceServers": ice.servers(url)},
            media_stream_constraints={
                "video": {
                    # Until the visitor chooses another in the video's own list of cameras.
                    "facingMode": "user",
                    "width": {"ideal": WIDTH},
                    "height": {"ideal": HEIGHT},
                    "frameRate": {"ideal": RATE},
                },
                "audio": False,
            },
            video_frame_callback=stream.callback,
            video_html_attrs={
                "autoPlay": True,
                "playsInline": True,
                "muted": True,
                "controls": False,
                "style": {"width": "100%", "maxHeight": start_button.MAX_HEIGHT},
            },
            translations=_translations(_),
        )
    except SignallingTimeoutError as error:
        raise FerError(
            "The video could not be connected within ten seconds; press Stop and Start, or use a "
            "photo."
        ) from error
    return context.state


def _translations(_: Translator) -> webrtc.Translations:
    return {
        "start": _("Start"),
        "stop": _("Stop"),
        "select_device": _("Camera"),
        "select_camera": _("Choose a camera"),
        "turn_camera_on": _("Turn the camera on"),
        "turn_camera_off": _("Turn the camera off"),
        "media_api_not_available": _("This browser gives no camera to this page."),
        "device_ask_permission": _("Please allow the camera for this page."),
        "device_not_available": _("No camera was found; connect one, or use a photo."),
        "device_access_denied": _(
            "Access to the camera was refused; allow it in the browser, or use a photo."
        ),
    }


def _instead(sentence: str, key: str, _: Translator) -> None:
    """What is wrong, and the way to the photos, where a camera can also take one."""
    st.warning(sentence)
    if st.button(
        _("Use a photo"),
        icon=":material/image:",
        key=f"webcam_instead_{key}",
        on_click=lambda: st.session_state.update(mode="photo"),
    ):
        # Pressed inside a fragment, which alone would be drawn anew.
        st.rerun()


def _live(stream: Stream, state: webrtc.WebRtcStreamerState, _: Translator) -> None:
    """What the models see now. A fragment: it must always be called, and draws little when idle."""
    now = time.monotonic()
    stream.follow(state.playing, state.signalling, now)
    analyser = stream.analyser
    moments = [] if analyser is None else analyser.moments()
    if stream.is_unreachable:
        _instead(
            _("The camera's video did not begin. Press Stop and Start again, or use a photo.")
            # No network lies between.
            if ice.is_local(st.context.url or "")
            else _(
                "No video connection could be made. Behind a strict network the server needs a "
                "TURN server (see the README); until then, use a photo."
            ),
            "unreachable",
            _,
        )
    if analyser is None or not (state.playing or moments):
        if not stream.is_unreachable:
            st.caption(_("Press Start and look into the camera."))
        return
    if stream.has_frame and not stream.has_files:
        # The first picture is there: once, all is drawn anew, with the files to download.
        st.rerun()
    if not state.playing:
        st.caption(_("Stopped. The last answers are shown."))
    latest = analyser.latest()
    faces = latest.faces
    if state.playing:
        answers.told_turn(latest.turns, _)
    if state.playing and stream.is_still(now):
        _instead(
            _(
                "The camera sends no picture any more. Connect it and press Stop and Start, or use "
                "a photo."
            ),
            "still",
            _,
        )
    elif state.playing and not faces:
        st.caption(_("No face is seen. Face the camera in good light, not too far away."))
    if state.playing:
        answers.told_small(latest.too_small, _)
    if faces:
        _answers(_chosen(stream, faces, _), _)


def _lately(stream: Stream, state: webrtc.WebRtcStreamerState, _: Translator) -> None:
    """What the models saw in the last minute, and how the server keeps up. A fragment as `_live`
    is, drawn less often."""
    analyser = stream.analyser
    moments = [] if analyser is None else analyser.moments()
    if analyser is None or not (state.playing or moments):
        return
    faces = analyser.latest().faces
    if moments:
        _minute(stream, moments, faces, _)
    if state.playing and faces:
        chosen = next((face for face in faces if face.number == stream.face), faces[0])
        # Confidences are never twice the same: only another expression is worth a sentence.
        told = announcer.tops(chosen.predictions, _, with_confidence=False)
        announcer.announce(told, "webcam")
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


def _files(stream: Stream, analyser: StreamAnalyser, _: Translator) -> None:
    """What can be taken home, made when asked for. Outside the fragment, which would replace the
    buttons while they are pressed."""

    def freeze() -> None:
        st.session_state.update({FROZEN: (stream.still(), None), "frozen_why": True})

    with st.container(horizontal=True):
        kept_files.download(
            _("Snapshot (PNG)"),
            stream.snapshot,
            "snapshot.png",
            mime="image/png",
            icon=":material/photo_camera:",
            key="webcam_snapshot",
        )
        widgets.download(
            lambda: pd.DataFrame(streaming.rows(analyser.record())), "webcam_session", _
        )
        st.button(
            _("Freeze and explain"),
            icon=":material/ac_unit:",
            key="webcam_freeze",
            on_click=widgets.telling(freeze),
        )
        st.button(
            _("Start over"),
            icon=":material/restart_alt:",
            help=_("Forgets this session's confidences and the agreement so far."),
            key="webcam_clear",
            on_click=widgets.telling(analyser.clear),
        )


def _chosen(stream: Stream, faces: tuple[AnsweredFace, ...], _: Translator) -> AnsweredFace:
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


def _answers(face: AnsweredFace, _: Translator) -> None:
    answers.bars(face.predictions, "webcam", _)
    st.caption(
        _("Both models agree.")
        if face.is_agreed
        else _("The models disagree: they see different expressions.")
    )
    if face.is_doubtful:
        st.caption(_("A question mark: it is doubtful that this is a face."))


def _minute(
    stream: Stream, moments: list[streaming.Moment], faces: tuple[AnsweredFace, ...], _: Translator
) -> None:
    keys = [key for key in SCENARIOS if key in moments[-1].probabilities]
    model = st.segmented_control(
        _("Model over the last minute"), keys, default=keys[-1], required=True, key="webcam_model"
    )
    present = {face.number for face in faces}
    number = stream.face if stream.face in present else moments[-1].number
    widgets.chart(
        confidence_charts.minute(moments, model, number, time.monotonic(), _),
        key="webcam_minute_chart",
        alt=_("Lines: {model}'s confidence for each emotion over the last minute", model=model),
    )
