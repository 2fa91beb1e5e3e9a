"""Figures of page 1 that are to be read: faces of a class, gray values, and what is made when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fer import emotions
from fer.data.dataset import OFFICIAL_COUNTS, Split
from fer.ui.dataset import pixels, splits
from fer.ui.shared import charts, widgets
from fer.ui.shared.text import _
from tests.support.pages import open_page


def test_differences_from_the_average_face_lie_around_white() -> None:
    faces, low, high = pixels.class_faces("difference")
    assert low == -high
    assert len(faces) == emotions.COUNT
    scale = pixels.colour_bar(pixels.SIGNED)[0].astype(int)
    assert scale[127:129].min() > 235, "what is as bright as the average is white"
    # Faces of surprise are the brightest, those of sadness darker than most.
    red_minus_blue = [float(face[..., 0].mean()) - float(face[..., 2].mean()) for face in faces]
    assert int(np.argmax(red_minus_blue)) == emotions.LABEL_OF["surprise"]
    assert red_minus_blue[emotions.LABEL_OF["sad"]] < 0


def test_spread_uses_all_of_its_colours() -> None:
    faces, low, high = pixels.class_faces("deviation")
    assert 0 < low < high < 128
    scale = pixels.colour_bar(pixels.SPREAD)[0].astype(int)
    drawn = np.array(faces).astype(int)
    for end in (scale[0], scale[-1]):
        assert np.abs(drawn - end).sum(axis=-1).min() < 30


@pytest.mark.parametrize("kind", ["difference", "deviation"])
def test_colours_of_faces_are_explained_below_them(kind: str) -> None:
    app = open_page("1_Dataset.py")
    app.segmented_control(key="class_face_kind").set_value(kind).run()
    assert not app.exception
    _faces, low, high = pixels.class_faces(kind)
    told = [str(caption.value) for caption in app.caption if "gray levels" in str(caption.value)]
    assert len(told) == 1
    assert _.number(high) in told[0]
    assert kind == "difference" or _.number(low) in told[0]


def test_gray_values_of_a_class_are_compared_with_those_of_all() -> None:
    tops = set()
    for emotion in emotions.KEYS:
        figure = pixels.class_histogram(emotion, "en")
        every, own = figure.data
        assert np.sum(every.y) == pytest.approx(100)
        assert np.sum(own.y) == pytest.approx(100)
        assert own.line.color == emotions.EMOTIONS[emotions.LABEL_OF[emotion]].colour
        tops.add(figure.layout.yaxis.range)
        assert max(own.y) <= figure.layout.yaxis.range[1]
    assert len(tops) == 1, "one scale for all"


def test_the_official_counts_stand_beside_the_bars() -> None:
    table = splits.count_table(splits.image_counts(None))
    official = OFFICIAL_COUNTS[Split.TRAINING]
    assert list(table["Training"]) == [*official, sum(official)]
    assert table["Training (%)"].iloc[-1] == 100


def test_an_overexposed_image_leaves_the_other_bars_visible() -> None:
    image = np.full((48, 48), 255, np.uint8)
    image[0] = np.arange(48) * 5
    figure = pixels.image_histogram(image)
    heights = sorted(figure.data[0].y)
    assert figure.layout.yaxis.range[1] == charts.last_tick(1.3 * heights[-2])
    (note,) = figure.layout.annotations
    assert f"{heights[-1]:,}" in note.text
    even = pixels.image_histogram(np.arange(2304).reshape(48, 48).astype(np.uint8))
    assert even.layout.yaxis.range[1] >= max(even.data[0].y)
    assert not even.layout.annotations


@pytest.mark.parametrize("page", ["1_Dataset.py", "4_Training.py"])
def test_tables_in_closed_expanders_are_not_made(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = len(open_page(page).table)
    made: list[Any] = []

    def open_expander(label: str, key: str) -> Any:
        import streamlit as st

        made.append(key)
        return st.expander(label, key=key)

    monkeypatch.setattr(widgets, "opened", open_expander)
    app = open_page(page)
    assert not app.exception
    assert made
    assert len(app.table) > closed
