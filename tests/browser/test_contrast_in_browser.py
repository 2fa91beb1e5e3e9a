"""Text can be read: its contrast to the background is at least 4.5 (WCAG 2.2, 1.4.3), and no figure
or choice is cut off; measured in the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.support.screens import PATHS

# Text below 4.5, with its ratio; disabled text is exempt. Sliders draw their value beside the thumb
# that contains it.
FAINT = """
(() => {
  const numbers = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const over = (front, alpha, back) => back.map((v, at) => front[at] * alpha + v * (1 - alpha));
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, alpha = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (alpha > 0) layers.unshift([[r, g, b], alpha]);
      if (alpha === 1) break;
    }
    return layers.reduce((back, [rgb, alpha]) => over(rgb, alpha, back), [15, 23, 42]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent.trim();
    const element = node.parentElement;
    if (!text || !element.getClientRects().length) continue;
    if (element.closest('svg, style, script, [data-testid=stSlider], :disabled')) continue;
    const style = getComputedStyle(element);
    let shown = style.visibility === 'hidden' ? 0 : 1;
    for (let at = element; at; at = at.parentElement) shown *= Number(getComputedStyle(at).opacity);
    if (shown < 0.05) continue;
    const back = behind(element);
    const [r, g, b, alpha = 1] = numbers(style.color);
    const [low, high] = [light(over([r, g, b], alpha * shown, back)), light(back)].sort();
    const ratio = (Math.max(low, high) + 0.05) / (Math.min(low, high) + 0.05);
    if (ratio < 4.5) found.push([text.slice(0, 60), Number(ratio.toFixed(2))]);
  }
  return found;
})()
"""


# Labels and values of metrics that are wider than their card, which ends them in an ellipsis, and
# choices that must be scrolled sideways.
CUT = """
(() => {
  const main = document.querySelector('[data-testid=stMain]');
  const all = main.querySelectorAll(
    '[data-testid=stMetric] *, [data-testid=stButtonGroup], [data-testid=stButtonGroup] *');
  return [...all]
    .filter((e) => getComputedStyle(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1)
    .map((e) => e.textContent);
})()
"""


@pytest.mark.parametrize(
    "page", [(1280, "en"), (1280, "id")], indirect=True, ids=["desktop-en", "desktop-id"]
)
@pytest.mark.parametrize("path", PATHS)
def test_text_stands_out_and_nothing_is_cut(page: Page, address: str, path: str) -> None:
    page.goto(f"{address}/{path}")
    page.get_by_text("SHA-256").last.wait_for()
    page.wait_for_load_state("networkidle")
    page.locator("[data-test-script-state=notRunning]").wait_for()
    assert page.evaluate(FAINT) == []
    for width in (1280, 390, 360):
        page.set_viewport_size({"width": width, "height": 844})
        # Cards take their new width before the next frame is drawn.
        page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
        assert page.evaluate(CUT) == [], f"{width} px"
