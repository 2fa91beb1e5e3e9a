"""Home as a visitor sees it, on a desktop in English and on a phone in Indonesian."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.making import jpeg
from tests.support.page_checks import crashes, width_beyond_window


def faces(page: Page) -> Locator:
    return page.locator("button").filter(has=page.locator(".picture"))


def test_photo_shows_two_models_bars(
    page: Page, address: str, portrait: np.ndarray, tmp_path: Path
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address)
    indonesian = page.viewport_size == {"width": 390, "height": 844}
    happy, percent = ("senang", r"\d+,\d%") if indonesian else ("happy", r"\d+\.\d%")
    photo = tmp_path / "portrait.jpg"
    photo.write_bytes(jpeg(portrait))
    chart = page.locator(".js-plotly-plot")
    # A sample face is answered before anyone does anything.
    expect(chart.locator("g.point")).to_have_count(14)
    pressed = page.locator("[aria-pressed=true]").and_(faces(page))
    expect(pressed).to_have_count(1)
    page.locator("input[type=file]").set_input_files(photo)
    found = "Wajah ditemukan: 1" if indonesian else "Faces found: 1"
    expect(page.get_by_text(found)).to_be_visible()
    # The photo is none of the sample faces.
    expect(pressed).to_have_count(0)
    # What held the place goes a moment after the answers come.
    expect(chart).to_have_count(1)
    expect(chart.locator("g.point")).to_have_count(14)
    expect(chart.get_by_text(happy, exact=True)).to_be_visible()
    # Collins smiles; both models' top class stands below the chart.
    for model in ("baseline", "proposed"):
        expect(page.get_by_text(f"{model}: {happy}").first).to_be_visible()
    # Screen readers are told.
    told = re.compile(f"^baseline: {happy} {percent}, proposed: {happy} {percent}$")
    expect(page.locator("#fer-announced[role=status]")).to_have_text(told)
    expect(crashes(page)).to_have_count(0)
    assert width_beyond_window(page) <= 0
    assert problems == []


@pytest.mark.parametrize("page", [(390, "id")], indirect=True, ids=["phone"])
def test_a_file_that_cannot_be_used_is_told(page: Page, address: str, tmp_path: Path) -> None:
    notes, huge = tmp_path / "catatan.txt", tmp_path / "panjang.mp4"
    notes.write_text("wajah")
    with huge.open("wb") as file:
        file.truncate(300 << 20)
    page.goto(address)
    expect(page.locator(".js-plotly-plot g.point")).to_have_count(14)
    alert = page.locator("[data-testid=stAlert]")
    for refused, sentence in {
        huge: "panjang.mp4 lebih besar dari 200 MB",
        notes: "catatan.txt bukan gambar",
    }.items():
        page.locator("input[type=file]").set_input_files(refused)
        expect(alert).to_contain_text(sentence)
        expect(page.locator(".js-plotly-plot")).to_have_count(0)
    # The browser says itself which language it prefers, and the switch goes on showing it.
    expect(page.get_by_role("radio", name="ID")).to_be_checked()
    faces(page).first.click()
    expect(page.get_by_text("Label FER-2013 wajah ini (dari Training)")).to_be_visible()
    expect(alert).to_have_count(0)


# What has the focus, inside components, too; and how its outline looks.
FOCUSED = """
(() => {
  let found = document.activeElement;
  while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
  return [found.getAttribute('aria-label') || '', getComputedStyle(found).outlineStyle];
})()
"""


@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
def test_a_face_is_chosen_by_keyboard(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".js-plotly-plot g.point")).to_have_count(14)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED)[0].startswith("happy; votes: "):
            break
    page.keyboard.press("ArrowRight")
    name, outline = page.evaluate(FOCUSED)
    assert name.startswith("sad; votes: ")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_text("FER-2013 label: sad (Training image)")).to_be_visible()
    expect(page.locator("[aria-pressed=true]").and_(faces(page))).to_have_attribute(
        "aria-label", name
    )
    assert page.evaluate(FOCUSED)[0] == name, "the pressed face keeps the focus"


@pytest.mark.parametrize("page", [(390, "id")], indirect=True, ids=["id"])
def test_all_bars_are_in_a_phones_screen(page: Page, address: str) -> None:
    page.goto(address)
    chart = page.locator(".st-key-home_confidence .js-plotly-plot")
    expect(chart.locator("g.point")).to_have_count(14)
    # Until the empty axes that held its place are gone.
    expect(chart).to_have_count(1)
    expect(chart).to_be_in_viewport(ratio=1)
    # The faces stand below, where a visitor scrolls until the bars are gone.
    faces(page).last.evaluate("face => face.scrollIntoView({ block: 'start' })")
    expect(chart).not_to_be_in_viewport(ratio=1)
    faces(page).last.click()
    expect(page.get_by_text(re.compile("FER-2013.*: netral"))).to_be_visible()
    expect(chart).to_have_count(1)
    expect(chart).to_be_in_viewport(ratio=1)
