"""A network that takes its time: every byte arrives that many seconds after it was sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, chunk = await waiting.get()
            await asyncio.sleep(due - loop.time())
            if not chunk:
                sink.close()
                return
            sink.write(chunk)
            await sink.drain()

    delivery = asyncio.create_task(deliver())
    chunk = b" "
    with suppress(ConnectionError):
        while chunk:
            chunk = await source.read(65536)
            waiting.put_nowait((loop.time() + seconds, chunk))
    with suppress(ConnectionError):
        await delivery


@contextmanager
def slow_network(port: int, seconds: float) -> Iterator[int]:
    """Another port of this machine that leads to `port`, later by that many seconds each way."""
    loop = asyncio.new_event_loop()
    links: set[asyncio.Task[None]] = set()

    async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(_carry(source, sink, seconds))
            links.add(task)
            task.add_done_callback(links.discard)

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
