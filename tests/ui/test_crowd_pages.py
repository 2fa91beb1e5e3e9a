"""What people see, on the pages: figures from stored predictions, images from the data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer.data import dataset, importing, sample, votes
from fer.ui.faces import named_faces, vote_bars
from fer.ui.shared import loaders
from fer.ui.shared.text import in_language
from tests.support.making import ROOT, small_archive
from tests.support.pages import assert_no_error, messages, open_page, open_results, open_view, texts

FACE = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)


def crowd_view(language: str = "EN", split: str = "PrivateTest") -> AppTest:
    app = open_page("3_Classification_Results.py", language)
    app.segmented_control(key="split").set_value(split)
    return open_view(app, "crowd")


@pytest.mark.parametrize("split", ["PrivateTest", "PublicTest"])
def test_the_view_shows_the_figures(split: str, elsewhere: Path) -> None:
    app = crowd_view(split=split)
    assert_no_error(app)
    found = loaders.crowd(split)
    assert found is not None
    values = [metric.value for metric in app.metric]
    for key in ("baseline", "proposed"):
        assert f"{100 * found['models'][key]['majority']['share']:.1f}%" in values
    assert f"{100 * found['human']['others']['share']:.1f}%" in values
    assert f"On the {found['images_with_majority']:,} images" in texts(app)
    assert loaders.votes().digest[:12] in texts(app)
    assert len(app.table) == 3


def test_disputed_images_are_clicked_through(elsewhere: Path) -> None:
    app = crowd_view("ID")
    assert "1 dari 200" in texts(app)
    app.button(key="dispute_next").click().run()
    app.button(key="dispute_next").click().run()
    assert not app.exception
    assert "3 dari 200" in texts(app)
    app.button(key="dispute_back").click().run()
    assert "2 dari 200" in texts(app)
    for kind in ("label", "neither", "divided"):
        app.segmented_control(key="dispute_kind").set_value(kind).run()
        assert not app.exception
        assert "1 dari 200" in texts(app)
    # Without the data set, votes and answers are told and the face is not.
    assert "Wajah FER-2013 ditampilkan setelah datanya diimpor" in texts(app)
    assert "Label FER-2013: **" in texts(app)


def test_errors_are_sorted_by_what_people_saw(elsewhere: Path) -> None:
    app = open_results("errors")
    app.segmented_control(key="error_order").set_value("crowd").run()
    assert not app.exception
    table = app.dataframe[0].value
    first = dict(part.rsplit(" ", 1) for part in table["What people saw"][0].split(" · "))
    assert int(first[table["Predicted"][0]]) == 10


def test_labels_and_people_need_no_data_set(elsewhere: Path) -> None:
    app = open_page("1_Dataset.py")
    assert "FER-2013's label is the most frequent answer of ten people for 62.9%" in texts(app)
    for kind, sentence in (("no_face", "saw no face"), ("contradicted", "nobody gives")):
        app.segmented_control(key="label_kind").set_value(kind).run()
        assert_no_error(app)
        assert sentence in texts(app)
    app.segmented_control(key="label_split").set_value("PrivateTest").run()
    assert "for 62.6% of the images" in texts(app)


def test_faces_have_their_votes(elsewhere: Path) -> None:
    importing.import_dataset(small_archive(elsewhere / "archive.zip"), elsewhere / dataset.FOLDER)
    data = dataset.open_dataset(elsewhere / dataset.FOLDER)
    counts = np.zeros((len(data), len(votes.CHOICES)), np.uint8)
    counts[:, -1] = 10
    names = np.array([source.split("/")[-1] for source in data.sources.tolist()])
    votes.write(votes.Votes(names, data.labels, counts), loaders.DATA)
    app = open_page("1_Dataset.py")
    app.segmented_control(key="label_kind").set_value("no_face").run()
    assert "In 84 images most people saw no face." in texts(app)
    alts = [image.alt for node in app.get("image") for image in node.proto.imgs]
    # Those without a face, and the page of the data set.
    assert sum("What people saw: no face 10" in alt for alt in alts) == 48
    app.button(key="images_face_3").click().run()
    assert not app.exception
    assert any("What people saw" in node.proto.alt for node in app.get("plotly_chart"))


def test_missing_votes_are_told_and_nothing_else_breaks(elsewhere: Path) -> None:
    (loaders.DATA / votes.VOTES).unlink()
    app = open_page("1_Dataset.py")
    assert not app.exception
    assert len(messages(app)) == 1
    assert "votes.parquet" in messages(app)[0]
    assert "Images" in [header.value for header in app.header]
    assert named_faces.votes_for(["PrivateTest_1.jpg"]) == [None]


def test_a_square_for_each_voter() -> None:
    counts = np.zeros(10, np.uint8)
    counts[[3, 9]] = 7, 3
    picture = vote_bars.with_squares(FACE, counts)
    assert picture.shape[1] == vote_bars.SIDE
    row = picture[-1, ::1]
    starts = np.flatnonzero(np.diff(row[:, 3].astype(int), prepend=0) > 0)
    assert len(starts) == 10
    colours = [tuple(int(v) for v in row[at, :3]) for at in starts]
    assert colours[:7] == [colours[0]] * 7
    assert colours[7:] == [colours[9]] * 3
    assert colours[0] != colours[9]
    assert vote_bars.with_squares(FACE, None).shape[:2] == (vote_bars.SIDE,) * 2


def test_votes_in_words() -> None:
    counts = np.zeros(10, np.uint8)
    counts[[0, 6, 8]] = 2, 7, 1
    assert vote_bars.words(counts) == "neutral 7 · angry 2 · not sure 1"
    with in_language("id"):
        assert vote_bars.words(counts) == "netral 7 · marah 2 · ragu 1"


def test_a_sample_photo_has_its_votes_and_a_visitors_has_none(elsewhere: Path) -> None:
    app = open_page("5_Realtime_Demo.py")
    app.segmented_control(key="mode").set_value("photo").run()
    app.segmented_control(key="demo_source").set_value("sample").run()
    assert "FER-2013's label: **" not in texts(app)
    found = sample.open_sample(ROOT / sample.FOLDER)
    app.session_state["demo_sample_row"] = int(found.rows("fear")[0])
    app.run()
    assert not app.exception
    assert "FER-2013's label: **fear**" in texts(app)
    assert sum("What people saw" in node.proto.alt for node in app.get("plotly_chart")) == 1
    app.segmented_control(key="demo_source").set_value("upload").run()
    named = str(found.names[0]).split("/")[-1]
    app.file_uploader(key="demo_upload").upload(named, found.png(0), "image/png").run()
    assert not app.exception
    assert "FER-2013's label: **" not in texts(app)
