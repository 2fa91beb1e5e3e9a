"""Text on its background: contrast of at least 4.5 (WCAG 2.2, 1.4.3), measured in the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

# Text below 4.5, with its ratio. Sliders draw their value beside the thumb that contains it.
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
    if (element.closest('svg, style, script, [data-testid=stSlider]')) continue;
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


@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
@pytest.mark.parametrize("name", ["", "Dataset", "Preprocessing", "Realtime_Demo"])
def test_text_stands_out(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/{name}")
    page.get_by_text("SHA-256").last.wait_for()
    page.wait_for_load_state("networkidle")
    assert page.evaluate(FAINT) == []
