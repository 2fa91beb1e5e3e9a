"""Many visitors who upload all they may: `python -m tests.benchmarks.load --fill --sessions 10`.

Each sends photos until the server has no room for one, one of them videos of the largest size, and
somebody else's photo must be answered all the same; then all leave. Prints JSON; exits with 1 if
there was an error or the server took more memory than it may.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from skimage import data as samples

from fer.ui.uploads.upload_limits import WAIT_SECONDS
from tests.support.making import jpeg
from tests.support.serving import Server, resident_mb, running
from tests.support.visitors import Visitor, visit

# A phone's photo, and how many of them a visitor sends at most.
PHOTO_BYTES, MOST_PHOTOS = 2_600_000, 60
VIDEO_BYTES = 200 << 20
# So long after it was left a visit is over.
OVER_SECONDS = 8


async def watch_memory(pid: int, sizes: list[float], pause: float = 1) -> None:
    """Take the memory of a process until it is cancelled."""
    while True:
        sizes.append(resident_mb(pid))
        await asyncio.sleep(pause)


async def fill(visitor: Visitor, most: int, size: int) -> None:
    """Send files of that size until the server has no room for one, or that many."""
    content = np.random.default_rng(0).bytes(size)
    for _ in range(most):
        place, began = await visitor.place("photo.jpg"), time.monotonic()
        await asyncio.to_thread(visitor.put, place.upload_url, "photo.jpg", content)
        if time.monotonic() - began > WAIT_SECONDS:
            return


async def overload(server: Server, sessions: int) -> tuple[dict[str, object], list[float]]:
    """Return figures and the memory in MB as time went by."""
    content, memory = jpeg(np.asarray(samples.astronaut())), list[float]()
    first = await visit(server.url)
    await first.upload("face.jpg", content)
    watching = asyncio.create_task(watch_memory(server.pid, memory, 0.1))
    visitors = [await visit(server.url) for _ in range(sessions)]
    await asyncio.gather(
        fill(visitors[0], 2, VIDEO_BYTES),
        *(fill(visitor, MOST_PHOTOS, PHOTO_BYTES) for visitor in visitors[1:]),
    )
    kept, began = server.tell("uploads"), time.monotonic()
    # The same picture in another file: a cached answer would tell nothing.
    page = await first.upload("face.jpg", content + b"\0")
    figures = {
        "upload_seconds": round(time.monotonic() - began, 3),
        "answers_meanwhile": len(page.answers),
        "troubles": page.troubles,
        "videos": kept.count(VIDEO_BYTES),
        "photos": kept.count(PHOTO_BYTES),
    }
    for visitor in [*visitors, first]:
        await visitor.socket.close()
    await asyncio.sleep(3 * OVER_SECONDS)
    watching.cancel()
    return figures, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--fill", action="store_true", help="what it does in any case")
    parser.add_argument("--memory", type=float, default=2500, help="MB that the server may take")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with running(Path(folder), FER_SHORT_VISITS=str(OVER_SECONDS)) as server:
            figures, memory = asyncio.run(overload(server, asked.sessions))
        log = (Path(folder) / "log").read_text()
    moments = {"start": memory[0], "most": max(memory), "end": memory[-1]}
    figures["memory_mb"] = {moment: round(size) for moment, size in moments.items()}
    print(json.dumps(figures, indent=2))
    is_fine = figures["answers_meanwhile"] == 2 and max(memory) <= asked.memory
    sys.exit(not is_fine or bool(figures["troubles"]) or "Traceback" in log)


if __name__ == "__main__":
    main()
