"""Visitors who speak to the dashboard as a browser does, over its WebSocket, without a browser."""

from __future__ import annotations

import asyncio
import re
import urllib.request
import uuid
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

UPLOADER = "photo"
XSRF = "_streamlit_xsrf"
# How long a browser waits for a page before its user gives up.
PATIENCE = 60.0


@dataclass
class Page:
    """What a run of the script sent: texts, errors, and the uploader's id."""

    texts: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    uploader: str = ""

    @property
    def answers(self) -> tuple[str, ...]:
        """The lines "model: **emotion** confidence" of an answered photo."""
        pattern = r"^:\w+\[.\] (.+: \*\*.+?)(?:  )?$"
        return tuple(re.findall(pattern, "\n".join(self.texts), re.MULTILINE))

    def note(self, reply: ForwardMsg) -> None:
        """Take in an element that the server sends."""
        element = reply.delta.new_element
        kind, alert = element.WhichOneof("type"), element.alert
        if kind == "markdown":
            self.texts.append(element.markdown.body)
        elif kind == "alert":
            self.texts.append(alert.body)
            is_bad = alert.format in (alert.ERROR, alert.WARNING)
            if is_bad and "trying again" not in alert.body:
                self.troubles.append(alert.body)
        elif kind == "exception":
            self.troubles.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "file_uploader" and element.file_uploader.id.endswith(f"-{UPLOADER}"):
            self.uploader = element.file_uploader.id


class Visitor:
    """One browser session; to close its socket is to close the tab."""

    def __init__(self, url: str, socket: ClientConnection, token: str) -> None:
        self.url, self.socket, self.token = url, socket, token
        self._session = ""
        self.home = Page()

    async def run(self, states: BackMsg | None = None) -> Page:
        """What the server shows after a rerun of Home."""
        message = states or BackMsg()
        message.rerun_script.query_string = "lang=EN"
        message.rerun_script.context_info.locale = "en-US"
        message.rerun_script.context_info.url = self.url
        await self.socket.send(message.SerializeToString())
        shown = Page()
        while True:
            reply = await self._next()
            kind = reply.WhichOneof("type")
            if kind == "new_session":
                # A run that is begun anew sends everything again.
                shown = Page()
                self._session = reply.new_session.initialize.session_id or self._session
            elif kind == "delta" and reply.delta.WhichOneof("type") == "new_element":
                shown.note(reply)
            elif kind == "script_finished":
                if reply.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue
                if reply.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
                    shown.troubles.append(f"script finished: {reply.script_finished}")
                return shown

    async def _next(self) -> ForwardMsg:
        return ForwardMsg.FromString(await asyncio.wait_for(self.socket.recv(), PATIENCE))

    async def upload(self, name: str, content: bytes) -> Page:
        """Home with a photo's answers."""
        place = await self.place(name)
        await asyncio.to_thread(self.put, place.upload_url, name, content)
        states = BackMsg()
        state = states.rerun_script.widget_states.widgets.add(id=self.home.uploader)
        info = state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(content), file_id=place.file_id
        )
        info.file_urls.CopyFrom(place)
        return await self.run(states)

    async def place(self, name: str) -> FileURLs:
        """Return the address under which the server takes a file of this visitor's."""
        request = BackMsg()
        request.file_urls_request.request_id = uuid.uuid4().hex
        request.file_urls_request.file_names.append(name)
        request.file_urls_request.session_id = self._session
        await self.socket.send(request.SerializeToString())
        while True:
            reply = await self._next()
            if reply.WhichOneof("type") == "file_urls_response":
                return reply.file_urls_response.file_urls[0]

    def put(self, path: str, name: str, content: bytes) -> None:
        """Send a file to the address that the server gave for it."""
        line = uuid.uuid4().hex
        head = (
            f'--{line}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        body = head.encode() + content + f"\r\n--{line}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={line}",
            "Cookie": f"{XSRF}={self.token}",
            "X-Xsrftoken": self.token,
        }
        request = urllib.request.Request(self.url + path, body, headers, method="PUT")
        urllib.request.urlopen(request, timeout=PATIENCE).close()


async def visit(url: str) -> Visitor:
    """A visitor who has opened Home."""
    with urllib.request.urlopen(f"{url}/_stcore/health", timeout=10) as answer:
        # A browser sends it back with every upload.
        cookies = answer.headers.get_all("Set-Cookie") or []
    token = next((c.split(";")[0].split("=", 1)[1] for c in cookies if c.startswith(XSRF)), "")
    socket = await connect(
        url.replace("http", "ws", 1) + "/_stcore/stream",
        subprotocols=["streamlit", token or "PLACEHOLDER"],  # type: ignore[list-item]
        additional_headers={"Cookie": f"{XSRF}={token}"},
        origin=url,  # type: ignore[arg-type]
        max_size=None,
        compression=None,
    )
    visitor = Visitor(url, socket, token)
    visitor.home = await visitor.run()
    return visitor
