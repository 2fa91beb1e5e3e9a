"""Each way in which somebody starts the server opens Home and the demo."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support import serving
from tests.support.making import ROOT, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"]),
]
# As a program starts it that knows no `st.App`: the page's script alone is served.
UNDISCOVERED = """
from streamlit import config
from streamlit.web import bootstrap

config.set_option("server.headless", True)
config.set_option("server.port", {port})
bootstrap.run("Home.py", False, [], {{}})
"""


def streamlit(port: int) -> list[str]:
    return ["-m", "streamlit", "run", "Home.py", f"--server.port={port}", "--server.headless=true"]


def docker(port: int) -> list[str]:
    return [*streamlit(port), "--server.address=0.0.0.0"]


def uvicorn(port: int) -> list[str]:
    return ["-m", "uvicorn", "Home:app", f"--port={port}"]


def undiscovered(port: int) -> list[str]:
    return ["-c", UNDISCOVERED.format(port=port)]


@contextmanager
def started(arguments: list[str], port: int, log: Path) -> Iterator[str]:
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    url = f"http://localhost:{port}"

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=10):
            return True
        return False

    try:
        until(answers, log.read_text, 0.2)
        yield url
    finally:
        serving.stop(process)


@pytest.mark.parametrize("way", [streamlit, docker, uvicorn, undiscovered])
def test_home_and_the_demo_open(
    page: Page, tmp_path: Path, way: Callable[[int], list[str]]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with started(way(port), port, tmp_path / "log") as url:
        page.goto(url)
        expect(page.locator(".js-plotly-plot g.point")).to_have_count(14)
        page.get_by_role("link", name="5. Demo").click()
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
        page.reload()
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
        page.goto("about:blank")
    assert "Traceback" not in (tmp_path / "log").read_text()
