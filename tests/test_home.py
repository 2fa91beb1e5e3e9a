"""Home without a browser: what it says in both languages, and what it does with a photo."""

from __future__ import annotations

import numpy as np
import pytest
from making import ROOT, jpeg
from streamlit.testing.v1 import AppTest

from fer import artifacts

MODELS = artifacts.available(ROOT / "models")


def home(language: str = "en") -> AppTest:
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120)
    app.query_params["lang"] = language.upper()
    return app.run()


def words(app: AppTest) -> str:
    kinds = ("title", "header", "subheader", "markdown", "caption", "warning", "error")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "Facial Expression Analysis System"), ("id", "Sistem Analisis Ekspresi Wajah")],
)
def test_home_in_both_languages(language: str, title: str) -> None:
    app = home(language)
    assert not app.exception
    assert app.title[0].value == title
    shown = [metric.value for metric in app.metric]
    for model in MODELS.values():
        assert model.metrics is not None
        accuracy = f"{100 * model.metrics['splits']['PrivateTest']['accuracy']:.1f} %"
        assert (accuracy.replace(".", ",") if language == "id" else accuracy) in shown
        assert model.digest[:12] in words(app)


def test_photo_is_answered_by_both_models(portrait: np.ndarray) -> None:
    app = home()
    app.file_uploader[0].upload("portrait.jpg", jpeg(portrait)).run()
    assert not app.exception
    text = words(app)
    for key in MODELS:
        assert f"{key}: **" in text


def test_photo_without_a_face_offers_the_whole_image() -> None:
    app = home()
    app.file_uploader[0].upload("gray.png", jpeg(np.full((80, 80), 99, np.uint8), "PNG")).run()
    assert "No face was found" in words(app)
    app.toggle(key="home_whole").set_value(True).run()
    assert "proposed: **" in words(app)


def test_bad_photo_is_one_sentence_in_the_language() -> None:
    app = home("id")
    app.file_uploader[0].upload("foto.jpg", b"bukan foto").run()
    assert not app.exception
    assert [error.value for error in app.error] == [
        "foto.jpg bukan citra yang dapat dibaca; gunakan JPEG, PNG, WebP, atau BMP."
    ]
