"""Visits that each upload all they may: `python -m tests.benchmarks.upload_load --visits 10`.

Each visitor sends photos one after another until the server has no room for one, and one of them
videos of the largest size. Prints as JSON how much it kept and the server's resident memory:
after its first photo, at most, while all of it is held, and when the visits are over. Exits with 1
if that is more than the server may take, or if a photo finds no answer meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data as samples

from fer.ui.uploads.upload_limits import WAIT_SECONDS
from tests.benchmarks import load
from tests.support.making import jpeg
from tests.support.serving import Server, resident_mb, running
from tests.support.visitors import Visitor, visit

# A phone's photo.
PHOTO_BYTES = 2_600_000
VIDEO_BYTES = 200 << 20
OVER_SECONDS = 8


async def fill(visitor: Visitor, most: int, size: int = PHOTO_BYTES) -> None:
    """Send files of that size until the server has no room for one, or that many."""
    content = np.random.default_rng(0).bytes(size)
    for _ in range(most):
        place, began = await visitor.place("photo.jpg"), time.monotonic()
        await asyncio.to_thread(visitor.put, place.upload_url, "photo.jpg", content)
        if time.monotonic() - began > WAIT_SECONDS:
            return


async def measure(server: Server, visits: int, most: int) -> dict[str, Any]:
    """The figures of a run."""
    memory: list[float] = []
    photo = jpeg(np.asarray(samples.astronaut()))
    first = await visit(server.url)
    await first.upload("face.jpg", photo)
    start = resident_mb(server.pid)
    watching = asyncio.create_task(load.watch_memory(server.pid, memory, 0.1))
    visitors = [await visit(server.url) for _ in range(visits)]
    await asyncio.gather(
        fill(visitors[0], 2, VIDEO_BYTES), *(fill(visitor, most) for visitor in visitors[1:])
    )
    held, kept = resident_mb(server.pid), server.tell("uploads")
    page = await first.upload("face.jpg", load.fresh(photo))
    for visitor in [*visitors, first]:
        await visitor.leave()
    await asyncio.sleep(3 * OVER_SECONDS)
    watching.cancel()
    return {
        "visits": visits,
        "videos": kept.count(VIDEO_BYTES),
        "photos": kept.count(PHOTO_BYTES),
        "answered_meanwhile": len(page.answers) == 2,
        "memory_mb": {
            "start": round(start),
            "max": round(max(memory)),
            "held": round(held),
            "over": round(resident_mb(server.pid)),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=10)
    parser.add_argument("--most", type=int, default=60, help="photos that a visitor sends")
    parser.add_argument("--memory", type=float, default=1500, help="MB that the server may take")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), FER_SHORT_VISITS=str(OVER_SECONDS)) as server,
    ):
        found = asyncio.run(measure(server, asked.visits, asked.most))
        log = (Path(folder) / "log").read_text()
    print(json.dumps(found, indent=2))
    is_small = found["memory_mb"]["max"] <= asked.memory
    sys.exit(not (is_small and found["answered_meanwhile"]) or "Traceback" in log)


if __name__ == "__main__":
    main()
