"""Every page in both languages: it runs, is accessible, and needs no TensorFlow."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from fer import FerError, files
from fer.artifacts import model_store
from fer.data import dataset
from fer.inference import classification
from fer.inference.records import BENCHMARK
from fer.media import videos
from fer.media.video_gate import Excerpt
from fer.ui.dataset import browse
from fer.ui.faces import sample_faces, side_panel
from fer.ui.shared import loaders, permissions
from fer.vision import faces, preprocessing
from tests.support.making import ROOT, encoded, jpeg, small_archive, video
from tests.support.pages import PAGES, messages, open_mode, open_page, open_view, walk_alts

# How each page's question begins; the title is Home.py's, which AppTest leaves out.
QUESTIONS = {
    "1_Dataset.py": ("What is in FER-2013", "Apa isi FER-2013"),
    "2_Preprocessing.py": ("What does a network see", "Apa yang dilihat jaringan"),
    "3_Classification_Results.py": ("Which scenario reads faces", "Skenario mana yang"),
    "4_Training.py": ("How did the models learn", "Bagaimana model belajar"),
    "5_Realtime_Demo.py": ("What do both models see", "Apa yang dilihat kedua model"),
}


@pytest.fixture
def visitors_may_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator who lets visitors train and import; an AppTest is nowhere, hence elsewhere."""
    monkeypatch.setenv(permissions.VARIABLE, "train,import")


@pytest.mark.parametrize("language", ["EN", "ID"])
@pytest.mark.parametrize("data", ["with_data", "without_data"])
def test_pages_run(language: str, data: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(data)
    app = open_page(PAGES[0], language)
    for page in PAGES:
        app.switch_page(f"pages/{page}").run()
        assert not app.exception, page
        assert messages(app) == [], page
        # Pages 3 and 5 tell it beside their title, which stands in one row with a choice.
        told = [*(words.value for words in app.markdown), *(title.help for title in app.title)]
        assert any(words.startswith(QUESTIONS[page][language == "ID"]) for words in told)
        walk_alts(app, page)


@pytest.mark.parametrize("page", ["1_Dataset.py", "3_Classification_Results.py", "4_Training.py"])
def test_a_set_that_is_not_fer2013_is_never_shown_as_it(page: str, with_data: Path) -> None:
    told = " ".join(str(element.value) for element in open_page(page, "EN").info)
    assert "not the whole FER-2013 (Training angry: 4 images, officially 3995)" in told
    counts = {s.value: list(c) for s, c in dataset.OFFICIAL_COUNTS.items()}
    manifest = with_data / dataset.FOLDER / dataset.MANIFEST
    record = {**files.read_json(manifest), "counts": counts, "differences": [], "md5": None}
    files.write_json(manifest, record)
    told = " ".join(str(element.value) for element in open_page(page, "ID").info)
    assert "pikselnya lain" in told
    files.write_json(manifest, {**record, "digest": dataset.KAGGLE_DIGEST})
    told = " ".join(str(element.value) for element in open_page(page, "EN").info)
    assert "imported images" not in told


def test_without_openvino_pages_say_so_where_answers_stand(
    without_data: Path, portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise FerError("OpenVINO is not installed; install it with: pip install openvino")

    monkeypatch.setattr(loaders, "classifier", broken)
    app = open_page("5_Realtime_Demo.py")
    said = "OpenVINO is not installed"
    for mode, key, name, content in (
        ("photo", "demo_upload", "own.jpg", jpeg(portrait)),
        ("batch", "batch_upload", "own.jpg", jpeg(portrait)),
        ("video", "video_upload", "own.mp4", video([portrait] * 3)),
    ):
        app.segmented_control(key="mode").set_value(mode).run()
        app.file_uploader(key=key).upload(name, content).run()
        assert not app.exception, mode
        assert any(said in message for message in messages(app)), mode
    app.segmented_control(key="mode").set_value("play").run()
    app.button(key="play_start").click().run()
    assert not app.exception
    for page in ("1_Dataset.py", "2_Preprocessing.py"):
        app.switch_page(f"pages/{page}").run()
        assert not app.exception, page


def test_speed_view_shows_the_committed_figures() -> None:
    app = open_page("3_Classification_Results.py")
    open_view(app, "speed")
    assert not app.exception
    record = loaders.record(BENCHMARK)
    assert record is not None
    fastest = f"{record['ways']['fast']['1']['p50_ms']:.1f} ms"
    assert any(fastest in str(element.value) for element in app.markdown)
    assert len(app.table) == 2


def test_choices_of_the_results_page(with_data: Path) -> None:
    app = open_page("3_Classification_Results.py")
    for split in ("PublicTest", "PrivateTest"):
        app.segmented_control(key="split").set_value(split).run()
        shown = " ".join(str(element.value) for element in app.markdown)
        accuracy = loaders.models()["baseline"].metrics["splits"][split]["accuracy"]
        assert f"{100 * accuracy:.1f}%" in shown
    open_view(app, "confusion")
    app.pills(key="confusion_cell_true").set_value("angry").run()
    assert not app.exception
    assert any("**angry**" in str(element.value) for element in app.markdown)


def test_report_holds_the_figures_and_needs_no_network() -> None:
    from datetime import UTC, datetime

    from fer.ui.results import report
    from fer.ui.shared.text import in_language

    with in_language("id"):
        page = report.html("PrivateTest", datetime(2026, 1, 2, tzinfo=UTC))
    metrics = loaders.models()["proposed"].metrics["splits"]["PrivateTest"]
    assert f"{100 * metrics['accuracy']:.1f}%".replace(".", ",") in page
    assert page.count("Plotly.newPlot(") >= 5
    # The first script is Plotly itself, which names addresses it does not open.
    own = page.split("</script>", 1)[1]
    assert 'src="http' not in own
    assert 'href="http' not in own


# The start of a HEIC file, which Pillow alone does not read.
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200)


def test_odd_uploads_leave_the_page_working() -> None:
    app = open_page("2_Preprocessing.py")
    app.segmented_control(key="pre_source").set_value("upload").run()
    dark, bright = (Image.new("L", (60, 60), shade) for shade in (40, 200))
    cmyk = Image.new("CMYK", (60, 60), (10, 20, 30, 40))
    for name, content, says in (
        ("text.jpg", b"not a picture", "not an image"),
        ("empty.jpg", b"", "is empty"),
        ("huge.png", encoded(Image.new("L", (10_000, 6_000)), "PNG"), "60 megapixels"),
        ("photo.jpg", HEIC, "not an image"),
        ("moving.gif", encoded(dark, "GIF", save_all=True, append_images=[bright]), None),
        ("print.jpg", encoded(cmyk, "JPEG"), None),
    ):
        app.file_uploader(key="pre_upload").upload(name, content).run()
        assert not app.exception, name
        assert [says in message for message in messages(app)] == [True] * (says is not None), name
    app.segmented_control(key="pre_source").set_value("sample").run()
    assert messages(app) == []
    assert len(app.get("image")) >= 7


def test_augmentation_goes_back_to_training_values() -> None:
    app = open_page("2_Preprocessing.py")
    slider = app.slider(key="augment_rotation")
    assert slider.value == 15.0
    slider.set_value(60.0).run()
    app.button(key="augment_reset").click().run()
    assert app.slider(key="augment_rotation").value == 15.0


def test_batch_reports_each_face_and_each_bad_file(portrait: np.ndarray) -> None:
    app = open_mode("batch")
    uploader = app.file_uploader(key="batch_upload")
    uploader.upload("one.jpg", jpeg(portrait), "image/jpeg")
    uploader.upload("bad.jpg", b"nothing", "image/jpeg").run()
    assert not app.exception
    assert len(messages(app)) == 1
    assert "bad.jpg" in messages(app)[0]
    assert [metric.value for metric in app.metric][:2] == ["1", "1"]


def people(portrait: np.ndarray, *sides: int) -> bytes:
    """A photo of one person several times, in heads of these sizes."""
    face, tall = portrait[:300, 100:400], max(sides)
    row = [
        cv2.copyMakeBorder(cv2.resize(face, (n, n)), 0, tall - n, 0, 0, cv2.BORDER_REPLICATE)
        for n in sides
    ]
    return jpeg(np.hstack(row))


@pytest.mark.parametrize(
    ("page", "key"), [("5_Realtime_Demo.py", "demo"), ("2_Preprocessing.py", "pre")]
)
def test_another_photo_begins_with_its_largest_face(
    page: str, key: str, portrait: np.ndarray
) -> None:
    app = open_mode("photo") if key == "demo" else open_page(page)
    app.segmented_control(key=f"{key}_source").set_value("upload").run()

    def choice() -> ButtonGroup:
        assert not app.exception
        (found,) = [one for one in app.pills if one.label in ("Face", "Wajah")]
        assert len(found.options) == 3
        return found

    def upload(*sides: int) -> None:
        app.file_uploader(key=f"{key}_upload").upload("a.jpg", people(portrait, *sides)).run()

    upload(300, 400, 300)
    first = choice()
    other = 2 if first.value != 2 else 1
    first.set_value(other).run()
    assert choice().value == other
    app.session_state["lang"] = "ID"
    app.run()
    assert choice().value == other, "another language forgets the choice"
    upload(420, 300, 320)
    assert choice().value != other
    assert first.key not in app.session_state, "what was chosen in former photos piles up"


def test_a_video_is_watched_and_kept(portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_mode("video")
    app.file_uploader(key="video_upload").upload("bad.mp4", b"nothing", "video/mp4").run()
    assert "bad.mp4 is not a video" in messages(app)[0]
    app = open_mode("video")
    app.file_uploader(key="video_upload").upload(
        "one.mp4", video([portrait] * 12), "video/mp4"
    ).run()
    assert not app.exception
    assert messages(app) == []
    assert [metric.value for metric in app.metric][2:] == ["1", "100.0%"]
    kept = app.session_state["video_watched"]
    app.run()
    assert app.session_state["video_watched"] is kept
    # In another language the same answers are drawn anew; the video is not analysed again.
    monkeypatch.setattr(videos, "analyse", None)
    app.session_state["lang"] = "ID"
    app.run()
    assert not app.exception
    assert messages(app) == []
    _, language, found = app.session_state["video_watched"]
    assert language == "id"
    assert found.moments is kept[2].moments
    assert found.video != kept[2].video


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Excerpt]:
    """The excerpts whose analysis was asked for; none is analysed."""
    excerpts: list[Excerpt] = []

    def analyse(*_: object, excerpt: Excerpt, **__: object) -> None:
        excerpts.append(excerpt)
        raise FerError("Watched.")

    monkeypatch.setattr(videos, "analyse", analyse)
    return excerpts


def test_a_video_whose_analysis_was_stopped_is_analysed_when_asked(
    portrait: np.ndarray, asked: list[Excerpt]
) -> None:
    content = video([portrait] * 12)
    app = open_mode("video")
    # What a click on Stop leaves; it ends the run that it interrupts.
    app.session_state["video_stopped"] = (hashlib.sha256(content).hexdigest(), Excerpt())
    app.file_uploader(key="video_upload").upload("one.mp4", content, "video/mp4").run()
    assert asked == []
    assert "The analysis was stopped" in app.info[0].value
    app.button(key="video_again").click().run()
    assert asked == [Excerpt()]


def test_a_dark_face_is_answered_with_a_note(portrait: np.ndarray) -> None:
    app = open_mode("photo")
    dark = jpeg((portrait * 0.12).astype(np.uint8), "PNG")
    app.file_uploader(key="demo_upload").upload("dark.png", dark, "image/png").run()
    assert not app.exception
    assert [str(warning.value) for warning in app.warning] == [
        "This face is very dark: in better light the answer may be another."
    ]


def test_of_a_long_video_the_visitor_chooses_what_is_watched(
    asked: list[Excerpt], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(videos, "length", lambda content, name: 7230.0)
    app = open_mode("video")
    app.file_uploader(key="video_upload").upload("lecture.mp4", b"long", "video/mp4").run()
    assert "This video is 2:00:30 long. Up to 120 seconds" in str(app.info[0].value)
    assert asked == [], "nothing is analysed before the visitor has chosen"
    app.number_input(key="video_minute").set_value(12).run()
    app.number_input(key="video_second").set_value(30).run()
    app.number_input(key="video_seconds").set_value(45).run()
    assert asked == []
    app.button(key="video_analyse").click().run()
    assert asked == [Excerpt(750.0, 45.0)]
    monkeypatch.setattr(videos, "length", lambda content, name: 300.0)
    app.file_uploader(key="video_upload").upload("short.mp4", b"shorter", "video/mp4").run()
    assert not app.exception
    assert "This video is 5:00 long." in str(app.info[0].value)
    assert len(asked) == 1, "what was chosen in one video is no choice in the next"


@pytest.mark.parametrize(
    ("page", "choice", "value", "uploader", "event"),
    [
        ("5_Realtime_Demo.py", "mode", "photo", "demo_upload", "photo refused"),
        ("5_Realtime_Demo.py", "mode", "video", "video_upload", "video refused"),
        ("2_Preprocessing.py", "pre_source", "upload", "pre_upload", "photo refused"),
    ],
)
def test_a_file_that_is_refused_is_logged_once(
    page: str,
    choice: str,
    value: str,
    uploader: str,
    event: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = open_page(page)
    app.segmented_control(key=choice).set_value(value).run()
    name = "bad.mp4" if value == "video" else "bad.jpg"
    app.file_uploader(key=uploader).upload(name, f"nothing for {uploader}".encode()).run()
    assert f"{name} is not" in messages(app)[0]
    app.run()
    told = [r for r in caplog.records if r.getMessage().endswith(" refused")]
    assert [(r.name, r.getMessage(), r.levelname) for r in told] == [("fer", event, "WARNING")]


def test_webcam_over_plain_http_says_what_to_do() -> None:
    app = open_page("5_Realtime_Demo.py")
    assert not app.exception
    assert "opened over https or on this machine" in str(app.warning[0].value)


def test_a_sample_of_the_data_set_is_not_cropped_again(with_data: Path) -> None:
    app = open_page("2_Preprocessing.py")
    app.pills(key="pre_sample").set_value("happy").run()
    assert not app.exception
    sizes = [str(caption.value).split(" ")[0] for caption in app.caption]
    assert sizes.count("48×48×3") == 2
    assert "48×48" in sizes


def test_a_face_of_the_data_set_is_shown_closely(with_data: Path) -> None:
    app = open_page("1_Dataset.py")
    app.button(key="images_face_3").click().run()
    assert not app.exception
    assert any("Training_" in str(element.value) for element in app.subheader)
    # There is one panel: a face of the sample takes the other's place.
    app.session_state[side_panel.CHOSEN] = (browse.SAMPLE, 5)
    app.run()
    assert not app.exception
    shown = [str(element.value) for element in app.subheader if " · " in str(element.value)]
    name = str(sample_faces.faces().names[5]).rpartition("/")[2]
    assert [heading.rpartition(" · ")[2] for heading in shown] == [name]
    app.pills(key="browse_emotions").set_value(["disgust"]).run()
    assert not app.exception
    assert any("12 images" in str(element.value) for element in app.caption)


def test_answers_to_a_button_survive_what_is_pressed_next(with_data: Path) -> None:
    app = open_page("1_Dataset.py")
    app.button(key="images_face_3").click().run()
    app.button(key="ask_3").click().run()
    assert any("Computed now" in str(element.value) for element in app.caption)
    app.toggle(key="image_why").set_value(True).run()
    assert not app.exception
    assert any("Computed now" in str(element.value) for element in app.caption)
    assert any("last convolution" in str(element.value) for element in app.caption)


def test_code_of_a_stage_survives_another_sample_and_language(with_data: Path) -> None:
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120)
    app.session_state["code"] = True
    app.run()
    app.switch_page("pages/2_Preprocessing.py").run()
    assert not app.exception
    app.pills(key="code_stage").set_value("grayscale").run()
    assert any("def to_gray" in str(element.value) for element in app.code)
    app.slider(key="augment_rotation").set_value(20.0).run()
    app.session_state["lang"] = "ID"
    app.run()
    assert not app.exception
    assert any("def to_gray" in str(element.value) for element in app.code)


@pytest.mark.parametrize("written", ["id", "ID"])
def test_language_in_the_address_may_be_small(written: str) -> None:
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120)
    app.query_params["lang"] = written
    app.run()
    assert app.segmented_control(key="lang").value == "ID"


def test_page_number_beyond_the_end_is_corrected(with_data: Path) -> None:
    app = open_page("1_Dataset.py")
    app.number_input(key="browse_page").set_value(4).run()
    app.segmented_control(key="browse_split").set_value("PublicTest").run()
    assert not app.exception
    assert app.number_input(key="browse_page").value == 2


def test_import_from_the_page_takes_only_the_official_set(
    without_data: Path, visitors_may_all: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("1_Dataset.py")
    content = small_archive(without_data / "small.zip").read_bytes()
    app.file_uploader(key="archive").upload("archive.zip", content).run()
    app.button(key="import").click().run()
    assert not app.exception
    assert "not the whole FER-2013" in messages(app)[0]
    assert not dataset.is_imported(without_data / dataset.FOLDER)
    monkeypatch.setattr(dataset, "OFFICIAL_COUNTS", dict.fromkeys(dataset.SPLITS, (4,) * 7))
    app.button(key="import").click().run()
    assert not app.exception
    assert messages(app) == []
    assert len(dataset.open_dataset(without_data / dataset.FOLDER)) == 84


def test_training_without_data_is_refused_in_one_sentence(
    without_data: Path, visitors_may_all: None
) -> None:
    app = open_page("4_Training.py")
    app.button(key="start").click().run()
    assert not app.exception
    assert "FER-2013 is not imported" in messages(app)[0]


def test_every_learning_curve() -> None:
    app = open_page("4_Training.py")
    app.toggle(key="is_log").set_value(True)
    app.slider(key="smoothing").set_value(50)
    for quantity in ("accuracy", "loss", "learning_rate", "gap", "seconds"):
        app.segmented_control(key="quantity").set_value(quantity).run()
        assert not app.exception, quantity


@pytest.mark.parametrize("page", PAGES)
def test_reruns_that_change_nothing_read_and_compute_nothing(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What costs is told; how long a rerun takes is measured by hand."""
    app = open_page(page)
    app.run()
    cost: list[str] = []

    def costly(owner: object, name: str) -> None:
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *a, **k: cost.append(name) or real(*a, **k))

    costly(files, "read_json")
    costly(model_store, "sha256")
    costly(model_store.Artifact, "predictions")
    costly(preprocessing, "read_image")
    costly(faces.Detector, "search")
    costly(classification.Classifier, "predict")
    app.run()
    assert not app.exception
    assert cost == []
