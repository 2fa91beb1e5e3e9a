"""A running dashboard and a real browser."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Where screenshots are kept for a person to look at; none are taken if it is unset.
SCREENSHOTS = os.environ.get("FER_SCREENSHOTS")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="Chromium is not installed")
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("server") / "log").open("w+")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", "Home.py"),
            *("--server.headless=true", "--server.address=localhost"),
            f"--server.port={port}",
        ],
        cwd=ROOT,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    url = f"http://localhost:{port}"
    try:
        for _ in range(120):
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.5)
        else:
            log.seek(0)
            pytest.fail(f"The dashboard did not start:\n{log.read()}")
        yield url
    finally:
        server.terminate()
        server.wait(20)
        log.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=[(1280, "en"), (390, "id")], ids=["desktop-en", "phone-id"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width, language = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        locale={"en": "en-GB", "id": "id-ID"}[language],
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    # The first photo loads both networks.
    expect.set_options(timeout=90_000)
    yield page
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        # Streamlit scrolls inside the page, so only a window as tall as its content shows it all.
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": max(844, height)})
        page.wait_for_timeout(3000)
        name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_").replace(".py", ""))
        page.screenshot(path=Path(SCREENSHOTS) / f"{name.strip('-')}.png")
    context.close()
