"""A game as visitors play it: both languages, desktop by keys and phone by thumb."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_checks import crashes, width_beyond_window

WORDS = {
    "en": {
        "start": "Start",
        "face": "Face {n} of 10",
        "end": "Face by face, game 42",
        "csv": "Download as CSV",
        "again": "Play again",
        "agree": "would agree with you",
    },
    "id": {
        "start": "Mulai",
        "face": "Wajah {n} dari 10",
        "end": "Hasil per wajah, permainan 42",
        "csv": "Unduh sebagai CSV",
        "again": "Main lagi",
        "agree": "sependapat dengan Anda",
    },
}
ORDER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
# A label for each face: every expression is chosen at least once.
CHOSEN = (3, 0, 6, 1, 4, 2, 5, 3, 6, 4)


def test_a_game_is_played(page: Page, address: str) -> None:
    words = WORDS["id" if page.evaluate("navigator.language").startswith("id") else "en"]
    by_thumb = (page.viewport_size or {"width": 0})["width"] < 500
    page.goto(f"{address}/Realtime_Demo?mode=play&game=42")
    page.get_by_role("button", name=words["start"]).click()
    for at, label in enumerate(CHOSEN):
        expect(page.get_by_text(words["face"].format(n=at + 1))).to_be_visible()
        # The last of the seven: all of them are there.
        last = page.locator(f".st-key-play_neutral_{at}").get_by_role("button")
        expect(last).to_be_in_viewport()
        if by_thumb:
            button = page.locator(f".st-key-play_{ORDER[label]}_{at}").get_by_role("button")
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 38
            button.click()
        else:
            page.keyboard.press(str(label + 1))
        expect(page.locator(".st-key-stage_side").get_by_text("proposed: ")).to_be_visible()
        onwards = page.locator(f".st-key-play_next_{at}").get_by_role("button")
        expect(onwards).to_be_in_viewport()
        if by_thumb:
            onwards.click()
        else:
            page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=words["end"])).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_text(words["agree"])).to_be_visible()
    expect(crashes(page)).to_have_count(0)
    assert width_beyond_window(page) <= 0
    with page.expect_download() as download:
        page.get_by_role("button", name=words["csv"]).first.click()
    lines = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert [line["you"] for line in lines] == [ORDER[label] for label in CHOSEN]
    assert {line["game"] for line in lines} == {"42"}
    assert all(line["proposed"] in ORDER and line["baseline"] in ORDER for line in lines)
    # Grad-CAM on request.
    page.locator(".st-key-play_face").get_by_text("2", exact=True).click()
    expect(page.locator(".st-key-play_confidence")).to_be_visible()
    expect(page.locator("img[alt*='Grad-CAM']").first).to_be_visible()
    page.get_by_role("button", name=words["again"]).click()
    expect(page.get_by_role("button", name=words["start"])).to_be_visible()


@pytest.mark.parametrize("page", [(1920, "id", 1080), (1920, "en", 1080)], indirect=True)
def test_a_game_on_the_projector_is_read_from_the_back_row(page: Page, address: str) -> None:
    page.goto(f"{address}/Realtime_Demo?mode=play&game=42&view=presentation")
    words = WORDS["id" if page.evaluate("navigator.language").startswith("id") else "en"]
    page.get_by_role("button", name=words["start"]).click()
    picture = page.locator(".st-key-stage_face img")
    expect(picture).to_be_in_viewport(ratio=1)
    box = picture.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 600
    tops = set()
    for key in ORDER:
        button = page.locator(f".st-key-play_{key}_0").get_by_role("button")
        expect(button).to_be_in_viewport(ratio=1)
        size = button.locator("p").first.evaluate("p => parseFloat(getComputedStyle(p).fontSize)")
        assert size >= 24
        cut = "b => [...b.querySelectorAll('*')].some((e) => e.scrollWidth > e.clientWidth + 1)"
        assert not button.evaluate(cut), key
        bounds = button.bounding_box()
        assert bounds is not None
        tops.add(round(bounds["y"]))
    assert len(tops) == 1, "all seven in one row"
    page.keyboard.press("4")
    told = page.locator(".st-key-stage_side").get_by_text("proposed: ")
    expect(told).to_be_in_viewport(ratio=1)
    assert told.evaluate("p => parseFloat(getComputedStyle(p).lineHeight)") >= 80
    expect(page.locator(".st-key-play_next_0").get_by_role("button")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "presentation" not in url)
    # The game goes on where it was.
    expect(page.locator(".st-key-play_next_0").get_by_role("button")).to_be_visible()
