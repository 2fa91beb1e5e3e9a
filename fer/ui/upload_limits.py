"""Bounds on the files that visitors upload, held before a byte of them is kept.

Streamlit takes every file of up to `server.maxUploadSize` and holds it until its visit is over,
however many there are. `UploadLimits` stands before its upload route: a file for which there is no
room waits a while for room, then is refused. Of a refused file the page gets the name, without its
content and with the reason as its media type: what the browser or the server turns back by an error
is marked in red, in no language but English, and no page learns of it.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.uploaded_file_manager import UploadedFileManager, UploadedFileRec

UPLOAD_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")
# Of one file, and of what a request has around it. `server.maxUploadSize`, which the browser holds
# files to without a word, is far larger.
LARGEST_FILE, AROUND_BYTES = 200 << 20, 1 << 20
# Of all visitors' files together. The server itself takes 450 MB after its first photo.
MOST_BYTES = 2 * (LARGEST_FILE + AROUND_BYTES)
# Why a file was refused, as the media type that a page gets.
TOO_LARGE, NO_ROOM = "application/x-too-large", "application/x-no-room"
# What stands before a file's content in a request: its name. So many of these are kept of a visit.
HEAD_BYTES, MOST_NAMES = 8 << 10, 1000
# What a small file costs besides its bytes.
LEAST_BYTES = 4096
# For so long a file waits for room without any being made.
WAIT_SECONDS = 20.0
# An upload from which nothing comes for so long is ended: it holds room that others need.
STALL_SECONDS = 60.0
LOOK_SECONDS = 0.1


class NoRoomError(Exception):
    """Raised while a file is read that turned out to be larger than there is room for."""


class Intake:
    """The files that were let in, by visit, and the room that is left.

    No visit may hold more than it leaves for all others: the first one may fill half of the room,
    a second one a quarter, and a small photo nearly always finds room. What a visit holds is asked
    of Streamlit, so that a file counts until it is really gone.

    Args:
        most: bytes that all files may take together.
        files: returns where Streamlit keeps them.
    """

    def __init__(self, most: int, files: Callable[[], UploadedFileManager]) -> None:
        self._most, self._files = most, files
        self._let_in: dict[str, set[str]] = {}
        self._coming: dict[tuple[str, str], int] = {}
        self._guard = threading.Lock()

    def claim(self, visit: str, file: str, size: int) -> bool:
        """Reserve room of that many bytes for a file, in place of what it had; return whether
        there is so much. A file is refused without asking twice if it could never fit."""
        size = max(size, LEAST_BYTES)
        with self._guard:
            before = self._coming.pop((visit, file), 0)
            own, all_together = self._held(visit), sum(map(self._held, list(self._let_in)))
            is_room = own + size <= self._most - all_together - size
            if is_room or before:
                self._let_in.setdefault(visit, set()).add(file)
                self._coming[visit, file] = size if is_room else before
        return is_room

    def claim_name(self, visit: str, file: str) -> bool:
        """Let in the name of a refused file; return False if the visit has enough of them."""
        with self._guard:
            is_room = sum(not there.data for there in self._there(visit)) < MOST_NAMES
            if is_room:
                self._let_in.setdefault(visit, set()).add(file)
                self._coming[visit, file] = LEAST_BYTES
        return is_room

    def settle(self, visit: str, file: str) -> None:
        """Give up the reservation of a file that is there by now, or will not come."""
        with self._guard:
            self._coming.pop((visit, file), None)

    def could_fit(self, size: int) -> bool:
        """Return whether a file of that many bytes fits if nothing else is held."""
        return 2 * size <= self._most

    def held(self, visit: str) -> int:
        """Return the bytes that a visit's files take, those included that are coming in."""
        with self._guard:
            return self._held(visit)

    def arrived(self, visit: str) -> list[UploadedFileRec]:
        """Return a visit's files that came in whole and are still held."""
        with self._guard:
            return self._there(visit)

    def _there(self, visit: str) -> list[UploadedFileRec]:
        let_in = self._let_in.get(visit)
        return list(self._files().get_files(visit, sorted(let_in))) if let_in else []

    def _held(self, visit: str) -> int:
        there = {file.file_id: len(file.data) for file in self._there(visit)}
        coming = {file: size for (whose, file), size in self._coming.items() if whose == visit}
        if there or coming:
            self._let_in[visit] = there.keys() | coming.keys()
        else:
            self._let_in.pop(visit, None)
        return sum(max(size, LEAST_BYTES) for size in (there | coming).values())


intake = Intake(MOST_BYTES, lambda: runtime.get_instance().uploaded_file_mgr)


def _is_visit(visit: str) -> bool:
    return runtime.exists() and runtime.get_instance().is_active_session(visit)


def _answer(status: int, text: str) -> PlainTextResponse:
    # What of the file is still to come is not read.
    return PlainTextResponse(text, status, {"Connection": "close"})


def _without_content(head: bytes, reason: str) -> bytes:
    """Return a request's body that names the same file as one that begins so, and holds nothing."""
    boundary, *fields = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
    kept = [field for field in fields if not field.lower().startswith(b"content-type:")]
    media_type = b"Content-Type: " + reason.encode()
    return b"\r\n".join([boundary, *kept, media_type, b"", b"", boundary + b"--", b""])


class UploadLimits:
    """Middleware: an upload is kept only if the server has room for it.

    Requests of no visit pass: Streamlit refuses them unread. A body whose length is not said, as
    every browser does, is counted while it is read.

    Args:
        app: what takes the file.
        intake: what is held.
        is_visit: whether there is a visit of that name.
        wait: seconds that a file waits for room.
    """

    def __init__(
        self,
        app: ASGIApp,
        intake: Intake = intake,
        is_visit: Callable[[str], bool] = _is_visit,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._app, self._intake, self._is_visit, self._wait = app, intake, is_visit, wait

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, without its file's content where there is no room for it."""
        place = None
        if scope["type"] == "http" and scope["method"] == "PUT":
            place = UPLOAD_PATH.search(scope["path"])
        if place is None or not self._is_visit(place[1]):
            await self._app(scope, receive, send)
            return
        visit, file = place.groups()
        stated = Headers(scope=scope).get("content-length", "")
        size = int(stated) if stated.isdecimal() else 0
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await asyncio.wait_for(receive(), STALL_SECONDS)
            read += len(message.get("body", b""))
            if read > size and not self._intake.claim(visit, file, read):
                raise NoRoomError
            return message

        try:
            if not self._intake.could_fit(size):
                await self._refuse(TOO_LARGE, visit, file, scope, receive, send)
            elif await self._finds_room(visit, file, size):
                await self._app(scope, bounded, send)
            else:
                await self._refuse(NO_ROOM, visit, file, scope, receive, send)
        except NoRoomError:
            await _answer(413, "No room for this file.")(scope, receive, send)
        except TimeoutError:
            await _answer(408, "Nothing came any more.")(scope, receive, send)
        finally:
            self._intake.settle(visit, file)

    async def _finds_room(self, visit: str, file: str, size: int) -> bool:
        """Wait until there is room for a file, as long as the visit's page makes some."""
        clock = asyncio.get_running_loop().time
        held, until = self._intake.held(visit), clock() + self._wait
        while not self._intake.claim(visit, file, size):
            if clock() > until:
                return False
            await asyncio.sleep(LOOK_SECONDS)
            before, held = held, self._intake.held(visit)
            if held < before:
                until = clock() + self._wait
        return True

    async def _refuse(
        self, reason: str, visit: str, file: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Read a file without keeping it, then pass on its name with the reason.

        An answer before the end would break the connection on which the browser still sends.
        """
        head, is_more = b"", True
        while is_more:
            message = await asyncio.wait_for(receive(), STALL_SECONDS)
            if message["type"] == "http.disconnect":
                return
            head += message.get("body", b"")[: HEAD_BYTES - len(head)]
            is_more = message.get("more_body", False)
        if not self._intake.claim_name(visit, file):
            raise NoRoomError
        body = _without_content(head, reason)
        headers = MutableHeaders(raw=list(scope["headers"]))
        headers["content-length"] = str(len(body))
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def shortened() -> Message:
            return messages.pop() if messages else await receive()

        await self._app({**scope, "headers": headers.raw}, shortened, send)
