"""How the webcam page keeps up by each way, measured in the browser, beside a page built the usual
way.

    python -m tests.benchmarks.stream_benchmark --out stream.json

Chromium on this machine plays a face at 640x480 and 30 frames/s to the demo page, by WebRTC and by
the app's own socket, and then to `naive_page.py`. By WebRTC every frame carries a number (see
`stamps`), so the browser itself sees when a frame was captured and when answers made from that very
frame were first on the screen; by the socket the page's own events tell both. "firewall" is a
network that lets no WebRTC through, where the socket takes over by itself.

With --soak the server's memory is taken every ten seconds for so many minutes instead. Ends with
status 1 where it grew by 50 MB or more after the first minute.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
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
WAYS = ("webrtc", "socket", "firewall", "naive")
BY_SOCKET = ("socket", "firewall")
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


def measure(page: Page, server: Server, way: str, seconds: float) -> dict[str, float | None]:
    """Return how many frames were analysed and how many different ones shown, milliseconds from
    capture to drawn answers (None where none was drawn), and the server's processor time."""
    until(lambda: server.tell("analysed"), "no frame was analysed", 0.5)
    page.wait_for_timeout(1000 * SETTLING)
    by_socket = way in BY_SOCKET
    frame = page if by_socket else camera.video(page)
    lists = "answered" if by_socket else "captured"
    frame.evaluate(f"{lists}.length = 0" + ("" if by_socket else "; shown.length = 0"))
    began, cpu = time.monotonic(), cpu_seconds(server)
    page.wait_for_timeout(1000 * seconds)
    took, cpu = time.monotonic() - began, cpu_seconds(server) - cpu
    if by_socket:
        answered = frame.evaluate("answered")
        delays = [drawn - taken for taken, drawn in answered]
        shown, bare = len(answered), []
    else:
        captured, pictures = frame.evaluate("[captured, shown]")
        numbers = [number for _, number, _ in pictures if number is not None]
        shown = sum(a != b for a, b in itertools.pairwise(numbers))
        delays = delays_ms(captured, pictures)
        # What the way to the server and back takes, whatever is drawn on the frame.
        bare = delays_ms(captured, [[at, number, number] for at, number, _ in pictures])
    count = sum(began <= at < began + took for at in server.tell("analysed"))
    return {
        "seconds": round(took, 2),
        "analysed": round(count * seconds / took),
        "shown_per_second": round(shown / took, 1),
        "answers_per_second": round(len(delays) / took, 1),
        "bare_p50_ms": round(float(np.median(bare)), 1) if bare else None,
        "p50_ms": round(float(np.percentile(delays, 50)), 1) if delays else None,
        "p95_ms": round(float(np.percentile(delays, 95)), 1) if delays else None,
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


def run(
    way: str, seconds: float, folder: Path, clip: Path, delay: float = 0.0
) -> dict[str, float | None]:
    """Return what `measure` finds by one of `WAYS`, where the network adds so many seconds each way
    to what goes over the page's own port."""
    script = ANSWERED if way in BY_SOCKET else stamps.READER
    if way == "firewall":
        script += camera.FIREWALL
    page_file = "tests/benchmarks/naive_page.py" if way == "naive" else "Home.py"
    with ExitStack() as stack:
        server = stack.enter_context(running(folder, page_file, FER_STAMPS="1"))
        playwright = stack.enter_context(sync_playwright())
        page = stack.enter_context(
            camera.camera_page(playwright.chromium, camera.playing(clip), script=script)
        )
        url = server.url
        if delay:
            port = int(url.rpartition(":")[2])
            url = f"http://localhost:{stack.enter_context(slow_network(port, delay))}"
        if way != "naive":
            # The networks are loaded by whoever comes first.
            page.goto(url)
            page.locator(".js-plotly-plot g.point").first.wait_for()
        chosen = f"?way={way}" if way in ("webrtc", "socket") else ""
        page.goto(url if way == "naive" else f"{url}/Realtime_Demo{chosen}")
        # The naive page shows nothing before TensorFlow and both networks are loaded.
        begin = camera.component(page, "button") if way == "naive" else page
        begin.get_by_role("button", name="Start", exact=way != "naive").click()
        pressed = time.monotonic()
        first = None
        if way != "naive":
            first_seen = "canvas.answered" if way in BY_SOCKET else ".js-plotly-plot g.point"
            page.locator(first_seen).first.wait_for()
            first = round(time.monotonic() - pressed, 1)
        return {"first_answer_seconds": first, **measure(page, server, way, seconds)}


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
            threads = len(server.tell("threads"))
            rate = page.get_by_text("frames/s").nth(1).inner_text()
            print(f"{now:6.0f} s {sizes[-1][1]:8.1f} MB {threads} threads, {rate}", flush=True)
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
    parser.add_argument("--out", type=Path, help="where the figures go as JSON")
    arguments = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as name:
        clip = camera.write_clip(
            Path(name) / "face.y4m",
            np.asarray(samples.astronaut()),
            rate=RATE,
            frames=stamps.COUNT,
            mark=stamps.write,
        )
        if arguments.soak:
            sys.exit(soak(arguments.soak, Path(name), clip, (arguments.only or [""])[0]))
        for way in arguments.only or WAYS:
            delay = arguments.delay_ms / 1000 if way in BY_SOCKET else 0.0
            found[way] = run(way, arguments.seconds, Path(name), clip, delay)
    out = Console()
    out.print(pd.DataFrame(found))
    record: dict[str, Any] = {"ways": found, "delay_ms": arguments.delay_ms}
    if {"webrtc", "naive"} <= found.keys():
        ratio = found["webrtc"]["analysed"] / max(found["naive"]["analysed"], 1)
        record["analysed_ratio"] = round(ratio, 1)
        out.print(f"{ratio:.1f} times the naive page's analysed frames", highlight=False)
    if arguments.out:
        # Imports TensorFlow, which must not take time or memory from what is measured.
        from fer.lab import latency

        record["machine"] = latency.machine()
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
