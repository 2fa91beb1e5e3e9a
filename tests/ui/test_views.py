"""What pages say agrees with itself, has an address, and names where it comes from."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode

import numpy as np
import pandas as pd
import pytest

from fer.data.dataset import Dataset
from fer.studies.records import GATES
from fer.ui.shared import loaders, widgets
from fer.ui.shared.text import _, in_language
from fer.ui.studies import attention, model_comparison, verdict
from tests.support.making import jpeg
from tests.support.pages import assert_no_error, open_page, open_results, open_view, texts


def test_a_difference_is_that_of_the_figures_beside_it() -> None:
    # 8.398 points apart, and 8.3 as both are shown.
    assert _.difference(0.69449, 0.61051) == "+8.3"
    assert _.difference(0.5, 0.50004) == "0.0"
    with in_language("id"):
        assert _.difference(0.61, 0.694) == "−8,4"


def test_gain_and_verdict_are_the_same_wherever_they_are_told() -> None:
    app = open_page("3_Classification_Results.py")
    for split in ("PublicTest", "PrivateTest"):
        app.segmented_control(key="split").set_value(split).run()
        before, after = (m["accuracy"] for m in model_comparison.metrics_of(split).values())
        gain, headline = _.difference(after, before), model_comparison.headline(split)
        assert f"**{gain}**" in headline
        assert f"{_.number(100 * before, 1)} → " in headline
        shown = [element.value for element in app.markdown]
        assert f"### {headline}" in shown
        assert model_comparison.gain_in_words(split) in shown
    assert all(sentence in texts(app) for sentence in verdict.sentences())
    overfitting = verdict.sentences("overfitting", "twins")
    assert len(overfitting) == 2
    app.switch_page("pages/4_Training.py").run()
    assert all(sentence in texts(app) for sentence in overfitting)


def test_chips_buttons_and_the_address_open_views() -> None:
    app = open_page("3_Classification_Results.py")

    def shown() -> str:
        assert not app.exception
        view = app.segmented_control(key=f"view_of_{app.session_state['view_group']}").value
        assert app.query_params["view"] in ([view], view)
        return str(view)

    app.segmented_control(key="view_group").set_value("trust").run()
    assert shown() == "calibration"
    app.segmented_control(key="view_of_trust").set_value("robustness").run()
    assert shown() == "robustness"
    # The address comes before the buttons.
    open_view(app, "speed")
    assert shown() == "speed"
    for part, chip in verdict.chips().items():
        app.pills(key=verdict.CHOSEN).set_value(part).run()
        assert shown() == chip.view
    open_view(app, "confusion")
    app.pills(key="confusion_cell_true").set_value("angry").run()
    assert "**angry**" in texts(app)
    app.switch_page("pages/1_Dataset.py").run()
    app.switch_page("pages/3_Classification_Results.py").run()
    assert shown() == "confusion"


def test_nonsense_in_the_address_is_taken_out_or_corrected(with_data: Path) -> None:
    dataset, results, demo = "1_Dataset.py", "3_Classification_Results.py", "5_Realtime_Demo.py"
    app = open_page(dataset)
    for page, asked, left in (
        (dataset, "browse_page=inf&browse_split=foo", "browse_page=1&browse_split=all"),
        (dataset, "browse_page=9&browse_split=PublicTest", "browse_page=2&browse_split=PublicTest"),
        (results, "split=foo&view=bar&lang=xx", "split=PrivateTest&view=metrics"),
        (demo, "mode=foo&view=crowd&game=-1e9", "mode=webcam"),
        (demo, "mode=play&game=inf", "mode=play&game=[1-9]*"),
        (demo, "mode=play&game=1000000", "mode=play&game=9999"),
    ):
        app.switch_page(f"pages/{page}")
        app.query_params.clear()
        for name, value in parse_qsl(asked):
            app.query_params[name] = value
        app.run()
        assert_no_error(app)
        address = parse_qs(urlencode(app.query_params, doseq=True))
        assert address.keys() - {"lang"} == dict(parse_qsl(left)).keys()
        assert all(fnmatch(address[name][0], value) for name, value in parse_qsl(left))


def test_page_1_names_the_data_that_it_counts(
    with_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, committed = loaders.data(), loaders.summary()["data_sha256"]
    app = open_page("1_Dataset.py")
    assert f"imported here, SHA-256 {data.digest[:12]}" in texts(app)
    assert f"data SHA-256 {committed[:12]}" in texts(app)
    monkeypatch.setattr(Dataset, "digest", committed)
    assert "imported here" not in texts(app.run())


def test_gates_are_shown_in_words_colours_and_a_table() -> None:
    record = loaders.record(GATES)
    assert record is not None
    channels = list(attention.opening_channels(record))
    # Colours end where most cells do.
    limit = attention.gate_limit(record, channels)
    values = np.abs(attention.gate_contrasts(record, channels))
    assert 0 < float((values > limit).mean()) <= 0.06
    table = attention.gate_table(record)
    first = record["channels"]["happy"][0]
    row = table.set_index("Channel of block5_pool").loc[str(first["channel"])]
    assert row["happy"] == pytest.approx(first["contrast"], abs=2e-3)
    app = open_results("looking")
    assert f"±{_.number(limit, 1)} σ" in texts(app)
    accuracy = attention.gate_ablation_table(record)["Accuracy (%)"]
    assert f"own values give {_.signed(accuracy[0] - accuracy[1], 2)} points" in texts(app)
    assert any(frame.value.equals(table) for frame in [*app.dataframe, *app.table])


def test_numbers_in_tables_follow_the_language_and_stay_numbers() -> None:
    columns = {"Images": [3995, 436], "Accuracy (%)": [56.03, None], "Seed": ["2013"] * 2}
    with in_language("id"):
        shown = widgets.localised(pd.DataFrame(columns))
        written = shown.to_html()
    assert all(f">{number}</td>" in written for number in ("3.995", "56,03", "–", "2013"))
    assert shown.data["Images"].sum() == 4431
    # Where styling would cost seconds, the browser writes the numbers.
    long = pd.DataFrame({"Images": range(widgets.MOST_STYLED + 1)})
    assert widgets.localised(long) is long


def test_the_projector_view_shows_the_modes_alone_and_tells_a_photo_in_large_words(
    portrait: np.ndarray,
) -> None:
    app = open_page("5_Realtime_Demo.py")
    assert app.title[0].help.startswith("What do both models see")
    assert app.button(key="presentation").label == "For the projector"
    app.query_params["view"] = "presentation"
    app.query_params["mode"] = "photo"
    app.run()
    assert not app.title
    assert app.button(key="presentation").label == "Back to the full page"
    app.file_uploader(key="demo_upload").upload("a.jpg", jpeg(portrait), "image/jpeg").run()
    assert_no_error(app)
    assert "proposed: **happy**" in app.markdown[0].value
    assert app.markdown[0].value.endswith("Both models agree.")
    assert not app.caption[2:], "nothing else is told"
    # The photo stays while the view is left.
    app.button(key="presentation").click().run()
    assert "view" not in app.query_params
    assert any(words.value.startswith("Faces found: 1. Both models") for words in app.caption)
    app.button(key="presentation").click().run()
    assert app.query_params["view"] == "presentation"
