"""How the webcam page keeps up by each way, measured in the browser.

    python -m tests.benchmarks.stream_benchmark

Chromium on this machine plays a face at 640x480 and 30 frames/s to the demo page, by WebRTC and by
the app's own socket. By WebRTC every frame carries a number (see `stamps`), so the browser itself
sees when a frame was captured and when answers made from that very frame were first on the screen;
by the socket the page's own events tell both.

With --soak the server's memory is taken every ten seconds for so many minutes instead. Ends with
status 1 where it grew by 50 MB or more after the first minute.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import Page, sync_playwright
from skimage import data as samples

from tests.support import camera, stamps
from tests.support.making import until
from tests.support.serving import Server, resident_mb, running
from tests.support.slow_network import slow_network

SECONDS = 24.0
RATE = 30
# From the first answer until rates have settled: WebRTC's bit rate climbs for a few seconds.
SETTLING = 6.0
# Of a soak: seconds between two looks at the memory, and by how much it may grow.
STEP, MOST_GROWTH_MB = 10.0, 50.0
WAYS = ("webrtc", "socket")
# When a frame of the socket was captured, and when its answers were on the screen.
ANSWERED = """
window.answered = [];
document.addEventListener('answered', ({ detail }) =>
  requestAnimationFrame(() => window.answered.push([detail.takenAt, performance.now()])));
"""


def cpu_seconds(server: Server) -> float:
    """What the server has taken of the processor so far."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(page: Page, server: Server, way: str, seconds: float) -> dict[str, float]:
    """Return how many frames were analysed and how many different ones shown a second, milliseconds
    from capture to drawn answers, and the server's seconds of processor a minute."""
    until(lambda: server.tell("analysed"), "no frame was analysed", 0.5)
    page.wait_for_timeout(1000 * SETTLING)
    by_socket = way == "socket"
    frame = page if by_socket else camera.component(page)
    frame.evaluate("answered.length = 0" if by_socket else "captured.length = shown.length = 0")
    began, cpu = time.monotonic(), cpu_seconds(server)
    page.wait_for_timeout(1000 * seconds)
    took, cpu = time.monotonic() - began, cpu_seconds(server) - cpu
    if by_socket:
        answered = frame.evaluate("answered")
        shown, delays = len(answered), [drawn - taken for taken, drawn in answered]
    else:
        captured, pictures = frame.evaluate("[captured, shown]")
        numbers = [number for _, number, _ in pictures if number is not None]
        shown = sum(a != b for a, b in itertools.pairwise(numbers))
        delays = delays_ms(captured, pictures)
    count = sum(began <= at < began + took for at in server.tell("analysed"))
    median, late = np.percentile(delays, [50, 95]) if delays else (np.nan, np.nan)
    return {
        "analysed_per_second": round(count / took, 1),
        "shown_per_second": round(shown / took, 1),
        "answers_per_second": round(len(delays) / took, 1),
        "p50_ms": round(float(median), 1),
        "p95_ms": round(float(late), 1),
        "cpu_seconds_a_minute": round(60 * cpu / took, 1),
    }


def delays_ms(captured: list[list[Any]], shown: list[list[Any]]) -> list[float]:
    """Milliseconds from a frame's capture to the first showing of its answers, for each drawn.

    Numbers come again after 8.5 s: where the browser's script missed a capture, the one before it
    of the same number would be taken, so what is older than that is left out.
    """
    events = sorted(
        [(at, "captured", number) for at, number in captured]
        + [(at, "drawn", number) for at, _, number in shown]
    )
    taken: dict[int, float] = {}
    last: int | None = None
    delays = []
    for at, kind, number in events:
        if number is None:
            continue
        if kind == "captured":
            taken[number] = at
        elif number != last:
            last = number
            if at - taken.get(number, -np.inf) < 1000 * stamps.COUNT / RATE:
                delays.append(at - taken[number])
    return delays


def run(way: str, seconds: float, folder: Path, clip: Path, delay: float) -> dict[str, float]:
    """Return what `measure` finds by one of `WAYS`, where the network adds so many seconds each way
    to what goes over the page's own port."""
    script = ANSWERED if way == "socket" else stamps.READER
    with (
        running(folder, FER_STAMPS="1") as server,
        slow_network(int(server.url.rpartition(":")[2]), delay) as port,
        sync_playwright() as playwright,
        camera.camera_page(playwright.chromium, camera.playing(clip), script=script) as page,
    ):
        url = f"http://localhost:{port}" if way == "socket" and delay else server.url
        # The networks are loaded by whoever comes first.
        page.goto(url)
        page.locator(".js-plotly-plot g.point").first.wait_for()
        page.goto(f"{url}/Realtime_Demo?way={way}")
        page.get_by_role("button", name="Start", exact=True).click()
        return measure(page, server, way, seconds)


def soak(minutes: float, folder: Path, clip: Path, way: str) -> bool:
    """Print the server's memory while it streams; return whether it grew too much."""
    sizes: list[tuple[float, float]] = []
    with (
        running(folder) as server,
        sync_playwright() as playwright,
        camera.camera_page(playwright.chromium, camera.playing(clip)) as page,
    ):
        camera.start(page, server, way)
        page.locator(".js-plotly-plot").first.wait_for()
        began = time.monotonic()
        while (now := time.monotonic() - began) < 60 * max(2, minutes):
            sizes.append((now, resident_mb(server.pid)))
            print(f"{now:6.0f} s {sizes[-1][1]:8.1f} MB", flush=True)
            page.wait_for_timeout(1000 * STEP)
    # From the second minute's first half to the last minute.
    first = [size for at, size in sizes if 60 <= at < 90]
    last = [size for at, size in sizes if at >= now - 60]
    grown = float(np.mean(last) - np.mean(first))
    print(f"{grown:+.1f} MB after the first minute, in {now / 60:.0f} minutes")
    return grown >= MOST_GROWTH_MB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=SECONDS, help="24 by default")
    parser.add_argument("--only", choices=WAYS, action="append", help="measure one way, or several")
    parser.add_argument(
        "--delay-ms", type=float, default=0.0, help="what the network adds each way to the socket"
    )
    parser.add_argument("--soak", type=float, help="minutes of streaming by one way, at least 2")
    arguments = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as name:
        face, clip = np.asarray(samples.astronaut()), Path(name) / "face.y4m"
        camera.write_clip(clip, face, rate=RATE, frames=stamps.COUNT, mark=stamps.write)
        if arguments.soak:
            sys.exit(soak(arguments.soak, Path(name), clip, (arguments.only or [""])[0]))
        for way in arguments.only or WAYS:
            delay = arguments.delay_ms / 1000
            found[way] = run(way, arguments.seconds, Path(name), clip, delay)
    print(pd.DataFrame(found).to_string())


if __name__ == "__main__":
    main()
