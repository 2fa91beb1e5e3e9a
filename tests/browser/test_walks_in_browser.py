"""What visitors do that nobody planned for: two tabs, double clicks, going back, second thoughts.

Elements are found by their keys, which are the same in both languages.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Error, Page, expect

from fer.data import importing
from fer.training import jobs, monitor
from tests.support import camera
from tests.support.making import ROOT, jpeg, small_archive, until
from tests.support.page_checks import crashes
from tests.support.serving import Server, running

# One screen is enough for walks; how pages look on others is asked elsewhere.
pytestmark = pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
IDLE = "[data-test-script-state=notRunning]"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the dashboard with a small data set, which may be trained on."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("fer", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("fer2013"))
    shutil.copy(ROOT / "Home.py", folder)
    shutil.copytree(ROOT / "models", folder / "models", copy_function=os.link)
    archive = small_archive(folder / "archive.zip", per_class=8)
    importing.import_dataset(archive, folder / "data/fer2013")
    return folder


@pytest.fixture(scope="module")
def own(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("own"), root=site) as started:
        yield started


@pytest.fixture(autouse=True)
def whole(page: Page) -> Iterator[None]:
    """No page ends in an exception, and nothing of the browser's own."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield
    expect(crashes(page)).to_have_count(0)
    assert problems == []


def key(name: str) -> str:
    return f".st-key-{name}"


def settle(page: Page) -> None:
    page.locator(".st-key-sources").wait_for()
    page.locator(IDLE).wait_for()


def test_nonsense_in_the_address_is_taken_out_or_corrected(page: Page, own: Server) -> None:
    for address, left in (
        ("?lang=xx&lang=yy&game=3", ""),
        ("Classification_Results?split=foo&view=bar", "split=PrivateTest&view=metrics"),
        ("Realtime_Demo?lang=xx&mode=bar&game=-1e9", "mode=webcam"),
        ("Dataset?browse_split=foo&browse_page=-3&utm_source=x", "browse_page=1&browse_split=all"),
        ("Training?view=presentation&mode=video", ""),
    ):
        page.goto(f"{own.url}/{address}")
        settle(page)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        expect(crashes(page)).to_have_count(0)
        assert sorted(parse_qsl(urlsplit(page.url).query)) == parse_qsl(left)


def test_a_view_is_shared_by_its_address_and_reloaded(page: Page, own: Server) -> None:
    page.goto(f"{own.url}/Classification_Results")
    settle(page)
    page.locator(f"{key('view_group')} button").nth(2).click()
    page.wait_for_url("**view=calibration**")
    page.locator(f"{key('view_of_trust')} button").nth(3).click()
    page.wait_for_url("**view=robustness**")
    expect(page.locator(f"{key('corruption')}")).to_be_visible()
    page.reload()
    expect(page.locator(f"{key('corruption')}")).to_be_visible()


def test_two_tabs_do_not_disturb_each_other(
    page: Page, own: Server, portrait: np.ndarray, tmp_path: Path
) -> None:
    page.goto(f"{own.url}/Classification_Results?view=speed")
    settle(page)
    other = page.context.new_page()
    other.goto(f"{own.url}/Classification_Results?view=curves&split=PublicTest")
    settle(other)
    page.reload()
    settle(page)
    assert "view=speed" in page.url
    assert "view=curves" in other.url
    expect(page.locator(key("speed_table_csv"))).to_be_visible()
    expect(other.locator(key("curve_emotion"))).to_be_visible()
    expect(crashes(other)).to_have_count(0)
    other.close()


def ended(site: Path) -> bool:
    return not jobs.active(site / "runs", time.time())


def started(site: Path) -> list[Path]:
    return sorted(path.parent for path in (site / "runs").rglob(monitor.PROGRESS))


def test_a_double_click_starts_one_training_and_a_stop_right_after_ends_it(
    page: Page, own: Server, site: Path
) -> None:
    before = started(site)
    page.goto(f"{own.url}/Training")
    settle(page)
    # On the server's own machine visitors may train without being allowed to.
    page.locator(f"{key('start')} button").dblclick()
    until(lambda: len(started(site)) > len(before), "no training was started")
    (run_dir,) = set(started(site)) - set(before)
    stop = page.locator(f"[class*='st-key-stop_{run_dir.name}'] button")
    expect(stop.first).to_be_visible()

    def is_stopped() -> bool:
        # While the page redraws itself, what goes stands beside what comes, and a click on it is
        # lost: press again.
        if not ended(site):
            with suppress(Error):
                stop.first.click(timeout=2_000)
        return ended(site)

    until(is_stopped, lambda: (run_dir / jobs.LOG).read_text(), 0.3)
    assert started(site) == sorted([*before, run_dir])
    found = monitor.read(run_dir, time.time())
    assert found is not None
    assert found.state == "stopped"
    expect(stop).to_have_count(0)
    expect(page.get_by_text(run_dir.name).first).to_be_visible()


def test_a_photo_taken_away_during_its_upload_leaves_the_page_working(
    page: Page, own: Server, portrait: np.ndarray, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    rng = np.random.default_rng(1)
    large.write_bytes(jpeg(rng.integers(0, 256, (2500, 4000, 3), dtype=np.uint8), "PNG"))
    small = tmp_path / "small.jpg"
    small.write_bytes(jpeg(portrait))
    page.goto(f"{own.url}/Preprocessing")
    settle(page)
    page.locator(f"{key('pre_source')} button").first.click()
    network = page.context.new_cdp_session(page)
    network.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": 2_000_000,
        },
    )
    uploader = page.locator(key("pre_upload"))
    with page.expect_request(lambda request: request.method == "PUT"):
        uploader.locator("input[type=file]").set_input_files(large)
    uploader.locator("[data-testid=stFileChipDeleteBtn]").click()
    expect(uploader.get_by_text("large.png")).to_have_count(0)
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    uploader.locator("input[type=file]").set_input_files(small)
    expect(page.locator(key("stages_zip"))).to_be_visible()
    expect(page.locator("[data-testid=stAlert]")).to_have_count(0)


def test_a_photo_goes_with_the_view_that_showed_it(
    page: Page, own: Server, portrait: np.ndarray, tmp_path: Path
) -> None:
    photo = tmp_path / "own.jpg"
    # Of a size that no other visit's photo has: theirs are kept for minutes.
    photo.write_bytes(jpeg(portrait[:-1]))
    size = photo.stat().st_size
    page.goto(f"{own.url}/Realtime_Demo?mode=photo")
    settle(page)
    page.locator(key("demo_upload")).locator("input[type=file]").set_input_files(photo)
    expect(page.get_by_text("proposed: happy").first).to_be_visible()
    assert size in own.tell("uploads")
    page.locator(f"{key('mode')} button").filter(has_text="Play").click()
    expect(page.locator(key("play_start"))).to_be_visible()
    until(lambda: size not in own.tell("uploads"), "the photo is still held", 0.3)


@pytest.mark.camera
def test_going_back_while_streaming_ends_the_stream(
    browser: Browser, own: Server, portrait: np.ndarray, tmp_path: Path
) -> None:
    clip = camera.write_clip(tmp_path / "face.y4m", portrait)
    with camera.camera_page(browser.browser_type, camera.playing(clip)) as streaming:
        streaming.goto(f"{own.url}/Training")
        settle(streaming)
        streaming.goto(f"{own.url}/Realtime_Demo")
        streaming.get_by_role("button", name="Start", exact=True).click()
        expect(streaming.locator(".js-plotly-plot").first).to_be_visible()
        streaming.go_back()
        settle(streaming)
        expect(streaming.get_by_role("heading", name="Training", level=1)).to_be_visible()
        expect(crashes(streaming)).to_have_count(0)
        until(lambda: camera.of_streams(own) == [], "a stream goes on", 0.3)
        streaming.go_forward()
        streaming.get_by_role("button", name="Start", exact=True).click()
        expect(streaming.locator(".js-plotly-plot").first).to_be_visible()
        expect(crashes(streaming)).to_have_count(0)
    until(lambda: camera.of_streams(own) == [], "a stream goes on", 0.3)
