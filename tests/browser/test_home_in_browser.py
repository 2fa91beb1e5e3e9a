"""Home as a visitor sees it, on a desktop in English and on a phone in Indonesian."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.making import jpeg
from tests.support.page_checks import crashes, width_beyond_window
from tests.support.serving import resident_mb, running


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
    chart = page.locator(".js-plotly-plot")
    # A sample face is answered before anyone does anything.
    expect(chart.locator("g.point")).to_have_count(14)
    pressed = page.locator("button[aria-pressed=true]").filter(has=page.locator(".picture"))
    expect(pressed).to_have_count(1)
    expect(page.get_by_text("FER-2013").first).to_be_visible()
    page.locator("input[type=file]").set_input_files(photo)
    expect(
        page.get_by_text("Wajah ditemukan: 1" if indonesian else "Faces found: 1")
    ).to_be_visible()
    # The photo is none of the sample faces.
    expect(pressed).to_have_count(0)
    # What held the place goes a moment after the answers come.
    expect(chart).to_have_count(1)
    expect(chart).to_be_visible()
    expect(chart.locator("g.point")).to_have_count(14)
    expect(chart.get_by_text("senang" if indonesian else "happy", exact=True)).to_be_visible()
    # Collins smiles; both models' top class stands below the chart.
    for model in ("baseline", "proposed"):
        answer = page.get_by_text(f"{model}: {'senang' if indonesian else 'happy'}")
        expect(answer.first).to_be_visible()
    # Screen readers are told.
    emotion, percent = ("senang", r"\d+,\d%") if indonesian else ("happy", r"\d+\.\d%")
    told = re.compile(f"^baseline: {emotion} {percent}, proposed: {emotion} {percent}$")
    expect(page.locator("#fer-announced[role=status]")).to_have_text(told)
    expect(crashes(page)).to_have_count(0)
    assert width_beyond_window(page) <= 0
    assert problems == []


@pytest.mark.parametrize("page", [(390, "id")], indirect=True, ids=["phone"])
def test_a_file_that_cannot_be_used_is_told(
    page: Page, address: str, portrait: np.ndarray, tmp_path: Path
) -> None:
    photo, notes = tmp_path / "potret.jpg", tmp_path / "catatan.txt"
    photo.write_bytes(jpeg(portrait))
    notes.write_text("wajah")
    large = tmp_path / "besar.jpg"
    large.write_bytes(b"\xff\xd8" + bytes(41 << 20))
    empty, huge = tmp_path / "kosong.png", tmp_path / "panjang.mp4"
    empty.touch()
    with huge.open("wb") as file:
        file.truncate(300 << 20)
    page.goto(address)
    # The browser says itself which language it prefers, and the switch goes on showing it.
    chosen, chooser = page.get_by_role("radio", name="ID"), page.locator("input[type=file]")
    expect(page.locator(".js-plotly-plot g.point")).to_have_count(14)
    alert = page.locator("[data-testid=stAlert]")
    for refused, sentence in {
        notes: "catatan.txt bukan gambar",
        empty: "kosong.png kosong",
        large: "besar.jpg lebih besar dari 40 MB",
        huge: "panjang.mp4 lebih besar dari 200 MB",
    }.items():
        chooser.set_input_files(refused)
        expect(alert).to_contain_text(sentence)
        expect(page.locator(".js-plotly-plot")).to_have_count(0)
        chooser.set_input_files(photo)
        expect(page.get_by_text("Wajah ditemukan: 1")).to_be_visible()
        expect(alert).to_have_count(0)
    expect(chosen).to_be_checked()
    chooser.set_input_files(notes)
    expect(alert).to_contain_text("catatan.txt bukan gambar")
    page.locator("button").filter(has=page.locator(".picture")).first.click()
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
    chosen = page.locator("button[aria-pressed=true]").filter(has=page.locator(".picture"))
    expect(chosen).to_have_attribute("aria-label", name)
    assert page.evaluate(FOCUSED)[0] == name, "the pressed face keeps the focus"


@pytest.mark.parametrize("page", [(390, "id"), (390, "en")], indirect=True, ids=["id", "en"])
def test_all_bars_are_in_a_phones_screen(page: Page, address: str) -> None:
    page.goto(address)
    chart = page.locator(".st-key-home_confidence .js-plotly-plot")
    expect(chart.locator("g.point")).to_have_count(14)
    # Until the empty axes that held its place are gone.
    expect(chart).to_have_count(1)
    expect(chart).to_be_in_viewport(ratio=1)
    # The faces stand below, where a visitor scrolls until the bars are gone.
    last = page.locator("button").filter(has=page.locator(".picture")).last
    last.evaluate("face => face.scrollIntoView({ block: 'start' })")
    expect(chart).not_to_be_in_viewport(ratio=1)
    last.click()
    expect(page.get_by_text(re.compile("FER-2013.*: (neutral|netral)"))).to_be_visible()
    expect(chart).to_have_count(1)
    expect(chart).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("page", [(390, "id")], indirect=True, ids=["phone"])
def test_a_sample_face_is_looked_at_closely(page: Page, address: str) -> None:
    page.goto(f"{address}/Dataset")
    faces = page.locator("button").filter(has=page.locator(".picture"))
    expect(faces).to_have_count(70)
    box = faces.first.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    faces.nth(69).click()
    expect(page.get_by_alt_text("Wajah yang diperbesar")).to_be_visible()
    expect(page.locator(".js-plotly-plot").filter(has_text="Suara sepuluh orang")).to_be_visible()
    expect(page.locator(".js-plotly-plot").filter(has_text="Keyakinan (%)")).to_be_visible()
    assert width_beyond_window(page) <= 0


@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
def test_answers_come_without_tensorflow(page: Page, portrait: np.ndarray, tmp_path: Path) -> None:
    photo = tmp_path / "portrait.jpg"
    photo.write_bytes(jpeg(portrait))
    # A server of its own: what other tests streamed through theirs would count here.
    with running(tmp_path) as server:
        page.goto(server.url)
        page.locator("input[type=file]").set_input_files(photo)
        expect(page.get_by_text("Faces found: 1")).to_be_visible()
        expect(page.get_by_text("proposed: happy").first).to_be_visible()
        modules = set(server.tell("modules"))
        assert "openvino" in modules
        assert not {"tensorflow", "keras", "torch"} & modules
        assert resident_mb(server.pid) <= 500
        page.goto("about:blank")
