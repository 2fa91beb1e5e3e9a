"""Whether the server's memory stays where it is while a webcam streams for long.

    python -m tests.benchmarks.stream_soak --minutes 20

A fake camera plays a moving face at 30 frames/s to the demo page in Chromium; the server's
resident memory is taken every ten seconds. Ends with status 1 where it grew by 50 MB or more after
the first minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import expect, sync_playwright
from skimage import data as samples

from tests.support import camera
from tests.support.serving import resident_mb, running

STEP = 10.0
MOST_GROWTH = 50.0


def soak(minutes: float, folder: Path, way: str) -> list[tuple[float, float]]:
    """Return seconds since the first answer and the server's resident memory then, in MB."""
    clip = camera.write_clip(folder / "face.y4m", np.asarray(samples.astronaut()), rate=30)
    taken = []
    with (
        running(folder) as server,
        sync_playwright() as playwright,
        camera.camera_page(playwright.chromium, camera.playing(clip)) as page,
    ):
        camera.start(page, server, way)
        expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=120_000)
        began = time.monotonic()
        while (now := time.monotonic() - began) < 60 * minutes:
            taken.append((round(now, 1), round(resident_mb(server.pid), 1)))
            threads = len(server.tell("threads"))
            rate = page.get_by_text("frames/s").nth(1).inner_text()
            print(f"{now:6.0f} s {taken[-1][1]:8.1f} MB {threads} threads, {rate}", flush=True)
            page.wait_for_timeout(1000 * STEP)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20, help="at least 2; 20 by default")
    parser.add_argument("--way", choices=("webrtc", "socket"), default="", help="of the pictures")
    parser.add_argument("--out", type=Path, help="where the samples go as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        taken = soak(max(2, arguments.minutes), Path(folder), arguments.way)
    # From the second minute's first half to the last minute.
    first = [size for at, size in taken if 60 <= at < 90]
    last = [size for at, size in taken if at >= taken[-1][0] - 60]
    grown = float(np.mean(last) - np.mean(first))
    print(f"{grown:+.1f} MB after the first minute, in {taken[-1][0] / 60:.0f} minutes")
    if arguments.out:
        record = {"growth_mb": round(grown, 1), "samples": taken}
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")
    sys.exit(grown >= MOST_GROWTH)


if __name__ == "__main__":
    main()
