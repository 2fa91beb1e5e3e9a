"""Home as a visitor sees it, on a desktop in English and on a phone in Indonesian."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from making import jpeg
from playwright.sync_api import Page, expect
from serving import running


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    return int(
        page.evaluate(
            "(() => { const m = document.querySelector('[data-testid=stMain]');"
            "return m.scrollWidth - m.clientWidth; })()"
        )
    )


def test_photo_shows_two_models_bars(
    page: Page, address: str, portrait: np.ndarray, tmp_path: Path
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address)
    indonesian = page.viewport_size is not None and page.viewport_size["width"] == 390
    title = "Sistem Analisis Ekspresi Wajah" if indonesian else "Facial Expression Analysis System"
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    photo = tmp_path / "portrait.jpg"
    photo.write_bytes(jpeg(portrait))
    page.locator("input[type=file]").set_input_files(photo)
    chart = page.locator(".js-plotly-plot")
    expect(chart).to_be_visible()
    expect(chart.locator("g.point")).to_have_count(14)
    expect(chart.get_by_text("senang" if indonesian else "happy", exact=True)).to_be_visible()
    # Collins smiles; both models' top class stands below the chart.
    for model in ("baseline", "proposed"):
        answer = page.get_by_text(f"{model}: {'senang' if indonesian else 'happy'}")
        expect(answer.first).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    assert overflow(page) <= 0
    assert problems == []


@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
def test_answers_come_without_tensorflow(page: Page, portrait: np.ndarray, tmp_path: Path) -> None:
    photo = tmp_path / "portrait.jpg"
    photo.write_bytes(jpeg(portrait))
    # A server of its own: what other tests streamed through theirs would count here.
    with running(tmp_path) as server:
        page.goto(server.url)
        page.locator("input[type=file]").set_input_files(photo)
        expect(page.get_by_text("proposed: happy").first).to_be_visible()
        modules = set(server.tell("modules"))
        assert "openvino" in modules
        assert not {"tensorflow", "keras", "torch"} & modules
        assert server.resident_mb() <= 450
        page.goto("about:blank")


@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
def test_language_switch_keeps_the_choice_in_the_address(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("radio", name="ID").click()
    expect(page.get_by_role("heading", name="Sistem Analisis Ekspresi Wajah")).to_be_visible()
    page.wait_for_url("**lang=ID**")
    page.reload()
    expect(page.get_by_role("heading", name="Sistem Analisis Ekspresi Wajah")).to_be_visible()
