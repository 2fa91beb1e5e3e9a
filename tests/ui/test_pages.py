"""What visitors do on the pages: faces, photos, videos, an import, trainings, and what a rerun
costs."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from streamlit.testing.v1.element_tree import ButtonGroup

from fer import FerError, files
from fer.artifacts import model_store, runs
from fer.data import dataset, sample
from fer.inference import classification
from fer.media import videos
from fer.media.video_gate import Excerpt
from fer.own import teaching
from fer.scenarios import PROPOSED
from fer.training import monitor
from fer.ui.dataset import browse
from fer.ui.faces import sample_faces, side_panel
from fer.ui.shared import loaders, permissions
from fer.vision import preprocessing
from tests.support.making import ROOT, jpeg, small_archive, video
from tests.support.pages import (
    PAGES,
    assert_no_error,
    messages,
    open_home,
    open_mode,
    open_page,
    texts,
    walk_alts,
)


def test_a_set_that_is_not_fer2013_is_never_shown_as_it(with_data: Path) -> None:
    app = open_page(PAGES[0])

    def told(language: str = "EN") -> str:
        app.session_state["lang"] = language
        return " ".join(str(element.value) for element in app.run().info)

    for page in ("3_Classification_Results.py", "4_Training.py", "1_Dataset.py"):
        app.switch_page(f"pages/{page}")
        assert "not the whole FER-2013 (Training angry: 4 images, officially 3995)" in told()
    counts = {s.value: list(c) for s, c in dataset.OFFICIAL_COUNTS.items()}
    manifest = with_data / dataset.FOLDER / dataset.MANIFEST
    record = {**files.read_json(manifest), "counts": counts, "differences": [], "md5": None}
    files.write_json(manifest, record)
    assert "pikselnya lain" in told("ID")
    files.write_json(manifest, {**record, "digest": dataset.KAGGLE_DIGEST})
    assert "imported images" not in told()


def test_without_openvino_pages_say_so_where_answers_stand(
    without_data: Path, portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Mock(side_effect=FerError("OpenVINO is not installed; install it."))
    monkeypatch.setattr(loaders, "classifier", missing)
    app = open_page("1_Dataset.py")
    assert not app.exception
    app.switch_page("pages/5_Realtime_Demo.py").run()
    for mode, key, name, content in (
        ("photo", "demo_upload", "own.jpg", jpeg(portrait)),
        ("batch", "batch_upload", "own.jpg", jpeg(portrait)),
        ("video", "video_upload", "own.mp4", video([portrait] * 3)),
    ):
        app.segmented_control(key="mode").set_value(mode).run()
        app.file_uploader(key=key).upload(name, content).run()
        assert not app.exception, mode
        assert "OpenVINO is not installed" in messages(app)[0], mode


def test_another_photo_begins_with_its_largest_face(portrait: np.ndarray) -> None:
    app = open_mode("photo")

    def upload(*sides: int, light: float = 1) -> None:
        """A photo of one person several times, in heads of these sizes."""
        photo = np.zeros((max(sides), sum(sides), 3), np.uint8)
        for at, side in enumerate(sides):
            head = cv2.resize(portrait[:300, 100:400], (side, side)) * light
            photo[:side, sum(sides[:at]) : sum(sides[: at + 1])] = head
        app.file_uploader(key="demo_upload").upload("a.jpg", jpeg(photo)).run()

    def choice() -> ButtonGroup:
        (found,) = [one for one in app.pills if one.label in ("Face", "Wajah")]
        assert len(found.options) == 3
        return found

    upload(300, 400, 300)
    first = choice()
    other = 2 if first.value != 2 else 1
    first.set_value(other).run()
    app.session_state["lang"] = "ID"
    app.run()
    assert choice().value == other, "another language forgets the choice"
    app.session_state["lang"] = "EN"
    upload(420, 300, 320)
    assert choice().value != other
    assert first.key not in app.session_state, "what was chosen in former photos piles up"
    assert not app.warning
    upload(400, light=0.12)
    assert "This face is very dark: in better light" in str(app.warning[0].value)


def test_a_video_is_watched_and_kept(portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_mode("video")
    content = video([portrait] * 12)
    app.file_uploader(key="video_upload").upload("one.mp4", content, "video/mp4").run()
    assert_no_error(app)
    assert [metric.value for metric in app.metric][2:] == ["1", "100.0%"]
    kept = app.session_state["video_watched"]
    # In another language the same answers are drawn anew; the video is not analysed again.
    monkeypatch.setattr(videos, "analyse", None)
    app.run()
    assert app.session_state["video_watched"] is kept
    app.session_state["lang"] = "ID"
    app.run()
    assert_no_error(app)
    _, language, found = app.session_state["video_watched"]
    assert language == "id"
    assert found.moments is kept[2].moments
    assert found.video != kept[2].video


def test_of_a_long_video_the_visitor_chooses_what_is_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    analyse, chosen = Mock(side_effect=FerError("Watched.")), Excerpt(750.0, 45.0)
    monkeypatch.setattr(videos, "analyse", analyse)
    monkeypatch.setattr(videos, "length", lambda content, name: 7230.0)
    app = open_mode("video")
    app.file_uploader(key="video_upload").upload("lecture.mp4", b"long", "video/mp4").run()
    assert "This video is 2:00:30 long. Up to 120 seconds" in str(app.info[0].value)
    for key, value in (("video_minute", 12), ("video_second", 30), ("video_seconds", 45)):
        app.number_input(key=key).set_value(value).run()
    assert not analyse.called, "nothing is analysed before the visitor has chosen"
    app.button(key="video_analyse").click().run()
    assert analyse.call_args.kwargs["excerpt"] == chosen
    # What a click on Stop leaves; it ends the run that it interrupts.
    app.session_state["video_stopped"] = (hashlib.sha256(b"long").hexdigest(), chosen)
    app.run()
    assert "The analysis was stopped" in app.info[-1].value
    assert analyse.call_count == 1
    app.button(key="video_again").click().run()
    assert analyse.call_count == 2
    app.file_uploader(key="video_upload").upload("other.mp4", b"other", "video/mp4").run()
    assert not app.exception
    assert analyse.call_count == 2, "what was chosen in one video is no choice in the next"


def test_a_file_that_is_refused_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    app = open_page("5_Realtime_Demo.py")
    assert "opened over https or on this machine" in str(app.warning[0].value)
    app.segmented_control(key="mode").set_value("photo").run()
    app.file_uploader(key="demo_upload").upload("bad.jpg", b"nothing").run()
    app.run()
    assert "bad.jpg is not" in messages(app)[0]
    (line,) = [r for r in caplog.records if r.getMessage().endswith(" refused")]
    assert (line.name, line.getMessage(), line.levelname) == ("fer", "photo refused", "WARNING")


def test_a_sample_is_not_cropped_again_and_its_augmentation_goes_back(with_data: Path) -> None:
    app = open_page("2_Preprocessing.py")
    app.pills(key="pre_sample").set_value("happy").run()
    sizes = [str(caption.value).split(" ")[0] for caption in app.caption]
    assert sizes.count("48×48×3") == 2
    assert "48×48" in sizes
    app.slider(key="augment_rotation").set_value(60.0).run()
    app.button(key="augment_reset").click().run()
    assert not app.exception
    assert app.slider(key="augment_rotation").value == 15.0


def test_faces_of_the_data_set_are_browsed_and_shown_closely(with_data: Path) -> None:
    app = open_page("1_Dataset.py")
    app.button(key="images_face_3").click().run()
    assert "Training_" in texts(app)
    app.button(key="ask_3").click().run()
    assert "Computed now" in texts(app)
    app.toggle(key="image_why").set_value(True).run()
    assert "Computed now" in texts(app), "answers to a button go with what is pressed next"
    assert "last convolution" in texts(app)
    # There is one panel: a face of the sample takes the other's place.
    app.session_state[side_panel.CHOSEN] = (browse.SAMPLE, 5)
    app.run()
    shown = [str(element.value) for element in app.subheader if " · " in str(element.value)]
    name = str(sample_faces.faces().names[5]).rpartition("/")[2]
    assert [heading.rpartition(" · ")[2] for heading in shown] == [name]
    app.number_input(key="browse_page").set_value(4).run()
    app.segmented_control(key="browse_split").set_value("PublicTest").run()
    assert app.number_input(key="browse_page").value == 2, "a page beyond the end"
    app.segmented_control(key="browse_split").set_value("all").run()
    app.pills(key="browse_emotions").set_value(["disgust"]).run()
    assert "12 images" in texts(app)


def test_import_from_the_page_takes_only_the_official_set(
    without_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(permissions.VARIABLE, "import")
    app = open_page("1_Dataset.py")
    content = small_archive(without_data / "small.zip").read_bytes()
    app.file_uploader(key="archive").upload("archive.zip", content).run()
    app.button(key="import").click().run()
    assert "not the whole FER-2013" in messages(app)[0]
    assert not dataset.is_imported(without_data / dataset.FOLDER)
    monkeypatch.setattr(dataset, "OFFICIAL_COUNTS", dict.fromkeys(dataset.SPLITS, (4,) * 7))
    app.button(key="import").click().run()
    assert_no_error(app)
    assert len(dataset.open_dataset(without_data / dataset.FOLDER)) == 84


def test_reruns_that_change_nothing_read_and_compute_nothing(
    without_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What costs is told; how long a rerun takes is measured by hand."""
    cost: list[str] = []

    def costly(owner: object, name: str) -> None:
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *a, **k: cost.append(name) or real(*a, **k))

    costly(files, "read_json")
    costly(model_store, "sha256")
    costly(model_store.Artifact, "predictions")
    costly(preprocessing, "read_image")
    costly(classification.Classifier, "predict")
    app = open_home()
    for page in PAGES:
        app.switch_page(f"pages/{page}").run()
        app.run()
        cost.clear()
        app.run()
        assert not app.exception, page
        assert cost == [], page


def live(folder: Path, state: monitor.State, stage: monitor.Stage, done: float = 0) -> Path:
    """A run that a page shows, with that much of ten steps done."""
    now = time.time()
    monitor.write(folder, monitor.RunState(state, now, now, done, 10, 2, {}, stage=stage))
    return folder


def test_a_stop_is_answered_in_the_same_run_of_the_page(
    without_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(permissions.VARIABLE, "train")
    run_dir = live(without_data / "runs" / "short", "running", "checking")
    # What the operator started is not a visitor's to stop.
    monitor.watch(run_dir)
    app = open_page("4_Training.py")
    (bar,) = app.get("progress")
    assert "checking the epoch" in str(bar.proto.text)
    app.button(key="stop_short").click().run()
    assert monitor.is_stopping(run_dir)
    (bar,) = app.get("progress")
    assert "stopping as soon as this epoch is checked and saved" in str(bar.proto.text)
    assert app.button(key="stop_short").disabled


def test_what_ended_before_the_visitors_eyes_is_among_the_curves(without_data: Path) -> None:
    run_dir = live(without_data / "runs" / "short", "running", "training")
    app = open_page("4_Training.py")
    assert app.pills(key="runs").value == ["baseline", "proposed"]
    row = {"epoch": 1, "loss": 1.9, "accuracy": 0.3, "val_loss": 1.9, "val_accuracy": 0.25}
    row |= {"learning_rate": 1e-4, "image_size": 48, "seconds": 1.0}
    runs.write_history(run_dir, [row])
    files.write_json(run_dir / runs.RUN, {"scenario": PROPOSED.to_dict(), "data": "0"})
    live(run_dir, "finished", "training", done=10)
    app.run()
    assert not app.exception
    assert app.pills(key="runs").value == ["baseline", "proposed", "short"]
    (told,) = app.success
    assert "short has finished: 25.0% on PublicTest" in told.value
    assert told.value.endswith("Its curves are among those above.")
    live(run_dir, "stopped", "training", done=10)
    app.segmented_control(key="quantity").set_value("gap").run()
    assert_no_error(app)
    assert any("short was stopped" in caption.value for caption in app.caption)


def test_enter_in_a_field_starts_no_training_and_none_begins_without_data(
    without_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(permissions.VARIABLE, "train")
    app = open_page("4_Training.py")
    forms = [block for block in app.main.children.values() if block.type == "form"]
    assert [form.proto.form.enter_to_submit for form in forms] == [False]
    app.button(key="start").click().run()
    assert "FER-2013 is not imported" in messages(app)[0]


FACES = sample.open_sample(ROOT / sample.FOLDER)
ROWS = [*FACES.rows("happy")[:3], *FACES.rows("fear")[:3]]


def test_two_emotions_are_taught_and_judge_the_next_face() -> None:
    app, too_few = open_mode("teach"), "It takes frames of at least two emotions."
    app.segmented_control(key="teach_source").set_value("photos").run()
    gray = jpeg(np.full((200, 200, 3), 127, np.uint8))
    app.file_uploader(key="teach_upload_happy").upload("wall.jpg", gray).run()
    assert messages(app) == ["wall.jpg shows no face; choose another photo."]
    for emotion, count in (("happy", 4), ("sad", 3)):
        assert too_few in texts(app)
        app.pills(key="teach_emotion").set_value(emotion).run()
        uploader = app.file_uploader(key=f"teach_upload_{emotion}")
        for row in FACES.rows(emotion)[:count]:
            uploader.upload(f"{emotion}{row}.png", FACES.png(int(row)))
        uploader.run()
    assert messages(app) == []
    assert too_few not in texts(app)
    assert "7 frame" in texts(app)
    assert app.pills(key="teach_labels_34").value == [3, 4]
    assert all(f"yours on {model}: **" in texts(app) for model in loaders.models())
    walk_alts(app, "5_Realtime_Demo.py")
    # What is left out is not answered.
    app.pills(key="teach_labels_34").set_value([3]).run()
    assert too_few in texts(app)
    app.button(key="teach_forget").click().run()
    assert not app.exception
    assert len(app.get("metric")) == 0


def test_the_sample_teaches_seven_emotions(monkeypatch: pytest.MonkeyPatch) -> None:
    # Those of the networks take seconds.
    vectors = np.random.default_rng(0).normal(size=(len(FACES), 512))
    features = dict.fromkeys(loaders.models(), vectors)
    monkeypatch.setattr(teaching, "features", lambda explainer, images: features)
    app = open_mode("teach")
    app.segmented_control(key="teach_source").set_value("sample").run()
    app.button(key="teach_sample").click().run()
    assert not app.exception
    assert messages(app) == []
    assert "of 70 frames" in texts(app)
    table = next(t.value for t in app.table if "Frames" in t.value)
    assert list(table["Frames"]) == [70] + [10] * 7


def test_a_head_that_comes_back_answers_and_what_is_none_is_said() -> None:
    app = open_mode("teach")
    app.segmented_control(key="teach_source").set_value("photos").run()
    app.file_uploader(key="teach_brought").upload("x.json", b"{}").run()
    assert messages(app) == ["x.json is no head that was taught here; choose another file."]
    explainer = loaders.explainer()
    frames = [teaching.frame(explainer, FACES.images[r], int(FACES.labels[r])) for r in ROWS]
    weights = {key: model.digest for key, model in loaders.models().items()}
    head, _accuracies = teaching.teach(frames, weights)
    app.file_uploader(key="teach_brought").upload("mine.json", teaching.to_file(head)).run()
    assert messages(app) == []
    assert "The head from mine.json answers" in texts(app)
    assert "yours on proposed: **" in texts(app)
