"""Many visitors at once: `python -m tests.benchmarks.load --sessions 40 --active 8 --minutes 5`.

Each visitor opens the dashboard, uploads a photo of its own, reads both models' answers, and goes
from page to page. A photo's answers are known from one visitor who asked alone. Prints and writes
JSON; exits with 1 if somebody saw another's answer or an error, if the 95th percentile of an upload
is above its limit, or if the server took more memory than it may.

With --fill each visitor sends photos until the server has no room for one, one of them videos of
the largest size, and somebody else's photo must be answered all the same; then all leave.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance
from skimage import data as samples

from fer.ui.uploads.upload_limits import WAIT_SECONDS
from tests.support.making import encoded
from tests.support.serving import Server, resident_mb, running
from tests.support.visitors import HOME, Visitor, visit

# A phone's photo, and how many of them a visitor sends at most.
PHOTO_BYTES, MOST_PHOTOS = 2_600_000, 60
VIDEO_BYTES = 200 << 20
# So long after it was left a visit is over, where visitors upload all they may.
OVER_SECONDS = 8


@dataclass
class Observations:
    """Seconds of uploads and visits, errors of all visitors together, and the server's memory in MB
    as time went by."""

    uploads: list[float] = field(default_factory=list)
    visits: dict[str, list[float]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    busy: int = 0
    memory: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return the observations as plain JSON types."""
        memory = [round(size) for size in self.memory]
        return {
            "upload_seconds": quantiles(self.uploads),
            "visit_seconds": {page: quantiles(took) for page, took in sorted(self.visits.items())},
            "busy": self.busy,
            "mixed": self.mixed,
            "troubles": dict(Counter(self.troubles)),
            "memory_mb": {
                "start": memory[0],
                "middle": memory[len(memory) // 2],
                "max": max(memory),
                "end": memory[-1],
            },
        }

    def problems(self, p95: float, memory_mb: float) -> list[str]:
        """Return a sentence for each thing that the run should not have shown."""
        late, most = quantiles(self.uploads)["p95"], round(max(self.memory))
        sentences = {
            "Somebody saw an answer that was not theirs.": self.mixed,
            "There were errors.": self.troubles,
            "Nothing was uploaded.": not self.uploads,
            f"95% of uploads took up to {late} s, more than {p95} s.": late > p95,
            f"The server took {most} MB, more than {memory_mb:.0f} MB.": most > memory_mb,
        }
        return [sentence for sentence, is_so in sentences.items() if is_so]


def quantiles(values: list[float]) -> dict[str, float]:
    values_at = np.percentile(values, [50, 95, 100]) if values else np.full(3, np.nan)
    return {
        "n": len(values),
        **{k: round(float(v), 3) for k, v in zip(("p50", "p95", "max"), values_at, strict=True)},
    }


def photo(number: int) -> bytes:
    """A photo of one face, turned, lit and sized by its number, about as large as a phone sends."""
    rng = random.Random(number)
    image = Image.fromarray(np.asarray(samples.astronaut()))
    image = image.rotate(rng.uniform(-25, 25), Image.Resampling.BICUBIC, fillcolor="gray")
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.5, 1.5))
    image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.5, 1.6))
    side = rng.randrange(700, 2400)
    return encoded(image.resize((side, side)), "JPEG", quality=90)


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
    """Upload and go from page to page until the end."""
    rng = random.Random(number)
    try:
        while time.monotonic() < end:
            async with active:
                started = time.monotonic()
                page = await visitor.upload(f"photo-{number}.jpg", fresh(content))
                seen.uploads.append(time.monotonic() - started)
            seen.busy += page.is_busy
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


async def watch_memory(pid: int, sizes: list[float], pause: float = 1) -> None:
    """Take the memory of a process until it is cancelled."""
    while True:
        sizes.append(resident_mb(pid))
        await asyncio.sleep(pause)


async def load(server: Server, sessions: int, active: int, seconds: float) -> Observations:
    """Let visitors come and go."""
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
    seen = Observations()
    watching = asyncio.create_task(watch_memory(server.pid, seen.memory))
    end = time.monotonic() + seconds
    turns = asyncio.Semaphore(active)
    await asyncio.gather(
        *(
            live(visitor, number, contents[number], expected[number], end, turns, seen)
            for number, visitor in enumerate(visitors)
        )
    )
    watching.cancel()
    return seen


async def fill(visitor: Visitor, most: int, size: int) -> None:
    """Send files of that size until the server has no room for one, or that many."""
    content = np.random.default_rng(0).bytes(size)
    for _ in range(most):
        place, began = await visitor.place("photo.jpg"), time.monotonic()
        await asyncio.to_thread(visitor.put, place.upload_url, "photo.jpg", content)
        if time.monotonic() - began > WAIT_SECONDS:
            return


async def overload(server: Server, sessions: int) -> tuple[Observations, dict[str, Any]]:
    """Let visitors upload all they may while one of them asks, and leave."""
    seen, content = Observations(), photo(0)
    first = await visit(server.url)
    await first.upload("face.jpg", content)
    watching = asyncio.create_task(watch_memory(server.pid, seen.memory, 0.1))
    visitors = [await visit(server.url) for _ in range(sessions)]
    await asyncio.gather(
        fill(visitors[0], 2, VIDEO_BYTES),
        *(fill(visitor, MOST_PHOTOS, PHOTO_BYTES) for visitor in visitors[1:]),
    )
    held, kept, began = resident_mb(server.pid), server.tell("uploads"), time.monotonic()
    page = await first.upload("face.jpg", fresh(content))
    seen.uploads.append(time.monotonic() - began)
    if len(page.answers) != 2:
        seen.troubles.append("A photo found no answer meanwhile.")
    for visitor in [*visitors, first]:
        await visitor.socket.close()
    await asyncio.sleep(3 * OVER_SECONDS)
    watching.cancel()
    videos, photos = kept.count(VIDEO_BYTES), kept.count(PHOTO_BYTES)
    return seen, {"videos": videos, "photos": photos, "memory_held_mb": round(held)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--active", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--fill", action="store_true", help="upload all that each visitor may")
    parser.add_argument("--p95", type=float, default=3.0, help="seconds that an upload may take")
    parser.add_argument("--memory", type=float, default=2500, help="MB that the server may take")
    parser.add_argument("--out", type=Path, help="where the figures are written as JSON")
    asked = parser.parse_args()
    environment = {"FER_SHORT_VISITS": str(OVER_SECONDS)} if asked.fill else {}
    figures: dict[str, Any] = {"sessions": asked.sessions}
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), **environment) as server,
    ):
        if asked.fill:
            seen, kept = asyncio.run(overload(server, asked.sessions))
            figures |= kept
        else:
            seen = asyncio.run(load(server, asked.sessions, asked.active, 60 * asked.minutes))
            figures |= {"active_at_once": asked.active, "minutes": asked.minutes}
        log = (Path(folder) / "log").read_text().splitlines()
    seen.troubles += [line for line in log if "Traceback" in line]
    p95 = float("inf") if asked.fill else asked.p95
    figures |= seen.figures() | {"problems": seen.problems(p95, asked.memory)}
    text = json.dumps(figures, indent=2)
    print(text)
    if asked.out is not None:
        asked.out.write_text(text + "\n")
    sys.exit(bool(figures["problems"]))


if __name__ == "__main__":
    main()
