"""An upload is held as long as a page shows it, and many photos only until they are classified."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer.ui.demo import photos
from fer.ui.uploads import turns
from fer.ui.uploads.upload_limits import Upload, intake
from tests.support.making import jpeg
from tests.support.pages import messages, open_mode


def test_what_was_made_of_a_file_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def page() -> None:
        import streamlit as st

        from fer.ui.uploads import shown_uploads

        shown_uploads.begin_run()
        if st.session_state.get("is_shown", True):
            file = st.file_uploader("A file", key="file")
            if file is not None:
                st.session_state["made"] = "of it"
            shown_uploads.keep(file, "made")
        shown_uploads.end_run()

    forgotten: list[str] = []
    monkeypatch.setattr(intake, "forget", forgotten.append)
    app = AppTest.from_function(page).run()
    app.file_uploader(key="file").upload("a.txt", b"a").run()
    assert (app.session_state["made"], forgotten) == ("of it", [])
    app.session_state["is_shown"] = False
    app.run()
    assert "made" not in app.session_state
    assert len(forgotten) == 1


def test_photos_are_classified_in_turns_before_all_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gray = jpeg(np.full((80, 80), 99, np.uint8), "PNG")
    # What is there while Streamlit's uploader still waits for others.
    there = {f"{n}": Upload("a", f"{n}", len(gray), f"{n}.png", gray) for n in range(5)}
    monkeypatch.setattr(intake, "arrived", lambda visit: list(there.values()))
    monkeypatch.setattr(intake, "forget", lambda file: there.pop(file, None))
    monkeypatch.setattr(turns, "TURN", 3)
    app = open_mode("batch")
    assert list(there) == ["3", "4"]
    app.run()
    assert not there
    assert [metric.value for metric in app.metric][:2] == ["5", "0"]


def test_a_table_of_many_photos_has_an_end_and_names_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(photos, "MOST", 12)
    app = open_mode("batch")
    assert any(photos.COMMAND in caption.value for caption in app.caption)
    uploader = app.file_uploader(key=photos.MANY)
    for n in range(14):
        uploader.upload(f"{n}.jpg", b"")
    uploader.run()
    (message,) = messages(app)
    assert message.count("is empty") == 10
    assert message.endswith("And 2 more.")
    assert "The table is full: it has the first 12 photos." in app.warning[0].value
