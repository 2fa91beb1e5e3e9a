"""Many cameras at once at the app's socket: `python -m tests.benchmarks.live_load --visitors 20`.

Each visitor sends a picture of a size of its own, one at a time, and counts what comes back from
both models. Ends with status 1 where somebody got less than a fifth of the fair share or another's
answers, or where memory grew by 50 MB or more after the first quarter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time

import cv2
import numpy as np
from skimage import data as samples
from websockets.asyncio.client import connect

from fer.artifacts import model_store
from fer.inference import classification
from fer.media.live import socket as live_socket
from fer.media.live.stream import LiveStream
from fer.media.streaming import FrameAnalyser, StreamAnalyser
from fer.ui.demo.webcam import LOOK_IN
from fer.vision.faces import Detector
from tests.benchmarks.load import watch_memory
from tests.support.making import jpeg
from tests.support.sockets import ORIGIN, picture, serving

MOST_GROWTH_MB = 50.0
LEAST_SHARE = 0.2


async def stream(address: str, token: str, number: int, end: float) -> tuple[int, int, int]:
    """Return the numbers of replies that a visitor got, of those with answers for a face, and of
    another's."""
    width = 480 - 4 * number
    content = jpeg(cv2.resize(np.asarray(samples.astronaut()), (width, 360)))
    answered = seen = foreign = 0
    url = f"{address}/live"
    async with connect(url, origin=ORIGIN, compression=None) as browser:  # type: ignore[arg-type]
        await browser.send(token)
        while time.monotonic() < end:
            await browser.send(picture(answered, content))
            reply = json.loads(await browser.recv())
            foreign += reply["size"] != [width, 360] or reply["frame"] != answered
            answered += 1
            seen += bool(reply["is_answered"] and reply["faces"])
    return answered, seen, foreign


async def crowd(address: str, tokens: list[str], seconds: float) -> dict[str, float]:
    end, sizes = time.monotonic() + seconds, list[float]()
    visitors = [stream(address, token, number, end) for number, token in enumerate(tokens)]
    watching = asyncio.create_task(watch_memory(os.getpid(), sizes))
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    arguments = parser.parse_args()
    # The networks are what holds the visitors up here.
    live_socket.FASTEST = 10_000.0
    detector = Detector(model_store.FOLDER / model_store.DETECTOR, LOOK_IN)
    classifier = classification.load(model_store.FOLDER)
    visits = []
    for _ in range(arguments.visitors):
        live = LiveStream()
        live.analyser = StreamAnalyser(FrameAnalyser(detector, classifier, most_faces=6))
        visits.append(live_socket.Visit(live.answer, ORIGIN))
    with serving(live_socket.routes()) as (address, _server):
        tokens = [visit.token for visit in visits]
        figures = asyncio.run(crowd(address, tokens, arguments.seconds))
    print(json.dumps(figures, indent=2))
    is_fine = (
        figures["fewest_of_fair_share"] >= LEAST_SHARE
        and figures["memory_growth_mb"] < MOST_GROWTH_MB
        and not figures["mixed_up"]
    )
    sys.exit(not is_fine)


if __name__ == "__main__":
    main()
