"""Predictions of one's own: checked against FER-2013, and measured as the stored ones are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer import FerError, emotions
from fer.artifacts import model_store
from fer.artifacts.model_store import Predictions
from fer.crowd import study
from fer.data import votes
from fer.data.dataset import Split
from fer.evaluation import metrics
from fer.own import comparison, tables
from tests.support.command import fer, refusal, succeeded
from tests.support.making import ROOT
from tests.support.pages import messages, open_page, open_view

STORED = model_store.available(ROOT / "models")["proposed"].predictions()
VOTES = votes.open_votes(ROOT / "data")
KEYS = list(emotions.KEYS)


def frame_of(part: Predictions) -> pd.DataFrame:
    """A table of one's own with these predictions."""
    frame = pd.DataFrame(part.probabilities, columns=KEYS)
    return frame.assign(image=part.sources, label=np.array(KEYS)[part.labels])


def text(frame: pd.DataFrame, **options: str) -> str:
    return str(frame.to_csv(index=False, **options))


def read(frame: pd.DataFrame, **options: str) -> tables.OwnTable:
    return tables.read(text(frame, **options).encode(), "mine.csv", STORED, VOTES)


EVERY, PRIVATE = frame_of(STORED), frame_of(STORED.of(Split.PRIVATE_TEST))


def test_the_projects_own_predictions_renamed_give_the_stored_metrics(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text(EVERY[::-1]))
    record = json.loads(succeeded(fer("compare", path, "--json")).stdout)
    assert record["model"] == "mine"
    assert record["temperature"] == 1.0
    stored = model_store.available(ROOT / "models")["proposed"].metrics
    assert stored is not None
    leakage = json.loads((ROOT / "models/analysis/leakage.json").read_text())
    for split, figures in record["splits"].items():
        expected, scores = stored["splits"][split], figures["scores"]
        for name in ("accuracy", "accuracy_interval", "macro_f1", "balanced_accuracy", "confusion"):
            assert scores[name] == expected[name], name
        for name in ("log_loss", "brier_score", "ece"):
            # Stored in single precision.
            assert scores[name] == pytest.approx(expected[name], abs=1e-6), name
        same = figures["against"]["proposed"]
        assert (same["difference"], same["interval"], same["mcnemar_p"]) == (0, [0, 0], 1)
        assert figures["only_wrong"] == []
        assert figures["twins"] == leakage["splits"][split]["proposed"]
        people = study.study({"proposed": STORED}, VOTES, Split(split))
        assert people is not None
        crowd, expected_crowd = figures["crowd"], people["models"]["proposed"]
        assert crowd["majority"] == expected_crowd["majority"]
        assert crowd["errors"] == expected_crowd["errors"]
        assert crowd["ece_voters"] == pytest.approx(expected_crowd["ece_voters"])
    printed = succeeded(fer("compare", path)).stdout
    assert "mine - proposed +0.0000" in printed
    assert "p = 1;" in printed


def test_rows_of_the_original_table_and_semicolons_are_understood() -> None:
    place = {source: at for at, source in enumerate(VOTES.sources.tolist())}
    frame = PRIVATE[KEYS].assign(row=PRIVATE["image"].map(place))
    table = read(frame, sep=";", decimal=",")
    assert list(table.predictions) == [Split.PRIVATE_TEST]
    part = STORED.of(Split.PRIVATE_TEST)
    assert np.allclose(table.predictions[Split.PRIVATE_TEST].probabilities, part.probabilities)
    # Without PublicTest nothing is fitted.
    assert comparison.measure(table).temperature is None


def test_a_temperature_is_found_on_public_test() -> None:
    sharp = EVERY[KEYS] ** 2
    own = comparison.measure(read(EVERY.assign(**sharp.div(sharp.sum(axis=1), axis=0))))
    assert own.temperature == pytest.approx(2, rel=0.02)
    scores = own.models[Split.PRIVATE_TEST].scores
    assert scores["ece"] < scores["ece_uncalibrated"]


def test_answers_alone_have_no_calibration() -> None:
    answers = PRIVATE[KEYS].to_numpy().argmax(axis=1)
    for cells in (answers, np.array(KEYS)[answers]):
        own = comparison.measure(read(PRIVATE[["image"]].assign(answer=cells)))
        model = own.models[Split.PRIVATE_TEST]
        assert np.array_equal(model.predictions.probabilities.argmax(axis=1), answers)
        assert np.isnan(model.scores["ece"])
        assert not model.has_probabilities


def test_rows_of_training_are_counted_and_not_used() -> None:
    training = PRIVATE[:1].assign(image=VOTES.sources[0], label="angry")
    assert read(pd.concat([PRIVATE, training])).others == 1


def with_first(**cells: object) -> pd.DataFrame:
    """The table with other cells in its first row."""
    return pd.concat([PRIVATE[:1].assign(**cells), PRIVATE[1:]])


REFUSED = {
    "a comparison needs all of them": PRIVATE[::2],
    "the labels of 1 images are not": with_first(
        label="disgust" if PRIVATE["label"][0] != "disgust" else "sad"
    ),
    "by their alphabet": PRIVATE.assign(label=PRIVATE["label"].map(sorted(KEYS).index)),
    "stands in 2 rows": pd.concat([PRIVATE, PRIVATE[7:8]]),
    "holds percentages": PRIVATE.assign(**100 * PRIVATE[KEYS]),
    "are no probabilities": with_first(angry=-3.5),
    "is not a number": with_first(angry="x"),
    "about no image of FER-2013": with_first(image="me.jpg"),
    "names no images": PRIVATE.drop(columns="image"),
    "lacks a column: sad": PRIVATE.drop(columns="sad"),
    "1 rows are about no image": pd.DataFrame([{**dict.fromkeys(KEYS, 1 / 7), "row": "9" * 5000}]),
    "99 is no emotion": PRIVATE[["image"]][:1].assign(answer="9" * 5000),
    "is no emotion": PRIVATE[["image"]].assign(answer="bored"),
    "counted from 0": PRIVATE[:1].assign(image=VOTES.sources[0], label="angry"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_table_that_is_wrong_is_told(words: str) -> None:
    with pytest.raises(FerError, match=words):
        read(REFUSED[words])


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    for content in (b"", b"image,angry\n", b"\xff\xfe\x00", b"a,b\n1,2,3\n"):
        with pytest.raises(FerError):
            tables.read(content, "mine.csv", STORED, VOTES)
    assert "no file" in refusal(fer("compare", tmp_path / "nowhere.csv"))


def test_every_view_gains_the_visitors_model() -> None:
    rng = np.random.default_rng(0)
    noisy = STORED.probabilities * rng.uniform(0.2, 1, STORED.probabilities.shape)
    noisy /= noisy.sum(axis=1, keepdims=True)
    part = Predictions(STORED.splits, STORED.sources, STORED.labels, noisy)
    app = open_view(open_page("3_Classification_Results.py"), "own_predictions")
    upload = app.file_uploader(key="own_table")
    upload.upload("mine.csv", text(frame_of(part)).encode(), "text/csv").run()
    assert not app.exception
    assert messages(app) == []
    private = part.of(Split.PRIVATE_TEST)
    share = metrics.top1_accuracy(private.labels, private.probabilities)
    accuracy = f"{100 * share:.1f}%"
    assert accuracy in [metric.value for metric in app.metric]
    for view in ("metrics", "classes", "confusion", "curves", "calibration", "errors", "crowd"):
        open_view(app, view)
        assert not app.exception, view
        assert messages(app) == [], view
        words = " ".join(str(element.value) for element in app.markdown)
        assert f"mine **{accuracy}**" in words, view
    open_view(app, "errors")
    app.segmented_control(key="error_kind").set_value("own").run()
    assert not app.exception
    assert messages(app) == []
    open_view(app, "overfitting")
    assert not app.exception
    assert "mine" in set(app.table[-1].value["Model"])
    open_view(app, "own_predictions")
    app.button(key="own_forget").click().run()
    open_view(app, "metrics")
    assert "mine" not in " ".join(str(element.value) for element in app.markdown)


def test_errors_of_answers_alone_have_no_confidence() -> None:
    app = open_view(open_page("3_Classification_Results.py"), "own_predictions")
    answers = PRIVATE[["image"]].assign(answer=["happy"] * len(PRIVATE))
    app.file_uploader(key="own_table").upload("mine.csv", text(answers).encode(), "text/csv").run()
    open_view(app, "errors")
    for kind in ("own", "confident"):
        app.segmented_control(key="error_kind").set_value(kind).run()
        assert not app.exception
        words = " ".join(str(element.value) for element in [*app.markdown, *app.caption])
        assert "100%" not in words
        assert list(app.dataframe[-1].value) == ["Image", "True", "Predicted", "What people saw"]
    app.segmented_control(key="sure_model").set_value("proposed").run()
    assert "Confidence (%)" in app.dataframe[-1].value


def test_the_page_tells_what_is_wrong_with_a_table() -> None:
    app = open_view(open_page("3_Classification_Results.py"), "own_predictions")
    content = text(PRIVATE[::2]).encode()
    app.file_uploader(key="own_table").upload("mine.csv", content, "text/csv").run()
    assert not app.exception
    (message,) = messages(app)
    assert "needs all of them" in message
