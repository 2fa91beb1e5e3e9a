"""The screens that browser tests open, and what must hold on each."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.support.pages import VIEWS

# Width and language by name.
ALL = {
    f"{screen}-{language}": (width, language)
    for screen, width in (("desktop", 1280), ("phone", 390))
    for language in ("en", "id")
}
# A phone held sideways: width, language, height.
SIDEWAYS = (844, "id", 390)

# Every page, and every view of the results' page, under the server's address.
PATHS = (
    *("", "Dataset", "Preprocessing", "Training", "Realtime_Demo"),
    *(f"Classification_Results?view={view}" for view in VIEWS),
)


def width_beyond_window(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    return int(
        page.evaluate(
            "(() => { const m = document.querySelector('[data-testid=stMain]');"
            "return m.scrollWidth - m.clientWidth; })()"
        )
    )
