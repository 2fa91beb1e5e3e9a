"""What people see, on the pages: figures from stored predictions, images from the data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer.data import dataset, importing, sample, votes
from fer.ui.faces import named_faces, vote_bars
from fer.ui.shared import loaders
from tests.support.making import ROOT, small_archive
from tests.support.pages import (
    assert_no_error,
    messages,
    open_mode,
    open_page,
    open_results,
    open_view,
    texts,
)


def test_figures_disputed_images_and_errors_by_what_people_saw(elsewhere: Path) -> None:
    app = open_results("crowd")
    assert_no_error(app)
    found, told = loaders.crowd("PrivateTest"), texts(app)
    assert found is not None
    shares = [row["majority"]["share"] for row in found["models"].values()]
    shares.append(found["human"]["others"]["share"])
    assert {f"{100 * share:.1f}%" for share in shares} <= {metric.value for metric in app.metric}
    assert f"On the {found['images_with_majority']:,} images" in told
    assert loaders.votes().digest[:12] in told
    # Without the data set, votes and answers are told and the face is not.
    assert "1 of 200" in told
    assert "FER-2013's label: **" in told
    app.button(key="dispute_next").click().run()
    assert "2 of 200" in texts(app)
    app.button(key="dispute_back").click().run()
    app.segmented_control(key="dispute_kind").set_value("neither").run()
    assert "1 of 200" in texts(app)
    open_view(app, "errors")
    app.segmented_control(key="error_order").set_value("crowd").run()
    table = app.dataframe[0].value
    first = dict(part.rsplit(" ", 1) for part in table["What people saw"][0].split(" · "))
    assert int(first[table["Predicted"][0]]) == 10


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
    assert any("What people saw" in node.proto.alt for node in app.get("plotly_chart"))


def test_missing_votes_are_told_and_nothing_else_breaks(elsewhere: Path) -> None:
    (loaders.DATA / votes.VOTES).unlink()
    app = open_page("1_Dataset.py")
    (message,) = messages(app)
    assert "votes.parquet" in message
    assert "Images" in [header.value for header in app.header]
    assert named_faces.votes_for(["PrivateTest_1.jpg"]) == [None]


def test_votes_are_told_as_squares_and_in_words() -> None:
    counts = np.zeros(10, np.uint8)
    counts[[3, 9]] = 7, 3
    face = np.zeros((48, 48), np.uint8)
    row = vote_bars.with_squares(face, counts)[-1]
    starts = np.flatnonzero(np.diff(row[:, 3].astype(int), prepend=0) > 0)
    first, *colours = [tuple(int(v) for v in row[at, :3]) for at in starts]
    assert [colour == first for colour in colours] == [True] * 6 + [False] * 3
    assert vote_bars.with_squares(face, None).shape[:2] == (vote_bars.SIDE,) * 2
    assert vote_bars.words(counts) == "happy 7 · no face 3"


def test_a_sample_photo_has_its_votes_and_a_visitors_has_none(elsewhere: Path) -> None:
    app = open_mode("photo")
    app.segmented_control(key="demo_source").set_value("sample").run()
    assert "FER-2013's label: **" not in texts(app)
    found = sample.open_sample(ROOT / sample.FOLDER)
    app.session_state["demo_sample_row"] = int(found.rows("fear")[0])
    app.run()
    assert "FER-2013's label: **fear**" in texts(app)
    assert sum("What people saw" in node.proto.alt for node in app.get("plotly_chart")) == 1
    app.segmented_control(key="demo_source").set_value("upload").run()
    # Not even if it has that name.
    name = str(found.names[0]).split("/")[-1]
    app.file_uploader(key="demo_upload").upload(name, found.png(0), "image/png").run()
    assert not app.exception
    assert "FER-2013's label: **" not in texts(app)
