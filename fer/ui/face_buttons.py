"""Faces to press: small pictures that are buttons, in rows, reachable by keyboard."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from fer.ui import widgets
from fer.vision.preprocessing import FER_SIZE

# One picture holds all faces, so that a page of seventy costs one message. A row is one stop of the
# Tab key; arrows go along it.
SCRIPT = """
function button(face, data, press) {
  const made = document.createElement('button');
  made.type = 'button';
  made.dataset.at = face.at;
  const picture = document.createElement('span');
  picture.className = 'picture';
  picture.setAttribute('role', 'presentation');
  picture.style.backgroundImage = `url(${data.sprite})`;
  picture.style.backgroundSize = `${100 * data.count}% 100%`;
  const last = Math.max(data.count - 1, 1);
  picture.style.backgroundPosition = `${(100 * face.at) / last}% 0`;
  made.append(picture);
  made.setAttribute('aria-label', face.words);
  made.title = face.words;
  if (face.marked) made.classList.add('marked');
  if (face.caption) {
    const caption = document.createElement('span');
    caption.className = 'caption';
    caption.textContent = face.caption;
    made.append(caption);
  }
  made.onclick = () => press(face.at);
  return made;
}
function row(group, data, press) {
  const made = document.createElement('div');
  made.className = 'row';
  if (group.title) {
    const title = document.createElement('div');
    title.className = 'title';
    title.textContent = group.title;
    made.append(title);
  }
  const faces = document.createElement('div');
  faces.className = 'faces';
  if (data.columns) {
    faces.classList.add('even');
    faces.style.setProperty('--columns', data.columns);
    faces.style.setProperty('--fewer', Math.ceil(data.columns / (data.columns > 7 ? 2 : 1)));
  }
  faces.setAttribute('role', 'toolbar');
  faces.setAttribute('aria-label', group.title || data.label);
  for (const face of group.faces) faces.append(button(face, data, press));
  faces.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = [...faces.children];
    const at = all.indexOf(event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = all[(at + step + all.length) % all.length];
    for (const one of all) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  };
  made.append(faces);
  return made;
}
export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector('.root');
  if (!root) {
    root = document.createElement('div');
    root.className = 'root';
    parentElement.append(root);
  }
  // Drawn anew only for other faces or words: the button that was pressed keeps the focus.
  const drawn = JSON.stringify([data.groups, data.label, data.sprite.length]);
  if (root.dataset.drawn !== drawn) {
    const press = (at) => setTriggerValue('pressed', at);
    root.replaceChildren(...data.groups.map((group) => row(group, data, press)));
    root.dataset.drawn = drawn;
  }
  for (const faces of root.querySelectorAll('.faces')) {
    const all = [...faces.children];
    const chosen = all.find((one) => Number(one.dataset.at) === data.chosen);
    const focused = all.find((one) => one.matches(':focus'));
    for (const one of all) {
      one.setAttribute('aria-pressed', one === chosen);
      one.tabIndex = one === (focused || chosen || all[0]) ? 0 : -1;
    }
  }
}
"""
STYLE = """
:host, .root { display: block; width: 100%; font-family: var(--st-font); }
.row { display: grid; grid-template-columns: 1fr; gap: 0.25rem 0.75rem; margin-bottom: 0.5rem;
  align-items: center; }
.title { color: var(--st-text-color); font-size: 0.875rem; }
@media (min-width: 640px) { .row:has(.title) { grid-template-columns: 5.5rem 1fr; } }
.faces { display: grid; gap: 0.375rem; min-width: 0; padding: 3px;
  grid-template-columns: repeat(auto-fill, minmax(2.875rem, 1fr)); }
.faces.even { grid-template-columns: repeat(var(--columns), minmax(0, 4.5rem)); }
@media (max-width: 640px) {
  .faces.even { grid-template-columns: repeat(var(--fewer), minmax(0, 4.5rem)); }
}
button { padding: 0; border: 0; background: none; cursor: pointer; color: var(--st-text-color);
  font: inherit; border-radius: 0.375rem; min-width: 24px; }
.picture { display: block; aspect-ratio: 1; border-radius: 0.375rem;
  box-shadow: 0 0 0 1px var(--st-border-color); }
.caption { display: block; font-size: 0.75rem; line-height: 1.5; overflow-wrap: anywhere; }
.marked .picture { outline: 2px dashed var(--st-text-color); outline-offset: -2px; }
button:hover .picture { box-shadow: 0 0 0 2px var(--st-text-color); }
button[aria-pressed='true'] .picture { box-shadow: 0 0 0 3px var(--st-primary-color); }
button[aria-pressed='true'] .caption { color: var(--st-primary-color); font-weight: 600; }
button:focus-visible { outline: 3px solid var(--st-text-color); outline-offset: 3px; }
"""
_component = st.components.v2.component("fer_faces", js=SCRIPT, css=STYLE)


@dataclass(frozen=True)
class Face:
    """A button: which picture it shows, what it says to those who cannot see it, a word below it.

    marked draws a dashed line around the picture.
    """

    at: int
    words: str
    caption: str = ""
    marked: bool = False


def show(
    pictures: str,
    count: int,
    rows: Sequence[tuple[str, Sequence[Face]]],
    chosen: int | None,
    key: str,
    label: str,
    press: Callable[[int], object],
    *,
    columns: int = 0,
) -> None:
    """Rows of faces, each with a title or none.

    Args:
        pictures: what `side_by_side` made of the images.
        count: how many images those are.
        chosen: the picture that is marked as pressed.
        label: what a row without a title is called.
        press: called with a picture's number when its button is pressed, before the page runs.
        columns: faces beside each other, half as many on a phone where they are more than seven; 0
            for as many as there is room for.
    """

    def pressed() -> None:
        at = st.session_state[key].pressed
        if at is not None:
            press(int(at))

    _component(
        key=key,
        data={
            "sprite": pictures,
            "count": count,
            "label": label,
            "chosen": chosen,
            "columns": columns,
            "groups": [
                {"title": title, "faces": [vars(face) for face in faces]} for title, faces in rows
            ],
        },
        on_pressed_change=widgets.telling(pressed),
    )


def side_by_side(images: Sequence[NDArray[np.uint8]]) -> str:
    """Square images of 48x48 pixels, gray or RGB, as the address of one picture that holds them in
    a row."""
    rgb = [image if image.ndim == 3 else np.repeat(image[:, :, None], 3, 2) for image in images]
    is_gray = all(image.ndim == 2 for image in images)
    row = np.concatenate(rgb, axis=1)
    assert row.shape[0] == FER_SIZE
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(row[:, :, 0]) if is_gray else row).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
