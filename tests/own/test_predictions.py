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
        # Stored in single precision.
        assert scores["ece"] == pytest.approx(expected["ece"], abs=1e-6)
        same = figures["against"]["proposed"]
        assert (same["difference"], same["interval"], same["mcnemar_p"]) == (0, [0, 0], 1)
        assert figures["only_wrong"] == []
        assert figures["twins"] == leakage["splits"][split]["proposed"]
        people = study.study({"proposed": STORED}, VOTES, Split(split))
        assert people is not None
        assert figures["crowd"]["errors"] == people["models"]["proposed"]["errors"]
    assert "mine - proposed +0.0000" in succeeded(fer("compare", path)).stdout


def test_rows_of_the_original_table_and_semicolons_are_understood() -> None:
    place = {source: at for at, source in enumerate(VOTES.sources.tolist())}
    frame = PRIVATE[KEYS].assign(row=PRIVATE["image"].map(place))
    table = read(frame, sep=";", decimal=",")
    part = STORED.of(Split.PRIVATE_TEST)
    assert np.allclose(table.predictions[Split.PRIVATE_TEST].probabilities, part.probabilities)
    # Without PublicTest nothing is fitted.
    assert comparison.measure(table).temperature is None
    training = PRIVATE[:1].assign(image=VOTES.sources[0], label="angry")
    assert read(pd.concat([PRIVATE, training])).others == 1


def test_answers_alone_have_no_calibration() -> None:
    answers = PRIVATE[KEYS].to_numpy().argmax(axis=1)
    for cells in (answers, np.array(KEYS)[answers]):
        own = comparison.measure(read(PRIVATE[["image"]].assign(answer=cells)))
        model = own.models[Split.PRIVATE_TEST]
        assert np.array_equal(model.predictions.probabilities.argmax(axis=1), answers)
        assert np.isnan(model.scores["ece"])
        assert not model.has_probabilities


REFUSED = {
    "a comparison needs all of them": PRIVATE[::2],
    "the labels of 1 images are not": pd.concat([PRIVATE[1:], PRIVATE[:1].assign(label="disgust")]),
    "by their alphabet": PRIVATE.assign(label=PRIVATE["label"].map(sorted(KEYS).index)),
    "stands in 2 rows": pd.concat([PRIVATE, PRIVATE[7:8]]),
    "holds percentages": PRIVATE.assign(**100 * PRIVATE[KEYS]),
    "are no probabilities": PRIVATE.assign(angry=-3.5),
    "about no image of FER-2013": PRIVATE.assign(image="me.jpg"),
    "names no images": PRIVATE.drop(columns="image"),
    "lacks a column: sad": PRIVATE.drop(columns="sad"),
    "99 is no emotion": PRIVATE[["image"]][:1].assign(answer="9" * 5000),
    "counted from 0": PRIVATE[:1].assign(image=VOTES.sources[0], label="angry"),
}


def test_a_table_that_is_wrong_is_told(tmp_path: Path) -> None:
    for words, frame in REFUSED.items():
        with pytest.raises(FerError, match=words):
            read(frame)
    for content in (b"", b"\xff\xfe\x00", b"a,b\n1,2,3\n"):
        with pytest.raises(FerError):
            tables.read(content, "mine.csv", STORED, VOTES)
    assert "no file" in refusal(fer("compare", tmp_path / "nowhere.csv"))


def test_a_wrong_table_is_told_and_with_a_right_one_every_view_gains_the_visitors_model() -> None:
    rng = np.random.default_rng(0)
    noisy = STORED.probabilities * rng.uniform(0.2, 1, STORED.probabilities.shape)
    noisy /= noisy.sum(axis=1, keepdims=True)
    part = Predictions(STORED.splits, STORED.sources, STORED.labels, noisy)
    app = open_view(open_page("3_Classification_Results.py"), "own_predictions")
    upload = app.file_uploader(key="own_table")
    upload.upload("half.csv", text(PRIVATE[::2]).encode(), "text/csv").run()
    assert not app.exception
    (message,) = messages(app)
    assert "needs all of them" in message
    upload = app.file_uploader(key="own_table")
    upload.upload("mine.csv", text(frame_of(part)).encode(), "text/csv").run()
    assert not app.exception
    assert messages(app) == []
    private = part.of(Split.PRIVATE_TEST)
    share = (private.probabilities.argmax(axis=1) == private.labels).mean()
    accuracy = f"{100 * share:.1f}%"
    assert accuracy in [metric.value for metric in app.metric]
    for view in ("metrics", "classes", "confusion", "curves", "calibration", "errors", "crowd"):
        open_view(app, view)
        assert (list(app.exception), messages(app)) == ([], []), view
        words = " ".join(str(element.value) for element in app.markdown)
        assert f"mine **{accuracy}**" in words, view
    open_view(app, "overfitting")
    assert not app.exception
    assert "mine" in set(app.table[-1].value["Model"])
    open_view(app, "own_predictions")
    app.button(key="own_forget").click().run()
    open_view(app, "metrics")
    assert "mine" not in " ".join(str(element.value) for element in app.markdown)
