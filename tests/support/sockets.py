"""The camera's socket in a server of its own, and pictures for it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from websockets.sync.client import ClientConnection, connect

from tests.support import making
from tests.support.making import until

ORIGIN = "https://faces.example"


@contextmanager
def serving(routes: list[BaseRoute]) -> Iterator[tuple[str, uvicorn.Server]]:
    """The address (ws://…) and the server of an app with these routes, stopped at the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="error"))
    thread = threading.Thread(target=server.run, args=([listener],), name="test-server")
    thread.start()
    try:
        until(lambda: server.started)
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}", server
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def joined(address: str, token: str) -> Iterator[ClientConnection]:
    """A browser's connection that has told its visit's token. The visit ends with its holder."""
    with connect(f"{address}/live", origin=ORIGIN, compression=None) as browser:  # type: ignore[arg-type]
        browser.send(token)
        yield browser


def picture(number: int, jpeg: bytes) -> bytes:
    """A message with that picture."""
    return number.to_bytes(4, "big") + jpeg


def reply(browser: ClientConnection) -> dict[str, Any]:
    """What the server answers next."""
    return dict(json.loads(browser.recv()))


def jpeg(width: int = 64, height: int = 48, shade: int = 90) -> bytes:
    """A JPEG of one shade of gray."""
    return making.jpeg(np.full((height, width, 3), shade, np.uint8))
