"""A game as visitors play it: on a phone by thumb, on the projector by keys."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from fer import emotions
from tests.support.page_checks import crashes, width_beyond_window

# A label for each face: every expression is chosen at least once.
CHOSEN = (3, 0, 6, 1, 4, 2, 5, 3, 6, 4)


def button(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-play_{key}").get_by_role("button")


@pytest.mark.parametrize("page", [(390, "id")], indirect=True, ids=["phone-id"])
def test_a_game_is_played(page: Page, address: str) -> None:
    page.goto(f"{address}/Realtime_Demo?mode=play&game=42")
    button(page, "start").click()
    for at, label in enumerate(CHOSEN):
        # The last of the seven: all of them are there.
        expect(button(page, f"neutral_{at}")).to_be_in_viewport()
        button(page, f"{emotions.KEYS[label]}_{at}").click()
        onwards = button(page, f"next_{at}")
        expect(onwards).to_be_in_viewport()
        onwards.click()
    heading = page.get_by_role("heading", name="Hasil per wajah, permainan 42")
    expect(heading).to_be_visible()
    expect(crashes(page)).to_have_count(0)
    assert width_beyond_window(page) <= 0
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").first.click()
    lines = list(csv.DictReader(Path(download.value.path()).read_text("utf-8").splitlines()))
    assert [line["you"] for line in lines] == [emotions.KEYS[label] for label in CHOSEN]
    assert {line["game"] for line in lines} == {"42"}
    # Grad-CAM on request.
    page.locator(".st-key-play_face").get_by_text("2", exact=True).click()
    expect(page.locator("img[alt*='Grad-CAM']").first).to_be_visible()
    button(page, "again").click()
    expect(button(page, "start")).to_be_visible()


@pytest.mark.parametrize("page", [(1920, "id", 1080)], indirect=True)
def test_a_game_on_the_projector_is_read_from_the_back_row(page: Page, address: str) -> None:
    page.goto(f"{address}/Realtime_Demo?mode=play&game=42&view=presentation")
    button(page, "start").click()
    picture = page.locator(".st-key-stage_face img")
    expect(picture).to_be_in_viewport(ratio=1)
    assert picture.evaluate("e => Math.min(e.clientWidth, e.clientHeight)") >= 600
    tops = set()
    for key in emotions.KEYS:
        choice = button(page, f"{key}_0")
        expect(choice).to_be_in_viewport(ratio=1)
        size = choice.locator("p").first.evaluate("p => parseFloat(getComputedStyle(p).fontSize)")
        assert size >= 24
        cut = "b => [...b.querySelectorAll('*')].some((e) => e.scrollWidth > e.clientWidth + 1)"
        assert not choice.evaluate(cut), key
        tops.add(choice.evaluate("b => Math.round(b.getBoundingClientRect().y)"))
    assert len(tops) == 1, "all seven in one row"
    page.keyboard.press("4")
    told = page.locator(".st-key-stage_side").get_by_text("proposed: ")
    expect(told).to_be_in_viewport(ratio=1)
    assert told.evaluate("p => parseFloat(getComputedStyle(p).lineHeight)") >= 80
    expect(button(page, "next_0")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(button(page, "neutral_1")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "presentation" not in url)
    # The game goes on where it was.
    expect(button(page, "neutral_1")).to_be_visible()
