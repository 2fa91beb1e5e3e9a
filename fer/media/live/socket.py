"""The app's own socket for the camera: it works wherever the page itself does, without TURN server.

A browser sends its visit's token and then one picture after another, each four bytes of a number
and a JPEG; each is answered with that number and `live.Reply` before the next is read. Nothing is
stored, and only counts are logged.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from fer import FerError, logs

if TYPE_CHECKING:
    # For types only: it loads the image libraries, which would delay a server's start by a second.
    from fer.media.live.stream import Reply

PATH = "live"
# Visits that are answered at once, and connections that have yet to send their token.
MOST_CONNECTIONS = 32
# The most pictures of a visit that are answered in a second.
FASTEST = 15.0
# How long a connection may be silent before it has sent its token, and afterwards.
INTRODUCTION_SECONDS = 5.0
IDLE_SECONDS = 30.0
NUMBER_BYTES = 4
# WebSocket close codes: unknown visit; too many connections; nobody waits for more answers.
REFUSED, FULL, OVER = 1008, 1013, 1000


class Visit:
    """A visit that may send pictures, for as long as the object is referenced.

    Args:
        answer: answers a picture, as `live.LiveStream` does.
        origin: scheme, host and port of the page's address, as its browser sends it.
        in_words: returns an error's sentence in the visitor's language.
    """

    def __init__(
        self,
        answer: Callable[[bytes], Reply],
        origin: str,
        in_words: Callable[[FerError], str] = str,
    ) -> None:
        self.answer, self.origin, self.in_words = answer, origin, in_words
        self.token = secrets.token_urlsafe(24)
        # The newest connection; older ones end.
        self.connection: object = None
        _visits[self.token] = self


_visits: WeakValueDictionary[str, Visit] = WeakValueDictionary()


class Sockets:
    """The connections of one server."""

    def __init__(self) -> None:
        self._identified = self._unidentified = 0
        # Each picture waits for its answers in one of these threads.
        self._threads = ThreadPoolExecutor(MOST_CONNECTIONS, "camera")

    async def endpoint(self, socket: WebSocket) -> None:
        """Serve a browser's connection until either side ends it."""
        if self._unidentified >= MOST_CONNECTIONS:
            await socket.close(FULL)
            return
        await socket.accept()
        self._unidentified += 1
        try:
            token = await _next_message(socket, INTRODUCTION_SECONDS)
        except WebSocketDisconnect:
            return
        finally:
            self._unidentified -= 1
        visit = _visits.get(token) if isinstance(token, str) else None
        if visit is None or socket.headers.get("origin") != visit.origin:
            await socket.close(REFUSED)
            return
        if self._identified >= MOST_CONNECTIONS:
            busy = FerError(
                "The server answers as many cameras as it can; it is tried again in a moment."
            )
            await socket.send_json({"error": visit.in_words(busy)})
            await socket.close(FULL)
            return
        token, connection = visit.token, object()
        visit.connection = connection
        # Only the visit's page may keep it alive.
        del visit
        self._identified += 1
        started, counts = time.monotonic(), {"answered": 0, "refused": 0}
        try:
            await self._serve(socket, token, connection, counts)
        except WebSocketDisconnect:
            # The browser, or a stopping server, has closed the connection.
            return
        finally:
            self._identified -= 1
            logs.event("camera ended", seconds=round(time.monotonic() - started, 1), **counts)

    async def _serve(
        self, socket: WebSocket, token: str, connection: object, counts: dict[str, int]
    ) -> None:
        in_thread = asyncio.get_running_loop().run_in_executor
        while True:
            message = await _next_message(socket, IDLE_SECONDS)
            visit = _visits.get(token)
            if visit is None or visit.connection is not connection or message is None:
                await socket.close(OVER)
                return
            received_at = time.monotonic()
            reply: dict[str, object] = {}
            jpeg = b""
            if isinstance(message, bytes) and len(message) > NUMBER_BYTES:
                reply["frame"] = int.from_bytes(message[:NUMBER_BYTES], "big")
                jpeg = message[NUMBER_BYTES:]
            try:
                reply |= await in_thread(self._threads, visit.answer, jpeg)
                counts["answered"] += 1
            except FerError as error:
                reply["error"] = visit.in_words(error)
                counts["refused"] += 1
            del visit
            await socket.send_json(reply)
            # A faster sender has to wait: its next pictures stay in the network's buffers.
            await asyncio.sleep(max(0.0, received_at + 1 / FASTEST - time.monotonic()))


async def _next_message(socket: WebSocket, seconds: float) -> str | bytes | None:
    """Return the next message, None if none comes in that time. Raise WebSocketDisconnect if the
    connection has ended."""
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
    """Mark the app's routes as served while it runs."""
    global _served
    _served = True
    yield
    _served = False


def is_served() -> bool:
    """Return whether this server has the socket: not if Streamlit was started on the page's script
    instead of the app."""
    return _served


def addresses(path: str) -> tuple[str, str]:
    """Return a route's path at the app's root, and below whatever path the app is served at."""
    return f"/{path}", f"/{{below:path}}/{path}"


def routes() -> list[BaseRoute]:
    """Return the socket's routes."""
    endpoint = Sockets().endpoint
    return [WebSocketRoute(path, endpoint) for path in addresses(PATH)]
