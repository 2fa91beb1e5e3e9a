"""An upload is held as long as a page shows it, and many photos only until they are classified."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer import FerError
from fer.ui.demo import photos
from fer.ui.shared import loaders
from fer.ui.uploads import turns
from fer.ui.uploads.upload_limits import Upload, intake
from tests.support.making import jpeg
from tests.support.pages import messages, open_page

GRAY = jpeg(np.full((80, 80), 99, np.uint8), "PNG")


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the files that were let go."""
    found: list[str] = []
    monkeypatch.setattr(intake, "forget", found.append)
    return found


def test_what_was_made_of_a_file_goes_with_it(forgotten: list[str]) -> None:
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

    app = AppTest.from_function(page).run()
    app.file_uploader(key="file").upload("a.txt", b"a").run()
    assert (app.session_state["made"], forgotten) == ("of it", [])
    app.session_state["is_shown"] = False
    app.run()
    assert "made" not in app.session_state
    assert len(forgotten) == 1


@pytest.fixture
def arriving(monkeypatch: pytest.MonkeyPatch) -> list[Upload]:
    """The photos that are there while Streamlit's uploader still waits for others."""
    there: list[Upload] = []

    def forget(file: str) -> None:
        there[:] = [one for one in there if one.file_id != file]

    monkeypatch.setattr(intake, "arrived", lambda visit: list(there))
    monkeypatch.setattr(intake, "forget", forget)
    return there


def test_photos_are_classified_in_turns_before_all_are_there(
    arriving: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TURN", 3)
    arriving += [Upload("a", f"{n}", len(GRAY), f"{n}.png", GRAY) for n in range(5)]
    app = open_page("5_Realtime_Demo.py")
    app.segmented_control(key="mode").set_value("batch").run()
    assert [file.name for file in arriving] == ["3.png", "4.png"]
    app.run()
    assert arriving == []
    assert [metric.value for metric in app.metric][:2] == ["5", "0"]


def test_a_table_of_many_photos_has_an_end_and_names_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(content: bytes, name: str) -> None:
        raise FerError("{name} is empty; choose a file that holds an image.", name=name)

    monkeypatch.setattr(loaders, "classified_once", refuse)
    monkeypatch.setattr(photos, "MOST", 12)
    app = open_page("5_Realtime_Demo.py")
    app.segmented_control(key="mode").set_value("batch").run()
    assert any(photos.COMMAND in caption.value for caption in app.caption)
    uploader = app.file_uploader(key=photos.MANY)
    for n in range(14):
        uploader.upload(f"{n}.jpg", b"")
    uploader.run()
    (message,) = messages(app)
    assert message.count("is empty") == 10
    assert message.endswith("And 2 more.")
    assert [warning.value for warning in app.warning] == [
        "The table is full: it has the first 12 photos."
    ]
