"""The committed sample faces on a page: opened once, offered in a strip, told with their votes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer import FerError, emotions
from fer.data import sample
from fer.data.sample import Sample
from fer.ui import caching, face_buttons, loaders, vote_bars
from fer.ui.face_buttons import FaceButton
from fer.ui.text import _
from fer.vision import preprocessing
from fer.vision.preprocessing import FER_SIZE

PHOTO = loaders.DATA / "samples" / "astronaut.jpg"
# What stands for the photo where a row number of the sample is expected.
PHOTO_ROW = -1
# The face that Home begins with: a clear one.
FIRST = "happy"


def faces() -> Sample:
    """The committed sample, opened again when its files change; read-only.

    Raises:
        FerError: if it is missing or damaged.
    """
    folder = loaders.DATA / sample.FOLDER.name
    paths = (folder / sample.FACES, folder / sample.TABLE)
    return _opened(folder, tuple(map(caching.file_state, paths)))


@st.cache_resource(show_spinner=False, max_entries=2)
def _opened(folder: Path, state: Hashable) -> Sample:
    return sample.open_sample(folder)


def strip_rows(found: Sample) -> list[int]:
    """A clear face of each emotion, then a contested one of each."""
    clear = [int(found.rows(key)[0]) for key in emotions.KEYS]
    contested = [int(found.rows(key)[-1]) for key in emotions.KEYS]
    return clear + contested


def first_row(found: Sample) -> int:
    """The face that is answered before anyone presses one."""
    return int(found.rows(FIRST)[0])


def pictures(rows: Sequence[int]) -> str:
    """Sample faces side by side in one picture's address; the photo where a row is `PHOTO_ROW`."""
    return _pictures(tuple(rows), id(faces()))


@st.cache_data(show_spinner=False, max_entries=4)
def _pictures(rows: tuple[int, ...], sample_id: int) -> str:
    found = faces()
    return face_buttons.side_by_side(
        [_thumbnail() if row == PHOTO_ROW else found.images[row] for row in rows]
    )


def _thumbnail() -> NDArray[np.uint8]:
    photo = preprocessing.read_image(PHOTO)
    face = photo[:300, 70:370]
    return np.asarray(
        cv2.resize(face, (FER_SIZE, FER_SIZE), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )


def strip(key: str, *, with_photo: bool, on_press: Callable[[], object] | None = None) -> int:
    """Fourteen faces to press, and the photo; the row of the chosen one, `PHOTO_ROW` for the photo.

    Args:
        with_photo: offers a photograph of a whole person first, and begins with it.
        on_press: called when a face was pressed.

    Raises:
        FerError: if the sample is missing or damaged.
    """
    found = faces()
    rows = [*([PHOTO_ROW] if with_photo else []), *strip_rows(found)]
    chosen_key = f"{key}_sample_row"
    chosen = st.session_state.setdefault(chosen_key, PHOTO_ROW if with_photo else first_row(found))

    def press(at: int) -> None:
        st.session_state[chosen_key] = rows[at]
        if on_press is not None:
            on_press()

    face_buttons.draw_rows(
        pictures(rows),
        len(rows),
        [("", [button(found, row, at) for at, row in enumerate(rows)])],
        rows.index(chosen) if chosen in rows else None,
        f"{key}_strip",
        _("Sample faces of FER-2013"),
        press,
        columns=0 if with_photo else emotions.COUNT,
    )
    st.caption(_("Dashed frame: ten voters disagreed about the face."))
    return int(chosen)


def button(found: Sample, row: int, at: int, caption: bool = True) -> FaceButton:
    """The button of a face: its label below it, and its votes for those who cannot see it."""
    if row == PHOTO_ROW:
        return FaceButton(at, _("NASA photo"), _("NASA photo") if caption else "")
    label = _(emotions.KEYS[found.labels[row]])
    words = _("{label}; votes: {votes}", label=label, votes=vote_bars.words(found.counts[row]))
    return FaceButton(at, words, label if caption else "", bool(found.is_contested[row]))


def content(row: int) -> tuple[bytes, str]:
    """A sample's file and name."""
    if row == PHOTO_ROW:
        return PHOTO.read_bytes(), PHOTO.name
    found = faces()
    return found.png(row), str(found.names[row])


def about(row: int) -> str:
    """Where a face comes from, FER-2013's label of it and what ten people saw, as Markdown."""
    if row == PHOTO_ROW:
        return _("Eileen Collins, photo by NASA, public domain.")
    found = faces()
    return _(
        "FER-2013 label: **{label}** (Training image). {votes}.",
        label=_(emotions.KEYS[found.labels[row]]),
        votes=vote_bars.of_all(found.counts[row]),
    )


def row_of(name: str) -> int | None:
    """The row of the sample face with that name, None for any other image."""
    try:
        at = np.flatnonzero(faces().names == name)
    except FerError:
        return None
    return int(at[0]) if len(at) else None
