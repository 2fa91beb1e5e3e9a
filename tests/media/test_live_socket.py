"""The camera's socket: who may send what, how much of it, and what is said to it."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from fer.media.live import socket as live_socket
from fer.media.live import stream as live
from fer.media.live.socket import Visit
from fer.media.live.stream import Reply
from tests.support.making import until
from tests.support.sockets import ORIGIN, joined, jpeg, picture, reply, serving


class Echo:
    """Answers with a size that tells whose it is, and remembers what came."""

    def __init__(self, width: int = 7) -> None:
        self.width = width
        self.came: list[float] = []

    def answer(self, content: bytes) -> Reply:
        self.came.append(time.monotonic())
        live.decode(content)
        return {"is_answered": True, "size": [self.width, 0], "turns": 0, "faces": [], "ms": 0.0}


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


@pytest.fixture
def browser(address: str, visit: Visit) -> Iterator[ClientConnection]:
    with joined(f"{address}/faces", visit.token) as browser:
        yield browser


def test_every_picture_is_answered_in_turn_also_below_a_path(browser: ClientConnection) -> None:
    for number in (1, 2, 2**31):
        browser.send(picture(number, jpeg()))
        answered = reply(browser)
        assert (answered["frame"], answered["size"]) == (number, [7, 0])


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (picture(5, b"\xff\xd8\xff but no JPEG"), "could not be read"),
        (picture(5, jpeg()[:-300]), "could not be read"),
        (picture(5, b"GIF89a" + jpeg()), "could not be read"),
        (picture(5, jpeg() + bytes(live.MOST_BYTES)), "larger than 300 kB or 2 megapixels"),
        (picture(5, jpeg(2000, 1001)), "larger than 300 kB or 2 megapixels"),
        (b"", "could not be read"),
        (b"\x00\x00\x00", "could not be read"),
        ("a text", "could not be read"),
    ],
    ids=["none", "cut", "other", "bytes", "pixels", "empty", "short", "text"],
)
def test_what_is_no_picture_is_said_in_the_visitors_words_and_the_next_is_answered(
    message: bytes | str, sentence: str, browser: ClientConnection
) -> None:
    browser.send(message)
    said = reply(browser)
    assert said["error"].startswith("in words: ")
    assert sentence in said["error"]
    browser.send(picture(6, jpeg()))
    assert reply(browser)["frame"] == 6


@pytest.mark.parametrize("who", ["another page", "no page", "an unknown visit", "nobody"])
def test_only_the_visits_own_page_is_let_in(
    who: str, address: str, visit: Visit, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "INTRODUCTION_SECONDS", 0.1)
    origin = {"another page": "https://evil.example", "no page": None}.get(who, ORIGIN)
    with connect(f"{address}/live", origin=origin) as browser:  # type: ignore[arg-type]
        if who != "nobody":
            browser.send("0" * 32 if who == "an unknown visit" else visit.token)
        with pytest.raises(ConnectionClosed) as closed:
            browser.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == live_socket.REFUSED
    assert echo.came == []


def test_a_visit_has_so_many_pictures_a_second(
    browser: ClientConnection, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "FASTEST", 40.0)
    for number in range(5):
        browser.send(picture(number, jpeg()))
    assert [reply(browser)["frame"] for _ in range(5)] == list(range(5))
    # Its own thread takes the time, a moment later now and then.
    assert echo.came[-1] - echo.came[0] >= 3 / 40


def test_a_full_server_says_so_and_has_room_again(
    address: str, visit: Visit, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "MOST_CONNECTIONS", 1)
    other = Visit(echo.answer, ORIGIN)
    with joined(address, visit.token) as browser:
        browser.send(picture(1, jpeg()))
        reply(browser)
        with joined(address, other.token) as late:
            assert "as many cameras as it can" in reply(late)["error"]
            with pytest.raises(ConnectionClosed):
                late.recv()

    def is_let_in() -> bool:
        with joined(address, other.token) as late:
            late.send(picture(1, jpeg()))
            return "frame" in reply(late)

    until(is_let_in)


def test_connections_that_say_nothing_are_bounded(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "MOST_CONNECTIONS", 1)
    with (
        connect(f"{address}/live"),
        pytest.raises(InvalidStatus),
        connect(f"{address}/live"),
    ):
        pass


def test_a_visit_that_ends_closes_its_socket_and_a_newer_one_the_older(
    address: str, echo: Echo
) -> None:
    visit: Visit | None = Visit(echo.answer, ORIGIN)
    assert visit is not None
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


def test_a_silent_connection_ends(
    address: str, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "IDLE_SECONDS", 0.1)
    with joined(address, visit.token) as browser, pytest.raises(ConnectionClosed):
        browser.recv()


def test_a_server_that_stops_says_so(visit: Visit) -> None:
    with (
        serving(live_socket.routes()) as (address, server),
        joined(address, visit.token) as browser,
    ):
        browser.send(picture(1, jpeg()))
        reply(browser)
        server.should_exit = True
        with pytest.raises(ConnectionClosed) as closed:
            browser.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012, "service restart"


def test_twenty_visitors_get_their_own_answers(address: str) -> None:
    visits = [Visit(Echo(width).answer, ORIGIN) for width in range(20)]
    with ExitStack() as stack:
        browsers = [stack.enter_context(joined(address, visit.token)) for visit in visits]
        for number in range(3):
            for browser in browsers:
                browser.send(picture(number, jpeg()))
            answers = [reply(browser) for browser in browsers]
            assert [answer["size"][0] for answer in answers] == list(range(20))


def test_nothing_but_counts_is_logged(
    address: str, visit: Visit, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="fer"):
        with joined(address, visit.token) as browser:
            browser.send(picture(1, jpeg()))
            reply(browser)
            browser.send("no picture")
            reply(browser)
        until(lambda: caplog.records)
    (record,) = caplog.records
    assert record.msg == "camera ended"
    figures: dict[str, float] = record.figures  # type: ignore[attr-defined]
    assert figures == {"seconds": figures["seconds"], "answered": 1, "refused": 1}
