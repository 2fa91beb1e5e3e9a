"""Every page, view and mode in both languages: it runs, says what it asks, is accessible, and
another language changes its words, never what is chosen on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ElementTree, Widget

from fer.ui.shared import widgets
from tests.support.pages import PAGES, VIEWS, messages, open_home, open_page, walk_alts

# How each page's question begins; the title is Home.py's, which AppTest leaves out.
QUESTIONS = {
    "Home.py": ("**Click a face**", "**Klik sebuah wajah**"),
    "1_Dataset.py": ("What is in FER-2013", "Apa isi FER-2013"),
    "2_Preprocessing.py": ("What does a network see", "Apa yang dilihat jaringan"),
    "3_Classification_Results.py": ("Which scenario reads faces", "Skenario mana yang"),
    "4_Training.py": ("How did the models learn", "Bagaimana model belajar"),
    "5_Realtime_Demo.py": ("What do both models see", "Apa yang dilihat kedua model"),
}
MODES = ("webcam", "photo", "batch", "video", "play", "teach")
# What the walk chooses where a page has such a widget: never what it begins with.
CHOICES = {
    "augment_shift": 7.0,
    "browse_emotions": ["fear", "sad"],
    "browse_split": "PublicTest",
    "code_stage": "grayscale",
    "confusion_cell_predicted": "happy",
    "confusion_cell_true": "angry",
    "corruption": "noise",
    "curve_emotion": "sad",
    "demo_sample": "happy",
    "distribution_unit": "count",
    "gate_emotion": "fear",
    "histogram_emotion": "disgust",
    "label_split": "PrivateTest",
    "pre_sample": "sad",
    "quantity": "loss",
    "region_emotion": "fear",
    "smoothing": 30,
}


@pytest.fixture
def stale_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A choice reaches the server as from a browser: in the words in which it was last made or set,
    though they are another language's by now. AppTest sends it in those of the last run."""
    sent: dict[str, tuple[object, WidgetState]] = {}
    in_latest_words = ElementTree.get_widget_states

    def in_words_of_the_browser(tree: ElementTree) -> WidgetStates:
        states = in_latest_words(tree)
        drawn = {node.id: node for node in tree if isinstance(node, Widget)}
        for state in states.widgets:
            if state.WhichOneof("value") in ("string_value", "string_array_value"):
                widget = drawn[state.id]
                value, former = sent.get(state.id, (None, state))
                if value == widget.value and not widget.proto.set_value:
                    state.CopyFrom(former)
                sent[state.id] = (widget.value, WidgetState.FromString(state.SerializeToString()))
        return states

    monkeypatch.setattr(ElementTree, "get_widget_states", in_words_of_the_browser)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a page makes only once a visitor has opened it."""
    monkeypatch.setattr(
        widgets, "opened", lambda label, key: st.expander(label, key=key, expanded=True)
    )


def switch_twice(app: AppTest, page: str, place: str = "") -> None:
    """Makes the choices that the page offers, then switches the language there and back, with
    another run in between; all of them must be as they were."""
    chosen = {key: value for key, value in CHOICES.items() if key in app.session_state}
    for key, value in chosen.items():
        app.session_state[key] = value
    first = str(app.session_state["lang"])
    other = "ID" if first == "EN" else "EN"
    for language in (other, other, first) if chosen else (other, first):
        app.session_state["lang"] = language
        app.run()
        where = f"{page} {place} in {language}"
        assert not app.exception, f"{where}: {app.exception[0].message}"
        assert messages(app) == [], where
        assert {key: app.session_state[key] for key in chosen} == chosen, where
        if place != "camera":
            walk_alts(app, page)
        # Pages 3 and 5 ask it beside their title, which stands in one row with a choice.
        told = [*(words.value for words in app.markdown), *(title.help for title in app.title)]
        assert any(words.startswith(QUESTIONS[page][language == "ID"]) for words in told), where


def walk(app: AppTest, key: str, values: Sequence[str], page: str) -> None:
    for value in values:
        app.segmented_control(key=key).set_value(value).run()
        switch_twice(app, page, value)


def test_every_page_view_and_mode_in_both_languages(
    stale_words: None, opened: None, with_data: Path
) -> None:
    app = open_home()
    switch_twice(app, "Home.py")
    for page in PAGES:
        app.switch_page(f"pages/{page}").run()
        if page == "2_Preprocessing.py":
            walk(app, "pre_source", ("camera", "sample"), page)
            assert any("def to_gray" in str(element.value) for element in app.code)
            walk(app, "view", ("what_if", "layers"), page)
        elif page == "3_Classification_Results.py":
            for view in VIEWS:
                app.query_params["view"] = view
                app.run()
                switch_twice(app, page, view)
                assert app.query_params["view"] in ([view], view)
        elif page == "5_Realtime_Demo.py":
            walk(app, "mode", MODES, page)
            app.segmented_control(key="mode").set_value("photo").run()
            walk(app, "demo_source", ("camera", "sample"), page)
            app.segmented_control(key="mode").set_value("play").run()
            app.button(key="play_start").click().run()
            switch_twice(app, page, "a game")
        else:
            switch_twice(app, page)


def test_pages_about_the_data_set_in_both_languages_without_it(
    stale_words: None, without_data: Path
) -> None:
    for page in ("1_Dataset.py", "2_Preprocessing.py"):
        switch_twice(open_page(page), page)
