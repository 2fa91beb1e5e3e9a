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


def accuracies() -> list[float]:
    return [m.metrics["splits"]["PrivateTest"]["accuracy"] for m in MODELS.values() if m.metrics]


def test_home_answers_a_face_and_tells_figures_modules_and_verdict_with_their_evidence() -> None:
    app = open_home()
    assert not app.exception
    assert app.title[0].value == "Facial Expression Analysis System"
    shown, text = [metric.value for metric in app.metric], texts(app)
    assert {f"{100 * share:.1f}%" for share in accuracies()} <= set(shown)
    for key, model in MODELS.items():
        assert model.digest[:12] in text
        assert f"{key}: **" in text
    assert "FER-2013 label: **happy** (Training image). FER+: " in text
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt == "Bars of both models' confidence for each emotion"
    links = [node.proto for node in app.main if type(node.proto).__name__ == "PageLink"]
    asked = [(link.label, link.query_string) for link in links]
    assert len(verdict.chips()) == 5
    for chip in verdict.chips().values():
        assert chip.sentence in text
        assert (chip.label, f"view={chip.view}") in asked
    pages = [link.page for link in links if not link.query_string]
    assert pages == [name.removesuffix(".py")[2:] for name in PAGES]
    # A photo without a face is offered whole.
    app.file_uploader[0].upload("gray.png", jpeg(np.full((80, 80), 99, np.uint8), "PNG")).run()
    assert "No face was found" in texts(app)
    app.toggle(key="home_whole").set_value(True).run()
    assert "proposed: **" in texts(app)


# What a fresh server has imported by then of what takes long to import.
CHARTS = """
import sys
import streamlit as st
from streamlit.testing.v1 import AppTest

def told(*arguments, key, draw=st.plotly_chart, **options):
    print(key, *(name for name in ("scipy", "cv2") if name in sys.modules))
    return draw(*arguments, key=key, **options)

st.plotly_chart = told
AppTest.from_file("Home.py", default_timeout=120).run()
"""


def test_answers_wait_for_nothing_that_only_tables_and_studies_need() -> None:
    code = [sys.executable, "-c", CHARTS]
    done = subprocess.run(code, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["home_waiting", "home_confidence cv2"]


def test_another_face_is_answered_and_an_upload_takes_its_place(portrait: np.ndarray) -> None:
    # The address' language may be in small letters.
    app = open_home("id")
    assert app.title[0].value == "Sistem Analisis Ekspresi Wajah"
    shown = [metric.value for metric in app.metric]
    assert {f"{100 * share:.1f}%".replace(".", ",") for share in accuracies()} <= set(shown)
    app.session_state["home_sample_row"] = int(sample_faces.faces().rows("fear")[-1])
    app.run()
    assert "Label FER-2013 wajah ini (dari Training): **takut**. Dari 10 penilai" in texts(app)
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
    assert "on PrivateTest of archive.zip (not FER-2013)." in front.compared()
    with in_language("id"):
        assert "PrivateTest dari archive.zip (bukan FER-2013)" in front.compared()
    assert not any(row.model for row in literature.rows())
    assert "archive.zip, which is not FER-2013" in data_origin.sources()
    assert "were measured on other images" in " ".join(map(str, data_origin.notices()))
