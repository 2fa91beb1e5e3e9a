"""A refused file says one sentence where the former answer was, at every uploader, and the next
accepted one is answered."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer.ui import image_sources, permissions, refusals
from fer.ui.demo import videos
from tests.support.making import ROOT, jpeg
from tests.support.pages import messages, open_page

GRAY = jpeg(np.full((80, 80), 99, np.uint8), "PNG")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the browser refused last, by the uploader's key; to be changed by a test."""
    found: dict[str, list[str]] = {}
    monkeypatch.setattr(refusals, "names", lambda key, several, on_change: found.get(key, []))
    return found


def home() -> AppTest:
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120)
    app.query_params["lang"] = "ID"
    return app.run()


def words(app: AppTest) -> str:
    kinds = ("markdown", "caption", "warning", "metric")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def pictures(app: AppTest) -> int:
    return sum(type(getattr(node, "proto", None)).__name__ == "ImageList" for node in app.main)


def test_every_uploader_is_asked_what_it_refused() -> None:
    for path in [*(ROOT / "fer/ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        calls = [
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        ]
        assert calls.count("refusals.check") == calls.count("st.file_uploader"), path.name


def test_home_forgets_the_former_answer_and_goes_on(
    refused: dict[str, list[str]], portrait: np.ndarray
) -> None:
    said = "Tidak diterima: notes.txt; pilih berkas JPEG, PNG, WebP, AVIF, HEIC, paling besar"
    app = home()
    # Refused first: as the browser's report would, it becomes what was used last.
    refused["photo"] = ["notes.txt"]
    app.session_state["home_source"] = "photo"
    app.run()
    assert [message[: len(said)] for message in messages(app)] == [said]
    assert "baseline: **" not in words(app)
    # Accepted after a refused one.
    refused.clear()
    app.file_uploader(key="photo").upload("portrait.jpg", jpeg(portrait)).run()
    assert messages(app) == []
    assert "baseline: **" in words(app)
    # Refused after an accepted one.
    refused["photo"] = ["notes.txt"]
    app.run()
    assert len(messages(app)) == 1
    assert "baseline: **" not in words(app)
    # A sample that is pressed then is answered.
    app.session_state["home_source"] = "sample"
    app.run()
    assert messages(app) == []
    assert "wajah Training ini" in words(app)


@pytest.mark.parametrize(
    ("page", "key"), [("2_Preprocessing.py", "pre"), ("5_Realtime_Demo.py", "demo")]
)
def test_photo_pages_forget_the_former_answer_and_go_on(
    refused: dict[str, list[str]], portrait: np.ndarray, page: str, key: str
) -> None:
    app = open_page(page)
    if key == "demo":
        app.segmented_control(key="mode").set_value("photo").run()
    app.segmented_control(key=f"{key}_source").set_value("upload").run()
    refused[f"{key}_upload"] = ["notes.txt"]
    app.run()
    assert len(messages(app)) == 1
    refused.clear()
    app.file_uploader(key=f"{key}_upload").upload("portrait.jpg", jpeg(portrait)).run()
    assert messages(app) == []
    assert pictures(app)
    refused[f"{key}_upload"] = ["notes.txt"]
    app.run()
    assert messages(app) == [
        f"Not accepted: notes.txt; choose a file of type {image_sources.FORMATS}, at most 40 MB."
    ]
    assert not pictures(app)


def test_many_photos_tell_all_that_were_refused_beside_the_others(
    refused: dict[str, list[str]],
) -> None:
    app = open_page("5_Realtime_Demo.py")
    app.segmented_control(key="mode").set_value("batch").run()
    refused["batch_upload"] = ["a.txt", "b.pdf"]
    app.file_uploader(key="batch_upload").upload("gray.png", GRAY).run()
    (message,) = messages(app)
    assert message.startswith("Not accepted: a.txt, b.pdf; choose")
    assert "Photos without a face, left out below: 1." in words(app)


def test_a_video_is_forgotten(refused: dict[str, list[str]]) -> None:
    app = open_page("5_Realtime_Demo.py")
    app.segmented_control(key="mode").set_value("video").run()
    refused[videos.KEY] = ["song.mp3"]
    app.run()
    (message,) = messages(app)
    assert message.startswith("Not accepted: song.mp3; choose a file of type MP4")


@pytest.mark.usefixtures("without_data")
def test_an_archive_is_not_offered_to_be_imported(
    refused: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(permissions.VARIABLE, "import")
    app = open_page("1_Dataset.py")
    app.file_uploader(key="archive").upload("archive.zip", b"PK").run()
    assert [button for button in app.button if button.key == "import"]
    refused["archive"] = ["photo.jpg"]
    app.run()
    (message,) = messages(app)
    assert message.startswith("Not accepted: photo.jpg; choose a file of type zip")
    assert not [button for button in app.button if button.key == "import"]
