"""A file that cannot be used says one sentence where the former answer was, at every uploader, and
the next one is answered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer.ui.shared import permissions
from fer.ui.uploads.upload_limits import NO_ROOM, TOO_LARGE
from tests.support.making import jpeg
from tests.support.pages import messages, open_home, open_mode, open_page, open_results, texts

NO_IMAGE, NO_VERDICTS = "is not an image that can be read", "holds no verdicts"
# By its key: how a visitor comes to an uploader, what it says of a text and of an empty file.
UPLOADERS: dict[str, tuple[Callable[[], AppTest], str, str]] = {
    "photo": (open_home, NO_IMAGE, "is empty"),
    "pre_upload": (lambda: open_page("2_Preprocessing.py"), NO_IMAGE, "is empty"),
    "demo_upload": (lambda: open_mode("photo"), NO_IMAGE, "is empty"),
    "batch_upload": (lambda: open_mode("batch"), NO_IMAGE, "is empty"),
    "video_upload": (lambda: open_mode("video"), "is not a video that can be read", "is empty"),
    "reviews_upload": (lambda: open_results("errors"), NO_VERDICTS, NO_VERDICTS),
    "archive": (lambda: open_page("1_Dataset.py"), "is not FER-2013 in a known form", "is empty"),
}


def is_answered(app: AppTest) -> bool:
    pictures = [n for n in app.main if type(getattr(n, "proto", None)).__name__ == "ImageList"]
    return bool(pictures) or "baseline: **" in texts(app)


@pytest.mark.parametrize("key", UPLOADERS)
def test_whatever_is_uploaded_says_one_sentence(
    key: str,
    portrait: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv(permissions.VARIABLE, "import")
    # Labels are reviewed where their images are.
    request.getfixturevalue("with_data" if key == "reviews_upload" else "without_data")
    opened, text, empty = UPLOADERS[key]
    app = opened()
    if key == "pre_upload":
        app.segmented_control(key="pre_source").set_value("upload").run()
    # As the browser's message would, it makes the photo what was used last on Home.
    app.session_state["home_source"] = "photo"
    assert list(app.file_uploader(key=key).proto.type) == []
    for name, content, media_type, sentence in (
        ("portrait.jpg", jpeg(portrait), "image/jpeg", ""),
        ("note.txt", b"A text, and nothing else.\n", "text/plain", text),
        ("portrait.jpg", jpeg(portrait), "image/jpeg", ""),
        ("empty.jpg", b"", "image/jpeg", empty),
        ("large.mp4", b"", TOO_LARGE, "is larger than 200 MB; choose a smaller one."),
        ("late.png", b"", NO_ROOM, "was not taken: uploads stay in this server's memory"),
    ):
        if not sentence and key not in ("photo", "pre_upload", "demo_upload"):
            continue
        if key == "batch_upload":
            app = opened()
        app.file_uploader(key=key).set_value((name, content, media_type)).run()
        assert not app.exception
        if not sentence:
            assert messages(app) == []
            assert is_answered(app)
            continue
        (message,) = messages(app)
        assert sentence in message
        assert name in message
        assert "import" not in [button.key for button in app.button]
        assert not is_answered(app) or key in ("reviews_upload", "archive")


def test_many_photos_tell_all_that_were_refused_beside_the_others(portrait: np.ndarray) -> None:
    app = open_mode("batch")
    gray = jpeg(np.full((80, 80), 99, np.uint8), "PNG")
    uploader = app.file_uploader(key="batch_upload")
    uploader.upload("a.txt", b"text").upload("late.png", b"", NO_ROOM)
    uploader.upload("gray.png", gray).upload("one.jpg", jpeg(portrait)).run()
    (message,) = messages(app)
    assert "a.txt is not an image" in message
    assert "late.png was not taken" in message
    assert "Photos without a face, left out below: 1." in texts(app)
    assert [metric.value for metric in app.metric][:2] == ["2", "1"]
    app.session_state["lang"] = "ID"
    app.run()
    assert "late.png tidak diterima: unggahan disimpan di memori server ini" in messages(app)[0]
