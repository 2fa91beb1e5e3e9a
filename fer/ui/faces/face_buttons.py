"""Faces to press: small pictures that are buttons, in rows, reachable by keyboard."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from fer.ui.shared import widgets
from fer.vision.preprocessing import FER_SIZE

SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
STYLE = Path(__file__).with_suffix(".css").read_text("utf-8")
_component = st.components.v2.component("fer_faces", js=SCRIPT, css=STYLE)


@dataclass(frozen=True)
class FaceButton:
    """A button: which picture it shows, what it says to those who cannot see it, a word below it;
    marked: with a dashed line around the picture."""

    at: int
    words: str
    caption: str = ""
    marked: bool = False


def draw_rows(
    pictures: str,
    count: int,
    rows: Sequence[tuple[str, Sequence[FaceButton]]],
    chosen: int | None,
    key: str,
    label: str,
    press: Callable[[int], object],
    *,
    columns: int = 0,
    answer: str = "",
) -> None:
    """Draw rows of faces, each with a title or none.

    Args:
        pictures: what `side_by_side` made of the images.
        count: how many images those are.
        chosen: the picture that is marked as pressed.
        label: what a row without a title is called.
        press: called with a picture's number when its button is pressed, before the page runs.
        columns: faces beside each other, half as many on a phone where they are more than seven; 0
            for as many as there is room for.
        answer: the key of the chart that a press changes; it is scrolled into view.
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
            "answer": answer,
            # A tuple: for a list Streamlit imports pandas, to see whether it is a table.
            "groups": tuple(
                {"title": title, "faces": [vars(face) for face in faces]} for title, faces in rows
            ),
        },
        on_pressed_change=widgets.catch_errors(pressed),
    )


def side_by_side(images: Sequence[NDArray[np.uint8]]) -> str:
    """Return the address of one picture with images of 48x48 pixels, gray or RGB, in a row."""
    rgb = [image if image.ndim == 3 else np.repeat(image[:, :, None], 3, 2) for image in images]
    is_gray = all(image.ndim == 2 for image in images)
    row = np.concatenate(rgb, axis=1)
    assert row.shape[0] == FER_SIZE
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(row[:, :, 0]) if is_gray else row).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
