"""What must hold on every page, asked in the browser: text can be read, nothing is cut off, every
control is reached by keyboard."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page

CRASHED = re.compile("^This page ended in an error|^Halaman ini berhenti karena galat")
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

# Controls that stand in the page, also within components: what can be pressed, filled or chosen.
# A group of choices is one stop of the Tab key, and arrows go along it; so is a row of faces. What
# a widget itself takes out of the order (steps of a number, the button that opens a list) its arrow
# keys do; a file is chosen by the button beside its input.
WALK = """
(() => {
  const CONTROLS = 'a[href], button, input, select, textarea, summary, [role=slider], [role=tab],'
    + ' [role=combobox], iframe[src*=streamlit_webrtc]';
  const within = (root) => [
    ...root.querySelectorAll(CONTROLS),
    ...[...root.querySelectorAll('*')].filter((e) => e.shadowRoot)
      .flatMap((e) => within(e.shadowRoot)),
  ];
  const group = (element) =>
    element.closest('[role=radiogroup], [role=toolbar], [role=tablist], .faces') ?? element;
  const isShown = (element) => {
    const box = element.getBoundingClientRect();
    const opacityProperty = !element.matches('input');
    return element.checkVisibility({ visibilityProperty: true, opacityProperty }) && box.right > 0
      && (box.width > 1 || element.matches('input')) && !element.closest('[inert]');
  };
  const isStop = (e) => !e.disabled && e.getAttribute('aria-disabled') !== 'true'
    && e.type !== 'file' && e.tabIndex >= 0;
  // What the page draws anew meanwhile is another element of the same name.
  const name = (element) => [element.tagName, element.getAttribute('aria-label')
    || element.textContent.trim().slice(0, 30), element.getAttribute('data-testid')
    || element.closest('[data-testid]')?.dataset.testid,
    element.closest('[class*=st-key-]')?.className.match(/st-key-\\S+/)?.[0]].join(' ');
  const reached = new Set(), stops = new Set();
  window.step = async () => {
    // A table moves its own focus a moment after the key, and keeps it if the next comes before.
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame();
    await frame();
    let found = document.activeElement;
    while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
    if (found === document.body) return 'body';
    const isNew = !reached.has(found);
    reached.add(found);
    stops.add(name(group(found)));
    return isNew ? 'new' : 'old';
  };
  window.missed = () => within(document).filter((e) => isStop(e) && isShown(e)).map(group)
    .map(name).filter((one) => !stops.has(one));
})()
"""

MOST_STOPS_WITHIN = 60


def crashes(page: Page) -> Locator:
    """The places where a page says that it ended in an error, in the app's words or Streamlit's."""
    return page.locator("[data-testid=stException]").or_(page.get_by_text(CRASHED))


def check_contrast(page: Page) -> None:
    """Fail on text whose contrast to the background is below 4.5 (WCAG 2.2, 1.4.3)."""
    assert page.evaluate(FAINT) == []


def check_edges(page: Page, width: int) -> None:
    """Fail, in a window of that width, on a page that is wider, and on a cut figure or choice."""
    page.set_viewport_size({"width": width, "height": 844})
    # Cards take their new width before the next frame is drawn.
    page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    assert page.evaluate(CUT) == [], f"{width} px"
    assert width_beyond_window(page) <= 0, f"{width} px"


def check_keyboard(page: Page) -> None:
    """Fail on a control that Tab does not reach, or that keeps the focus."""
    page.evaluate(WALK)
    came_to, nothing_new = "", 0
    # Tab goes along a table's columns first, and through the buttons of the video's frame.
    while came_to != "body" and nothing_new < MOST_STOPS_WITHIN:
        page.keyboard.press("Tab")
        came_to = page.evaluate("window.step()")
        nothing_new = 0 if came_to == "new" else nothing_new + 1
    assert came_to == "body", "a control does not let go of the focus"
    assert page.evaluate("window.missed()") == []


def width_beyond_window(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    main = page.get_by_test_id("stMain")
    return int(main.evaluate("main => main.scrollWidth - main.clientWidth"))
