"""The stream's callback and its relay: any frame, newest first, each viewer for themselves."""

from __future__ import annotations

import asyncio
import threading
import time
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
import streamlit as st
import streamlit_webrtc
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection
from streamlit.testing.v1 import AppTest
from streamlit_webrtc.models import CallbackAttachableProcessor
from streamlit_webrtc.process import AsyncVideoProcessTrack

from fer import FerError
from fer.inference import classification
from fer.media.live import socket as live_socket
from fer.media.live.stream import LONGEST, STILL_SECONDS
from fer.media.streaming import FrameAnalyser, StreamAnalyser
from fer.ui.demo import live_camera, webcam
from fer.ui.demo.webcam import SLOW_SECONDS, Stream
from fer.ui.demo.webrtc import NewestRelay
from fer.ui.shared import caching, loaders
from fer.ui.shared.text import in_language
from tests.support.faces import frightened
from tests.support.making import PATIENCE, in_a_loop, until


def viewer() -> tuple[Stream, StreamAnalyser]:
    stream = Stream()
    stream.analyser = analyser = StreamAnalyser(
        FrameAnalyser(loaders.detector(webcam.LOOK_IN), loaders.classifier(), half_life=0)
    )
    return stream, analyser


def on_canvas(portrait: np.ndarray, width: int, height: int) -> np.ndarray:
    """The portrait in the middle of a gray frame, as large as fits."""
    side = min(width, height)
    canvas = np.full((height, width, 3), 120, np.uint8)
    top, left = (height - side) // 2, (width - side) // 2
    canvas[top : top + side, left : left + side] = cv2.resize(portrait, (side, side))
    return canvas


def shown(stream: Stream, rgb: np.ndarray) -> np.ndarray:
    return stream.callback(av.VideoFrame.from_ndarray(rgb, format="rgb24")).to_ndarray(
        format="rgb24"
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [((640, 480), (640, 480)), ((480, 640), (480, 640)), ((3840, 2160), (1280, 720))],
    ids=["landscape", "portrait", "4K"],
)
def test_a_frame_of_any_shape_is_answered(
    portrait: np.ndarray, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    stream, analyser = viewer()
    rgb = on_canvas(portrait, *size)
    assert shown(stream, rgb).shape == (expected[1], expected[0], 3)
    until(lambda: analyser.latest().faces)
    (person,) = analyser.latest().faces
    assert {p.top1 for p in person.predictions.values()} == {"happy"}
    drawn = shown(stream, rgb)
    left, top, width, _ = (round(value) for value in person.face.box)
    assert (drawn[top, left : left + width] > 200).all(), "no box is drawn"
    assert stream.snapshot().startswith(b"\x89PNG")


def test_six_people_are_answered_each(portrait: np.ndarray) -> None:
    stream, analyser = viewer()
    face = cv2.resize(portrait[:300, 100:400], (320, 320))
    six = np.vstack([np.hstack([face] * 3)] * 2)
    shown(stream, six)
    until(lambda: analyser.latest().faces)
    assert sorted(p.number for p in analyser.latest().faces) == [1, 2, 3, 4, 5, 6]


def test_frames_pass_until_the_models_are_loaded_and_where_one_cannot_be_drawn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
    stream = Stream()
    assert stream.callback(frame) is frame
    assert not stream.has_frame
    stream, _analyser = viewer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fer.media.annotation.answers", lambda *arguments: 1 / 0)
        assert stream.callback(frame) is frame
    assert "could not be drawn" in caplog.text
    assert stream.callback(frame) is not frame


def test_two_viewers_share_the_models_and_nothing_else(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    caching._memory.cache_clear()
    loaded = []
    load = classification.load
    monkeypatch.setattr(
        classification, "load", lambda *a, **options: loaded.append(a) or load(*a, **options)
    )
    viewers = [(*viewer(), portrait, set(), set()), (*viewer(), frightened(), set(), set())]

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
    assert len(loaded) == 1


def test_a_connection_that_brings_no_picture_is_given_up_after_a_while() -> None:
    stream = Stream()
    stream.follow(True, 100.0)
    assert not stream.is_unreachable(100.0 + SLOW_SECONDS)
    assert stream.is_unreachable(100.1 + SLOW_SECONDS)
    stream.follow(False, 110.0)
    assert not stream.is_unreachable(120.0), "nobody waits for it any more"
    stream.follow(True, 130.0)
    stream.follow(True, 134.5)
    assert stream.is_unreachable(134.5), "a page that is drawn anew begins no new attempt"


def test_pictures_that_come_no_more_are_noticed() -> None:
    stream = Stream()
    now = time.monotonic()
    stream.follow(True, now)
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


@pytest.mark.parametrize(
    ("url", "asked", "is_served", "turn", "taken_over", "way"),
    [
        ("http://localhost:8501", "", True, False, False, "webrtc"),
        ("http://localhost:8501", "", True, False, True, "socket"),
        ("http://localhost:8501", "socket", True, False, False, "socket"),
        ("http://localhost:8501", "socket", False, False, False, "webrtc"),
        ("https://faces.example", "", True, False, False, "socket"),
        ("https://faces.example", "", True, True, False, "webrtc"),
        ("https://faces.example", "", True, True, True, "socket"),
        ("https://faces.example", "webrtc", True, False, True, "webrtc"),
        ("https://faces.example", "pigeon", True, False, False, "socket"),
        ("https://faces.example", "", False, False, False, "webrtc"),
    ],
)
def test_the_way_of_the_pictures(
    url: str,
    asked: str,
    is_served: bool,
    turn: bool,
    taken_over: bool,
    way: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_socket, "is_served", lambda: is_served)
    monkeypatch.setattr(st, "query_params", {"way": asked} if asked else {})
    monkeypatch.setattr(st, "session_state", {webcam.TAKEN_OVER: True} if taken_over else {})
    servers = [{"urls": ["turn:t" if turn else "stun:s"]}]
    assert webcam._way(url, servers) == way


def test_an_error_is_in_the_visitors_language_in_the_sockets_thread() -> None:
    with in_language("id"):
        visit = live_camera._visit(Stream())
    error = FerError("{name} is empty; choose a file that holds an image.", name="a.jpg")
    assert visit.in_words(error) == "a.jpg kosong; pilih berkas yang berisi gambar."


class Camera(MediaStreamTrack):
    """The same picture, thirty times a second."""

    kind = "video"

    def __init__(self, rgb: np.ndarray) -> None:
        super().__init__()
        self.rgb, self.number = rgb, 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(1 / 30)
        frame = av.VideoFrame.from_ndarray(self.rgb, format="rgb24")
        frame.pts, frame.time_base = self.number, Fraction(1, 30)
        self.number += 1
        return frame


def test_a_slow_consumer_is_given_the_newest_frame() -> None:
    async def lag() -> int:
        camera = Camera(np.zeros((48, 64, 3), np.uint8))
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

    assert streamlit_webrtc.relay.MediaRelay is NewestRelay
    assert in_a_loop(lag()) <= 1, "a backlog was kept"


async def there_and_back(stream: Stream, analyser: StreamAnalyser, camera: Camera) -> np.ndarray:
    """A frame as the browser gets it back once a face is drawn, over two real connections."""
    nothing = RTCConfiguration(iceServers=[])
    browser, server = RTCPeerConnection(nothing), RTCPeerConnection(nothing)
    relay = NewestRelay()
    back: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()

    @server.on("track")
    def answer(track: MediaStreamTrack) -> None:
        processor = CallbackAttachableProcessor(stream.callback, None, None)
        processed = AsyncVideoProcessTrack(relay.subscribe(track), processor)
        server.addTrack(relay.subscribe(processed))

    browser.on("track", back.set_result)
    browser.addTrack(camera)
    try:
        await browser.setLocalDescription(await browser.createOffer())
        await server.setRemoteDescription(browser.localDescription)
        await server.setLocalDescription(await server.createAnswer())
        await browser.setRemoteDescription(server.localDescription)
        track = await asyncio.wait_for(back, PATIENCE)
        while True:
            frame = await asyncio.wait_for(track.recv(), PATIENCE)
            if analyser.latest().faces and frame.width <= LONGEST:
                return frame.to_ndarray(format="rgb24")
    finally:
        camera.stop()
        await browser.close()
        await server.close()


def test_video_comes_back_over_a_real_connection_and_leaves_no_thread(
    portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer.media.streaming.IDLE_SECONDS", 0.2)
    stream, analyser = viewer()
    before = set(threading.enumerate())
    drawn = in_a_loop(there_and_back(stream, analyser, Camera(on_canvas(portrait, 480, 640))))
    assert max(drawn.shape) <= LONGEST
    assert drawn.shape[0] / drawn.shape[1] == pytest.approx(640 / 480, abs=0.01)
    until(lambda: set(threading.enumerate()) <= before)


def several() -> None:
    """What the page does with the faces whose numbers are `numbers`."""
    import numpy as np
    import streamlit as st

    from fer.inference.answered_face import AnsweredFace
    from fer.ui.demo import webcam

    stream = st.session_state.setdefault("stream", webcam.Stream())
    crop = np.zeros((48, 48), np.uint8)
    faces = [AnsweredFace(None, crop, {}, number) for number in st.session_state["numbers"]]
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    st.text(webcam._choose_face(stream, tuple(faces)).number)


def test_the_chosen_face_stays_chosen_when_it_is_missed_for_a_moment() -> None:
    app = AppTest.from_function(several)

    def tick(*numbers: int, press: int | None = None) -> str:
        if press is not None:
            app.pills[0].set_value(press)
        app.session_state["numbers"] = numbers
        app.run()
        assert not app.exception
        if len(numbers) > 1:
            assert str(app.pills[0].value) == app.text[0].value
        return str(app.text[0].value)

    assert tick(1, 2, 3) == "1"
    before = app.session_state["runs"]
    assert tick(1, 2, 3, press=2) == "2"
    assert app.session_state["runs"] == before + 2, "the chart over time is not drawn anew"
    assert tick(1, 3) == "1"
    assert tick(1, 2, 3) == "2"
    assert tick(1) == "1"
    assert tick(3, 2, 1) == "2"
    assert tick(2, 3) == "2"
    assert tick(2, 3, press=3) == "3"
    assert tick(1, 2, 3) == "3"
    assert tick(1, 2) == "1"
    assert tick(1, 2, 3, 4) == "3"
