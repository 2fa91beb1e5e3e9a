"""The webcam as a visitor uses it, with Chromium's fake camera playing a real face."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser, Frame, Page, expect
from serving import Server

FRAMES = 20


def write_clip(path: Path, rgb: np.ndarray) -> Path:
    """A YUV4MPEG2 clip of the image, moving a little as a person does: 640x480, 15 frames/s."""
    face = cv2.resize(rgb, (480, 480), interpolation=cv2.INTER_AREA)
    with path.open("wb") as clip:
        clip.write(b"YUV4MPEG2 W640 H480 F15:1 Ip A1:1 C420jpeg\n")
        for number in range(FRAMES):
            left = 80 + round(6 * np.sin(2 * np.pi * number / FRAMES))
            frame = np.full((480, 640, 3), 120, np.uint8)
            frame[:, left : left + 480] = face
            clip.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


def without_smile(portrait: np.ndarray) -> np.ndarray:
    """The smiling portrait with its mouth wiped away: both models call it neutral."""
    changed = portrait.copy()
    mouth = (slice(122, 168), slice(186, 252))
    changed[mouth] = changed[mouth].mean(axis=(0, 1))
    return changed


@contextmanager
def with_camera(browser: Browser, clip: Path) -> Iterator[Page]:
    """A page of a second browser, whose camera plays the clip."""
    camera = browser.browser_type.launch(
        executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
        args=[
            *("--no-sandbox", "--use-fake-ui-for-media-stream"),
            *("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={clip}"),
        ],
    )
    context = camera.new_context(
        viewport={"width": 1280, "height": 1000}, locale="en-GB", permissions=["camera"]
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    try:
        yield page
    finally:
        camera.close()


def stream_frame(page: Page) -> Frame:
    """The frame in which streamlit-webrtc's component lives."""
    for _ in range(300):
        for frame in page.frames:
            if "streamlit_webrtc" in frame.url and frame.get_by_role("button").count():
                return frame
        page.wait_for_timeout(100)
    raise AssertionError("the component did not appear")


def start(page: Page, server: Server) -> Frame:
    page.goto(f"{server.url}/Realtime_Demo")
    page.get_by_role("radio", name="Webcam").click()
    frame = stream_frame(page)
    frame.get_by_role("button", name="Start").click()
    return frame


def watching(server: Server) -> int:
    return server.tell("threads").count("watcher")


def test_smile_comes_and_goes(
    browser: Browser, server: Server, portrait: np.ndarray, tmp_path: Path
) -> None:
    assert watching(server) == 0
    for name, image, emotion in (
        ("smile", portrait, "happy"),
        ("none", without_smile(portrait), "neutral"),
    ):
        with with_camera(browser, write_clip(tmp_path / f"{name}.y4m", image)) as page:
            frame = start(page, server)
            chart = page.locator(".js-plotly-plot").first
            expect(chart).to_be_visible(timeout=60_000)
            expect(chart.locator("g.point")).to_have_count(14)
            found = ""
            for _ in range(60):
                bars = {
                    key: [float(t.replace(" %", "")) for t in texts]
                    for key, texts in page.evaluate(BARS).items()
                }
                found = {key: EMOTIONS[int(np.argmax(v))] for key, v in bars.items() if v}
                if found == {"baseline": emotion, "proposed": emotion}:
                    break
                page.wait_for_timeout(500)
            assert found == {"baseline": emotion, "proposed": emotion}
            shown = page.get_by_text(re.compile(r"frames/s")).first.inner_text()
            assert float(shown.split()[0]) > 0
            if name == "smile":
                frame.get_by_role("button", name="Stop").click()
                expect(frame.get_by_role("button", name="Start")).to_be_visible()
                frame.get_by_role("button", name="Start").click()
                expect(frame.get_by_role("button", name="Stop")).to_be_visible()
                expect(page.locator("[data-testid=stException]")).to_have_count(0)
    # Both viewers closed their tab while streaming.
    for _ in range(60):
        if watching(server) == 0:
            return
        time.sleep(0.5)
    raise AssertionError("a thread was left behind")


EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
# The texts on the bars of the confidence chart, by model, in the order of the emotions.
BARS = """
() => {
  const chart = document.querySelector('.js-plotly-plot');
  const found = {};
  for (const trace of (chart && chart.data) || []) found[trace.name] = Array.from(trace.text || []);
  return found;
}
"""
