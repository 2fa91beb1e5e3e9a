"""The files that visitors upload, held in memory within bounds.

Streamlit takes every file of up to `server.maxUploadSize`, writes what is larger than a megabyte to
the disk on its way, and holds it until its visit is over, however many there are. `UploadLimits`
stands before its upload route and keeps each file here: Streamlit is given the name alone, with a
media type that says what became of the content. A file for which there is no room waits a while for
room, then is refused; the page learns of it, where an error would only be marked in red, in no
language but English.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fer.ui.uploads import visits

UPLOAD_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")
# Of one file, and of what a request has around it. `server.maxUploadSize`, which the browser holds
# files to without a word, is far larger.
LARGEST_FILE, AROUND_BYTES = 200 << 20, 1 << 20
# Of all visitors' files together. The server itself takes 450 MB after its first photo.
MOST_BYTES = 2 * (LARGEST_FILE + AROUND_BYTES)
# What became of a file, as the media type that a page gets.
KEPT, TOO_LARGE, NO_ROOM = (f"application/x-{word}" for word in ("kept", "too-large", "no-room"))
# What stands before a file's content in a request: its name. Streamlit keeps so many of a visit.
HEAD_BYTES, MOST_NAMES = 8 << 10, 10_000
# What a small file costs besides its bytes.
LEAST_BYTES = 4096
# For so long a file waits for room without any being made.
WAIT_SECONDS = 20.0
# An upload from which nothing comes for so long is ended: it holds room that others need.
STALL_SECONDS = 60.0
LOOK_SECONDS = 0.1


@dataclass
class Upload:
    """A visitor's file, for which there is room: `content` is None as long as it is coming in."""

    visit: str
    file_id: str
    size: int
    name: str = ""
    content: bytes | None = None


class Intake:
    """The files that were let in, and the room that is left.

    No visit may hold more than it leaves for all others: the first one may fill half of the room,
    a second one a quarter, and a small photo nearly always finds room.

    Args:
        most: bytes that all files may take together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._uploads: dict[str, Upload] = {}
        self._names: Counter[str] = Counter()
        self._guard = threading.Lock()

    def begin(self, visit: str) -> bool:
        """Count a file that is offered; return whether its visit may still offer files."""
        with self._guard:
            self._names[visit] += 1
            return self._names[visit] <= MOST_NAMES

    def claim(self, visit: str, file_id: str, size: int) -> bool:
        """Reserve room of that many bytes for a file, in place of what it had; return whether
        there is so much."""
        size = max(size, LEAST_BYTES)
        with self._guard:
            others = [one for one in self._uploads.values() if one.file_id != file_id]
            own = sum(one.size for one in others if one.visit == visit)
            is_room = own + size <= self._most - sum(one.size for one in others) - size
            if is_room:
                self._uploads[file_id] = Upload(visit, file_id, size)
        return is_room

    def keep(self, file_id: str, name: str, content: bytes) -> None:
        """Keep the content of a file for which room was reserved, unless it was let go of."""
        with self._guard:
            if file_id in self._uploads:
                upload = self._uploads[file_id]
                upload.name, upload.content = name, content
                upload.size = max(len(content), LEAST_BYTES)

    def could_fit(self, size: int) -> bool:
        """Return whether a file of that many bytes fits if nothing else is held."""
        return 2 * size <= self._most

    def content(self, file_id: str) -> bytes | None:
        """Return what a file holds, None if it is not there."""
        with self._guard:
            upload = self._uploads.get(file_id)
            return None if upload is None else upload.content

    def arrived(self, visit: str = "") -> list[Upload]:
        """Return a visit's files that came in whole, those of all visits if none is named."""
        with self._guard:
            there = [one for one in self._uploads.values() if one.content is not None]
            return [one for one in there if visit in ("", one.visit)]

    def held(self, visit: str) -> int:
        """Return the bytes that a visit's files take, those included that are coming in."""
        with self._guard:
            return sum(one.size for one in self._uploads.values() if one.visit == visit)

    def forget(self, file_id: str) -> None:
        """Let go of a file."""
        with self._guard:
            self._uploads.pop(file_id, None)

    def forget_visit(self, visit: str) -> None:
        """Let go of all files of a visit that is over."""
        with self._guard:
            del self._names[visit]
            for file_id in [one.file_id for one in self._uploads.values() if one.visit == visit]:
                del self._uploads[file_id]


intake = Intake(MOST_BYTES)


class UploadLimits:
    """Middleware: an upload is kept if the server has room for it, and Streamlit gets its name.

    Requests of no visit pass: Streamlit refuses them unread.

    Args:
        app: what takes the name.
        intake: keeps the content.
        is_visit: whether there is a visit of that name.
        wait: seconds that a file waits for room.
    """

    def __init__(
        self,
        app: ASGIApp,
        intake: Intake = intake,
        is_visit: Callable[[str], bool] = visits.is_there,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._app, self._intake, self._is_visit, self._wait = app, intake, is_visit, wait

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, that of a file without its content."""
        place = None
        if scope["type"] == "http" and scope["method"] in ("PUT", "DELETE"):
            place = UPLOAD_PATH.search(scope["path"])
        if place is None or not self._is_visit(place[1]):
            await self._app(scope, receive, send)
            return
        visit, file_id = place.groups()
        if scope["method"] == "DELETE":
            self._intake.forget(file_id)
            await self._app(scope, receive, send)
            return
        if not self._intake.begin(visit):
            await _answer(413, "Too many files.")(scope, receive, send)
            return
        is_taken = False

        async def noted(message: Message) -> None:
            nonlocal is_taken
            is_taken = is_taken or message.get("status", 500) < 300
            await send(message)

        try:
            body = await self._body(visit, file_id, scope, receive)
            if body is not None:
                await self._app(*_with_body(body, scope, receive), noted)
        except TimeoutError:
            await _answer(408, "Nothing came any more.")(scope, receive, send)
        finally:
            if not is_taken:
                self._intake.forget(file_id)

    async def _body(self, visit: str, file_id: str, scope: Scope, receive: Receive) -> bytes | None:
        """Read a request to its end and keep its file, if there is room; return the body that
        Streamlit is given, None if the browser went away.

        What is refused is read, too: an answer before the end would break the connection on which
        the browser still sends.
        """
        stated = Headers(scope=scope).get("content-length", "")
        size = int(stated) if stated.isdecimal() else 0
        outcome = await self._outcome(visit, file_id, size)
        head, body, read, is_more = b"", bytearray(), 0, True
        while is_more:
            message = await asyncio.wait_for(receive(), STALL_SECONDS)
            if message["type"] == "http.disconnect":
                return None
            piece, is_more = message.get("body", b""), message.get("more_body", False)
            head += piece[: HEAD_BYTES - len(head)]
            read += len(piece)
            # Where its length was not said, as every browser does, room is asked for on the way.
            if outcome == KEPT and read > size and not self._intake.claim(visit, file_id, read):
                outcome = NO_ROOM
                body.clear()
            if outcome == KEPT:
                body += piece
        boundary, *fields = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
        if outcome == KEPT:
            del body[max(body.rfind(b"\r\n" + boundary), 0) :]
            del body[: head.find(b"\r\n\r\n") + 4]
            self._intake.keep(file_id, _file_name(head), bytes(body))
        else:
            self._intake.forget(file_id)
        kept = [field for field in fields if not field.lower().startswith(b"content-type:")]
        media_type = b"Content-Type: " + outcome.encode()
        return b"\r\n".join([boundary, *kept, media_type, b"", b"", boundary + b"--", b""])

    async def _outcome(self, visit: str, file_id: str, size: int) -> str:
        """Reserve room for a file, waiting for it as long as the visit's page makes some; return
        what becomes of the file."""
        if not self._intake.could_fit(size):
            return TOO_LARGE
        clock = asyncio.get_running_loop().time
        held, until = self._intake.held(visit), clock() + self._wait
        while not self._intake.claim(visit, file_id, size):
            if clock() > until:
                return NO_ROOM
            await asyncio.sleep(LOOK_SECONDS)
            before, held = held, self._intake.held(visit)
            if held < before:
                until = clock() + self._wait
        return KEPT


def _with_body(body: bytes, scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
    """Return a request with another body, which was read to its end."""
    headers = MutableHeaders(raw=list(scope["headers"]))
    headers["content-length"] = str(len(body))
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def given() -> Message:
        return messages.pop() if messages else await receive()

    return {**scope, "headers": headers.raw}, given


def _file_name(head: bytes) -> str:
    """Return the name of a file, as a browser writes it before the content."""
    match = re.search(rb'filename="((?:[^"\\\r\n]|\\.)*)"', head)
    return "" if match is None else match[1].decode("utf-8", "replace")


def _answer(status: int, text: str) -> PlainTextResponse:
    # What of the file is still to come is not read.
    return PlainTextResponse(text, status, {"Connection": "close"})
