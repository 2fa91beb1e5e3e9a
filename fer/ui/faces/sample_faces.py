"""The committed sample faces on a page: offered in a strip, described with their votes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer import emotions
from fer.data.sample import FACES, FOLDER, TABLE, Sample, open_sample
from fer.ui.faces import face_buttons, vote_bars
from fer.ui.faces.face_buttons import FaceButton
from fer.ui.shared import caching, loaders
from fer.ui.shared.text import _
from fer.vision import preprocessing
from fer.vision.preprocessing import FER_SIZE

PHOTO = loaders.DATA / "samples" / "astronaut.jpg"
# What stands for the photo where a row number of the sample is expected.
PHOTO_ROW = -1
# The face that Home begins with: a clear one.
FIRST = "happy"


def faces() -> Sample:
    """Return the committed sample, opened again when its files change; read-only.

    Raises:
        FerError: if it is missing or damaged.
    """
    folder = loaders.DATA / FOLDER.name
    return _open(folder, *(caching.file_state(folder / name) for name in (FACES, TABLE)))


@st.cache_resource(show_spinner=False, max_entries=2)
def _open(folder: Path, *state: Hashable) -> Sample:
    return open_sample(folder)


def pictures(rows: Sequence[int]) -> str:
    """Return the address of one picture of these sample faces; the photo for `PHOTO_ROW`."""
    return _pictures(tuple(rows), id(faces()))


@st.cache_data(show_spinner=False, max_entries=4)
def _pictures(rows: tuple[int, ...], sample_id: int) -> str:
    images: list[NDArray[np.uint8]] = []
    for row in rows:
        if row == PHOTO_ROW:
            head = preprocessing.read_image(PHOTO)[:300, 70:370]
            small = cv2.resize(head, (FER_SIZE, FER_SIZE), interpolation=cv2.INTER_AREA)
            images.append(np.asarray(small, dtype=np.uint8))
        else:
            images.append(faces().images[row])
    return face_buttons.side_by_side(images)


def strip(
    key: str,
    *,
    with_photo: bool,
    is_marked: bool = True,
    on_press: Callable[[], object] | None = None,
) -> int:
    """Draw a clear and a contested face of each emotion to press; return the chosen one's row.

    Args:
        with_photo: offers a photograph of a whole person first, and begins with it: `PHOTO_ROW`.
        is_marked: whether the page shows the chosen one, not an image from elsewhere.
        on_press: called when a face was pressed.

    Raises:
        FerError: if the sample is missing or damaged.
    """
    sample = faces()
    rows = [int(sample.rows(emotion)[at]) for at in (0, -1) for emotion in emotions.KEYS]
    first = int(sample.rows(FIRST)[0])
    if with_photo:
        first = PHOTO_ROW
        rows.insert(0, PHOTO_ROW)
    chosen_key = f"{key}_sample_row"
    chosen = st.session_state.setdefault(chosen_key, first)

    def press(at: int) -> None:
        st.session_state[chosen_key] = rows[at]
        if on_press is not None:
            on_press()

    face_buttons.draw_rows(
        pictures(rows),
        len(rows),
        [("", [button(sample, row, at) for at, row in enumerate(rows)])],
        rows.index(chosen) if is_marked and chosen in rows else None,
        f"{key}_strip",
        _("Sample faces of FER-2013"),
        press,
        columns=0 if with_photo else emotions.COUNT,
        answer=f"{key}_confidence",
    )
    st.caption(_("Dashed frame: ten voters disagreed about the face."))
    return int(chosen)


def button(sample: Sample, row: int, at: int, caption: bool = True) -> FaceButton:
    """Return the button of a face: its label below it, and its votes for screen readers."""
    if row == PHOTO_ROW:
        return FaceButton(at, _("NASA photo"), _("NASA photo") if caption else "")
    label = _(emotions.KEYS[sample.labels[row]])
    words = _("{label}; votes: {votes}", label=label, votes=vote_bars.words(sample.counts[row]))
    return FaceButton(at, words, label if caption else "", bool(sample.is_contested[row]))


def content(row: int) -> tuple[bytes, str]:
    """Return a sample's file and name."""
    if row == PHOTO_ROW:
        return PHOTO.read_bytes(), PHOTO.name
    return faces().png(row), str(faces().names[row])


def about(row: int) -> str:
    """Return a face's origin, FER-2013's label and what ten people saw in it, as Markdown."""
    if row == PHOTO_ROW:
        return _("Eileen Collins, photo by NASA, public domain.")
    return _(
        "FER-2013 label: **{label}** (Training image). {votes}.",
        label=_(emotions.KEYS[faces().labels[row]]),
        votes=vote_bars.sentence(faces().counts[row]),
    )
