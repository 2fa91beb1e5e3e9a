"""A network that takes its time: every byte arrives that many seconds after it was sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while chunk := await source.read(65536):
            loop.call_later(seconds, sink.write, chunk)
    loop.call_later(seconds, sink.close)


@contextmanager
def slow_network(port: int, seconds: float) -> Iterator[int]:
    """Another port of this machine that leads to `port`, later by that many seconds each way."""
    loop = asyncio.new_event_loop()

    async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        there, back = (reader, far_writer), (far_reader, writer)
        await asyncio.gather(*(_carry(*way, seconds) for way in (there, back)))

    # Not in the caller's thread, which may have a running loop of its own.
    thread = threading.Thread(target=loop.run_forever, name="slow-network", daemon=True)
    thread.start()
    listening = asyncio.start_server(link, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(listening, loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
