"""By keyboard alone: every control is reached with Tab, and what has the focus is seen to."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages import TITLES

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
  window.controls = () =>
    new Set(within(document).filter((e) => isStop(e) && isShown(e)).map(group));
  window.focused = () => {
    let found = document.activeElement;
    while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
    return found === document.body ? null : found;
  };
  const style = (element) => {
    const { outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor, color,
      textDecorationLine } = getComputedStyle(element);
    const outline = outlineStyle === 'none' ? '' : outlineStyle + outlineWidth;
    return [outline, boxShadow, borderColor, backgroundColor, color, textDecorationLine].join();
  };
  // A widget draws its focus on itself, on what holds it, or on what stands beside a hidden input.
  const looks = (element) => {
    document.getAnimations().forEach((one) => {
      try { one.finish(); } catch { one.cancel(); }
    });
    const around = [element, ...element.querySelectorAll('*')];
    for (let at = element, n = 0; at.parentElement && n < 3; at = at.parentElement, n += 1) {
      around.push(at.parentElement, ...at.parentElement.children);
    }
    return around.map(style).join('|');
  };
  const plain = new Map(within(document).map((element) => [element, looks(element)]));
  window.name_of = (element) => [element.tagName, element.getAttribute('aria-label')
    || element.textContent.trim().slice(0, 30), element.getAttribute('data-testid')
    || element.closest('[data-testid]')?.dataset.testid,
    element.closest('[class*=st-key-]')?.className.match(/st-key-\\S+/)?.[0]].join(' ');
  window.reached = new Set();
  // How many stops of a name were reached: what the page draws anew meanwhile is another element of
  // the same name.
  const stops = {};
  window.unseen = [];
  window.note = async () => {
    // A table moves its own focus a moment after the key, and keeps it if the next comes before.
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame();
    await frame();
    const element = window.focused();
    if (!element) return 'body';
    const isNew = !window.reached.has(element);
    window.reached.add(element);
    const stop = group(element);
    if (isNew && (stop === element || !window.reached.has(stop))) {
      stops[window.name_of(stop)] = (stops[window.name_of(stop)] ?? 0) + 1;
    }
    window.reached.add(stop);
    const isSeen = element.tagName === 'IFRAME' || looks(element) !== plain.get(element);
    if (isNew && !isSeen) window.unseen.push(window.name_of(element));
    return isNew ? 'new' : 'old';
  };
  window.missed = () => {
    const left = { ...stops };
    return [...window.controls()].map(window.name_of).filter((name) => !(left[name]-- > 0));
  };
})()
"""

MOST_STOPS_WITHIN = 60


@pytest.mark.parametrize("page", [(1280, "en")], indirect=True, ids=["desktop"])
@pytest.mark.parametrize("name", ["", *(name.removesuffix(".py")[2:] for name in sorted(TITLES))])
def test_every_control_is_reached_and_seen(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/{name}")
    page.get_by_text("SHA-256").last.wait_for()
    page.locator("[data-test-script-state=notRunning]").wait_for()
    page.wait_for_load_state("networkidle")
    # The browser fetches a kind of widget when it first meets one.
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.evaluate(WALK)
    came_to, nothing_new = "", 0
    # Tab goes along a table's columns first, and through the buttons of the video's frame.
    while came_to != "body" and nothing_new < MOST_STOPS_WITHIN:
        page.keyboard.press("Tab")
        came_to = page.evaluate("window.note()")
        nothing_new = 0 if came_to == "new" else nothing_new + 1
    kept = page.evaluate("window.focused() && window.name_of(window.focused())")
    assert came_to == "body", f"{kept} does not let go of the focus"
    assert page.evaluate("window.missed()") == []
    assert page.evaluate("window.unseen") == []
