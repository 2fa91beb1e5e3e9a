"""How long it takes from a slider's move to the new bars on page 2, "What if?", in Chromium.

    python -m tests.benchmarks.what_if_latency

Four sliders are moved by the arrow keys. Prints the median and the 95th percentile of the time from
the key to the first bars with other numbers. Ends with status 1 where the 95th percentile is beyond
300 ms.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.support.camera import camera_page
from tests.support.serving import running

MOST_MS = 300.0
SLIDERS = ("rotation", "noise", "brightness", "contrast")
# Of the fourteen bars; one that is drawn anew is no new answer yet.
WATCH = """
const bars = '.st-key-what_if_confidence .bartext';
const texts = () => [...document.querySelectorAll(bars)].map((bar) => bar.textContent);
window.took = [];
let pressed = null, before = '';
document.addEventListener('keydown', () => {
  [pressed, before] = [performance.now(), texts().join()];
}, true);
new MutationObserver(() => {
  const now = texts();
  if (pressed === null || now.length !== 14 || now.join() === before) return;
  window.took.push(performance.now() - pressed);
  pressed = null;
}).observe(document.body, { subtree: true, childList: true, characterData: true });
"""


def measure(page: Page, url: str, moves: int) -> list[float]:
    """Milliseconds from the key to the bars, of every move."""
    page.goto(f"{url}/Preprocessing?view=what_if&lang=EN")
    page.locator(".st-key-what_if_confidence .bartext").first.wait_for()
    page.wait_for_timeout(5000)
    page.evaluate(f"() => {{ {WATCH} }}")
    for slider in SLIDERS:
        page.locator(f".st-key-what_if_{slider} input[type=range]").first.focus()
        for _ in range(moves):
            seen = page.evaluate("window.took.length")
            page.keyboard.press("ArrowRight")
            page.wait_for_function(f"window.took.length > {seen}")
            # The rest of the view is drawn before the next move.
            page.wait_for_timeout(300)
        page.locator(".st-key-what_if_reset button").click()
        page.wait_for_timeout(2000)
    return list(page.evaluate("window.took"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=12, help="of each slider; 12 by default")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as server,
        sync_playwright() as playwright,
        camera_page(playwright.chromium, ()) as page,
    ):
        took = measure(page, server.url, arguments.moves)
    median, late = np.percentile(took, [50, 95])
    print(f"p50 {median:.0f} ms, p95 {late:.0f} ms, {len(took)} moves")
    sys.exit(bool(late > MOST_MS))


if __name__ == "__main__":
    main()
