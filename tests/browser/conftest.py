"""A running dashboard and a real browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.camera import CHROMIUM
from tests.support.making import PATIENCE
from tests.support.serving import Server, running

PHONE = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Mobile Safari/537.36"
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
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="session")
def address(server: Server) -> str:
    return server.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=[(1280, "en"), (390, "id")], ids=["desktop-en", "phone-id"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width, language, *given = request.param
    usual = given[0] if given else 844
    context = browser.new_context(
        viewport={"width": width, "height": usual},
        locale={"en": "en-GB", "id": "id-ID"}[language],
        reduced_motion="reduce",
        # A phone that is held sideways is as wide as a window.
        user_agent=PHONE if min(width, usual) < 500 else None,
    )
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    expect.set_options(timeout=1000 * PATIENCE)
    yield page
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        # Streamlit scrolls inside the page, so only a window as tall as its content shows it all;
        # a chart that is still being drawn makes it taller.
        height, needed = 0, usual
        while needed > height:
            height = needed
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(3000)
            needed = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_").replace(".py", ""))
        page.screenshot(path=Path(SCREENSHOTS) / f"{name.strip('-')}.png")
    context.close()
