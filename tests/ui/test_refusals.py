"""A file that cannot be used says one sentence where the former answer was, at every uploader, and
the next one is answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer.ui.shared import permissions
from fer.ui.uploads.upload_limits import NO_ROOM, TOO_LARGE
from tests.support.making import jpeg, small_archive
from tests.support.pages import messages, open_home, open_page, open_view, texts

GRAY = jpeg(np.full((80, 80), 99, np.uint8), "PNG")


def preprocessing() -> AppTest:
    app = open_page("2_Preprocessing.py")
    return app.segmented_control(key="pre_source").set_value("upload").run()


def demo(mode: str) -> AppTest:
    app = open_page("5_Realtime_Demo.py")
    return app.segmented_control(key="mode").set_value(mode).run()


NO_IMAGE = "is not an image that can be read"
# By its key: how a visitor comes to an uploader, what it says of a text and of an empty file.
UPLOADERS: dict[str, tuple[Callable[[], AppTest], str, str]] = {
    "photo": (open_home, NO_IMAGE, "is empty"),
    "pre_upload": (preprocessing, NO_IMAGE, "is empty"),
    "demo_upload": (lambda: demo("photo"), NO_IMAGE, "is empty"),
    "batch_upload": (lambda: demo("batch"), NO_IMAGE, "is empty"),
    "video_upload": (lambda: demo("video"), "is not a video that can be read", "is empty"),
    "reviews_upload": (
        lambda: open_view(open_page("3_Classification_Results.py"), "errors"),
        "holds no verdicts",
        "holds no verdicts",
    ),
    "archive": (lambda: open_page("1_Dataset.py"), "is not FER-2013 in a known form", "is empty"),
}


def pictures(app: AppTest) -> int:
    return sum(type(getattr(node, "proto", None)).__name__ == "ImageList" for node in app.main)


@pytest.mark.parametrize("key", UPLOADERS)
def test_whatever_is_uploaded_says_one_sentence(
    key: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv(permissions.VARIABLE, "import")
    # Labels are reviewed where their images are.
    request.getfixturevalue("with_data" if key == "reviews_upload" else "without_data")
    opened, text, empty = UPLOADERS[key]
    app = opened()
    assert list(app.file_uploader(key=key).proto.type) == []
    files = {
        "note.txt": (b"A text, and nothing else.\n", "text/plain", text),
        "empty.jpg": (b"", "image/jpeg", empty),
        "large.mp4": (b"", TOO_LARGE, "is larger than 200 MB; choose a smaller one."),
        "late.png": (b"", NO_ROOM, "was not taken: uploads stay in this server's memory"),
    }
    for name, (content, media_type, sentence) in files.items():
        if key == "batch_upload":
            app = opened()
        app.file_uploader(key=key).set_value((name, content, media_type)).run()
        assert not app.exception
        (message,) = messages(app)
        assert sentence in message
        assert name in message
        assert not [button for button in app.button if button.key == "import"]


def test_home_forgets_the_former_answer_and_goes_on(portrait: np.ndarray) -> None:
    app = open_home()
    uploader = app.file_uploader(key="photo")
    uploader.set_value(("notes.txt", b"text", "text/plain"))
    # As the browser's message would, it makes the photo what was used last.
    app.session_state["home_source"] = "photo"
    app.run()
    assert len(messages(app)) == 1
    assert "baseline: **" not in texts(app)
    app.file_uploader(key="photo").set_value(("portrait.jpg", jpeg(portrait), "image/jpeg")).run()
    assert messages(app) == []
    assert "baseline: **" in texts(app)
    app.file_uploader(key="photo").set_value(("late.jpg", b"", NO_ROOM)).run()
    assert len(messages(app)) == 1
    assert "baseline: **" not in texts(app)
    # A sample that is pressed then is answered.
    app.session_state["home_source"] = "sample"
    app.run()
    assert messages(app) == []
    assert "(Training image)" in texts(app)


@pytest.mark.parametrize("key", ["pre_upload", "demo_upload"])
def test_photo_pages_forget_the_former_answer_and_go_on(key: str, portrait: np.ndarray) -> None:
    app = UPLOADERS[key][0]()
    app.file_uploader(key=key).set_value(("notes.txt", b"text", "text/plain")).run()
    assert len(messages(app)) == 1
    app.file_uploader(key=key).set_value(("portrait.jpg", jpeg(portrait), "image/jpeg")).run()
    assert messages(app) == []
    assert pictures(app)
    app.file_uploader(key=key).set_value(("large.jpg", b"", TOO_LARGE)).run()
    assert len(messages(app)) == 1
    assert not pictures(app)


def test_many_photos_tell_all_that_were_refused_beside_the_others() -> None:
    app = demo("batch")
    uploader = app.file_uploader(key="batch_upload")
    uploader.upload("a.txt", b"text").upload("late.png", b"", NO_ROOM).upload("gray.png", GRAY)
    uploader.run()
    (message,) = messages(app)
    assert "a.txt is not an image" in message
    assert "late.png was not taken" in message
    assert "Photos without a face, left out below: 1." in texts(app)


def test_a_sentence_is_in_the_language_of_the_page() -> None:
    app = open_page("5_Realtime_Demo.py", "ID")
    app.segmented_control(key="mode").set_value("photo").run()
    app.file_uploader(key="demo_upload").upload("late.png", b"", NO_ROOM).run()
    assert "late.png tidak diterima: unggahan disimpan di memori server ini" in messages(app)[0]


@pytest.mark.usefixtures("without_data")
def test_an_archive_is_offered_to_be_imported_and_a_photo_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(permissions.VARIABLE, "import")
    app = open_page("1_Dataset.py")
    content = small_archive(tmp_path / "small.zip").read_bytes()
    app.file_uploader(key="archive").upload("archive.zip", content).run()
    assert [button for button in app.button if button.key == "import"]
    app.file_uploader(key="archive").upload("photo.png", GRAY).run()
    assert "photo.png is not FER-2013" in messages(app)[0]
    assert not [button for button in app.button if button.key == "import"]
