"""Each way in which somebody starts the server opens Home and the demo."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.serving import running

STREAMLIT = ("-m", "streamlit", "run", "Home.py", "--server.port={port}", "--server.headless=true")
# As a program starts it that knows no `st.App`: the page's script alone is served.
UNDISCOVERED = """
from streamlit import config
from streamlit.web import bootstrap

config.set_option("server.headless", True)
config.set_option("server.port", {port})
bootstrap.run("Home.py", False, [], {{}})
"""


@pytest.mark.slow
@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
@pytest.mark.parametrize(
    "way",
    [STREAMLIT, ("-m", "uvicorn", "Home:app", "--port={port}"), ("-c", UNDISCOVERED)],
    ids=["streamlit", "uvicorn", "undiscovered"],
)
def test_home_and_the_demo_open(page: Page, tmp_path: Path, way: tuple[str, ...]) -> None:
    with running(tmp_path, way=way) as server:
        page.goto(server.url)
        expect(page.locator(".js-plotly-plot g.point")).to_have_count(14)
        page.get_by_test_id("stMain").get_by_role("link", name="5. Demo").click()
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
        page.reload()
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
        page.goto("about:blank")
    assert "Traceback" not in (tmp_path / "log").read_text()
