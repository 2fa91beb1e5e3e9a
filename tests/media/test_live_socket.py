"""The camera's socket and the photo route for programs: who may send what, how much of it, and what
is said to it."""

from __future__ import annotations

import gc
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from fer import FerError
from fer.media.live import predict_route
from fer.media.live import socket as live_socket
from fer.media.live import stream as live
from fer.media.live.socket import Visit
from fer.media.live.stream import Reply
from fer.media.photos import PhotoRecord
from tests.support.making import until
from tests.support.sockets import ORIGIN, joined, jpeg, picture, reply, serving


class Echo:
    """Answers, and remembers when it was asked."""

    def __init__(self) -> None:
        self.came: list[float] = []

    def answer(self, content: bytes) -> Reply:
        self.came.append(time.monotonic())
        live.decode(content)
        return {"is_answered": True, "size": [7, 0], "turns": 0, "faces": [], "ms": 0.0}


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def visit(echo: Echo) -> Visit:
    return Visit(echo.answer, ORIGIN, lambda error: f"in words: {error}")


@pytest.fixture
def address() -> Iterator[str]:
    with serving(live_socket.routes()) as (address, _):
        yield address


def test_every_message_is_answered_in_turn_and_nothing_but_counts_is_logged(
    address: str, visit: Visit, caplog: pytest.LogCaptureFixture
) -> None:
    refused = (
        (picture(5, b"\xff\xd8\xff but no JPEG"), "could not be read"),
        (picture(5, b"GIF89a" + jpeg()), "could not be read"),
        (picture(5, jpeg() + bytes(live.MOST_BYTES)), "larger than 300 kB or 2 megapixels"),
        (picture(5, jpeg(2000, 1001)), "larger than 300 kB or 2 megapixels"),
        (b"\x00\x00\x00", "could not be read"),
        ("a text", "could not be read"),
    )
    with caplog.at_level("INFO", logger="fer"):
        # The page may be served below a path.
        with joined(f"{address}/faces", visit.token) as browser:
            for number, (message, sentence) in enumerate(refused, start=2**31):
                browser.send(message)
                said = reply(browser)["error"]
                assert said.startswith("in words: ")
                assert sentence in said
                browser.send(picture(number, jpeg()))
                answered = reply(browser)
                assert (answered["frame"], answered["size"]) == (number, [7, 0])
        until(lambda: caplog.records)
    (record,) = caplog.records
    assert record.msg == "camera ended"
    assert record.figures == {"seconds": ANY, "answered": 6, "refused": 6}


def test_only_the_visits_own_page_is_let_in(
    address: str, visit: Visit, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "INTRODUCTION_SECONDS", 0.1)
    for origin, token in (
        ("https://evil.example", visit.token),
        (None, visit.token),
        (ORIGIN, "0" * 32),
        (ORIGIN, None),
    ):
        with connect(f"{address}/live", origin=origin) as browser:
            if token is not None:
                browser.send(token)
            with pytest.raises(ConnectionClosed) as closed:
                browser.recv()
        assert closed.value.rcvd.code == live_socket.REFUSED
    assert echo.came == []


def test_a_visit_has_so_many_pictures_a_second_and_ends_when_it_is_silent(
    address: str, visit: Visit, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "FASTEST", 40.0)
    monkeypatch.setattr(live_socket, "IDLE_SECONDS", 0.5)
    with joined(address, visit.token) as browser:
        for number in range(5):
            browser.send(picture(number, jpeg()))
        assert [reply(browser)["frame"] for _ in range(5)] == list(range(5))
        # Its own thread takes the time, a moment later now and then.
        assert echo.came[-1] - echo.came[0] >= 3 / 40
        with pytest.raises(ConnectionClosed):
            browser.recv()


def test_a_full_server_says_so_and_has_room_again(
    address: str, visit: Visit, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "MOST_CONNECTIONS", 1)
    other = Visit(echo.answer, ORIGIN)

    def told() -> str:
        with joined(address, other.token) as late:
            late.send(picture(1, jpeg()))
            return reply(late).get("error", "")

    with joined(address, visit.token) as browser:
        browser.send(picture(1, jpeg()))
        reply(browser)
        assert "as many cameras as it can" in told()
    until(lambda: told() == "")
    # Connections that say nothing are bounded, too.
    refused = pytest.raises(InvalidStatus)
    with connect(f"{address}/live"), refused, connect(f"{address}/live"):
        pass


def test_a_visit_that_ends_closes_its_socket_and_a_newer_one_the_older(
    address: str, echo: Echo
) -> None:
    visit: Visit | None = Visit(echo.answer, ORIGIN)
    with joined(address, visit.token) as older, joined(address, visit.token) as newer:
        newer.send(picture(1, jpeg()))
        assert reply(newer)["frame"] == 1
        older.send(picture(1, jpeg()))
        with pytest.raises(ConnectionClosed):
            older.recv()
        visit = None
        gc.collect()
        newer.send(picture(2, jpeg()))
        with pytest.raises(ConnectionClosed):
            newer.recv()


def predict(content: bytes, name: str) -> PhotoRecord:
    if content != b"a photo":
        raise FerError("{name} is no image.", name=name)
    return {"photo": name, "size": [2, 3], "turned": 0, "too_small": 0, "faces": []}


def ask(address: str, content: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    url = address.replace("ws:", "http:") + "/faces/api/predict?name=me.jpg"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, content, headers)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_program_is_answered_with_the_photos_record_where_the_operator_turns_it_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(predict_route.VARIABLE, raising=False)
    assert predict_route.routes(predict, 20) == []
    monkeypatch.setenv(predict_route.VARIABLE, "yes")
    assert predict_route.routes(predict, 20) == []
    with pytest.raises(FerError, match="set it to on or off"):
        predict_route.is_on()
    monkeypatch.setenv(predict_route.VARIABLE, "on")
    monkeypatch.setattr(predict_route, "FASTEST", 1e9)
    with serving(predict_route.routes(predict, 20)) as (address, _):
        assert ask(address, b"a photo") == (200, predict(b"a photo", "me.jpg"))
        own = address.replace("ws:", "http:")
        assert ask(address, b"a photo", Origin=own)[0] == 200
        for content, headers, expected, sentence in (
            (b"no photo", {}, 422, "me.jpg is no image."),
            (b"far too large" * 2, {}, 413, "at most"),
            (b"a photo", {"Origin": "https://evil.example"}, 403, "Only programs"),
        ):
            status, said = ask(address, content, **headers)
            assert status == expected
            assert sentence in said["error"]
    # One an hour: the second one comes too early on any machine.
    monkeypatch.setattr(predict_route, "FASTEST", 1 / 3600)
    with serving(predict_route.routes(predict, 20)) as (address, _):
        assert [ask(address, b"a photo")[0] for _ in range(2)] == [200, 429]
