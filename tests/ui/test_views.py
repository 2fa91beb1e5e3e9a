"""What pages say agrees with itself, has an address, and names where it comes from."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fer import FerError, emotions
from fer.data.dataset import Dataset
from fer.evaluation import reviews
from fer.scenarios import PROPOSED, Augmentation, Phase
from fer.studies.records import GATES
from fer.ui.results import report
from fer.ui.shared import loaders, text, widgets
from fer.ui.shared.text import Language, _, in_language
from fer.ui.studies import about, attention, model_comparison, verdict
from tests.support.making import ROOT, jpeg
from tests.support.pages import assert_no_error, open_page, open_results, open_view, texts


@pytest.mark.parametrize(
    ("share", "other", "shown"),
    [
        # 8.398 points apart, and 8.3 as both are shown.
        (0.69449, 0.61051, "+8.3"),
        (0.694, 0.61, "+8.4"),
        (0.5, 0.50004, "0.0"),
        (0.61, 0.694, "−8.4"),
    ],
)
def test_a_difference_is_that_of_the_figures_beside_it(
    share: float, other: float, shown: str
) -> None:
    assert _.difference(share, other) == shown
    figures = [float(_.percent(value).rstrip("%")) for value in (share, other)]
    assert float(shown.replace("−", "-")) == pytest.approx(figures[0] - figures[1])
    with in_language("id"):
        assert _.difference(share, other) == shown.replace(".", ",")


@pytest.mark.parametrize("split", ["PrivateTest", "PublicTest"])
@pytest.mark.parametrize("language", ["en", "id"], indirect=True)
def test_the_gain_is_that_of_both_accuracies_wherever_it_is_told(
    split: str, language: Language
) -> None:
    before, after = (m["accuracy"] for m in model_comparison.metrics_of(split).values())
    gain = _.difference(after, before)
    assert f"**{gain}**" in model_comparison.headline(split)
    assert f"{_.number(100 * before, 1)} → " in model_comparison.headline(split)
    assert f"{gain} " in model_comparison.gain_in_words(split)
    app = open_page("3_Classification_Results.py", language.upper())
    app.segmented_control(key="split").set_value(split).run()
    shown = [element.value for element in app.markdown]
    assert f"### {model_comparison.headline(split)}" in shown
    assert model_comparison.gain_in_words(split) in shown


def test_the_gates_gain_agrees_with_its_table() -> None:
    record = loaders.record(GATES)
    assert record is not None
    table = attention.gate_ablation_table(record)["Accuracy (%)"]
    shown = _.signed(table[0] - table[1], 2)
    app = open_results("looking")
    assert f"own values give {shown} points" in texts(app)


@pytest.mark.parametrize("language", ["en", "id"], indirect=True)
def test_every_page_and_the_report_tell_the_same_verdict(language: Language) -> None:
    said = verdict.sentences()
    page = html.unescape(report.html("PrivateTest", datetime.now(UTC)))
    assert all(sentence.translate(report.UNMARKED) in page for sentence in said)
    results = open_page("3_Classification_Results.py", language.upper())
    training = open_page("4_Training.py", language.upper())
    on_results, on_training = (
        "\n".join(str(element.value) for element in app.markdown) for app in (results, training)
    )
    assert all(sentence in on_results for sentence in said)
    overfitting = verdict.sentences("overfitting", "twins")
    assert len(overfitting) == 2
    assert all(sentence in on_training for sentence in overfitting)


def test_no_duration_is_told_in_two_units() -> None:
    seconds = loaders.models()["proposed"].config["training_seconds"]
    table = model_comparison.parameter_table().set_index("Property")
    assert table.loc["Training time", "proposed"] == text.duration(seconds)
    assert [text.duration(s) for s in (50, 600, 13_560)] == ["50 s", "10 min", "3.8 h"]


def test_the_method_names_every_augmentation_of_the_record() -> None:
    told = about.methodology().set_index("Aspect").loc["Data", "proposed"]
    kinds = ("rotation", "flip", "shift", "zoom", "contrast", "brightness", "gamma", "erasing")
    for name in kinds:
        assert (name in told) == bool(getattr(PROPOSED.augmentation, name))
    assert "zoom" in told


def test_what_departs_from_the_thesis_is_said() -> None:
    mild = Augmentation(rotation=15.0, flip=0.5)
    smaller = replace(PROPOSED, input_size=112)
    assert "112×112 pixels instead of 224×224, which take 4.0 times" in about.departures(
        replace(smaller, augmentation=mild)
    )
    with in_language("id"):
        said = about.departures(smaller)
    assert "4,0 kali" in said
    assert "rotasi dan pencerminan" in said
    assert about.departures(replace(PROPOSED, input_size=224, augmentation=mild)) == ""
    assert PROPOSED.input_size == 224 or about.departures() != ""


def test_a_chip_opens_the_view_with_its_evidence() -> None:
    app = open_page("3_Classification_Results.py")
    for part, chip in verdict.chips().items():
        app.pills(key=verdict.CHOSEN).set_value(part).run()
        assert not app.exception
        assert app.query_params["view"] in ([chip.view], chip.view)
        group = app.segmented_control(key="view_group").value
        assert app.segmented_control(key=f"view_of_{group}").value == chip.view
        assert app.pills(key=verdict.CHOSEN).value is None


def test_buttons_and_address_of_a_view_agree() -> None:
    app = open_page("3_Classification_Results.py")
    app.segmented_control(key="view_group").set_value("trust").run()
    assert app.query_params["view"] in (["calibration"], "calibration")
    app.segmented_control(key="view_of_trust").set_value("robustness").run()
    assert app.query_params["view"] in (["robustness"], "robustness")
    # The address comes before the buttons.
    open_view(app, "speed")
    assert app.segmented_control(key="view_group").value == "inside"
    assert not app.exception


def test_leaving_the_page_and_coming_back_shows_a_view() -> None:
    app = open_page("3_Classification_Results.py")
    app.switch_page("pages/1_Dataset.py").run()
    app.switch_page("pages/3_Classification_Results.py").run()
    assert not app.exception
    assert app.segmented_control(key="view_of_comparison").value == "metrics"


def test_nonsense_in_the_address_is_taken_out_or_corrected(with_data: Path) -> None:
    dataset, results, demo = "1_Dataset.py", "3_Classification_Results.py", "5_Realtime_Demo.py"
    cases = (
        (dataset, "browse_page=inf&browse_split=foo", "browse_page=1&browse_split=all"),
        (dataset, "browse_page=9&browse_split=PublicTest", "browse_page=2&browse_split=PublicTest"),
        (results, "split=foo&view=bar", "split=PrivateTest&view=metrics"),
        (results, "view=presentation", "view=metrics"),
        (demo, "game=-1e9", ""),
        (demo, "mode=foo&view=crowd", "mode=webcam"),
        (demo, "mode=play&game=inf", "mode=play&game=[1-9]*"),
        (demo, "mode=play&game=1000000", "mode=play&game=9999"),
    )
    app = open_page("1_Dataset.py")
    for page, asked, left in cases:
        app.switch_page(f"pages/{page}")
        app.query_params.clear()
        for name, value in parse_qsl(f"lang=EN&{asked}"):
            app.query_params[name] = value
        app.run()
        assert_no_error(app)
        address = parse_qs(urlencode(app.query_params, doseq=True))
        assert address.keys() == {"lang", *dict(parse_qsl(left))}
        assert all(fnmatch(address[name][0], value) for name, value in parse_qsl(left))


def test_page_1_names_the_data_that_it_counts(with_data: Path) -> None:
    data = loaders.data()
    assert data is not None
    app = open_page("1_Dataset.py")
    told = [str(caption.value) for caption in app.caption]
    assert any(f"imported here, SHA-256 {data.digest[:12]}" in line for line in told)
    assert any(f"data SHA-256 {loaders.summary()['data_sha256'][:12]}" in line for line in told)


def test_page_1_names_the_committed_data_once_where_it_is_imported(
    with_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dataset, "digest", loaders.summary()["data_sha256"])
    told = [str(caption.value) for caption in open_page("1_Dataset.py").caption]
    assert not any("imported here" in line for line in told)


def test_long_cells_are_wrapped() -> None:
    app = open_results("parameters")
    (table,) = app.table
    assert "rotation" in "".join(map(str, table.value["proposed"]))


def test_colours_of_the_gates_end_where_most_cells_do() -> None:
    record = loaders.record(GATES)
    assert record is not None
    channels = attention.opening_channels(record)
    limit = attention.gate_limit(record, list(channels))
    figure = attention.gate_chart(record, channels)
    assert {(trace.zmin, trace.zmax) for trace in figure.data} == {(-limit, limit)}
    # A row for each channel, sorted by the emotion that opens it; on a phone each is legible.
    assert len(channels) <= attention.EACH * emotions.COUNT
    order = [emotions.KEYS.index(emotion) for emotion in channels.values()]
    assert order == sorted(order)
    values = np.abs(attention.gate_contrasts(record, list(channels)))
    assert 0 < float((values > limit).mean()) <= 0.06
    outlier = json.loads(json.dumps(record))
    outlier["classes"][0][next(iter(channels))] += 100
    assert attention.gate_limit(outlier, list(channels)) == pytest.approx(limit, rel=0.2)
    app = open_results("looking")
    assert f"±{_.number(limit, 1)} σ" in texts(app)


def test_the_table_behind_the_gates_holds_every_channel() -> None:
    record = loaders.record(GATES)
    assert record is not None
    table = attention.gate_table(record)
    every = {str(row["channel"]) for rows in record["channels"].values() for row in rows}
    assert set(table["Channel of block5_pool"]) == every
    first = record["channels"]["happy"][0]
    row = table.set_index("Channel of block5_pool").loc[str(first["channel"])]
    assert row["happy"] == pytest.approx(first["contrast"], abs=2e-3)
    app = open_results("looking")
    assert any(frame.value.equals(table) for frame in [*app.dataframe, *app.table])


def test_what_is_int8_says_so() -> None:
    app = open_results("robustness")
    assert "(int8)" in texts(app)
    app = open_view(app, "speed")
    assert "except where they name int8" in texts(app)


def review(verdict: str) -> reviews.Review:
    return reviews.Review("test/sad/PublicTest_1.jpg", "sad", "fear", verdict)  # type: ignore[arg-type]


def test_an_unknown_verdict_is_told_in_one_sentence() -> None:
    content = reviews.text({"a": review("perhaps")}).encode()
    with pytest.raises(FerError, match="the verdict perhaps, which there is not; choose a file"):
        reviews.parse(content, "mine.csv")


def test_a_button_that_cannot_do_its_work_says_so() -> None:
    def script() -> None:
        import streamlit as st

        from fer import FerError
        from fer.ui.shared import widgets

        def refuse() -> None:
            raise FerError("There is no file {path}.", path="x.json")

        widgets.show_callback_error()
        st.button("Do it", key="do", on_click=widgets.catch_errors(refuse))

    app = AppTest.from_function(script, default_timeout=300).run()
    assert not app.exception, app.exception
    app.button(key="do").click().run()
    assert not app.exception
    assert [str(error.value) for error in app.error] == ["There is no file x.json."]
    # It is told once.
    assert [str(error.value) for error in app.run().error] == []


MILD = Augmentation(rotation=15.0, flip=0.5)
PASSES = Phase(128, 5, 6e-5, 64, final_learning_rate=5e-6, augmentation=MILD)
SHORT = replace(PASSES, images_per_epoch=9600)
EN_END = "at 128 px, batch 64, cosine from 6·10⁻⁵ to 5·10⁻⁶ (rotation ±15°, flip 50%"
ID_END = "pada 128 px, batch 64, kosinus dari 6·10⁻⁵ ke 5·10⁻⁶ (rotasi ±15°, pencerminan 50%"


@pytest.mark.parametrize(
    ("language", "phase", "words"),
    [
        ("en", PASSES, f"5 epochs {EN_END})"),
        ("id", PASSES, f"5 epoch {ID_END})"),
        ("en", replace(PASSES, epochs=1), f"1 epoch {EN_END})"),
        ("en", SHORT, f"5 epochs of 9,600 images each {EN_END})"),
        ("id", SHORT, f"5 epoch, masing-masing 9.600 gambar {ID_END})"),
        ("en", replace(SHORT, epochs=1), f"1 epoch of 9,600 images {EN_END})"),
        ("id", replace(SHORT, epochs=1), f"1 epoch berisi 9.600 gambar {ID_END})"),
    ],
    indirect=["language"],
)
def test_a_phase_tells_its_length_and_what_is_its_own(
    language: Language, phase: Phase, words: str
) -> None:
    plain = replace(PROPOSED.phases[0], augmentation=None)
    scenario = replace(PROPOSED, phases=(plain, phase))
    told = model_comparison.hyperparameters()
    said = told[_("Schedule")](scenario).split("; ")
    assert said[-1] == words
    assert "±" not in said[0]
    assert "±" in told[_("Augmentation")](scenario)


def test_numbers_in_tables_follow_the_language_and_stay_numbers() -> None:
    frame = pd.DataFrame(
        {"Images": [3995, 436], "Accuracy (%)": [56.03, None], "Seed": ["2013"] * 2}
    )
    with in_language("id"):
        shown = widgets.localised(frame)
        written = shown.to_html()
    for number in ("3.995", "436", "56,03", "–", "2013"):
        assert f">{number}</td>" in written
    assert shown.data["Images"].sum() == 4431
    assert ">3,995</td>" in widgets.localised(frame).to_html()
    # Where styling would cost seconds, the browser writes the numbers.
    long = pd.DataFrame({"Images": range(widgets.MOST_STYLED + 1)})
    assert widgets.localised(long) is long


def test_projector_view_shows_the_modes_alone() -> None:
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120)
    app.query_params["lang"] = "EN"
    app.run()
    app.query_params["view"] = "presentation"
    app.switch_page("pages/5_Realtime_Demo.py").run()
    assert not app.exception
    assert not app.title
    assert app.button(key="presentation").label == "Back to the full page"
    del app.query_params["view"]
    app.run()
    assert app.title[0].help.startswith("What do both models see")
    assert app.button(key="presentation").label == "For the projector"


def test_a_photo_on_the_stage_is_told_in_large_words(portrait: np.ndarray) -> None:
    app = open_page("5_Realtime_Demo.py")
    app.query_params["view"] = "presentation"
    app.query_params["mode"] = "photo"
    app.run()
    app.file_uploader(key="demo_upload").upload("a.jpg", jpeg(portrait), "image/jpeg").run()
    assert_no_error(app)
    assert "proposed: **happy**" in app.markdown[0].value
    assert app.markdown[0].value.endswith("Both models agree.")
    assert not app.caption[2:], "nothing else is told"
    # The photo stays while the view is left.
    app.button(key="presentation").click().run()
    assert "view" not in app.query_params
    assert any(words.value.startswith("Faces found: 1. Both models") for words in app.caption)


def test_the_projector_view_opens_in_the_same_tab() -> None:
    def page() -> None:
        from fer.ui.shared import presentation

        presentation.draw_switch()

    app = AppTest.from_function(page).run()
    app.button(key="presentation").click().run()
    assert app.query_params["view"] == "presentation"
    assert app.button(key="presentation").label == "Back to the full page"
    app.button(key="presentation").click().run()
    assert "view" not in app.query_params
