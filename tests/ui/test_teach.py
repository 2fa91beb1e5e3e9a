"""Page 5's mode "Teach", played through: frames, the head that comes of them, home and back."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer import emotions
from fer.data import sample
from fer.inference.classification import Prediction
from fer.own import teaching
from fer.ui.demo import taught_head
from fer.ui.shared import loaders
from fer.ui.shared.text import Language, _
from tests.support.making import ROOT, jpeg
from tests.support.pages import messages, open_mode, texts, walk_alts

PAGE = "5_Realtime_Demo.py"
FACES = sample.open_sample(ROOT / sample.FOLDER)


def open_teach(language: str = "EN", source: str = "photos") -> AppTest:
    app = open_mode("teach", language)
    return app.segmented_control(key="teach_source").set_value(source).run()


def show(app: AppTest, emotion: str, count: int) -> None:
    app.pills(key="teach_emotion").set_value(emotion).run()
    uploader = app.file_uploader(key=f"teach_upload_{emotion}")
    for row in FACES.rows(emotion)[:count]:
        uploader.upload(f"{emotion}{row}.png", FACES.png(int(row)))
    uploader.run()


@pytest.mark.parametrize("language", ["en", "id"], indirect=True)
def test_two_emotions_are_taught_and_judge_the_next_face(language: Language) -> None:
    app = open_teach(language.upper())
    assert _("It takes frames of at least two emotions.") in texts(app)
    show(app, "happy", 4)
    assert _("It takes frames of at least two emotions.") in texts(app)
    show(app, "sad", 3)
    assert not app.exception
    assert messages(app) == []
    assert _("It takes frames of at least two emotions.") not in texts(app)
    assert "7 frame" in texts(app)
    assert app.pills(key="teach_labels_34").value == [3, 4]
    for model in loaders.models():
        assert f"{_('yours on {model}', model=model)}: **" in texts(app)
    walk_alts(app, PAGE)
    # What is left out is not answered.
    app.pills(key="teach_labels_34").set_value([3]).run()
    assert _("It takes frames of at least two emotions.") in texts(app)
    app.button(key="teach_forget").click().run()
    assert not app.exception
    assert len(app.get("metric")) == 0


def test_the_sample_teaches_seven_emotions() -> None:
    app = open_teach(source="sample")
    app.button(key="teach_sample").click().run()
    assert not app.exception
    assert messages(app) == []
    assert "of 70 frames" in texts(app)
    baseline, proposed = (float(metric.value.rstrip("%")) for metric in app.metric)
    assert 100 / emotions.COUNT < baseline < proposed <= 100
    table = next(t.value for t in app.table if "Frames" in t.value)
    assert list(table["Frames"]) == [70] + [10] * 7


def test_a_photo_without_a_face_is_named() -> None:
    app = open_teach()
    gray = jpeg(np.full((200, 200, 3), 127, np.uint8))
    app.file_uploader(key="teach_upload_happy").upload("wall.jpg", gray).run()
    assert messages(app) == ["wall.jpg shows no face; choose another photo."]


def test_a_head_that_comes_back_answers_and_what_is_none_is_said() -> None:
    app = open_teach()
    app.file_uploader(key="teach_brought").upload("x.json", b"{}").run()
    assert messages(app) == ["x.json is no head that was taught here; choose another file."]
    explainer = loaders.explainer()
    rows = [*FACES.rows("happy")[:3], *FACES.rows("fear")[:3]]
    frames = [teaching.frame(explainer, FACES.images[r], int(FACES.labels[r])) for r in rows]
    weights = {key: model.digest for key, model in loaders.models().items()}
    head, _accuracies = teaching.teach(frames, weights)
    app = open_teach()
    app.file_uploader(key="teach_brought").upload("mine.json", teaching.to_file(head)).run()
    assert messages(app) == []
    assert "The head from mine.json answers" in texts(app)
    assert "yours on proposed: **" in texts(app)


def test_bars_have_none_for_what_was_not_taught() -> None:
    seven = teaching.spread(FACES.labels[:1, None] * 0 + [[0.75, 0.25]], FACES.labels[[0, 69]])
    own = {"yours on proposed": Prediction("proposed", seven[0])}
    head = teaching.Taught(FACES.labels[[0, 69]], {}, {}, {})
    figure = taught_head.four_bars({}, own, head)
    (bars,) = figure.data
    assert list(bars.text) == ["75.0%", "–", "–", "–", "–", "–", "25.0%"]
    assert bars.x[1] is None
