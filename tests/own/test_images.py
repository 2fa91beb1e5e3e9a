"""Labelled images of one's own: the command and the page measure them alike, and say what they
left out."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fer import FerError, emotions, interface
from fer.artifacts import model_store
from fer.data import sample
from fer.data.formats import labelled_files
from fer.evaluation import metrics
from fer.own import images
from fer.ui.results import own_images
from tests.support.command import fer, refusal, succeeded
from tests.support.making import ROOT, csv_table, jpeg
from tests.support.pages import messages, open_page, open_view

MODELS = ROOT / "models"
# The names of the seven in other data sets.
OTHER_NAMES = ("Anger", "disgusted", "fearful", "Happiness", "sadness", "surprised", "neutral")


def labelled_zip(path: Path, per_class: int, without: str = "") -> Path:
    """Write faces of the committed sample in folders with other data sets' names, a broken image, a
    class without counterpart and a note."""
    faces = sample.open_sample(ROOT / sample.FOLDER)
    with zipfile.ZipFile(path, "w") as archive:
        for key, folder in zip(emotions.KEYS, OTHER_NAMES, strict=True):
            for row in faces.rows(key)[: per_class if key != without else 0]:
                archive.writestr(f"mine/{folder}/face {row}.png", faces.png(row))
        gray = jpeg(np.full((300, 300), 128, np.uint8), "PNG")
        archive.writestr("mine/Happiness/broken.jpg", b"\xff\xd8\xff\xe0 no more")
        archive.writestr("mine/Happiness/no face.png", gray)
        archive.writestr("mine/contempt/one.png", gray)
        archive.writestr("__MACOSX/mine/Anger/._face 0.png", b"note")
    return path


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("happy/face.png", bytes(30 * 2**20))
    return path


def test_command_and_page_measure_a_zip_alike(tmp_path: Path) -> None:
    path = labelled_zip(tmp_path / "mine.zip", 2, without="disgust")
    record = json.loads(succeeded(fer("evaluate", "--images", path, "--json")).stdout)
    assert record["images"] == record["taken_whole"] == 12
    assert record["missing"] == ["disgust"]
    assert record["without_counterpart"] == {"contempt": 1}
    assert sorted(record["left_out"]) == ["mine/Happiness/broken.jpg", "mine/Happiness/no face.png"]

    app = open_view(open_page("3_Classification_Results.py"), "own_images")
    app.file_uploader(key="own_zip").upload("mine.zip", path.read_bytes(), "application/zip").run()
    assert not app.exception
    assert messages(app) == []
    text = " ".join(str(element.value) for element in app.markdown)
    assert "contempt (1)" in text
    outcomes = app.session_state[own_images.OUTCOMES].values()
    measured = images.measure("mine.zip", outcomes, model_store.available(MODELS))
    assert {key: model.scores for key, model in measured.models.items()} == record["models"]
    assert measured.gain == record["gain"]
    for model in record["models"].values():
        assert f"{100 * model['accuracy']:.1f}%" in text
    for view in ("classes", "confusion", "calibration", "errors", "left_out"):
        app.segmented_control(key="own_view").set_value(view).run()
        assert not app.exception, view
        assert messages(app) == [], view
    # Left, and forgotten.
    open_view(app, "metrics")
    open_view(app, "own_images")
    assert app.session_state[own_images.OUTCOMES] == {}
    content = bomb(tmp_path / "bomb.zip").read_bytes()
    app.file_uploader(key="own_zip").upload("bomb.zip", content, "application/zip").run()
    assert not app.exception
    (message,) = messages(app)
    assert "zip bomb" in message


def test_a_folder_is_uploaded_file_by_file(tmp_path: Path) -> None:
    app = open_view(open_page("3_Classification_Results.py"), "own_images")
    app.segmented_control(key="own_way").set_value("folder").run()
    uploader = app.file_uploader(key="own_folder")
    with zipfile.ZipFile(labelled_zip(tmp_path / "mine.zip", 1)) as archive:
        for name in archive.namelist():
            if not name.startswith("__MACOSX"):
                uploader.upload(name, archive.read(name), "image/png")
    uploader.run()
    assert not app.exception
    outcomes = list(app.session_state[own_images.OUTCOMES].values())
    assert sum(isinstance(one, images.AnsweredImage) for one in outcomes) == 7
    assert sum(isinstance(one, images.LeftOut) for one in outcomes) == 3


def test_every_image_has_its_rows(tmp_path: Path) -> None:
    path = labelled_zip(tmp_path / "mine.zip", 1)
    printed = succeeded(fer("evaluate", "--images", path, "--csv")).stdout
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert len(rows) == 7 * 2 + 3
    for row in [row for row in rows if not row["problem"]]:
        assert row["top1"] == max(emotions.KEYS, key=lambda key, row=row: float(row[key]))
        assert (row["right"] == "True") == (row["top1"] == row["label"])


def test_a_table_is_measured_and_people_read_every_class(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(csv_table(rows=7))
    printed = succeeded(fer("evaluate", "--images", tmp_path / "mine.csv")).stdout
    for word in ("7 images measured, 0 left out", "baseline", "proposed", *emotions.KEYS):
        assert word in printed


def test_a_photo_is_cut_out_and_the_largest_face_taken(portrait: np.ndarray) -> None:
    both = np.hstack([portrait, np.pad(portrait[::2, ::2], ((0, 256), (0, 0), (0, 0)))])
    file = labelled_files.labelled("happy/photo.png", lambda: jpeg(both, "PNG"))
    models = interface.load(MODELS)
    outcome = images.answer(file, models.detector, models.classifier)
    assert isinstance(outcome, images.AnsweredImage)
    assert (outcome.is_whole, outcome.faces, outcome.label) == (False, 2, 3)
    assert outcome.face.shape == (48, 48)


def test_means_leave_out_a_class_without_images() -> None:
    labels = np.array([0, 0, 3, 3])
    answers = np.eye(7)[[0, 0, 3, 0]]
    report = metrics.report(labels, answers)
    assert report["balanced_accuracy"] == pytest.approx((1 + 0.5) / 2)
    assert report["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)


def test_refusals_are_a_sentence_each(tmp_path: Path) -> None:
    for folder in ("empty", "numbered/1"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "numbered/1/a.png").write_bytes(jpeg(np.zeros((48, 48), np.uint8), "PNG"))
    (tmp_path / "cut.zip").write_bytes(bomb(tmp_path / "bomb.zip").read_bytes()[:2000])
    for source, words in {
        "empty": "holds no image",
        "numbered": "they lie in: 1",
        "bomb.zip": "zip bomb",
        "cut.zip": "cut off",
        "nowhere": "There is no file or folder",
    }.items():
        assert words in refusal(fer("evaluate", "--images", tmp_path / source)), source
    assert "Beside --images" in refusal(fer("evaluate", "--images", tmp_path / "empty", "--check"))


def test_more_images_than_a_visit_may_have_are_refused(tmp_path: Path) -> None:
    path = labelled_zip(tmp_path / "mine.zip", 1)
    with pytest.raises(FerError, match="more than 6 labelled"):
        labelled_files.opened(path, "mine.zip", most=6).__enter__()
