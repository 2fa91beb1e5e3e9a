"""The webcam on the demo page: streamlit-webrtc's stream in, both models' answers out."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from typing import Any

import av
import numpy as np
import pandas as pd
import streamlit as st

# Before TensorFlow, whose BoringSSL symbols would crash aiortc; see `loaders.classifier`.
import streamlit_webrtc as webrtc
from PIL import Image
from streamlit.errors import StreamlitSecretNotFoundError

from fer import drawing, emotions, photos, watching
from fer.preprocessing import Rgb
from fer.scenarios import SCENARIOS
from fer.ui import answers, charts, ice, live_charts, loaders, parts
from fer.ui.text import Translator
from fer.watching import Observer, Watched, Watcher

STREAM = "webcam_stream"
# How often what stands below the video is drawn anew, in seconds.
TICK = 0.5
# Both models on a frame are asked for this size; a camera that ignores it is scaled down.
WIDTH, HEIGHT, RATE = 640, 480, 30
LONGEST = 1280
MOST_FACES = 6


class Stream:
    """One visitor's stream: the callback that streamlit-webrtc calls, and what it leaves behind.

    Made once for a visit: the script is rerun while the connection is being made, and a second
    callback would share the video with the first.
    """

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        self.names: Mapping[str, str] = {key: key for key in emotions.KEYS}
        self._drawn: Rgb | None = None

    def callback(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame with what was last seen drawn on it; the networks work elsewhere."""
        whole = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
        rgb = photos.for_display(whole, LONGEST)
        self._drawn = drawing.people(rgb, self.watcher.show(rgb).people, self.names)
        return av.VideoFrame.from_ndarray(self._drawn, format="rgb24")

    def snapshot(self) -> bytes:
        """The frame that was last shown as PNG; only where `has_frame`."""
        stream = io.BytesIO()
        Image.fromarray(np.asarray(self._drawn)).save(stream, "PNG")
        return stream.getvalue()

    @property
    def has_frame(self) -> bool:
        """Whether a frame was ever shown."""
        return self._drawn is not None


def show(_: Translator) -> None:
    """Camera, video with both models' answers, and below it what they say, twice a second.

    Raises:
        FerError: if no model is installed or no TURN credentials can be had.
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
    stream = _stream()
    stream.names = {key: _(key) for key in emotions.KEYS}
    left, right = st.columns(2)
    with left:
        sides = {"user": _("Front camera"), "environment": _("Back camera")}
        facing = st.segmented_control(
            _("Camera"),
            list(sides),
            default="user",
            format_func=sides.__getitem__,
            required=True,
            key="webcam_facing",
        )
        context = webrtc.webrtc_streamer(
            # Another camera is another stream: constraints count only when one begins.
            key=f"webcam_{facing}",
            mode=webrtc.WebRtcMode.SENDRECV,
            rtc_configuration={"iceServers": ice.servers(url, _secrets())},
            media_stream_constraints={
                "video": {
                    "facingMode": facing,
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
                "style": {"width": "100%"},
            },
            translations=_translations(_),
            media_toggle_controls=False,
        )
        st.caption(
            _("Frames stay in this server's memory, one at a time; nothing is stored or logged.")
        )
    with right:
        stream.watcher.half_life = st.slider(
            _("Smoothing: half-life in seconds (0: every frame as it is)"),
            0.0,
            2.0,
            0.3,
            0.1,
            key="webcam_half_life",
        )
        st.fragment(_live, run_every=TICK if context.state.playing else None)(
            stream, context.state.playing, _
        )
        answers.backend_notice(_)


def _stream() -> Stream:
    if STREAM not in st.session_state:
        st.session_state[STREAM] = Stream(
            Watcher(Observer(loaders.detector(), loaders.classifier(), most_faces=MOST_FACES))
        )
    found: Stream = st.session_state[STREAM]
    return found


def _secrets() -> Mapping[str, Any]:
    try:
        return dict(st.secrets.get("ice", {}))
    except StreamlitSecretNotFoundError:
        return {}


def _translations(_: Translator) -> webrtc.Translations:
    return {
        "start": _("Start"),
        "stop": _("Stop"),
        "select_device": _("Choose a camera"),
        "media_api_not_available": _("This browser gives no camera to this page."),
        "device_ask_permission": _("Please allow the camera for this page."),
        "device_not_available": _("No camera was found; connect one, or use a photo."),
        "device_access_denied": _(
            "The camera was refused; allow it in the browser, or use a photo."
        ),
    }


def _live(stream: Stream, is_playing: bool, _: Translator) -> None:
    """What the models see now. A fragment: it must always be called, and draws little when idle."""
    watcher = stream.watcher
    people = watcher.sight().people
    if not is_playing and not watcher.moments():
        st.caption(_("Press Start and look into the camera."))
        return
    if is_playing and not people:
        st.caption(_("No face is seen. Face the camera in good light, not too far away."))
    if people:
        _answers(_chosen(people, _), _)
    moments = watcher.moments()
    if moments:
        _minute(moments, people, _)
    pace = watcher.pace()
    parts.metrics(
        {
            _("Shown"): (_("{n} frames/s", n=_.number(pace.shown, 1)), None),
            _("Analysed"): (
                _("{n} frames/s", n=_.number(pace.analysed, 1)),
                _(
                    "{p50} ms, 95 %: {p95} ms",
                    p50=_.number(pace.p50_ms),
                    p95=_.number(pace.p95_ms),
                ),
            ),
            _("Models agree"): (
                "–" if pace.agreement is None else _.percent(pace.agreement),
                None,
            ),
        },
        "webcam_metrics",
    )
    with st.container(horizontal=True):
        # Both files are made when asked for, not on every tick.
        if stream.has_frame:
            st.download_button(
                _("Snapshot (PNG)"),
                stream.snapshot,
                file_name="snapshot.png",
                mime="image/png",
                icon=":material/photo_camera:",
                key="webcam_snapshot",
                on_click="ignore",
            )
        if moments:
            parts.download(
                lambda: pd.DataFrame(watching.rows(watcher.moments())), "webcam_minute", _
            )


def _chosen(people: tuple[Watched, ...], _: Translator) -> Watched:
    if len(people) == 1:
        return people[0]
    numbers = sorted(person.number for person in people)
    number = st.pills(_("Face"), numbers, default=numbers[0], key="webcam_face")
    return next((person for person in people if person.number == number), people[0])


def _answers(person: Watched, _: Translator) -> None:
    parts.chart(
        charts.confidence_bars(person.predictions, _),
        key="webcam_confidence",
        alt=_("Bars of both models' confidence for each emotion"),
    )
    st.caption(
        _("Both models agree.")
        if person.is_agreed
        else _("The models disagree: they see different expressions.")
    )


def _minute(moments: list[watching.Moment], people: tuple[Watched, ...], _: Translator) -> None:
    keys = [key for key in SCENARIOS if key in moments[-1].probabilities]
    model = st.segmented_control(
        _("Model over the last minute"), keys, default=keys[-1], required=True, key="webcam_model"
    )
    chosen = st.session_state.get("webcam_face")
    present = {person.number for person in people}
    number = chosen if chosen in present else moments[-1].number
    parts.chart(
        live_charts.minute(moments, model, number, time.monotonic(), _),
        key="webcam_minute_chart",
        alt=_("Lines: {model}'s confidence for each emotion over the last minute", model=model),
    )
