"""FER+ votes of an image beside it: a square for each voter, bars, or words."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray
from plotly.colors import hex_to_rgb

from fer import emotions
from fer.data.votes import CHOICES
from fer.ui.shared import charts, widgets
from fer.ui.shared.text import _

Counts = NDArray[np.uint8]
# The sides of an enlarged face and the space between squares, in pixels.
SIDE, GAP = 96, 2
COLOURS = (*(emotion.colour for emotion in emotions.EMOTIONS), *(charts.OTHER_CHOICE,) * 3)


def name(choice: str) -> str:
    """Return what a choice of the voters is called."""
    others = {"contempt": _("contempt"), "unknown": _("not sure"), "not_a_face": _("no face")}
    return others[choice] if choice in others else _(choice)


def ranked(counts: Counts) -> list[tuple[int, int]]:
    """Return the choices with votes, the most frequent first: place in `CHOICES` and votes."""
    order = np.argsort(-counts.astype(np.int64), kind="stable")
    return [(int(choice), int(counts[choice])) for choice in order if counts[choice]]


def words(counts: Counts) -> str:
    """Return the votes in one line: "happy 7 · neutral 3"."""
    return " · ".join(f"{name(CHOICES[choice])} {n}" for choice, n in ranked(counts))


def sentence(counts: Counts) -> str:
    """Return the votes as a clause: "FER+: 9 of 10 people saw happy, 1 neutral"."""
    (first, most), *others = ranked(counts)
    clause = _(
        "FER+: {n} of {all} people saw {choice}",
        n=most,
        all=int(counts.sum()),
        choice=name(CHOICES[first]),
    )
    return ", ".join([clause, *(f"{n} {name(CHOICES[choice])}" for choice, n in others)])


def with_squares(face: NDArray[np.uint8], counts: Counts | None) -> NDArray[np.uint8]:
    """Return a gray face (48, 48) enlarged to (SIDE, SIDE) over a row of squares, one a voter in
    the colour of what they saw, RGBA; without the row if there are no votes."""
    size = (SIDE, SIDE)
    large = cv2.resize(np.ascontiguousarray(face), size, interpolation=cv2.INTER_LINEAR)
    picture = cv2.cvtColor(large, cv2.COLOR_GRAY2RGBA)
    if counts is None:
        return np.asarray(picture, dtype=np.uint8)
    square = (SIDE - 9 * GAP) // 10
    row = np.zeros((GAP + square, SIDE, 4), np.uint8)
    voters = [choice for choice, n in ranked(counts) for _number in range(n)]
    for place, choice in enumerate(voters):
        left = place * (square + GAP)
        row[GAP:, left : left + square] = (*hex_to_rgb(COLOURS[choice]), 255)
    return np.concatenate([picture, row]).astype(np.uint8)


def figure(counts: Counts) -> go.Figure:
    """Draw a bar for each choice that has votes, the most frequent first."""
    rows = ranked(counts)
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=[name(CHOICES[choice]) for choice, _n in rows],
        x=[n for _choice, n in rows],
        text=[str(n) for _choice, n in rows],
        textposition="outside",
        constraintext="none",
        cliponaxis=False,
        marker={"color": [COLOURS[choice] for choice, _n in rows]},
        hovertemplate="%{y}: %{x}<extra></extra>",
    )
    figure.update_xaxes(range=[0, 10], dtick=2)
    figure.update_yaxes(autorange="reversed")
    height = 96 + 26 * len(rows)
    return charts.arrange(figure, x=_("Votes of ten people"), height=height, right=24)


def chart(counts: Counts, key: str) -> None:
    """Draw the bars of one image, with where they come from."""
    widgets.chart(figure(counts), key=key, alt=_("What people saw: {votes}", votes=words(counts)))
    st.caption(_("What ten people saw in this image (FER+, Barsoum et al. 2016)."))


def image(face: NDArray[np.uint8], counts: Counts | None, caption: str | None, alt: str) -> None:
    """Draw a face with a square for each voter below it; its alt has the votes in words."""
    st.image(png(face, counts), caption=caption, width="stretch", alt=spoken(alt, counts))


def png(face: NDArray[np.uint8], counts: Counts | None = None) -> bytes:
    """Return `with_squares` as a PNG file."""
    pixels = np.asarray(face, dtype=np.uint8)
    return _png(pixels.tobytes(), pixels.shape, None if counts is None else counts.tobytes())


# A page's grid is drawn anew on every click. Streamlit's cache would take as long to find a face as
# to draw it.
@lru_cache(maxsize=1024)
def _png(pixels: bytes, shape: tuple[int, ...], counts: bytes | None) -> bytes:
    face = np.frombuffer(pixels, np.uint8).reshape(shape)
    picture = with_squares(face, None if counts is None else np.frombuffer(counts, np.uint8))
    done, content = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA))
    assert done
    return bytes(content)


def spoken(alt: str, counts: Counts | None) -> str:
    """Return the alt text of an image with what people saw in it."""
    if counts is None:
        return alt
    return f"{alt}. " + _("What people saw: {votes}", votes=words(counts))
