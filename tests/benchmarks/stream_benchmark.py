"""How the webcam page keeps up, measured in the browser, beside a page built the usual way.

    python -m tests.benchmarks.stream_benchmark --out stream.json

Chromium on this machine plays a face at 640x480 and 30 frames/s to the demo page and then to
`naive_page.py`. Every frame carries a number (see `stamps`), so the browser itself sees when a
frame was captured and when answers made from that very frame were first on the screen.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table
from skimage import data as samples

from tests.support import camera, stamps
from tests.support.serving import Server, running

SECONDS = 24.0
RATE = 30
# From the first answer until rates have settled: WebRTC's bit rate climbs for a few seconds.
SETTLING = 6.0
PAGES = {"ours": "Home.py", "naive": "tests/benchmarks/naive_page.py"}


def measure(page: Page, server: Server, seconds: float) -> dict[str, float | None]:
    """Frames analysed and shown, and milliseconds from capture to drawn answers, while streaming.

    Times are None where no answer was drawn. `analysed` is a count; `shown_per_second` counts
    different frames, not one shown twice.
    """
    frame = next(frame for frame in page.frames if "streamlit_webrtc" in frame.url)
    deadline = time.monotonic() + 300
    while not server.analysed():
        assert time.monotonic() < deadline, "no frame was analysed"
        page.wait_for_timeout(500)
    page.wait_for_timeout(1000 * SETTLING)
    frame.evaluate("captured.length = shown.length = 0")
    began = time.monotonic()
    page.wait_for_timeout(1000 * seconds)
    took = time.monotonic() - began
    captured, shown = frame.evaluate("[captured, shown]")
    count = sum(began <= at < began + took for at in server.analysed())
    numbers = [number for _, number, _ in shown if number is not None]
    delays = delays_ms(captured, shown)
    # What the way to the server and back takes, whatever is drawn on the frame.
    there_and_back = delays_ms(captured, [[at, number, number] for at, number, _ in shown])
    return {
        "seconds": round(took, 2),
        "analysed": round(count * seconds / took),
        "shown_per_second": round(sum(a != b for a, b in itertools.pairwise(numbers)) / took, 1),
        "captured_per_second": round(len(captured) / took, 1),
        "answers_drawn": len(delays),
        "bare_p50_ms": round(float(np.median(there_and_back)), 1) if there_and_back else None,
        "p50_ms": round(float(np.percentile(delays, 50)), 1) if delays else None,
        "p95_ms": round(float(np.percentile(delays, 95)), 1) if delays else None,
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


def run(which: str, seconds: float, folder: Path, clip: Path) -> dict[str, float | None]:
    """What `measure` finds on one of `PAGES`."""
    with (
        running(folder, PAGES[which], FER_STAMPS="1") as server,
        sync_playwright() as playwright,
        camera.camera_page(playwright.chromium, camera.playing(clip), script=stamps.READER) as page,
    ):
        page.goto(f"{server.url}/Realtime_Demo" if which == "ours" else server.url)
        # The naive page shows nothing before TensorFlow and both networks are loaded.
        camera.component(page, 300).get_by_role("button", name="Start").click()
        return measure(page, server, seconds)


def main() -> None:
    """Reads the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=SECONDS, help="24 by default")
    parser.add_argument("--only", choices=PAGES, help="measure one page")
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
        for which in [arguments.only] if arguments.only else PAGES:
            found[which] = run(which, arguments.seconds, Path(name), clip)
    rows = (
        *("analysed", "shown_per_second", "p50_ms", "p95_ms", "answers_drawn"),
        "bare_p50_ms",
    )
    table = Table("page", *rows)
    for which, figures in found.items():
        table.add_row(
            which, *("–" if figures[row] is None else f"{figures[row]:g}" for row in rows)
        )
    out = Console()
    out.print(table)
    record: dict[str, Any] = {"pages": found}
    if len(found) == len(PAGES):
        ratio = found["ours"]["analysed"] / max(found["naive"]["analysed"], 1)
        record["analysed_ratio"] = round(ratio, 1)
        out.print(f"{ratio:.1f} times the naive page's analysed frames", highlight=False)
    if arguments.out:
        # Imports TensorFlow, which must not take time or memory from what is measured.
        from fer.benchmark import latency

        record["machine"] = latency.machine()
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
