"""What visitors do that nobody planned for: double clicks, second thoughts.

Elements are found by their keys, which are the same in both languages.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Error, Page, expect

from fer.data import importing
from fer.training import jobs, monitor
from tests.support.making import ROOT, jpeg, small_archive, until
from tests.support.page_checks import crashes
from tests.support.serving import Server, running
from tests.support.training import state_of

on_a_desktop = pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of the dashboard with a small data set, which may be trained on."""
    folder = tmp_path / "site"
    # A link to `fer` would lead to the repository's own runs.
    for name in ("fer", "pages", ".streamlit", "data"):
        ignored = shutil.ignore_patterns("__pycache__", "fer2013")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "Home.py", folder)
    (folder / "models").symlink_to(ROOT / "models")
    archive = small_archive(folder / "archive.zip", per_class=8)
    importing.import_dataset(archive, folder / "data/fer2013")
    return folder


@pytest.fixture
def own(site: Path, tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, root=site) as started:
        yield started


def settle(page: Page) -> None:
    page.locator(".st-key-sources").wait_for()
    page.locator("[data-test-script-state=notRunning]").wait_for()
    expect(crashes(page)).to_have_count(0)


@on_a_desktop
def test_a_double_click_starts_one_training_and_a_stop_right_after_ends_it(
    page: Page, own: Server, site: Path
) -> None:
    def started() -> list[Path]:
        return [path.parent for path in (site / "runs").rglob(monitor.PROGRESS)]

    def is_stopped() -> bool:
        # While the page redraws itself, what goes stands beside what comes, and a click on it is
        # lost: press again.
        if jobs.active(site / "runs", time.time()):
            with suppress(Error):
                stop.first.click(timeout=2_000)
        return not jobs.active(site / "runs", time.time())

    page.goto(f"{own.url}/Training")
    settle(page)
    # On the server's own machine visitors may train without being allowed to.
    page.locator(".st-key-start button").dblclick()
    until(started, "no training was started")
    (run_dir,) = started()
    stop = page.locator(f"[class*='st-key-stop_{run_dir.name}'] button")
    expect(stop.first).to_be_visible()
    until(is_stopped, lambda: (run_dir / jobs.LOG).read_text(), 0.3)
    assert started() == [run_dir]
    assert state_of(run_dir).state == "stopped"
    expect(stop).to_have_count(0)
    expect(page.get_by_text(run_dir.name).first).to_be_visible()
    settle(page)


@on_a_desktop
def test_a_photo_taken_away_during_its_upload_leaves_the_page_working(
    page: Page, address: str, portrait: np.ndarray, tmp_path: Path
) -> None:
    large, small = tmp_path / "large.png", tmp_path / "small.jpg"
    noise = np.random.default_rng(1).integers(0, 256, (2500, 4000, 3), dtype=np.uint8)
    large.write_bytes(jpeg(noise, "PNG"))
    small.write_bytes(jpeg(portrait))
    page.goto(f"{address}/Preprocessing")
    settle(page)
    page.locator(".st-key-pre_source button").first.click()
    network = page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
    slow, fast = ({**conditions, "uploadThroughput": rate} for rate in (2_000_000, -1))
    network.send("Network.emulateNetworkConditions", slow)
    uploader = page.locator(".st-key-pre_upload")
    with page.expect_request(lambda request: request.method == "PUT"):
        uploader.locator("input[type=file]").set_input_files(large)
    uploader.locator("[data-testid=stFileChipDeleteBtn]").click()
    expect(uploader.get_by_text("large.png")).to_have_count(0)
    network.send("Network.emulateNetworkConditions", fast)
    uploader.locator("input[type=file]").set_input_files(small)
    expect(page.locator(".st-key-stages_zip")).to_be_visible()
    expect(page.locator("[data-testid=stAlert]")).to_have_count(0)
    settle(page)
