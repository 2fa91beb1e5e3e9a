"""ASGI requests without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.types import ASGIApp, Message


async def request(
    app: ASGIApp,
    method: str,
    path: str,
    body: Iterable[bytes] = (),
    query: str = "",
    **headers: str,
) -> tuple[int, dict[str, str], str]:
    """Return the status, headers and text that an application answers.

    body: its pieces, each of which comes when the application asks for it. headers: with
    underscores for dashes.
    """
    pieces = iter([*body, None])

    async def receive() -> Message:
        piece = next(pieces, None)
        await asyncio.sleep(0)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
    }
    await app(scope, receive, send)
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    text = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    return sent[0]["status"], answered, text
