"""The webcam as a visitor uses it, with Chromium's fake camera playing a real face; Start, Stop and
the choice of a camera, pressed as people do: twice, too early, midway."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, TimeoutError, expect

from fer import emotions
from fer.ui.shared.text import Language, _
from tests.support import camera
from tests.support.faces import frightened
from tests.support.making import until
from tests.support.page_checks import crashes
from tests.support.serving import Server

pytestmark = pytest.mark.camera


@pytest.fixture(autouse=True)
def alone(server: Server) -> Iterator[None]:
    """No stream is there before a test, and none is left behind."""
    until(lambda: camera.of_streams(server) == [], "a stream goes on", 0.3)
    yield
    until(lambda: camera.of_streams(server) == [], "a stream goes on", 0.3)


@pytest.fixture
def face(portrait: np.ndarray, tmp_path: Path) -> list[str]:
    """The flags of a browser whose camera shows a face."""
    return camera.playing(camera.write_clip(tmp_path / "face.y4m", portrait))


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


# As a phone's browser behind another app, and in front again.
HIDE = """
(hidden) => {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}
"""


@pytest.mark.parametrize(("way", "emotion"), [("socket", "happy"), ("webrtc", "fear")])
def test_what_the_camera_shows_is_answered_kept_and_forgotten(
    browser: Browser,
    server: Server,
    portrait: np.ndarray,
    tmp_path: Path,
    way: str,
    emotion: str,
) -> None:
    image = portrait if emotion == "happy" else frightened()
    clip = camera.write_clip(tmp_path / "face.y4m", image)
    shape = (360, 480, 3) if way == "socket" else (480, 640, 3)
    with camera.camera_page(
        browser.browser_type, camera.playing(clip), script=camera.when_asked()
    ) as page:
        camera.start(page, server, way)
        expect(page.locator(".js-plotly-plot").first.locator("g.point")).to_have_count(14)
        rate = page.get_by_text(re.compile(r"frames/s")).first
        until(lambda: float(rate.inner_text().split()[0]) > 0, "no frame is shown")
        # A frame is looked at closely, and taken home over a slow network, while others come.
        page.route(re.compile(r"/media/.*\.(csv|png)"), slowly)
        page.get_by_role("button", name="Freeze and explain").click()
        expect(page.get_by_alt_text(re.compile("Grad-CAM of"))).to_have_count(2)
        assert snapshot(page).shape == shape
        page.get_by_role("button", name="Discard it").click()
        expect(page.get_by_role("heading", name="Frozen frame")).to_have_count(0)
        start, stop = button(page, "Start"), button(page, "Stop")
        stop.click()
        expect(start).to_be_visible()
        # What was seen can be taken home when the camera is off, and forgotten.
        assert snapshot(page).shape == shape
        rows = session(page)
        assert {row["model"] for row in rows} == {"baseline", "proposed"}
        for row in rows[-2:]:
            assert max(emotions.KEYS, key=lambda key: float(row[key])) == emotion
        page.get_by_role("button", name="Start over").click()
        until(lambda: session(page) == [], "nothing was forgotten")
        until(lambda: camera.of_streams(server) == [], "a thread was left behind")
        start.click()
        expect(stop).to_be_visible()
        page.locator("canvas.answered" if way == "socket" else "iframe").first.wait_for()
        expect(crashes(page)).to_have_count(0)
        if way == "socket":
            rests_and_is_unplugged(page)
            page.get_by_role("button", name="Use a photo").click()
            expect(page.locator("input[type=file]")).to_be_attached()


def rests_and_is_unplugged(page: Page) -> None:
    """A tab that nobody sees sends nothing; a camera that goes is said at once."""
    page.evaluate(HIDE, True)
    page.wait_for_function("window.given.at(-1).readyState === 'ended'")
    expect(page.get_by_text("Stopped. The last answers are shown.")).to_be_visible()
    page.evaluate(HIDE, False)
    page.locator("canvas.answered").wait_for()
    page.evaluate("window.given.at(-1).dispatchEvent(new Event('ended'))")
    expect(page.get_by_text("The camera was disconnected;")).to_be_visible()


def snapshot(page: Page) -> np.ndarray:
    with page.expect_download() as picture:
        page.get_by_role("button", name="Snapshot (PNG)").click()
    found = cv2.imread(str(picture.value.path()))
    assert found is not None
    return found


def slowly(route: Route) -> None:
    """Asks for a file only when the page has been drawn anew several times."""
    time.sleep(3)
    route.continue_()


def session(page: Page) -> list[dict[str, str]]:
    while True:
        try:
            with page.expect_download(timeout=30_000) as table:
                page.get_by_role("button", name="Download as CSV").click()
        except TimeoutError:
            # Starting over draws the page anew; a click on a button that goes is lost.
            continue
        return list(csv.DictReader(Path(table.value.path()).read_text("utf-8").splitlines()))


def test_behind_a_firewall_the_socket_takes_over(
    browser: Browser, server: Server, face: list[str]
) -> None:
    with camera.camera_page(
        browser.browser_type, face, script=camera.FIREWALL, locale="id-ID"
    ) as page:
        page.goto(f"{server.url}/Realtime_Demo")
        button(page, "Mulai").click()
        page.locator("canvas.answered").wait_for()
        expect(page.get_by_text("Sambungan video langsung tidak terbentuk")).to_be_visible()
        expect(page.get_by_text(re.compile(r"\bTURN\b"))).to_have_count(0)
        expect(page.locator("iframe[src*=streamlit_webrtc]")).to_have_count(0)
        # Remembered for the visit. Pressed faster, both clicks would be one double click.
        button(page, "Hentikan").click()
        button(page, "Mulai").click(delay=700)
        page.locator("canvas.answered").wait_for()
        expect(page.locator("iframe[src*=streamlit_webrtc]")).to_have_count(0)
        expect(crashes(page)).to_have_count(0)


@pytest.mark.parametrize("language", ["id"], indirect=True)
def test_expressions_before_the_camera_teach_a_head(
    browser: Browser, server: Server, face: list[str], language: Language
) -> None:
    with camera.camera_page(
        browser.browser_type, face, width=390, height=844, locale="id-ID"
    ) as page:
        page.goto(f"{server.url}/Realtime_Demo?mode=teach&way=socket")
        start = button(page, _("Start"))
        start.click()
        page.locator("canvas.answered").wait_for()
        expect(page.locator(".js-plotly-plot").first.locator("g.point")).to_have_count(14)
        for emotion in (_("happy"), _("sad")):
            button(page, emotion).click()
            button(page, f"{emotion} · 10").first.wait_for()
        expect(page.get_by_text("dari 20 frame")).to_have_count(2)
        # Both models' bars and the taught heads', which know two emotions.
        expect(page.get_by_text(_("yours on {model}", model="proposed") + ": ")).to_be_visible()
        with page.expect_download() as head:
            page.get_by_role("button", name=_("Take it home (JSON)")).click()
        assert set(json.loads(head.value.path().read_text())["frames"]) == {"happy", "sad"}
        camera.press(button(page, _("Stop")), start)
        # The last answers, which change no more, as a table.
        page.locator(".st-key-teach_answer_details").get_by_text(_("Table and download")).click()
        expect(page.locator(".st-key-teach_answers").get_by_role("row")).to_have_count(8)
        expect(crashes(page)).to_have_count(0)


# The camera belongs to another program.
TAKEN = camera.when_asked(
    "throw new DOMException('Could not start video source', 'NotReadableError');"
)


@pytest.mark.parametrize(
    ("flags", "script", "sentence"),
    [
        ([camera.FAKE_UI], "", "No camera was found; connect one, or use a photo."),
        ([camera.FAKE_DEVICE], "", "Access to the camera was refused; allow it in the browser,"),
        ([camera.FAKE_UI, camera.FAKE_DEVICE], TAKEN, "The camera does not open; close other"),
    ],
    ids=["missing", "refused", "taken"],
)
def test_without_a_camera_a_photo_is_offered(
    browser: Browser, server: Server, flags: list[str], script: str, sentence: str
) -> None:
    allowed = ["camera"] if camera.FAKE_UI in flags else []
    with camera.camera_page(
        browser.browser_type, flags, permissions=allowed, script=script
    ) as page:
        page.goto(f"{server.url}/Realtime_Demo")
        if script:
            button(page, "Start").click()
        expect(page.get_by_text(sentence)).to_be_visible()
        button(page, "Use a photo").click()
        expect(page.locator("input[type=file]")).to_be_attached()
        expect(page.get_by_text(sentence)).to_have_count(0)
        expect(crashes(page)).to_have_count(0)


def has_answers(page: Page) -> None:
    expect(page.locator(".js-plotly-plot").first.locator("g.point")).to_have_count(14)
    expect(page.get_by_text(re.compile(r"\bTURN\b"))).to_have_count(0)
    expect(crashes(page)).to_have_count(0)


def end(server: Server, page: Page, start: str = "Start", stop: str = "Stop") -> None:
    """Ends the stream while its browser is there: the server takes half a minute to miss one that
    is gone without a word."""
    camera.press(button(page, stop), button(page, start))
    until(lambda: camera.of_streams(server) == [], "a stream goes on", 0.3)


@pytest.mark.parametrize(
    ("screen", "way", "pause", "words"),
    [
        ((1280, 800, "en-GB"), "webrtc", 250, ("Start", "Stop")),
        ((844, 390, "id-ID"), "socket", 0, ("Mulai", "Hentikan")),
    ],
    ids=["desktop-webrtc", "sideways-socket"],
)
def test_a_double_click_on_start_begins_one_stream_in_sight(
    browser: Browser,
    server: Server,
    face: list[str],
    screen: tuple[int, int, str],
    way: str,
    pause: int,
    words: tuple[str, str],
) -> None:
    width, height, locale = screen
    with camera.camera_page(
        browser.browser_type, face, width=width, height=height, locale=locale
    ) as page:
        page.goto(f"{server.url}/Realtime_Demo?way={way}")
        start, stop = (button(page, word) for word in words)
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
        by_webrtc = way == "webrtc"
        picture = (camera.component(page) if by_webrtc else page).locator(
            "video" if by_webrtc else "canvas.answered"
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
        assert server.tell("connections").count("connected") == by_webrtc
        end(server, page, *words)


def test_stop_before_the_camera_is_allowed_stays_stopped(
    browser: Browser, server: Server, face: list[str]
) -> None:
    # It is given when the test says so, as by someone who reads the browser's question first.
    late = camera.when_asked(
        "if (!window.allow) await new Promise((resolve) => { window.allow = resolve; });"
    )
    with camera.camera_page(browser.browser_type, face, script=late) as page:
        camera.start(page, server, "socket")
        page.wait_for_function("!!window.allow")
        # A question that nobody answers is said after a while.
        expect(page.get_by_text("The browser asks whether")).to_be_visible()
        start, stop = button(page, "Start"), button(page, "Stop")
        camera.press(stop, start)
        page.evaluate("window.allow()")
        page.wait_for_function("window.given.length && given[0].readyState === 'ended'")
        camera.press(start, stop)
        has_answers(page)
        end(server, page)


# As many phones do: a second camera is refused while the first is open.
ONE_AT_A_TIME = camera.when_asked("""
    if (window.given.some((track) => track.readyState === 'live')) {
      window.isRefused = true;
      throw new DOMException('Could not start video source', 'NotReadableError');
    }
""")
# Waits for answers that are drawn.
NEXT_ANSWER = """
() => new Promise((resolve) =>
  document.addEventListener('answered', () => resolve(), { once: true }))
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
        assert page.evaluate("!window.isRefused && window.given.length === 2")
        page.evaluate(NEXT_ANSWER)
        end(server, page)
