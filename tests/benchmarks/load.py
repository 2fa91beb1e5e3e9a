"""Many visitors at once: `python -m tests.benchmarks.load --sessions 40 --active 8 --minutes 5`.

Each visitor speaks to the server as a browser does, over a WebSocket: opens the dashboard, uploads
a photo of its own, reads both models' answers, and goes from page to page. A photo's answers are
known from one visitor who asked alone. Prints and writes JSON; exits with 1 if somebody saw
another's answer or an error, if the 95th percentile of an upload is above its limit, or if the
server took more memory than it may.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import re
import sys
import tempfile
import time
import urllib.request
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance
from skimage import data as samples
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from tests.support.serving import Server, running

HOME = "Home"
UPLOADER = "photo"
XSRF = "_streamlit_xsrf"
# How long a browser waits for a page before its user gives up.
PATIENCE = 60.0


@dataclass
class Page:
    """What a run of the script sent: kinds of elements, their texts, the uploader's id."""

    kinds: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    uploader: str | None = None

    @property
    def answers(self) -> tuple[str, ...]:
        """The lines "model: **emotion** confidence" of an answered photo."""
        lines = [line for text in self.texts for line in text.split("  \n")]
        return tuple(
            line.split("] ", 1)[1]
            for line in lines
            if re.match(r":\w+\[.\] ", line) and ": **" in line
        )


@dataclass
class Observations:
    """Seconds of uploads and visits, and errors, of all visitors together."""

    uploads: list[float] = field(default_factory=list)
    visits: dict[str, list[float]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    busy: int = 0


class Visitor:
    """One browser session, without a browser."""

    def __init__(self, url: str, socket: ClientConnection, token: str) -> None:
        self.url, self.token = url, token
        self._socket = socket
        self._session = ""
        self.pages: dict[str, str] = {}
        self.home = Page()

    async def run(self, page: str = "", states: BackMsg | None = None) -> Page:
        """What the server shows after a rerun of the page with this hash."""
        message = states or BackMsg()
        message.rerun_script.page_script_hash = page
        message.rerun_script.query_string = "lang=EN"
        message.rerun_script.context_info.locale = "en-US"
        message.rerun_script.context_info.url = self.url
        await self._socket.send(message.SerializeToString())
        shown = Page()
        while True:
            reply = await self._next()
            kind = reply.WhichOneof("type")
            if kind == "new_session":
                # A run that is begun anew sends everything again.
                shown = Page()
                self._session = reply.new_session.initialize.session_id or self._session
            elif kind == "navigation":
                self.pages = {
                    known.page_name or HOME: known.page_script_hash
                    for known in reply.navigation.app_pages
                }
            elif kind == "delta" and reply.delta.WhichOneof("type") == "new_element":
                self._note(reply, shown)
            elif kind == "script_finished":
                if reply.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue
                if reply.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
                    shown.troubles.append(f"script finished: {reply.script_finished}")
                return shown

    async def _next(self) -> ForwardMsg:
        reply = ForwardMsg()
        reply.ParseFromString(await asyncio.wait_for(self._socket.recv(), PATIENCE))
        return reply

    def _note(self, reply: ForwardMsg, shown: Page) -> None:
        element = reply.delta.new_element
        kind = element.WhichOneof("type") or ""
        shown.kinds[kind] += 1
        if kind == "markdown":
            shown.texts.append(element.markdown.body)
        elif kind == "alert":
            shown.texts.append(element.alert.body)
            if "trying again" in element.alert.body:
                shown.kinds["busy"] += 1
            elif element.alert.format in (element.alert.ERROR, element.alert.WARNING):
                shown.troubles.append(element.alert.body)
        elif kind == "exception":
            shown.troubles.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "file_uploader" and element.file_uploader.id.endswith(f"-{UPLOADER}"):
            shown.uploader = element.file_uploader.id

    async def upload(self, name: str, content: bytes) -> Page:
        """Home with a photo's answers."""
        place = await self.place(name)
        await asyncio.to_thread(self.put, place.upload_url, name, content)
        states = BackMsg()
        state = states.rerun_script.widget_states.widgets.add()
        state.id = self.home.uploader or ""
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, len(content), place.file_id
        info.file_urls.CopyFrom(place)
        return await self.run(self.pages[HOME], states)

    async def leave(self) -> None:
        """Closes the connection, as a browser does whose tab is closed."""
        await self._socket.close()

    async def place(self, name: str) -> FileURLs:
        """Return the address under which the server takes a file of this visitor's."""
        request = BackMsg()
        request.file_urls_request.request_id = uuid.uuid4().hex
        request.file_urls_request.file_names.append(name)
        request.file_urls_request.session_id = self._session
        await self._socket.send(request.SerializeToString())
        while True:
            reply = await self._next()
            if reply.WhichOneof("type") == "file_urls_response":
                return reply.file_urls_response.file_urls[0]

    def put(self, path: str, name: str, content: bytes) -> None:
        line = uuid.uuid4().hex
        head = (
            f'--{line}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        request = urllib.request.Request(
            self.url + path,
            head.encode() + content + f"\r\n--{line}--\r\n".encode(),
            {
                "Content-Type": f"multipart/form-data; boundary={line}",
                "Cookie": f"{XSRF}={self.token}",
                "X-Xsrftoken": self.token,
            },
            method="PUT",
        )
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass


def token(url: str) -> str:
    """The cookie that a browser gets with the first page and sends back with every upload."""
    with urllib.request.urlopen(f"{url}/_stcore/health", timeout=10) as answer:
        cookies = answer.headers.get_all("Set-Cookie") or []
    return next((c.split(";")[0].split("=", 1)[1] for c in cookies if c.startswith(XSRF)), "")


async def visit(url: str) -> Visitor:
    """A visitor who has opened Home."""
    known = token(url)
    socket = await connect(
        url.replace("http", "ws", 1) + "/_stcore/stream",
        subprotocols=["streamlit", known or "PLACEHOLDER"],  # type: ignore[list-item]
        additional_headers={"Cookie": f"{XSRF}={known}"},
        origin=url,  # type: ignore[arg-type]
        max_size=None,
        compression=None,
    )
    visitor = Visitor(url, socket, known)
    visitor.home = await visitor.run()
    return visitor


def photo(number: int) -> bytes:
    """A photo of one face, turned, lit and sized by its number, about as large as a phone sends."""
    rng = random.Random(number)
    image = Image.fromarray(np.asarray(samples.astronaut()))
    image = image.rotate(rng.uniform(-25, 25), Image.Resampling.BICUBIC, fillcolor="gray")
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.5, 1.5))
    image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.5, 1.6))
    side = rng.randrange(700, 2400)
    stream = io.BytesIO()
    image.resize((side, side)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def fresh(content: bytes) -> bytes:
    """The same picture in another file: a cached answer would tell nothing about the load."""
    return content + uuid.uuid4().bytes


async def live(
    visitor: Visitor,
    number: int,
    content: bytes,
    expected: tuple[str, ...],
    end: float,
    active: asyncio.Semaphore,
    seen: Observations,
) -> None:
    """Uploads and goes from page to page until the end."""
    rng = random.Random(number)
    try:
        while time.monotonic() < end:
            async with active:
                started = time.monotonic()
                page = await visitor.upload(f"photo-{number}.jpg", fresh(content))
                seen.uploads.append(time.monotonic() - started)
            seen.busy += page.kinds["busy"]
            seen.troubles += page.troubles
            if page.answers != expected:
                seen.mixed.append(f"visitor {number}: {page.answers} instead of {expected}")
            for name in [*rng.sample([n for n in visitor.pages if n != HOME], 2), HOME]:
                await asyncio.sleep(rng.uniform(0.5, 4))
                async with active:
                    started = time.monotonic()
                    page = await visitor.run(visitor.pages[name])
                    seen.visits.setdefault(name, []).append(time.monotonic() - started)
                seen.troubles += [f"{name}: {trouble}" for trouble in page.troubles]
            visitor.home = page
            await asyncio.sleep(rng.uniform(0.5, 4))
    except (OSError, TimeoutError, LookupError) as error:
        seen.troubles.append(f"visitor {number}: {type(error).__name__} {error}")


async def watch_memory(server: Server, end: float, sizes: list[float]) -> None:
    while time.monotonic() < end:
        sizes.append(server.resident_mb())
        await asyncio.sleep(1)


async def load(server: Server, sessions: int, active: int, seconds: float) -> dict[str, object]:
    """The figures of a run, with `problems` in words."""
    contents = [await asyncio.to_thread(photo, number) for number in range(sessions)]
    first = await visit(server.url)
    expected = []
    for number, content in enumerate(contents):
        page = await first.upload(f"photo-{number}.jpg", fresh(content))
        if page.troubles:
            raise SystemExit(f"One visitor alone met: {page.troubles}")
        expected.append(page.answers)
    alone = Counter(expected)
    if () in alone or len(alone) < sessions * 0.9:
        raise SystemExit(f"The photos' answers do not tell visitors apart: {alone}")
    visitors = [await visit(server.url) for _ in range(sessions)]
    seen, memory = Observations(), [server.resident_mb()]
    end = time.monotonic() + seconds
    turns = asyncio.Semaphore(active)
    await asyncio.gather(
        watch_memory(server, end, memory),
        *(
            live(visitor, number, contents[number], expected[number], end, turns, seen)
            for number, visitor in enumerate(visitors)
        ),
    )
    memory.append(server.resident_mb())
    return summary(seen, memory, sessions, active, seconds, len(alone))


def quantiles(values: list[float]) -> dict[str, float]:
    values_at = np.percentile(values, [50, 95, 100]) if values else np.full(3, np.nan)
    return {
        "n": len(values),
        **{k: round(float(v), 3) for k, v in zip(("p50", "p95", "max"), values_at, strict=True)},
    }


def summary(
    seen: Observations,
    memory: list[float],
    sessions: int,
    active: int,
    seconds: float,
    distinct: int,
) -> dict[str, object]:
    """The figures as plain JSON types."""
    middle = memory[len(memory) // 2]
    return {
        "sessions": sessions,
        "active_at_once": active,
        "seconds": seconds,
        "different_answers": distinct,
        "upload_seconds": quantiles(seen.uploads),
        "visit_seconds": {name: quantiles(times) for name, times in sorted(seen.visits.items())},
        "busy": seen.busy,
        "mixed": seen.mixed,
        "troubles": dict(Counter(seen.troubles)),
        "memory_mb": {
            "start": round(memory[0]),
            "middle": round(middle),
            "max": round(max(memory)),
            "end": round(memory[-1]),
        },
    }


def problems(figures: dict[str, object], p95: float, memory_mb: float) -> list[str]:
    """Return a sentence for each thing that the run should not have shown."""
    sentences = []
    uploads, memory = figures["upload_seconds"], figures["memory_mb"]
    assert isinstance(uploads, dict)
    assert isinstance(memory, dict)
    if figures["mixed"]:
        sentences.append("Somebody saw an answer that was not theirs.")
    if figures["troubles"]:
        sentences.append("There were errors.")
    if not uploads["n"]:
        sentences.append("Nothing was uploaded.")
    elif uploads["p95"] > p95:
        sentences.append(f"95% of uploads took up to {uploads['p95']} s, more than {p95} s.")
    if memory["max"] > memory_mb:
        sentences.append(f"The server took {memory['max']} MB, more than {memory_mb:.0f} MB.")
    return sentences


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--active", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--p95", type=float, default=3.0, help="seconds that an upload may take")
    parser.add_argument("--memory", type=float, default=2500, help="MB that the server may take")
    parser.add_argument("--out", type=Path, help="where the figures are written as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        figures = asyncio.run(
            load(server, arguments.sessions, arguments.active, 60 * arguments.minutes)
        )
        figures["log"] = [
            line
            for line in (Path(folder) / "log").read_text().splitlines()
            if "Traceback" in line or "Error" in line
        ]
    figures["problems"] = problems(figures, arguments.p95, arguments.memory)
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.out is not None:
        arguments.out.write_text(text + "\n")
    sys.exit(bool(figures["problems"]))


if __name__ == "__main__":
    main()
