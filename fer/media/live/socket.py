"""The app's own socket for the camera: it goes wherever the page itself goes, without TURN server.

A browser sends its visit's token and then one picture after another, each four bytes of a number
and a JPEG; each is answered with that number and `live.Reply` before the next is read. Nothing is
stored, and nothing logged but counts.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from fer import FerError, logs

if TYPE_CHECKING:
    # Brings what looks at pictures: a second, where a server starts without.
    from fer.media.live.stream import Reply

PATH = "live"
MOST_CONNECTIONS = 32
# Pictures a second that a visit is answered at most.
FASTEST = 15.0
# How long a connection may be silent before its visit is known, and afterwards, in seconds.
INTRODUCTION_SECONDS = 5.0
IDLE_SECONDS = 30.0
NUMBER_BYTES = 4
# Codes of closing: the visit is not known here; too many; nobody waits for more answers.
REFUSED, FULL, OVER = 1008, 1013, 1000


class Stream(Protocol):
    """What answers a visit's pictures, as `live.LiveStream` does."""

    def answer(self, jpeg: bytes) -> Reply: ...


class Visit:
    """A visit that may send pictures, for as long as somebody holds it.

    Args:
        stream: answers them.
        origin: scheme, host and port of the page's address, as its browser says it.
        in_words: an error's sentence in the visitor's language.
    """

    def __init__(
        self, stream: Stream, origin: str, in_words: Callable[[FerError], str] = str
    ) -> None:
        self.stream, self.origin, self.in_words = stream, origin, in_words
        self.token = secrets.token_urlsafe(24)
        # The newest connection's; an older one ends.
        self.connection: object = None
        _visits[self.token] = self


_visits: WeakValueDictionary[str, Visit] = WeakValueDictionary()


class Sockets:
    """The connections of one server.

    Args:
        most: so many visits are answered at once, and as many connections may wait to be known.
    """

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self._most = most
        self._known = self._unknown = 0
        # Each picture waits in one for its answers.
        self._threads = ThreadPoolExecutor(most, "camera")

    async def endpoint(self, socket: WebSocket) -> None:
        """Serve a browser's connection until one of both ends it."""
        if self._unknown >= self._most:
            await socket.close(FULL)
            return
        await socket.accept()
        self._unknown += 1
        try:
            visit = await _introduced(socket)
        except WebSocketDisconnect:
            return
        finally:
            self._unknown -= 1
        if visit is None:
            await socket.close(REFUSED)
            return
        if self._known >= self._most:
            busy = FerError(
                "The server answers as many cameras as it can; it is tried again in a moment."
            )
            await socket.send_json({"error": visit.in_words(busy)})
            await socket.close(FULL)
            return
        token, connection = visit.token, object()
        visit.connection = connection
        # Nobody but the visit's page may keep it.
        del visit
        self._known += 1
        began, counts = time.monotonic(), {"answered": 0, "refused": 0}
        try:
            await self._serve(socket, token, connection, counts)
        except WebSocketDisconnect:
            # The browser, or the server that stops, has ended it.
            return
        finally:
            self._known -= 1
            logs.tell("camera ended", seconds=round(time.monotonic() - began, 1), **counts)

    async def _serve(
        self, socket: WebSocket, token: str, connection: object, counts: dict[str, int]
    ) -> None:
        in_thread = asyncio.get_running_loop().run_in_executor
        while True:
            message = await _received(socket, IDLE_SECONDS)
            visit = _visits.get(token)
            if visit is None or visit.connection is not connection or message is None:
                await socket.close(OVER)
                return
            came = time.monotonic()
            reply: dict[str, object] = {}
            if isinstance(message, bytes) and len(message) > NUMBER_BYTES:
                reply["frame"] = int.from_bytes(message[:NUMBER_BYTES], "big")
                jpeg = message[NUMBER_BYTES:]
            else:
                jpeg = b""
            try:
                reply |= await in_thread(self._threads, visit.stream.answer, jpeg)
                counts["answered"] += 1
            except FerError as error:
                reply["error"] = visit.in_words(error)
                counts["refused"] += 1
            del visit
            await socket.send_json(reply)
            # Whoever sends faster waits: what comes meanwhile stays on its way.
            await asyncio.sleep(max(0.0, came + 1 / FASTEST - time.monotonic()))


async def _introduced(socket: WebSocket) -> Visit | None:
    """Return the visit whose token comes first, None if it is none's or comes from another page."""
    token = await _received(socket, INTRODUCTION_SECONDS)
    visit = _visits.get(token) if isinstance(token, str) else None
    if visit is None or socket.headers.get("origin") != visit.origin:
        return None
    return visit


async def _received(socket: WebSocket, seconds: float) -> str | bytes | None:
    """Return the next message, None where none comes in that time.

    Raises:
        WebSocketDisconnect: if the connection has ended.
    """
    try:
        message = await asyncio.wait_for(socket.receive(), seconds)
    except TimeoutError:
        return None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    content: str | bytes | None = message.get("bytes")
    return message.get("text", "") if content is None else content


_served = False


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """Remember, as long as the app runs, that its routes are served."""
    global _served
    _served = True
    yield
    _served = False


def is_served() -> bool:
    """Whether this server has the socket: not where Streamlit was started on the page's script
    without its app."""
    return _served


def routes() -> list[BaseRoute]:
    """Return the socket's routes: at the app's root, and below whatever path it is served at."""
    endpoint = Sockets().endpoint
    return [
        WebSocketRoute(f"/{PATH}", endpoint),
        WebSocketRoute(f"/{{below:path}}/{PATH}", endpoint),
    ]
