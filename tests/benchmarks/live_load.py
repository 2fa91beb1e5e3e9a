"""Many cameras at once at the app's socket, and messages that nobody should send.

    python -m tests.benchmarks.live_load --visitors 20 --seconds 120 --messages 5000

A process of its own serves the socket with both models. Each visitor sends a picture of a size of
its own, one at a time, and counts what comes back; then mutated messages are sent. Ends with status
1 where somebody got less than a fifth of the fair share or another's answers, where memory grew by
50 MB or more after the first quarter, or where a message was met by silence.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import sys
import time
from multiprocessing.connection import Connection

import cv2
import numpy as np
import uvicorn
from skimage import data as samples
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.benchmarks import fuzz
from tests.benchmarks.load import watch_memory
from tests.support.making import jpeg
from tests.support.sockets import ORIGIN, picture

MOST_GROWTH_MB = 50.0
LEAST_SHARE = 0.2


def serve(visitors: int, pipe: Connection) -> None:
    """Serve the socket to so many visits and tell its port and their tokens."""
    from fer.artifacts import model_store
    from fer.inference import classification
    from fer.media.live import socket as live_socket
    from fer.media.live.stream import LiveStream
    from fer.media.streaming import FrameAnalyser, StreamAnalyser
    from fer.ui.demo.webcam import LOOK_IN
    from fer.vision.faces import Detector

    # The networks are what holds the visitors up here, and mutated messages need not wait.
    live_socket.FASTEST = 10_000.0
    detector = Detector(model_store.FOLDER / model_store.DETECTOR, LOOK_IN)
    classifier = classification.load(model_store.FOLDER)
    visits = []
    for _ in range(visitors):
        stream = LiveStream()
        stream.analyser = StreamAnalyser(FrameAnalyser(detector, classifier, most_faces=6))
        visits.append(live_socket.Visit(stream.answer, ORIGIN))
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send((listener.getsockname()[1], [visit.token for visit in visits]))
    app = Starlette(routes=live_socket.routes())
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listener])


def joining(port: int) -> connect:
    return connect(f"ws://127.0.0.1:{port}/live", origin=ORIGIN, compression=None)  # type: ignore[arg-type]


async def stream(port: int, token: str, number: int, end: float) -> tuple[int, int, int]:
    """Return the numbers of replies that a visitor got, of those with answers for a face, and of
    another's."""
    width = 480 - 4 * number
    rgb = cv2.resize(np.asarray(samples.astronaut()), (width, 360))
    content = jpeg(rgb)
    answered = seen = foreign = 0
    async with joining(port) as browser:
        await browser.send(token)
        while time.monotonic() < end:
            await browser.send(picture(answered, content))
            reply = json.loads(await browser.recv())
            foreign += reply["size"] != [width, 360] or reply["frame"] != answered
            answered += 1
            seen += bool(reply["is_answered"] and reply["faces"])
    return answered, seen, foreign


async def crowd(port: int, tokens: list[str], seconds: float, pid: int) -> dict[str, float]:
    end, sizes = time.monotonic() + seconds, list[float]()
    visitors = [stream(port, token, number, end) for number, token in enumerate(tokens)]
    watching = asyncio.create_task(watch_memory(pid, sizes))
    counts = await asyncio.gather(*visitors)
    watching.cancel()
    answers = [seen for _, seen, _ in counts]
    first = sizes[len(sizes) // 4 : len(sizes) // 2]
    last = sizes[3 * len(sizes) // 4 :]
    return {
        "visitors": len(tokens),
        "answers_per_second": round(sum(answers) / seconds, 1),
        "fewest_of_fair_share": round(min(answers) * len(answers) / max(sum(answers), 1), 2),
        "replies_per_second": round(sum(replies for replies, _, _ in counts) / seconds, 1),
        "mixed_up": sum(foreign for *_, foreign in counts),
        "memory_mb": round(last[-1], 1),
        "memory_growth_mb": round(float(np.median(last) - np.median(first)), 1),
    }


def mutated(rng: np.random.Generator, whole: bytes) -> bytes | str:
    """A message as no browser sends it: a text, random bytes, too many, or a changed picture."""
    kind = int(rng.integers(6))
    if kind == 0:
        return "".join(map(chr, rng.integers(1, 0xD7FF, size=int(rng.integers(200)))))
    if kind == 1:
        return rng.bytes(int(rng.integers(2000)))
    if kind == 2:
        return whole + bytes(int(rng.integers(400_000)))
    content = bytearray(whole)
    for _ in range(int(rng.integers(1, 4))):
        if content:
            fuzz.change(content, whole, rng)
    return bytes(content)


async def send_mutated(port: int, token: str, messages: int, seed: int) -> dict[str, float]:
    """Send mutated messages and count what is answered to them."""
    rng = np.random.default_rng(seed)
    whole = picture(7, jpeg(cv2.resize(np.asarray(samples.astronaut()), (160, 120))))
    outcomes: dict[str, float] = {"answered": 0, "refused": 0, "silent": 0, "closed": 0}
    browser: ClientConnection | None = None
    for _ in range(messages):
        if browser is None:
            browser = await joining(port)
            await browser.send(token)
        try:
            await browser.send(mutated(rng, whole))
            reply = json.loads(await asyncio.wait_for(browser.recv(), 30))
            outcomes["refused" if "error" in reply else "answered"] += 1
        except TimeoutError:
            outcomes["silent"] += 1
        except ConnectionClosed:
            outcomes["closed"] += 1
            browser = None
    if browser is not None:
        await browser.close()
    return {"messages": messages, "seed": seed, **outcomes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    server = context.Process(target=serve, args=(arguments.visitors, its), daemon=True)
    server.start()
    assert server.pid is not None
    port, tokens = ours.recv()
    figures = asyncio.run(crowd(port, tokens, arguments.seconds, server.pid))
    figures |= asyncio.run(send_mutated(port, tokens[0], arguments.messages, arguments.seed))
    is_alive = server.is_alive()
    server.kill()
    print(json.dumps({**figures, "server_alive": is_alive}, indent=2))
    is_fine = (
        is_alive
        and figures["fewest_of_fair_share"] >= LEAST_SHARE
        and figures["memory_growth_mb"] < MOST_GROWTH_MB
        and not (figures["mixed_up"] or figures["silent"] or figures["closed"])
    )
    sys.exit(not is_fine)


if __name__ == "__main__":
    main()
