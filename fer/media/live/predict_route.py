"""`POST /api/predict`: a photo in, the record of `fer predict --json` out, for programs.

Off unless the server's operator turns it on; its limits are those of the camera's socket.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fer import FerError
from fer.media.live.socket import FASTEST, MOST_CONNECTIONS, addresses

if TYPE_CHECKING:
    # For types only: it loads the image libraries, which would delay a server's start by a second.
    from fer.media.photos import PhotoRecord

PATH = "api/predict"
VARIABLE = "FER_PREDICT_API"

# Returns the record of a photo's content; raises FerError if it cannot be read or is too large.
Predict = Callable[[bytes, str], "PhotoRecord"]


def is_on() -> bool:
    """Return whether the operator turned the route on. Raise FerError if the environment variable
    is neither on nor off."""
    value = os.environ.get(VARIABLE, "off")
    if value not in ("on", "off"):
        raise FerError(
            "{variable} is {wish}; set it to on or off.", variable=VARIABLE, wish=f"{value!r}"
        )
    return value == "on"


class PredictApi:
    """The route of one server. A thread calls `predict` with photos of at most `most_bytes`."""

    def __init__(self, predict: Predict, most_bytes: int) -> None:
        self._predict, self._most_bytes = predict, most_bytes
        self._waiting = 0
        self._next_allowed = 0.0
        self._threads = ThreadPoolExecutor(2, "predict")

    async def endpoint(self, request: Request) -> Response:
        """Answer a photo in the request's body with JSON, or with an error's sentence."""
        origin = request.headers.get("origin")
        # Programs name none.
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            return _refused(403, "Only programs and the app's own pages may ask.")
        if self._waiting >= MOST_CONNECTIONS or time.monotonic() < self._next_allowed:
            return _refused(429, "The server is busy; ask again in a moment.")
        self._next_allowed = time.monotonic() + 1 / FASTEST
        self._waiting += 1
        try:
            content = b""
            async for chunk in request.stream():
                content += chunk
                if len(content) > self._most_bytes:
                    return _refused(413, f"A photo may have {self._most_bytes // 1000} kB at most.")
            name = request.query_params.get("name", "photo")
            record = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._predict, content, name
            )
            return JSONResponse(record)
        except FerError as error:
            return _refused(422, str(error))
        finally:
            self._waiting -= 1


def _refused(status: int, sentence: str) -> Response:
    headers = {"Retry-After": "1"} if status == 429 else None
    return JSONResponse({"error": sentence}, status, headers)


def routes(predict: Predict, most_bytes: int) -> list[BaseRoute]:
    """Return the route at each of its addresses; none unless the operator turned it on."""
    # The pages show the error.
    with suppress(FerError):
        if is_on():
            endpoint = PredictApi(predict, most_bytes).endpoint
            return [Route(path, endpoint, methods=["POST"]) for path in addresses(PATH)]
    return []
