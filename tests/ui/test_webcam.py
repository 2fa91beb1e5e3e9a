"""The webcam's stream: its callback, relay, the way of its pictures, and its ICE servers, by where
the page is served and what the operator's secrets name."""

from __future__ import annotations

import asyncio
import time
import tomllib
from fractions import Fraction
from pathlib import Path
from unittest.mock import Mock

import av
import cv2
import numpy as np
import pytest
import streamlit as st
import streamlit_webrtc
from aiortc import MediaStreamTrack
from streamlit import config
from streamlit.testing.v1 import AppTest

from fer import FerError
from fer.inference import classification
from fer.media.live import socket as live_socket
from fer.media.live.stream import STILL_SECONDS
from fer.media.streaming import FrameAnalyser, StreamAnalyser
from fer.ui.demo import ice, live_camera, webcam
from fer.ui.demo.webcam import SLOW_SECONDS, Stream
from fer.ui.demo.webrtc import NewestRelay
from fer.ui.shared import caching, loaders, permissions
from fer.ui.shared.text import in_language
from tests.support.faces import frightened
from tests.support.making import PATIENCE, in_a_loop, jpeg, until
from tests.support.pages import assert_no_error, open_mode, texts


def viewer() -> tuple[Stream, StreamAnalyser]:
    stream = Stream()
    stream.analyser = analyser = StreamAnalyser(
        FrameAnalyser(loaders.detector(webcam.LOOK_IN), loaders.classifier(), half_life=0)
    )
    return stream, analyser


def shown(stream: Stream, rgb: np.ndarray) -> np.ndarray:
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    return stream.callback(frame).to_ndarray(format="rgb24")


def test_a_large_frame_is_answered(portrait: np.ndarray) -> None:
    stream, analyser = viewer()
    rgb = np.full((2160, 3840, 3), 120, np.uint8)
    rgb[:, 840:3000] = cv2.resize(portrait, (2160, 2160))
    assert shown(stream, rgb).shape == (720, 1280, 3)
    until(lambda: analyser.latest().faces)
    (person,) = analyser.latest().faces
    assert {p.top1 for p in person.predictions.values()} == {"happy"}
    drawn = shown(stream, rgb)
    left, top, width, _ = (round(value) for value in person.face.box)
    assert (drawn[top, left : left + width] > 200).all(), "no box is drawn"
    assert stream.snapshot().startswith(b"\x89PNG")


def test_frames_pass_until_the_models_are_loaded_and_where_one_cannot_be_drawn(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
    stream = Stream()
    assert stream.callback(frame) is frame
    assert not stream.has_frame
    stream, _analyser = viewer()
    assert stream.callback(frame) is not frame
    monkeypatch.setattr("fer.media.annotation.answers", lambda *arguments: 1 / 0)
    assert stream.callback(frame) is frame
    assert "could not be drawn" in caplog.text


def test_two_viewers_share_the_models_and_nothing_else(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    caching._memory.cache_clear()
    load = Mock(side_effect=classification.load)
    monkeypatch.setattr(classification, "load", load)
    viewers = [(*viewer(), rgb, set(), set()) for rgb in (portrait, frightened())]

    def both_seen() -> bool:
        for stream, analyser, rgb, seen, times in viewers:
            shown(stream, rgb)
            latest = analyser.latest()
            for person in latest.faces:
                seen |= {p.top1 for p in person.predictions.values()}
                times.add(latest.taken)
        # Several frames of each, in turn.
        return all(len(times) > 3 for *_rest, times in viewers)

    until(both_seen)
    assert [seen for *_rest, seen, _times in viewers] == [{"happy"}, {"fear"}]
    assert load.call_count == 1


def test_a_connection_without_pictures_or_whose_pictures_end_is_given_up() -> None:
    stream = Stream()
    stream.follow(True, 100.0)
    assert not stream.is_unreachable(100.0 + SLOW_SECONDS)
    assert stream.is_unreachable(100.1 + SLOW_SECONDS)
    stream.follow(False, 110.0)
    assert not stream.is_unreachable(120.0), "nobody waits for it any more"
    now = time.monotonic()
    stream.follow(True, now)
    stream.follow(True, now + SLOW_SECONDS)
    assert stream.is_unreachable(now + SLOW_SECONDS + 0.1), "a page drawn anew begins no attempt"
    assert not stream.is_moving(now)
    shown(stream, np.zeros((48, 64, 3), np.uint8))
    now = time.monotonic()
    assert stream.is_moving(now)
    assert not stream.is_unreachable(now)
    assert stream.is_unreachable(now + STILL_SECONDS + 0.1)
    # Stopped and begun again much later: the next connection has as long as the first one.
    stream.follow(False, now + 100)
    stream.follow(True, now + 200)
    assert not stream.is_unreachable(now + 201)


def test_the_way_of_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for url, asked, is_served, server, taken_over, way in (
        ("http://localhost:8501", "", True, "stun:s", False, "webrtc"),
        ("http://localhost:8501", "socket", True, "stun:s", False, "socket"),
        ("https://faces.example", "", True, "stun:s", False, "socket"),
        ("https://faces.example", "", True, "turn:t", False, "webrtc"),
        ("https://faces.example", "", True, "turn:t", True, "socket"),
        ("https://faces.example", "webrtc", True, "stun:s", True, "webrtc"),
        ("https://faces.example", "", False, "stun:s", False, "webrtc"),
    ):
        monkeypatch.setattr(live_socket, "is_served", lambda found=is_served: found)
        monkeypatch.setattr(st, "query_params", {"way": asked})
        monkeypatch.setattr(st, "session_state", {webcam.TAKEN_OVER: True} if taken_over else {})
        assert webcam._way(url, [{"urls": [server]}]) == way, (url, asked, server)


def test_the_page_shows_what_the_camera_is_answered_keeps_it_and_explains_a_frame(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_on = [True]
    # A busy machine takes long between a picture and what the page says of it.
    monkeypatch.setattr("fer.media.live.stream.STILL_SECONDS", PATIENCE)
    monkeypatch.setattr("fer.media.streaming.IDLE_SECONDS", PATIENCE)
    monkeypatch.setattr(ice, "is_secure", lambda url: True)
    monkeypatch.setattr(live_socket, "is_served", lambda: True)
    monkeypatch.setattr(live_camera, "state", lambda: live_camera.CameraState(is_on[0]))
    app = open_mode("webcam")
    assert_no_error(app)
    stream = app.session_state[webcam.STREAM]
    assert (len(app.get("plotly_chart")), stream.has_frame) == (0, False)
    reply = app.session_state[live_camera.VISIT].answer(jpeg(portrait))
    assert [face["models"]["proposed"]["top1"] for face in reply["faces"]] == ["happy"]
    app.run()
    assert_no_error(app)
    assert "Both models agree." in texts(app)
    assert len(app.get("plotly_chart")) == 2, "bars and the last minute"
    app.button(key="webcam_freeze").click().run()
    assert_no_error(app)
    assert "Frozen frame" in texts(app)
    app.button(key="webcam_discard").click().run()
    stream.answer(jpeg(np.full((480, 640, 3), 90, np.uint8)))
    app.run()
    assert "No face is seen" in texts(app)
    is_on[0] = False
    app.run()
    assert_no_error(app)
    assert "Stopped. The last answers are shown." in texts(app)
    assert len(app.get("download_button")) >= 2
    app.button(key="webcam_clear").click().run()
    assert stream.analyser.record() == []
    # A visitor elsewhere, whose page is not opened over https.
    monkeypatch.setattr(ice, "is_secure", lambda url: False)
    app.run()
    assert "Browsers give a camera only to pages" in texts(app)


def test_an_error_is_in_the_visitors_language_in_the_sockets_thread() -> None:
    with in_language("id"):
        visit = live_camera._visit(Stream())
    error = FerError("{name} is empty; choose a file that holds an image.", name="a.jpg")
    assert visit.in_words(error) == "a.jpg kosong; pilih berkas yang berisi gambar."


class Camera(MediaStreamTrack):
    """The same picture, thirty times a second."""

    kind, number = "video", 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(1 / 30)
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        frame.pts, frame.time_base = self.number, Fraction(1, 30)
        self.number += 1
        return frame


def test_a_slow_consumer_is_given_the_newest_frame() -> None:
    async def lag() -> int:
        camera = Camera()
        track = NewestRelay().subscribe(camera)
        frame = await track.recv()
        # The consumer comes back after the camera has sent forty more, however long they took.
        while camera.number < frame.pts + 40:
            await asyncio.sleep(0.01)
        await track.recv()
        seen = camera.number
        frame = await track.recv()
        track.stop()
        camera.stop()
        return seen - frame.pts

    assert in_a_loop(lag()) <= 1, "a backlog was kept"


def test_the_chosen_face_stays_chosen_when_it_is_missed_for_a_moment() -> None:
    def page() -> None:
        """What the page does with the faces whose numbers are `numbers`."""
        import numpy as np
        import streamlit as st

        from fer.inference.answered_face import AnsweredFace
        from fer.ui.demo import webcam

        stream, crop = st.session_state.setdefault("stream", webcam.Stream()), np.zeros((48, 48))
        faces = [AnsweredFace(None, crop, {}, number) for number in st.session_state["numbers"]]
        st.text(webcam._choose_face(stream, tuple(faces)).number)

    app = AppTest.from_function(page)

    def tick(*numbers: int, press: int | None = None) -> int:
        if press is not None:
            app.pills[0].set_value(press)
        app.session_state["numbers"] = numbers
        app.run()
        assert not app.exception
        assert len(numbers) == 1 or str(app.pills[0].value) == app.text[0].value
        return int(app.text[0].value)

    assert [tick(1, 2, 3), tick(1, 2, 3, press=2)] == [1, 2]
    assert [tick(1, 3), tick(1, 2, 3), tick(1), tick(3, 2, 1)] == [1, 2, 1, 2]
    assert [tick(2, 3, press=3), tick(1, 2), tick(1, 2, 3, 4)] == [3, 1, 3]


ELSEWHERE = "https://a.example"
STUN = [{"urls": [ice.PUBLIC_STUN]}]
TURN = {"urls": ["turn:turn.example:3478"], "username": "u", "credential": "c"}


def test_where_the_page_is_served() -> None:
    for url, is_local, is_secure in (
        ("http://localhost:8501/Realtime_Demo", True, True),
        ("http://[::1]:8501", True, True),
        ("http://192.168.1.20:8501", False, False),
        ("https://faces.example.org/?lang=ID", False, True),
        ("http://localhost.example.org", False, False),
    ):
        assert (permissions.is_local(url), ice.is_secure(url)) == (is_local, is_secure), url


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The app's secrets."""
    found: dict[str, object] = {}
    monkeypatch.setattr(permissions, "secret", found.get)
    return found


def test_none_here_public_stun_elsewhere_and_the_operators_servers_before_it(
    secrets: dict[str, object],
) -> None:
    assert ice.servers(ELSEWHERE) == STUN
    assert not ice.has_turn(STUN)
    secrets["ice"] = {"servers": [TURN]}
    assert ice.servers(ELSEWHERE) == [TURN]
    assert ice.has_turn([TURN])
    assert ice.servers("http://localhost:8501") == []


@pytest.mark.parametrize(
    ("service", "keys"),
    [
        ("twilio", ("twilio_sid", "twilio_token")),
        ("cloudflare", ("cloudflare_key", "cloudflare_token")),
        ("hf", ("hf_token",)),
    ],
)
def test_a_service_names_servers_and_is_done_without_when_it_is_down(
    service: str, keys: tuple[str, ...], secrets: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Mock(return_value=[TURN])
    monkeypatch.setattr(streamlit_webrtc, f"get_{service}_ice_servers", ask)
    secrets["ice"] = dict(zip(keys, "st", strict=False))
    st.cache_data.clear()
    assert ice.servers(ELSEWHERE) == [TURN]
    ask.assert_called_once_with(*"st"[: len(keys)])
    st.cache_data.clear()
    ask.side_effect = ValueError("Failed to get credentials")
    # The second visitor does not wait for the service again.
    assert [ice.servers(ELSEWHERE), ice.servers(ELSEWHERE)] == [STUN] * 2
    assert ask.call_count == 2
    st.cache_data.clear()


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ('ice = ["turn:turn.example.org"]', "is no table"),
        ('[ice]\nservers = [{ url = "turn:t", username = "u", credential = "p" }]', "has url;"),
        ('[ice]\nservers = [{ urls = ["https://turn.example.org"] }]', "begin with stun:"),
        ('[ice]\nservers = [{ urls = ["turn:t:3478"] }]', "turn:t:3478 .* needs a username"),
        ('[ice]\ntwilio_sid = "s"', "needs twilio_token"),
        ("[ice]\nserver = []", "has server;"),
    ],
)
def test_a_slip_is_one_sentence_and_leaves_stun(
    written: str, sentence: str, secrets: dict[str, object]
) -> None:
    secrets.update(tomllib.loads(written))
    with pytest.raises(FerError, match=sentence):
        ice.validate_setting()
    assert ice.servers(ELSEWHERE) == STUN


def test_secrets_are_read_and_what_is_no_toml_is_said_and_allows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(tmp_path / "secrets.toml")])
    try:
        (tmp_path / "secrets.toml").write_text('visitors_may = "train"\n[ice]\nservers = []')
        monkeypatch.setattr(st, "secrets", type(st.secrets)())
        ice.validate_setting()
        assert permissions.may("train")
        (tmp_path / "secrets.toml").write_text("[ice\nservers = [")
        monkeypatch.setattr(st, "secrets", type(st.secrets)())
        with pytest.raises(FerError, match=r"cannot be read, .* line 1.* Correct the file"):
            ice.validate_setting()
        with pytest.raises(FerError, match="cannot be read"):
            permissions.validate_setting()
        assert not permissions.may("train")
    finally:
        config.set_option("secrets.files", usual)
