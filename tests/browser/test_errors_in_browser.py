"""What goes wrong is said in the visitor's language: an address that is no page's, a page that ends
in an error."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.making import ROOT
from tests.support.page_checks import crashes
from tests.support.serving import Server, running

pytestmark = pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
BROKEN = "import streamlit as st\nst.button('Fail', on_click=lambda: 1 / 0)\n{}['missing']\n"
STREAMLITS_OWN = "[data-testid=stException], [role=dialog], [data-testid=stToast]"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A fresh server one of whose pages ends in an error."""
    site = tmp_path_factory.mktemp("site")
    for name in ("fer", "data", "models", ".streamlit"):
        (site / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "Home.py", site)
    shutil.copytree(ROOT / "pages", site / "pages")
    (site / "pages" / "4_Training.py").write_text(BROKEN)
    with running(tmp_path_factory.mktemp("server"), root=site) as started:
        yield started


def test_an_address_that_is_no_pages(page: Page, faulty: Server) -> None:
    for path in ("old", "caf%C3%A9?lang=XX"):
        page.goto(f"{faulty.url}/{path}")
        expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
        expect(page.get_by_text("no page at this")).to_be_visible()
        expect(page.locator(STREAMLITS_OWN)).to_have_count(0)
    page.get_by_role("radio", name="ID").click()
    expect(page.get_by_role("heading", name="Halaman tidak ditemukan")).to_be_visible()
    page.get_by_test_id("stMain").get_by_test_id("stPageLink").get_by_role("link").click()
    expect(page.get_by_role("heading", name="Sistem Analisis Ekspresi Wajah")).to_be_visible()
    expect(page.locator(STREAMLITS_OWN)).to_have_count(0)


def test_a_page_that_ends_in_an_error(page: Page, faulty: Server) -> None:
    page.goto(f"{faulty.url}/Training")
    expect(crashes(page)).to_contain_text("This page ended in an error.")
    # In a callback, too.
    page.get_by_role("button", name="Fail").click()
    page.locator("[data-test-script-state=notRunning]").wait_for()
    expect(crashes(page)).to_contain_text("This page ended in an error.")
    expect(page.locator(STREAMLITS_OWN)).to_have_count(0)
