"""The webcam as a visitor uses it, with Chromium's fake camera playing a real face."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Frame, Page, Route, TimeoutError, expect

from tests.support import camera
from tests.support.faces import frightened
from tests.support.making import jpeg, until
from tests.support.serving import Server, running

pytestmark = pytest.mark.camera


def top_classes(page: Page) -> dict[str, str]:
    bars = {
        key: [float(text.replace("%", "").replace(",", ".")) for text in texts]
        for key, texts in page.evaluate(BARS).items()
    }
    return {key: EMOTIONS[int(np.argmax(values))] for key, values in bars.items() if values}


def test_smile_comes_and_goes(
    browser: Browser, server: Server, portrait: np.ndarray, tmp_path: Path
) -> None:
    assert camera.of_streams(server) == []
    for name, image, emotion in (
        ("smile", portrait, "happy"),
        ("fear", frightened(), "fear"),
    ):
        clip = camera.write_clip(tmp_path / f"{name}.y4m", image)
        with camera.camera_page(
            browser.browser_type, camera.playing(clip), script=KEEP_TRACK
        ) as page:
            frame = camera.start(page, server)
            chart = page.locator(".js-plotly-plot").first
            expect(chart).to_be_visible(timeout=60_000)
            expect(chart.locator("g.point")).to_have_count(14)
            both = {"baseline": emotion, "proposed": emotion}
            until(lambda page=page, both=both: top_classes(page) == both, f"not {emotion}")
            rate = page.get_by_text(re.compile(r"frames/s")).first
            until(lambda rate=rate: float(rate.inner_text().split()[0]) > 0, "no frame is shown")
            if name == "smile":
                keeps_and_forgets(page)
                frame.get_by_role("button", name="Stop").click()
                expect(frame.get_by_role("button", name="Start")).to_be_visible()
                until(lambda: camera.of_streams(server) == [], "a thread was left behind")
                frame.get_by_role("button", name="Start").click()
                expect(frame.get_by_role("button", name="Stop")).to_be_visible()
                until(lambda: "connected" in server.tell("connections"), "not connected again")
                expect(page.locator("[data-testid=stException]")).to_have_count(0)
            else:
                unplugs(page, frame)
                page.get_by_role("button", name="Use a photo").first.click()
                expect(page.get_by_role("radio", name="Photo", exact=True)).to_be_checked()
                expect(page.locator("input[type=file]")).to_be_attached()
    # The first viewer closed their tab while streaming, the second went elsewhere.
    until(lambda: camera.of_streams(server) == [], "a thread was left behind")


def keeps_and_forgets(page: Page) -> None:
    """What was seen can be downloaded over a slow network, and forgotten."""
    page.route(re.compile(r"/media/.*\.(csv|png)"), slowly)
    with page.expect_download() as picture:
        page.get_by_role("button", name="Snapshot (PNG)").click()
    found = cv2.imread(str(picture.value.path()))
    assert found is not None
    assert found.shape == (480, 640, 3)
    rows = session(page)
    assert {row["model"] for row in rows} == {"baseline", "proposed"}
    assert float(rows[-1]["happy"]) > 0.3
    until(lambda: float(session(page)[-1]["seconds"]) > 5, "no time passes")

    def has_begun_anew() -> bool:
        before = float(session(page)[-1]["seconds"])
        page.get_by_role("button", name="Start over").click()
        rows = session(page)
        # Where nothing is forgotten, the time only goes on.
        return not rows or float(rows[-1]["seconds"]) < before

    until(has_begun_anew, "nothing was forgotten")
    page.get_by_role("button", name="Freeze and explain").click()
    heading = page.get_by_role("heading", name="Frozen frame")
    expect(heading).to_be_visible()
    expect(page.get_by_alt_text(re.compile("Grad-CAM of"))).to_have_count(2)
    page.get_by_role("button", name="Discard it").click()
    expect(heading).to_have_count(0)


def unplugs(page: Page, frame: Frame) -> None:
    """The only camera goes: first the browser's list tells, then no picture comes any more."""
    page.evaluate(
        "navigator.mediaDevices.enumerateDevices = async () => [];"
        "navigator.mediaDevices.dispatchEvent(new Event('devicechange'))"
    )
    expect(page.get_by_text("No camera was found;")).to_be_visible()
    assert not frame.is_detached(), "the sentence above the video restarted it"
    frame.evaluate("window.track.stop()")
    expect(page.get_by_text("The camera sends no picture any more.")).to_be_visible()


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
        # The sentence did not push the video's frame away.
        frame = camera.component(page)
        frame.get_by_role("button").first.click()
        page.locator("[data-test-script-state=notRunning]").wait_for()
        assert not frame.is_detached()
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("radio", name=mode, exact=True)).to_be_checked()
        expect(page.get_by_text(sentence)).to_have_count(0)
        expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_reference_backend_streams_after_a_photo(
    browser: Browser, portrait: np.ndarray, tmp_path: Path
) -> None:
    """TensorFlow is in the process before the first stream begins."""
    photo = tmp_path / "face.jpg"
    photo.write_bytes(jpeg(portrait))
    clip = camera.write_clip(tmp_path / "face.y4m", portrait)
    with (
        running(tmp_path, FER_BACKEND="reference", FER_STAMPS="1") as server,
        camera.camera_page(browser.browser_type, camera.playing(clip)) as page,
    ):
        page.goto(server.url)
        page.locator("input[type=file]").set_input_files(photo)
        expect(page.get_by_text("proposed: happy").first).to_be_visible(timeout=300_000)
        assert "tensorflow" in server.tell("modules")
        # Home's cards lead there, too.
        page.get_by_test_id("stSidebarNavLink").filter(has_text="Demo").click()
        camera.component(page).get_by_role("button", name="Start").click()
        expect(page.locator(".js-plotly-plot").first).to_be_visible()
        before = len(server.analysed())
        # It goes on, however slowly: a starved frame thread would stand still.
        until(lambda: len(server.analysed()) >= before + 5, "no frame is analysed any more", 0.3)
        rate = page.get_by_text(re.compile(r"frames/s")).first
        until(lambda: float(rate.inner_text().split()[0]) > 0, "no frame is shown", 0.3)
        both = {"baseline": "happy", "proposed": "happy"}
        until(lambda: top_classes(page) == both, "not happy", 0.3)


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
