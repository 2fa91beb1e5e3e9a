"""Predictions of one's own: checked against FER-2013, and measured as the stored ones are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
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
Row = dict[str, object]


def rows_of(part: Predictions) -> list[Row]:
    return [
        {"image": source, "label": emotions.KEYS[label], **dict(zip(emotions.KEYS, p, strict=True))}
        for source, label, p in zip(
            part.sources.tolist(), part.labels.tolist(), part.probabilities.tolist(), strict=True
        )
    ]


def text(rows: list[Row], delimiter: str = ",") -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def read(content: str) -> tables.OwnTable:
    return tables.read(content.encode(), "mine.csv", STORED, VOTES)


EVERY, PRIVATE = rows_of(STORED), rows_of(STORED.of(Split.PRIVATE_TEST))


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
    rows = [
        {
            "row": place[str(row["image"])],
            **{k: str(row[k]).replace(".", ",") for k in emotions.KEYS},
        }
        for row in PRIVATE
    ]
    table = read(text(rows, ";"))
    assert list(table.predictions) == [Split.PRIVATE_TEST]
    part = STORED.of(Split.PRIVATE_TEST)
    assert np.allclose(table.predictions[Split.PRIVATE_TEST].probabilities, part.probabilities)
    # Without PublicTest nothing is fitted.
    assert comparison.measure(table).temperature is None


def test_a_temperature_is_found_on_public_test() -> None:
    sharp = STORED.probabilities**2
    sharp /= sharp.sum(axis=1, keepdims=True)
    rows = [
        {**row, **dict(zip(emotions.KEYS, p, strict=True))}
        for row, p in zip(EVERY, sharp.tolist(), strict=True)
    ]
    own = comparison.measure(read(text(rows)))
    assert own.temperature == pytest.approx(2, rel=0.02)
    scores = own.models[Split.PRIVATE_TEST].scores
    assert scores["ece"] < scores["ece_uncalibrated"]


def test_answers_alone_have_no_calibration() -> None:
    part = STORED.of(Split.PRIVATE_TEST)
    answers = part.probabilities.argmax(axis=1).tolist()
    for cells in (answers, [emotions.KEYS[answer] for answer in answers]):
        rows = [{"image": s, "answer": a} for s, a in zip(part.sources, cells, strict=True)]
        model = comparison.measure(read(text(rows))).models[Split.PRIVATE_TEST]
        assert model.predictions.probabilities.argmax(axis=1).tolist() == answers
        assert np.isnan(model.scores["ece"])
        assert not model.has_probabilities


def test_rows_of_training_are_counted_and_not_used() -> None:
    training = str(VOTES.sources[0])
    rows = [*PRIVATE, {**PRIVATE[0], "image": training, "label": "angry"}]
    assert read(text(rows)).others == 1


def alphabetical(row: Row) -> int:
    return sorted(emotions.KEYS).index(str(row["label"]))


REFUSED: dict[str, Callable[[], list[Row]]] = {
    "a comparison needs all of them": lambda: PRIVATE[::2],
    "the labels of 1 images are not": lambda: [
        {**PRIVATE[0], "label": "disgust" if PRIVATE[0]["label"] != "disgust" else "sad"},
        *PRIVATE[1:],
    ],
    "by their alphabet": lambda: [{**row, "label": alphabetical(row)} for row in PRIVATE],
    "stands in 2 rows": lambda: [*PRIVATE, PRIVATE[7]],
    "holds percentages": lambda: [
        {**row, **{key: 100 * float(str(row[key])) for key in emotions.KEYS}} for row in PRIVATE
    ],
    "are no probabilities": lambda: [{**PRIVATE[0], "angry": -3.5}, *PRIVATE[1:]],
    "is not a number": lambda: [{**PRIVATE[0], "angry": "x"}, *PRIVATE[1:]],
    "about no image of FER-2013": lambda: [{**PRIVATE[0], "image": "me.jpg"}, *PRIVATE[1:]],
    "names no images": lambda: [{k: v for k, v in row.items() if k != "image"} for row in PRIVATE],
    "lacks a column: sad": lambda: [{k: v for k, v in r.items() if k != "sad"} for r in PRIVATE],
    "1 rows are about no image": lambda: [
        {**dict.fromkeys(emotions.KEYS, 1 / 7), "row": "9" * 5000}
    ],
    "99 is no emotion": lambda: [{"image": PRIVATE[0]["image"], "answer": "9" * 5000}],
    "is no emotion": lambda: [{"image": row["image"], "answer": "bored"} for row in PRIVATE],
    "counted from 0": lambda: [{**PRIVATE[0], "image": str(VOTES.sources[0]), "label": "angry"}],
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_table_that_is_wrong_is_told(words: str) -> None:
    with pytest.raises(FerError, match=words):
        read(text(REFUSED[words]()))


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
    upload.upload("mine.csv", text(rows_of(part)).encode(), "text/csv").run()
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


def test_the_page_tells_what_is_wrong_with_a_table() -> None:
    app = open_view(open_page("3_Classification_Results.py"), "own_predictions")
    app.file_uploader(key="own_table").upload(
        "mine.csv", text(PRIVATE[::2]).encode(), "text/csv"
    ).run()
    assert not app.exception
    (message,) = messages(app)
    assert "needs all of them" in message
