"""All pages as visitors see them: both languages, desktop and phone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from fer.studies.feature_map import unpacked
from fer.studies.records import FEATURE_MAP
from fer.ui.results import report
from tests.support import page_checks
from tests.support.making import ROOT
from tests.support.page_checks import crashes
from tests.support.pages import TITLES, VIEWS

HOME = ("Facial Expression Analysis System", "Sistem Analisis Ekspresi Wajah")


def watch(page: Page) -> list[str]:
    """Return the list that gathers what the browser complains of from now on."""
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # Opened at a page's own address, Streamlit's client first tries that as its base path.
        if message.type == "error" and "404" not in message.text:
            problems.append(message.text)

    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", note)
    page.on("requestfailed", lambda request: problems.append(request.url))
    return problems


def settle(page: Page) -> None:
    page.locator(".st-key-sources").wait_for()
    page.wait_for_load_state("networkidle")
    page.locator("[data-test-script-state=notRunning]").wait_for()
    # The browser fetches a kind of widget when it first meets one.
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(crashes(page)).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)


def place(page: Page, key: str, across: float, down: float) -> tuple[float, float]:
    """Where the page has that place of a chart, in shares of its width and height."""
    chart = page.locator(f".st-key-{key} .js-plotly-plot")
    chart.evaluate("chart => chart.scrollIntoView({ block: 'center' })")
    box = chart.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] * across, box["y"] + box["height"] * down


@pytest.mark.parametrize("name", ["Home.py", *sorted(TITLES)])
def test_page_is_whole(page: Page, address: str, name: str) -> None:
    """One visit in each language: title, words, contrast, edges; on the desktop the keyboard.

    Indonesian is longer than English: its edges are asked at every width.
    """
    problems = watch(page)
    page.goto(f"{address}/{'' if name == 'Home.py' else name.removesuffix('.py')[2:]}")
    is_indonesian = page.evaluate("navigator.language").startswith("id")
    title = (HOME if name == "Home.py" else TITLES[name])[is_indonesian]
    expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "id" if is_indonesian else "en")
    # Several tabs stand beside each other.
    expect(page).to_have_title(f"{title} · FER-2013")
    settle(page)
    page_checks.check_contrast(page)
    if is_indonesian:
        for width in (360, 390, 1280):
            page_checks.check_edges(page, width)
    else:
        page_checks.check_edges(page, 1280)
        page_checks.check_keyboard(page)
    assert problems == []


@pytest.mark.parametrize("page", [(1280, "id")], indirect=True, ids=["desktop-id"])
@pytest.mark.parametrize("view", VIEWS[1:])
def test_longer_words_fit_every_view(page: Page, address: str, view: str) -> None:
    problems = watch(page)
    page.goto(f"{address}/Classification_Results?view={view}")
    settle(page)
    page_checks.check_contrast(page)
    for width in (1280, 360):
        page_checks.check_edges(page, width)
    assert problems == []


@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
def test_language_survives_a_page_change(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("radio", name="ID").click()
    expect(page.get_by_role("heading", name=HOME[1])).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "id")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Pelatihan").click()
    expect(page.get_by_role("heading", name="Pelatihan", exact=True, level=1)).to_be_visible()
    page.wait_for_url("**lang=ID**")
    page.reload()
    expect(page.get_by_role("heading", name="Pelatihan", exact=True, level=1)).to_be_visible()
    page.get_by_role("radio", name="EN").click()
    expect(page.get_by_role("heading", name="Training", exact=True, level=1)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")


@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
def test_click_on_a_confusion_cell_shows_its_images_below_it(page: Page, address: str) -> None:
    page.goto(f"{address}/Classification_Results?view=confusion")
    expect(page.get_by_text("baseline answers sad for")).to_be_visible()
    page.locator("[data-test-script-state=notRunning]").wait_for()
    # Row angry, column happy.
    page.mouse.click(*place(page, "confusion_baseline", 3.5 / 7, 0.5 / 7))
    expect(page.get_by_text("baseline answers happy for")).to_be_in_viewport()
    chosen = page.locator(".st-key-confusion_cell_true").get_by_role("radio", name="angry")
    expect(chosen).to_be_checked()
    # The other model's images are those of the same cell.
    expect(page.get_by_text("proposed answers happy for")).to_be_visible()


@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
def test_points_of_the_map_are_pressed_and_drawn_around(page: Page, address: str) -> None:
    page.goto(f"{address}/Classification_Results?view=map")
    settle(page)

    def point(way: str, across: float, up: float) -> tuple[float, float]:
        """Where the page has that place of the map, -1 to 1."""
        return place(page, f"map_proposed_{way}", (across + 1.05) / 2.1, (1.05 - up) / 2.1)

    record = FEATURE_MAP.require(ROOT / "models")
    places = unpacked(record["models"]["proposed"]["coordinates"], record["images"])
    # The image that lies farthest to the right, beyond all others.
    row = int(places[:, 0].argmax())
    number = page.get_by_label("Number, or press a point")
    expect(number).to_have_value("1")
    page.mouse.move(*point("press", *places[row]))
    page.mouse.click(*point("press", *places[row]))
    expect(number).to_have_value(str(row + 1))
    page.get_by_role("radio", name="draw around several").click()
    page.locator(".st-key-map_proposed_draw .js-plotly-plot").wait_for()
    settle(page)
    page.mouse.move(*point("draw", -0.5, -0.5))
    page.mouse.down()
    for corner in ((0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)):
        page.mouse.move(*point("draw", *corner), steps=8)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"^[\d,]+ images; below each accuracy"))).to_be_visible()


@pytest.mark.parametrize("page", [(390, "id")], indirect=True, ids=["phone"])
def test_a_view_is_chosen_from_a_list_on_a_phone(page: Page, address: str) -> None:
    page.goto(f"{address}/Classification_Results?view=speed")
    settle(page)
    choice = page.locator(".st-key-view input")
    expect(choice).to_have_value("Kecepatan")
    # Title and choices leave the screen to what is shown.
    assert choice.evaluate("e => e.getBoundingClientRect().bottom") <= 844 / 4
    choice.click()
    page.get_by_role("option", name="Peta").click()
    page.wait_for_url("**view=map**")
    expect(page.locator(".st-key-map_proposed_press .js-plotly-plot")).to_be_visible()
    page.locator(".st-key-split input").click()
    page.get_by_role("option", name="PublicTest").click()
    page.wait_for_url("**split=PublicTest**")
    assert "view=map" in page.url


@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
def test_a_chart_of_the_report_is_saved_as_svg(page: Page, tmp_path: Path) -> None:
    written = tmp_path / "report.html"
    written.write_text(report.html("PrivateTest", datetime(2026, 1, 2, tzinfo=UTC)), "utf-8")
    page.goto(written.as_uri())
    chart = page.locator(".js-plotly-plot").first
    chart.hover()
    with page.expect_download() as download:
        chart.locator(".modebar-btn").click()
    assert download.value.suggested_filename == "f1-of-each-class.svg"
    picture = Path(download.value.path()).read_text("utf-8")
    assert picture.startswith("<svg")
    assert "proposed" in picture
