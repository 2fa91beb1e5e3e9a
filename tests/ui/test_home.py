"""Home without a browser: what it says in both languages, and what it does with a photo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fer.artifacts import model_store
from fer.data import sample
from fer.ui.faces import sample_faces
from fer.ui.home import front
from fer.ui.results import literature
from fer.ui.shared import data_origin, loaders
from fer.ui.shared.text import in_language
from fer.ui.studies import verdict
from tests.support.making import ROOT, jpeg
from tests.support.pages import PAGES, open_home, texts

MODELS = model_store.available(ROOT / "models")


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "Facial Expression Analysis System"), ("id", "Sistem Analisis Ekspresi Wajah")],
)
def test_home_in_both_languages(language: str, title: str) -> None:
    app = open_home(language.upper())
    assert not app.exception
    assert app.title[0].value == title
    shown = [metric.value for metric in app.metric]
    for model in MODELS.values():
        assert model.metrics is not None
        accuracy = f"{100 * model.metrics['splits']['PrivateTest']['accuracy']:.1f}%"
        assert (accuracy.replace(".", ",") if language == "id" else accuracy) in shown
        assert model.digest[:12] in texts(app)


def test_home_offers_the_modules_and_tells_the_verdict_with_a_way_to_the_evidence() -> None:
    told = verdict.chips()
    assert list(told) == ["fine_tuning", "se", "augmentation", "twins", "overfitting"]
    app = open_home()
    shown = texts(app)
    links = [node.proto for node in app.main if type(node.proto).__name__ == "PageLink"]
    asked = [(link.label, link.query_string) for link in links]
    for chip in told.values():
        assert chip.sentence in shown
        assert (chip.label, f"view={chip.view}") in asked
    pages = [link.page for link in links if not link.query_string]
    assert pages == [name.removesuffix(".py")[2:] for name in PAGES]
    assert sum(question.value.endswith("?") for question in app.markdown) >= 5


def test_answers_wait_for_nothing_that_only_tables_and_studies_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_TITLE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    # The server imports Home, and pandas with it, when it starts: no visitor waits for that.
    assert done.stdout.splitlines() == [
        "title pandas pyarrow",
        "axes pandas pyarrow",
        "bars pandas pyarrow cv2",
        "end pandas scipy pyarrow cv2",
    ]


# What a fresh server has imported by then of what takes long to import.
FIRST_TITLE = """
import sys
import streamlit as st
from streamlit.testing.v1 import AppTest

def tell(when):
    print(when, *(name for name in ("pandas", "scipy", "pyarrow", "cv2") if name in sys.modules))

def told(draw, when):
    def drawn(*arguments, **options):
        tell({"home_waiting": "axes", "home_confidence": "bars"}.get(options.get("key"), when))
        return draw(*arguments, **options)
    return drawn

st.title = told(st.title, "title")
st.plotly_chart = told(st.plotly_chart, "chart")
AppTest.from_file("Home.py", default_timeout=120).run()
tell("end")
"""


def test_photo_without_a_face_offers_the_whole_image() -> None:
    app = open_home()
    app.file_uploader[0].upload("gray.png", jpeg(np.full((80, 80), 99, np.uint8), "PNG")).run()
    assert "No face was found" in texts(app)
    app.toggle(key="home_whole").set_value(True).run()
    assert "proposed: **" in texts(app)


def test_bad_photo_is_one_sentence_in_the_language() -> None:
    app = open_home("ID")
    app.file_uploader[0].upload("foto.jpg", b"bukan foto").run()
    assert not app.exception
    assert [error.value for error in app.error] == [
        "foto.jpg bukan gambar yang dapat dibaca; gunakan JPEG, PNG, WebP, AVIF, atau HEIC."
    ]


def test_a_sample_face_is_answered_before_anyone_presses_anything() -> None:
    app = open_home()
    assert not app.exception
    text = texts(app)
    for key in MODELS:
        assert f"{key}: **" in text
    assert "FER-2013 label: **happy** (Training image). FER+: " in text
    assert [chart.proto.alt for chart in app.get("plotly_chart")] == [
        "Bars of both models' confidence for each emotion"
    ]


def test_another_face_is_answered_and_an_upload_takes_its_place(portrait: np.ndarray) -> None:
    app = open_home("ID")
    row = int(sample.open_sample(ROOT / sample.FOLDER).rows("fear")[-1])
    app.session_state["home_sample_row"] = row
    app.run()
    about = "Label FER-2013 wajah ini (dari Training): **takut**. Dari 10 penilai FER+, "
    assert about in texts(app)
    # Home takes what the demo takes.
    app.file_uploader(key="photo").upload("potret.gif", jpeg(portrait, "GIF")).run()
    assert not app.error
    assert "dari Training" not in texts(app)
    assert all(f"{key}: **" in texts(app) for key in MODELS)


def test_a_broken_sample_leaves_the_upload(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, portrait: np.ndarray
) -> None:
    monkeypatch.setattr(sample_faces, "faces", lambda: sample.open_sample(tmp_path))
    app = open_home()
    assert [str(tmp_path) in str(error.value) for error in app.error] == [True]
    app.file_uploader(key="photo").upload("portrait.jpg", jpeg(portrait)).run()
    assert "proposed: **" in texts(app)


def test_figures_of_other_images_are_never_shown_as_fer2013s(
    small_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "on FER-2013's PrivateTest" in front.compared()
    monkeypatch.setattr(loaders, "MODELS", small_models)
    said = front.compared()
    assert "on PrivateTest of archive.zip (not FER-2013)." in said
    with in_language("id"):
        assert "PrivateTest dari archive.zip (bukan FER-2013)" in front.compared()
    assert not any(row.model for row in literature.rows())
    assert "archive.zip, which is not FER-2013" in data_origin.sources()
    assert "were measured on other images" in " ".join(map(str, data_origin.notices()))
