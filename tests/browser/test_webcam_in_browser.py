"""The webcam as a visitor uses it, with Chromium's fake camera playing a real face."""

from __future__ import annotations

import csv
import json
import re
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, TimeoutError, expect

from fer.ui.shared.text import Language, _
from tests.support import camera
from tests.support.faces import frightened
from tests.support.making import until
from tests.support.page_checks import crashes
from tests.support.serving import Server

pytestmark = pytest.mark.camera


def top_classes(page: Page) -> dict[str, str]:
    bars = {
        key: [float(text.replace("%", "").replace(",", ".")) for text in texts]
        for key, texts in page.evaluate(BARS).items()
    }
    return {key: EMOTIONS[int(np.argmax(values))] for key, values in bars.items() if values}


@pytest.mark.parametrize(("way", "emotion"), [("socket", "happy"), ("webrtc", "fear")])
def test_what_the_camera_shows_is_answered_kept_and_forgotten(
    browser: Browser,
    server: Server,
    portrait: np.ndarray,
    tmp_path: Path,
    way: str,
    emotion: str,
) -> None:
    assert camera.of_streams(server) == []
    image = portrait if emotion == "happy" else frightened()
    clip = camera.write_clip(tmp_path / "face.y4m", image)
    with camera.camera_page(browser.browser_type, camera.playing(clip), script=KEEP_TRACK) as page:
        camera.start(page, server, way)
        chart = page.locator(".js-plotly-plot").first
        expect(chart).to_be_visible()
        expect(chart.locator("g.point")).to_have_count(14)
        both = {"baseline": emotion, "proposed": emotion}
        until(lambda: top_classes(page) == both, f"not {emotion}")
        rate = page.get_by_text(re.compile(r"frames/s")).first
        until(lambda: float(rate.inner_text().split()[0]) > 0, "no frame is shown")
        width = 480 if way == "socket" else 640
        is_frozen(page, width)
        stop = page.get_by_role("button", name="Stop", exact=True)
        stop.click()
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
        is_kept_and_forgotten(page, width)
        until(lambda: camera.of_streams(server) == [], "a thread was left behind")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(stop).to_be_visible()
        page.locator("canvas.answered" if way == "socket" else "iframe").first.wait_for()
        expect(crashes(page)).to_have_count(0)
        if way == "socket":
            rests_and_is_unplugged(page)
            page.get_by_role("button", name="Use a photo").click()
            expect(page.get_by_role("radio", name="Photo", exact=True)).to_be_checked()
            expect(page.locator("input[type=file]")).to_be_attached()
    # The first viewer went elsewhere, the second closed their tab while streaming.
    until(lambda: camera.of_streams(server) == [], "a thread was left behind")


def test_behind_a_firewall_the_socket_takes_over(
    browser: Browser, server: Server, portrait: np.ndarray, tmp_path: Path
) -> None:
    clip = camera.write_clip(tmp_path / "face.y4m", portrait)
    with camera.camera_page(
        browser.browser_type, camera.playing(clip), script=camera.FIREWALL, locale="id-ID"
    ) as page:
        page.goto(f"{server.url}/Realtime_Demo")
        page.get_by_role("button", name="Mulai", exact=True).click()
        page.locator("canvas.answered").wait_for()
        expect(page.get_by_text("Sambungan video langsung tidak terbentuk")).to_be_visible()
        expect(page.get_by_text(re.compile(r"\bTURN\b"))).to_have_count(0)
        expect(page.locator("iframe[src*=streamlit_webrtc]")).to_have_count(0)
        # Remembered for the visit. Pressed faster, both clicks would be one double click.
        page.get_by_role("button", name="Hentikan", exact=True).click()
        page.get_by_role("button", name="Mulai", exact=True).click(delay=700)
        page.locator("canvas.answered").wait_for()
        expect(page.locator("iframe[src*=streamlit_webrtc]")).to_have_count(0)
        expect(crashes(page)).to_have_count(0)
    until(lambda: camera.of_streams(server) == [], "a thread was left behind")


@pytest.mark.parametrize(
    ("width", "height", "locale", "language"),
    [(1280, 900, "en-GB", "en"), (390, 844, "id-ID", "id")],
    indirect=["language"],
    ids=["desktop-en", "phone-id"],
)
def test_expressions_before_the_camera_teach_a_head(
    browser: Browser,
    server: Server,
    portrait: np.ndarray,
    tmp_path: Path,
    width: int,
    height: int,
    locale: str,
    language: Language,
) -> None:
    clip = camera.write_clip(tmp_path / "face.y4m", portrait)
    with camera.camera_page(
        browser.browser_type, camera.playing(clip), width=width, height=height, locale=locale
    ) as page:
        page.goto(f"{server.url}/Realtime_Demo?mode=teach&way=socket")
        start = page.get_by_role("button", name=_("Start"), exact=True)
        start.click()
        page.locator("canvas.answered").wait_for()
        chart = page.locator(".js-plotly-plot").first
        expect(chart.locator("g.point")).to_have_count(14)
        for emotion in (_("happy"), _("sad")):
            page.get_by_role("button", name=emotion, exact=True).click()
            page.get_by_role("button", name=f"{emotion} · 10", exact=True).first.wait_for()
        counted = "dari 20 frame" if language == "id" else "of 20 frames"
        expect(page.get_by_text(counted)).to_have_count(2)
        # Both models' bars and the taught heads', which know two emotions.
        expect(page.get_by_text(_("yours on {model}", model="proposed") + ": ")).to_be_visible()
        with page.expect_download() as head:
            page.get_by_role("button", name=_("Take it home (JSON)")).click()
        assert set(json.loads(head.value.path().read_text())["frames"]) == {"happy", "sad"}
        camera.press(page.get_by_role("button", name=_("Stop"), exact=True), start)
        # The last answers, which change no more, as a table.
        page.locator(".st-key-teach_answer_details").get_by_text(_("Table and download")).click()
        table = page.locator(".st-key-teach_answers").get_by_role("row")
        expect(table).to_have_count(8)
        expect(crashes(page)).to_have_count(0)
    until(lambda: camera.of_streams(server) == [], "a thread was left behind")


def is_frozen(page: Page, width: int) -> None:
    """A frame is looked at closely, and taken home over a slow network, while others come."""
    page.route(re.compile(r"/media/.*\.(csv|png)"), slowly)
    page.get_by_role("button", name="Freeze and explain").click()
    heading = page.get_by_role("heading", name="Frozen frame")
    expect(heading).to_be_visible()
    expect(page.get_by_alt_text(re.compile("Grad-CAM of"))).to_have_count(2)
    assert snapshot(page).shape == (width * 3 // 4, width, 3)
    page.get_by_role("button", name="Discard it").click()
    expect(heading).to_have_count(0)


def is_kept_and_forgotten(page: Page, width: int) -> None:
    """What was seen can be taken home when the camera is off, and forgotten."""
    assert snapshot(page).shape == (width * 3 // 4, width, 3)
    rows = session(page)
    assert {row["model"] for row in rows} == {"baseline", "proposed"}
    assert max(float(rows[-1][emotion]) for emotion in EMOTIONS) > 0.3
    assert float(rows[-1]["seconds"]) > 0
    page.get_by_role("button", name="Start over").click()
    until(lambda: session(page) == [], "nothing was forgotten")


def snapshot(page: Page) -> np.ndarray:
    with page.expect_download() as picture:
        page.get_by_role("button", name="Snapshot (PNG)").click()
    found = cv2.imread(str(picture.value.path()))
    assert found is not None
    return found


def rests_and_is_unplugged(page: Page) -> None:
    """A tab that nobody sees sends nothing; a camera that goes is said at once."""
    page.evaluate(HIDE, True)
    page.wait_for_function("window.track.readyState === 'ended'")
    expect(page.get_by_text("Stopped. The last answers are shown.")).to_be_visible()
    page.evaluate(HIDE, False)
    page.locator("canvas.answered").wait_for()
    page.evaluate("window.track.dispatchEvent(new Event('ended'))")
    expect(page.get_by_text("The camera was disconnected;")).to_be_visible()


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


@pytest.mark.parametrize(
    ("flags", "permissions", "locale", "width", "sentence", "button", "mode"),
    [
        pytest.param(
            [camera.FAKE_UI],
            ("camera",),
            "id-ID",
            390,
            "Tidak ada kamera; sambungkan kamera, atau gunakan foto.",
            "Gunakan foto",
            "Foto",
            id="missing",
        ),
        pytest.param(
            [camera.FAKE_DEVICE],
            (),
            "en-GB",
            1280,
            "Access to the camera was refused; allow it in the browser, or use a photo.",
            "Use a photo",
            "Photo",
            id="refused",
        ),
    ],
)
def test_without_a_camera_a_photo_is_offered(
    browser: Browser,
    server: Server,
    flags: list[str],
    permissions: tuple[str, ...],
    locale: str,
    width: int,
    sentence: str,
    button: str,
    mode: str,
) -> None:
    with camera.camera_page(
        browser.browser_type, flags, permissions=permissions, locale=locale, width=width
    ) as page:
        page.goto(f"{server.url}/Realtime_Demo")
        expect(page.get_by_text(sentence)).to_be_visible()
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("radio", name=mode, exact=True)).to_be_checked()
        expect(page.get_by_text(sentence)).to_have_count(0)
        expect(crashes(page)).to_have_count(0)


def test_a_camera_that_another_program_has_is_said_in_one_sentence(
    browser: Browser, server: Server
) -> None:
    flags = [camera.FAKE_UI, camera.FAKE_DEVICE]
    with camera.camera_page(browser.browser_type, flags, script=TAKEN) as page:
        camera.start(page, server)
        expect(page.get_by_text("The camera does not open; close other programs")).to_be_visible()
        expect(page.get_by_text("NotReadableError")).to_have_count(0)
        # It is free again.
        page.evaluate("window.isTaken = false")
        start = page.get_by_role("button", name="Start", exact=True)
        camera.press(start, page.get_by_role("button", name="Stop", exact=True))
        expect(page.get_by_text("The camera does not open;")).to_have_count(0)


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
# Keeps the camera's track at hand, to end it.
KEEP_TRACK = """
(() => {
  const media = navigator.mediaDevices;
  if (!media) return;
  const ask = media.getUserMedia.bind(media);
  media.getUserMedia = async (wishes) => {
    const stream = await ask(wishes);
    window.track = stream.getVideoTracks()[0];
    return stream;
  };
})();
"""

# As a phone's browser behind another app, and in front again.
HIDE = """
(hidden) => {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}
"""
# The camera belongs to another program.
TAKEN = """
(() => {
  const media = navigator.mediaDevices;
  if (!media) return;
  const ask = media.getUserMedia.bind(media);
  window.isTaken = true;
  media.getUserMedia = async (wishes) => {
    if (window.isTaken) throw new DOMException('Could not start video source', 'NotReadableError');
    return ask(wishes);
  };
})();
"""
