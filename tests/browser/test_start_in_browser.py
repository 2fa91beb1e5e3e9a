"""Start, Stop and the choice of a camera, pressed as people do: twice, too early, midway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import camera
from tests.support.making import until
from tests.support.page_checks import crashes
from tests.support.serving import Server

pytestmark = pytest.mark.camera
SCREENS = {"desktop": (1280, 800, "en-GB"), "sideways": (844, 390, "id-ID")}
START = {"en-GB": "Start", "id-ID": "Mulai"}
STOP = {"en-GB": "Stop", "id-ID": "Hentikan"}


@pytest.fixture(autouse=True)
def alone(server: Server) -> Iterator[None]:
    """No stream is there before a test, and none is left behind."""
    until(lambda: camera.of_streams(server) == [], "a stream goes on", 0.3)
    yield
    until(lambda: camera.of_streams(server) == [], "a stream goes on", 0.3)


def has_answers(page: Page) -> None:
    expect(page.locator(".js-plotly-plot").first.locator("g.point")).to_have_count(14)
    expect(page.get_by_text(re.compile(r"\bTURN\b"))).to_have_count(0)
    expect(crashes(page)).to_have_count(0)


@pytest.mark.parametrize(
    ("screen", "way", "pause"),
    [("desktop", "webrtc", 250), ("sideways", "socket", 0)],
    ids=["desktop-webrtc", "sideways-socket"],
)
def test_a_double_click_on_start_begins_one_stream_in_sight(
    browser: Browser,
    server: Server,
    portrait: np.ndarray,
    tmp_path: Path,
    screen: str,
    way: str,
    pause: int,
) -> None:
    width, height, locale = SCREENS[screen]
    clip = camera.write_clip(tmp_path / "face.y4m", portrait)
    with camera.camera_page(
        browser.browser_type, camera.playing(clip), width=width, height=height, locale=locale
    ) as page:
        page.goto(f"{server.url}/Realtime_Demo?way={way}")
        start = page.get_by_role("button", name=START[locale], exact=True)
        stop = page.get_by_role("button", name=STOP[locale], exact=True)
        start.scroll_into_view_if_needed()
        box = start.bounding_box()
        assert box is not None
        at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.click(*at)
        page.wait_for_timeout(pause)
        page.mouse.move(*at)
        page.mouse.down(click_count=2)
        page.mouse.up(click_count=2)
        has_answers(page)
        expect(stop).to_be_visible()
        picture = (
            camera.video(page).locator("video")
            if way == "webrtc"
            else page.locator("canvas.answered")
        )

        def is_in_sight() -> bool:
            seen, below = picture.bounding_box(), stop.bounding_box()
            if seen is None or below is None:
                return False
            ends = below["y"] + below["height"]
            return seen["height"] > 200 and seen["y"] >= 0 and ends <= height

        until(is_in_sight, "the picture or its button are out of sight", 0.3)
        # Nothing lies over the picture with its boxes.
        picture.click(trial=True)
        assert server.tell("connections").count("connected") == (way == "webrtc")
        end(server, stop, start)


# The camera is given when the test says so, as by someone who reads the browser's question first.
LATE = """
(() => {
  const media = navigator.mediaDevices;
  if (!media) return;
  const ask = media.getUserMedia.bind(media);
  window.asked = 0;
  media.getUserMedia = async (wishes) => {
    window.asked += 1;
    if (window.asked === 1) await new Promise((resolve) => { window.allow = resolve; });
    const stream = await ask(wishes);
    window.tracks = [...(window.tracks ?? []), ...stream.getTracks()];
    return stream;
  };
})();
"""


def end(server: Server, stop: Locator, start: Locator) -> None:
    """Ends the stream while its browser is there: the server takes half a minute to miss one that
    is gone without a word."""
    camera.press(stop, start)
    until(lambda: camera.of_streams(server) == [], "a stream goes on", 0.3)


def test_stop_before_the_camera_is_allowed_stays_stopped(
    browser: Browser, server: Server, portrait: np.ndarray, tmp_path: Path
) -> None:
    clip = camera.write_clip(tmp_path / "face.y4m", portrait)
    with camera.camera_page(browser.browser_type, camera.playing(clip), script=LATE) as page:
        camera.start(page, server, "socket")
        page.wait_for_function("!!window.allow")
        # A question that nobody answers is said after a while.
        expect(page.get_by_text("The browser asks whether")).to_be_visible()
        start = page.get_by_role("button", name="Start", exact=True)
        stop = page.get_by_role("button", name="Stop", exact=True)
        camera.press(stop, start)
        page.evaluate("window.allow()")
        page.wait_for_function("!!window.tracks?.every((track) => track.readyState === 'ended')")
        camera.press(start, stop)
        has_answers(page)
        end(server, stop, start)


# As many phones do: a second camera is refused while the first is open.
ONE_AT_A_TIME = """
(() => {
  const media = navigator.mediaDevices;
  if (!media) return;
  const ask = media.getUserMedia.bind(media);
  window.given = [];
  window.refused = 0;
  media.getUserMedia = async (wishes) => {
    if (window.given.some((track) => track.readyState === 'live')) {
      window.refused += 1;
      throw new DOMException('Could not start video source', 'NotReadableError');
    }
    const stream = await ask(wishes);
    window.given.push(...stream.getVideoTracks());
    return stream;
  };
})();
"""


def test_another_camera_is_chosen_while_the_picture_runs(browser: Browser, server: Server) -> None:
    # Of Chromium's pretended cameras the second sends depth, which no video connection takes.
    flags = [camera.FAKE_UI, f"{camera.FAKE_DEVICE}=device-count=3"]
    with camera.camera_page(browser.browser_type, flags, script=ONE_AT_A_TIME) as page:
        camera.start(page, server, "socket")
        cameras = page.get_by_role("combobox", name="Choose a camera")
        expect(cameras.locator("option")).to_have_count(3)
        expect(page.get_by_text("No face is seen.")).to_be_visible()
        cameras.select_option(label="fake_device_2")
        page.wait_for_function("window.given.at(-1).label === 'fake_device_2'")
        expect(cameras.locator("option:checked")).to_have_text("fake_device_2")
        # The first one is let go before.
        assert page.evaluate("[window.refused, window.given.length]") == [0, 2]
        page.evaluate(NEXT_ANSWER)
        stop = page.get_by_role("button", name="Stop", exact=True)
        end(server, stop, page.get_by_role("button", name="Start", exact=True))


# Waits for answers that are drawn.
NEXT_ANSWER = """
() => new Promise((resolve) =>
  document.addEventListener('answered', () => resolve(), { once: true }))
"""
