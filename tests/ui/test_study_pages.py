"""What the pages show of the studies, of doubtful labels, and of a single answer."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer import emotions, files
from fer.artifacts import model_store, runs
from fer.data import dataset, sample
from fer.data.dataset import Split
from fer.evaluation import reviews
from fer.inference.records import BENCHMARK
from fer.lab.studies import ablation, analysis
from fer.scenarios import Phase
from fer.studies import turned_gates
from fer.studies.records import ABLATION, GATES, ROBUSTNESS, Ablation
from fer.ui.results import report
from fer.ui.shared import loaders
from fer.ui.shared.text import Language, _
from fer.ui.studies import ablation as ablation_section
from fer.ui.studies import model_comparison, verdict
from tests.support.making import ROOT, jpeg
from tests.support.pages import (
    VIEWS,
    assert_no_error,
    open_page,
    open_results,
    open_view,
    texts,
    walk_alts,
)


@pytest.fixture
def real_pictures(
    real_data: dataset.Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Path:
    """The dashboard with the whole FER-2013, whose names the stored predictions know."""
    (tmp_path / dataset.FOLDER.parent).mkdir()
    (tmp_path / dataset.FOLDER).symlink_to(real_data.folder)
    monkeypatch.setattr(loaders, "ROOT", tmp_path)
    monkeypatch.setattr(loaders, "RUNS", tmp_path / "runs")
    return tmp_path


@pytest.mark.parametrize("study", analysis.STUDIES)
def test_committed_study_belongs_to_the_committed_weights(study: str) -> None:
    record = files.read_json(analysis.path_of(study, ROOT / "models"))
    assert record is not None
    for key, digest in record["weights_sha256"].items():
        assert model_store.open_artifact(key, ROOT / "models").digest == digest
    assert record["commit"]


def test_study_of_other_images_says_so() -> None:
    # Each record says of which images it was made; what is not FER-2013's is never shown as its.
    views = {"regions": "looking", "robustness": "robustness"}
    for study, view in views.items():
        record = files.read_json(analysis.path_of(study, ROOT / "models"))
        assert record is not None
        app = open_results(view)
        captions = " ".join(caption.value for caption in app.caption)
        is_said = "Made of other images than FER-2013's" in captions
        assert is_said is not dataset.is_official(record["data_sha256"])


@pytest.mark.parametrize("language", ["EN", "ID"])
def test_every_view_of_the_results(language: str) -> None:
    app = open_page("3_Classification_Results.py", language)
    for view in VIEWS:
        open_view(app, view)
        assert_no_error(app)
        walk_alts(app, "3_Classification_Results.py")


def test_every_kind_of_error() -> None:
    app = open_results("errors")
    for kind in ("labels", "confident", "pairs"):
        app.segmented_control(key="error_kind").set_value(kind).run()
        assert_no_error(app)
        assert len([*app.table, *app.dataframe]) == 1, kind


def test_the_surest_answers_of_both_models_are_more_often_right() -> None:
    app = open_results("calibration")
    shown = {}
    for share in (100, 20):
        app.slider(key="coverage").set_value(share).run()
        shown[share] = [float(metric.value.split("%")[0]) for metric in app.metric[-2:]]
    assert all(sure > every + 10 for sure, every in zip(shown[20], shown[100], strict=True))
    whole = model_comparison.metrics_of("PrivateTest").values()
    assert shown[100] == [round(100 * metrics["accuracy"], 1) for metrics in whole]


def test_confidences_before_calibration_are_less_honest() -> None:
    from fer.ui.results import reliability
    from fer.ui.results.measured_models import stored_models

    found = stored_models("PublicTest")
    table = reliability.classwise_table(found)
    raw = table["proposed, before calibration (%)"].mean()
    assert raw != pytest.approx(table["proposed, calibrated (%)"].mean(), abs=0.01)
    stored = loaders.models()["proposed"].metrics["splits"]["PublicTest"]["ece_uncalibrated"]
    from fer.evaluation import calibration

    labels, raw_again = found["proposed"].predictions.labels, found["proposed"].raw
    assert calibration.expected_calibration_error(labels, raw_again) == pytest.approx(
        stored, abs=1e-4
    )


@pytest.mark.fer2013
def test_a_pressed_error_is_told_in_the_panel(real_pictures: Path) -> None:
    app = open_results("errors")
    app.segmented_control(key="error_kind").set_value("confident").run()
    app.button(key="errors_face_3").click().run()
    assert_no_error(app)
    assert any("PrivateTest_" in caption.value for caption in app.caption)
    (chart,) = [n.proto for n in app.get("plotly_chart") if "Bars of both models" in n.proto.alt]
    assert "proposed" in chart.spec
    app.toggle(key="error_why").set_value(True).run()
    assert not app.exception
    assert any("Grad-CAM of proposed" in i.alt for n in app.get("image") for i in n.proto.imgs)


@pytest.mark.fer2013
def test_a_verdict_is_kept_and_the_next_image_comes(real_pictures: Path) -> None:
    app = open_results("errors")
    first = next(str(c.value) for c in app.caption if "/PrivateTest_" in str(c.value))
    app.button(key="verdict_models").click().run()
    assert not app.exception
    second = next(str(c.value) for c in app.caption if "/PrivateTest_" in str(c.value))
    assert first.startswith("1 of")
    assert second.startswith("2 of")
    (kept,) = app.session_state["reviews"].values()
    assert kept.verdict == "models"
    assert kept.source in first
    app.button(key="doubt_back").click().run()
    assert any(str(c.value).endswith("The models") for c in app.caption)
    app.file_uploader(key="reviews_upload").upload("other.csv", b"hello world\n").run()
    (error,) = app.error
    assert "other.csv holds no verdicts" in str(error.value)
    assert any(str(c.value).endswith("The models") for c in app.caption)
    assert any(e.label == "Table and download" for e in app.expander), "the view goes on"
    # Nothing of it is the server's: another visitor begins anew, or goes on with a file.
    assert not (real_pictures / "runs").exists()
    other = open_page("3_Classification_Results.py")
    open_view(other, "errors")
    assert not any(str(c.value).endswith("The models") for c in other.caption)
    other.file_uploader(key="reviews_upload").upload(
        "mine.csv", reviews.text({kept.source: kept}).encode()
    ).run()
    assert not other.exception
    assert any(str(c.value).endswith("The models") for c in other.caption)


def test_an_answer_is_explained(portrait: np.ndarray) -> None:
    app = open_page("5_Realtime_Demo.py")
    app.segmented_control(key="mode").set_value("photo").run()
    app.file_uploader(key="demo_upload").upload("face.jpg", jpeg(portrait)).run()
    before = len(app.get("image"))
    app.toggle(key="demo_why").set_value(True).run()
    assert not app.exception
    assert len(app.get("image")) == before + 2
    app.pills(key="demo_target").set_value("happy").run()
    assert not app.exception
    happy = [str(m.value) for m in app.markdown if "**happy**" in str(m.value)]
    assert len(happy) >= 2
    walk_alts(app, "5_Realtime_Demo.py")


def models_with_study(
    study: str, record: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repository's models with one study only, which no manifest lists."""
    target = tmp_path / "models"
    target.mkdir()
    for path in (ROOT / "models").iterdir():
        if path.name not in (model_store.ANALYSIS, model_store.MANIFEST):
            (target / path.name).symlink_to(path)
    path = analysis.path_of(study, target)
    path.parent.mkdir()
    path.write_text(json.dumps(record))
    monkeypatch.setattr(loaders, "MODELS", target)


@pytest.fixture
def published() -> Ablation:
    return ABLATION.require(ROOT / "models")


def with_run(record: Ablation, without: str, **fields: object) -> dict:
    """The record with other values in the run of its own seed that lacks the ingredient."""
    return {
        **record,
        "runs": [
            {**run, **fields} if (run["without"], run["seed"]) == (without, record["seed"]) else run
            for run in record["runs"]
        ],
    }


def run_of(record: Ablation, without: str) -> dict:
    """The run of the record's own seed that lacks the ingredient."""
    return next(run for run in record["runs"] if run["without"] == without)


def test_variants_differ_from_the_scenario_in_one_ingredient() -> None:
    full = ablation.variant("full", 1).to_dict()
    fields = {"full": set(), "se": {"se_ratio"}}
    fields["fine_tuning"] = {"frozen_layers", "trainable_layers"}
    for name in ablation.WITHOUT:
        other = ablation.variant(name, 1).to_dict()
        assert {key for key in full if full[key] != other[key]} == fields.get(name, {name})
    seeds = {seed for name, seed in ablation.plan() if name == "se"}
    assert len(seeds) == 3


def test_ablation_is_shown_among_the_results(published: Ablation) -> None:
    app = open_results("ingredients")
    assert_no_error(app)
    table = ablation_section.run_table(published)
    assert list(table["Left out"])[:3] == [
        "nothing left out",
        "Squeeze-and-Excitation block",
        "Fine-tuning",
    ]
    assert list(table["Training (%)"]) == [
        round(100 * run["training_accuracy"], 2) for run in published["runs"]
    ]
    gains = ablation_section.gain_table(published)
    # On the page, the columns that a phone has room for.
    for shown in (
        ablation_section.narrow_gain_table(published),
        table.drop(columns=["Training (%)", "ECE"]),
    ):
        assert any(f.value.equals(shown) for f in app.table)
    reported = report.study_tables()
    assert reported["What each ingredient gives"].frame.equals(gains)
    assert reported["Every run of the ablation"].frame.equals(table)


def test_gain_in_macro_f1_is_listed(published: Ablation) -> None:
    of_se = run_of(published, "se")["macro_f1_gain"]
    whole, without = (run_of(published, name)["private"]["macro_f1"] for name in ("full", "se"))
    assert of_se["gain"] == pytest.approx(whole - without)
    table = ablation_section.gain_table(published)
    assert table["Macro F1 (points)"][0] == _.points(whole, without, 2)
    low, high = (round(100 * end, 2) for end in of_se["gain_interval"])
    assert table["95% from (points) (F1)"][0] == low
    assert table["95% to (points) (F1)"][0] == high


def test_pairs_of_several_seeds_stand_together_and_are_told_apart(published: Ablation) -> None:
    names = [
        "Squeeze-and-Excitation block<br>seed 2013",
        "Squeeze-and-Excitation block<br>seed 2014",
        "Squeeze-and-Excitation block<br>seed 2015",
        "Augmentation",
    ]
    gains = ablation_section.gains(published)
    assert {metric: list(rows)[:4] for metric, rows in gains.items()} == {
        "Accuracy": names,
        "Macro F1": names,
    }
    seeds = [run["gain"] for run in published["runs"] if run["without"] == "se"]
    assert [gains["Accuracy"][name] for name in names[:3]] == seeds
    table = ablation_section.gain_table(published)
    assert list(table["Seed"])[:4] == ["2013", "2014", "2015", "2013"]
    # A label of one line more has a line more of room.
    alone, several = (
        ablation_section.gain_chart({"Accuracy": {n: gains["Accuracy"][n] for n in some}})
        for some in (names[3:], names[2:])
    )
    assert several.layout.height - alone.layout.height > alone.layout.height - 110


def assert_told_on_page_and_in_report(said: str, language: Language) -> None:
    app = open_results("ingredients", language.upper())
    assert not app.exception
    assert any(element.value == said for element in app.markdown)
    section = report.study_tables()[_("What each ingredient gives")]
    assert said in section.note


@pytest.mark.parametrize(
    ("language", "words", "by_heart"),
    [
        (
            "en",
            "(gap +26.3 points), and its best epoch is 6 of 8.",
            "gives −1.9 instead of −3.5 points: some of the duplicates were learnt by heart.",
        ),
        (
            "id",
            "(selisih +26,3 poin), dan epoch terbaiknya 6 dari 8.",
            "memberi −1,9 poin, bukan −3,5: sebagian duplikat sudah dihafal.",
        ),
    ],
    indirect=["language"],
)
def test_what_augmentation_does_is_said_of_overfitting(
    language: Language,
    words: str,
    by_heart: str,
    published: Ablation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = run_of(published, "augmentation")
    plain = {
        "training_accuracy": 0.953,
        "best_epoch": 6,
        "private": {**other["private"], "accuracy": 0.69},
        "gain": {**other["gain"], "gain": -0.035},
        "gain_without_twins": {**other["gain"], "gain": -0.019},
    }
    record = with_run(published, "augmentation", **plain)
    models_with_study("ablation", record, tmp_path, monkeypatch)
    said = ablation_section.regularisation(record)
    assert words in said
    assert said.endswith(by_heart)
    assert_told_on_page_and_in_report(said, language)
    # Duplicates explain nothing that is no smaller without them.
    plain["gain_without_twins"] = {**other["gain"], "gain": -0.04}
    record = with_run(published, "augmentation", **plain)
    assert not ablation_section.regularisation(record).endswith(by_heart[-20:])


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Of the 55 images of **disgust** in PrivateTest, the run with all ingredients"),
        ("id", "gambar **jijik**"),
    ],
    indirect=["language"],
)
def test_what_class_weights_do_is_said_of_the_rarest_emotion(
    language: Language, words: str, published: Ablation
) -> None:
    said = ablation_section.rare_emotion(published)
    assert words in said
    counts = [
        str(round(55 * run_of(published, without)["private"]["per_class"]["disgust"]["recall"]))
        for without in ("full", "class_weights")
    ]
    assert re.findall(r"\*\*(\d+)\*\*", said) == counts
    assert_told_on_page_and_in_report(said, language)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "at a mean confidence of **57.1%**"), ("id", "dengan keyakinan rata-rata **57,1%**")],
    indirect=["language"],
)
def test_what_label_smoothing_does_is_said_of_confidence(
    language: Language,
    words: str,
    published: Ablation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = {**run_of(published, "full")["private"], "mean_confidence": 0.571}
    record = with_run(published, "full", private=scores)
    models_with_study("ablation", record, tmp_path, monkeypatch)
    said = ablation_section.smoothing(record)
    assert words in said
    assert_told_on_page_and_in_report(said, language)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "65.5% (seed 1), 64.9% (seed 2)"), ("id", "65,5% (seed 1), 64,9% (seed 2)")],
    indirect=["language"],
)
def test_trainings_that_differ_in_their_seed_are_compared(
    language: Language, words: str, published: Ablation
) -> None:
    runs = [
        {"without": without, "seed": seed, "private": {"accuracy": accuracy}}
        for without, seed, accuracy in (("full", 1, 0.655), ("se", 1, 0.9), ("full", 2, 0.649))
    ]
    assert words in ablation_section.seeds_alone({**published, "runs": runs})


def test_precisions_are_told_apart_where_seeds_differ_in_them(published: Ablation) -> None:
    runs = [
        {"without": without, "seed": seed, "compute_dtype": precision}
        for seed, precision in ((1, "mixed_bfloat16"), (2, "float32"), (3, "float32"))
        for without in ("full", "se")
    ]
    said = ablation_section.budget({**published, "runs": runs})
    assert "`mixed_bfloat16` with seed 1, `float32` with seed 2, 3." in said
    said = ablation_section.budget({**published, "runs": runs[2:]})
    assert "Precision" not in said


@pytest.mark.parametrize("same_images", [True, False])
def test_ablation_of_other_images_says_nothing_about_the_models(
    same_images: bool, published: Ablation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = published["data_sha256"] if same_images else "of equalised copies"
    record = {**published, "data_sha256": images}
    models_with_study("ablation", record, tmp_path, monkeypatch)
    said = " ".join(verdict.sentences())
    assert ("in the ablation" in said) == same_images
    assert ("fine-tuning" in said) == same_images


@pytest.mark.parametrize(
    ("language", "gains", "words"),
    [
        # Student's interval: t(0.975, 2) = 4.303 standard errors of 0.17 points.
        ("en", (-0.006, -0.003, 0.0), "brought no gain**: accuracy −0.3 (−1.0 to +0.4, 3 seeds);"),
        ("id", (-0.006, -0.003, 0.0), "kenaikan**: akurasi −0,3 (−1,0 sampai +0,4, 3 seed);"),
        ("en", (0.005, 0.006, 0.007), "raises accuracy** by +0.6 (+0.4 to +0.8, 3 seeds);"),
        ("id", (-0.005, -0.006, -0.007), "menurunkan akurasi**: −0,6 (−0,8 sampai −0,4, 3 seed);"),
    ],
    indirect=["language"],
)
def test_three_pairs_of_trainings_say_what_they_allow(
    language: Language,
    gains: tuple[float, ...],
    words: str,
    published: Ablation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    se = run_of(published, "se")
    pairs = [{**se, "gain": {**se["gain"], "gain": gain}} for gain in gains]
    others = [run for run in published["runs"] if run["without"] != "se"]
    record = {**published, "runs": others + pairs}
    models_with_study("ablation", record, tmp_path, monkeypatch)
    assert words in " ".join(verdict.sentences())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "; macro F1 lower by 1.3 (1.1 to 1.5)."),
        ("id", "; F1 makro lebih rendah 1,3 (1,1 sampai 1,5)."),
    ],
    indirect=["language"],
)
def test_three_pairs_of_trainings_are_judged_by_macro_f1_too(
    language: Language,
    words: str,
    published: Ablation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    se = run_of(published, "se")
    pairs = [
        {**se, "macro_f1_gain": {**se["macro_f1_gain"], "gain": gain}}
        for gain in (-0.012, -0.013, -0.0138)
    ]
    others = [run for run in published["runs"] if run["without"] != "se"]
    record = {**published, "runs": others + pairs}
    models_with_study("ablation", record, tmp_path, monkeypatch)
    assert words in " ".join(verdict.sentences())


def test_times_of_other_weights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed = BENCHMARK.read(ROOT / "models")
    assert timed is not None
    record = {**(ROBUSTNESS.read(ROOT / "models") or {})}
    models_with_study("robustness", record, tmp_path, monkeypatch)
    path = tmp_path / "models" / BENCHMARK.name
    path.unlink()
    weights = {**timed["weights_sha256"], "proposed": "0" * 64}
    path.write_text(json.dumps({**timed, "weights_sha256": weights}))
    app = open_results("speed")
    (warning,) = app.warning
    assert str(warning.value) == "Made with other weights of proposed; run it again."
    parts = report._tables("PrivateTest")
    assert parts["Speed"].note == "Made with other weights of proposed; run it again."


def test_a_study_of_other_weights_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = {**(ROBUSTNESS.read(ROOT / "models") or {})}
    record["weights_sha256"] = {"proposed": "0" * 64}
    models_with_study("robustness", record, tmp_path, monkeypatch)
    app = open_results("robustness")
    assert "other weights of proposed" in texts(app)
    part = report.study_tables()["Accuracy on corrupted faces"]
    assert part.note.endswith("Made with other weights of proposed; run it again.")
    open_view(app, "looking")
    assert not app.exception
    assert "Not computed here yet" in texts(app)


def test_report_includes_the_studies() -> None:
    from datetime import UTC, datetime

    page = report.html("PrivateTest", datetime(2026, 1, 2, tzinfo=UTC))
    for heading in report.study_tables():
        assert f"<h2>{heading}</h2>" in page
    parts = report.study_tables()
    assert len(parts) >= 3
    told = html.unescape(page)
    for part in parts.values():
        assert part.note.translate(report.UNMARKED) in told
    # Each chart says what it shows to those who cannot see it, and how its marks are read.
    charts = len(re.findall(r"Plotly\.newPlot\(", told.split("</script>", 1)[1]))
    assert charts == len(re.findall(r'role="img" aria-label="[^"]{10,}"', page)) > 5
    assert "Dotted: training; solid: validation on PublicTest" in told
    assert "Error bars: 95% bootstrap intervals" in told
    assert ">NaN<" not in page
    assert "Qoid Rif'at" in html.unescape(page)
    # The plain answers stand before anything else, long tables after the curves.
    seen = html.unescape(page)
    assert 0 < seen.index("The SE block") < seen.index("<h2>Metrics</h2>")
    assert seen.index("<h2>Learning curves</h2>") < seen.index(
        "<h2>Accuracy on corrupted faces</h2>"
    )


def test_frozen_backbone_with_augmentation_is_trained_whole(
    small_data: dataset.Dataset, small_backbone: Path, tmp_path: Path
) -> None:
    """Augmented images have no cached features, so the frozen network itself is run."""
    from fer.lab.networks import vgg16
    from fer.lab.training import callbacks, loop

    scenario = replace(
        ablation.variant("fine_tuning", 3, Phase(32, 1, 1e-3, 14)), compute_dtype="float32"
    )
    history = loop.train(scenario, small_data, tmp_path / "run", backbone_weights=small_backbone)
    assert len(history) == 1
    trained = vgg16.build(scenario, None)
    callbacks.load_weights(trained, tmp_path / "run" / runs.BEST)
    start = vgg16.build(scenario, small_backbone)
    for name in ("block1_conv1", "block5_conv3"):
        assert np.array_equal(
            trained.get_layer(name).kernel.numpy(), start.get_layer(name).kernel.numpy()
        )


@pytest.mark.parametrize("language", ["en", "id"], indirect=True)
def test_gates_are_turned_by_hand(language: Language) -> None:
    app = open_results("gates", language.upper())
    said = set()
    for kind, widget in (("mean", ""), ("ones", ""), ("closed", ""), ("borrowed", "turn_emotion")):
        app.segmented_control(key="turn_kind").set_value(kind).run()
        if widget:
            app.pills(key=widget).set_value("angry").run()
        assert_no_error(app)
        said.add(next(str(m.value) for m in app.markdown if "`proposed`" in str(m.value)))
    assert len(said) == 4, "each setting has its own answer"
    app.segmented_control(key="turn_kind").set_value("closed").run()
    app.slider(key="turn_closed").set_value(0).run()
    (told,) = (str(m.value) for m in app.markdown if "`proposed`" in str(m.value))
    shares = re.findall(r"[\d.,]+%", told)
    assert shares[0] == shares[1]
    walk_alts(app, "3_Classification_Results.py")


def test_a_test_image_is_told_with_what_the_study_answered() -> None:
    record = GATES.require(loaders.MODELS)
    sources = loaders.predictions("proposed").of(Split.PRIVATE_TEST).sources
    answers = turned_gates.unpacked_answers(record["answers"]["ones"], record["images"])
    name = str(sources[7]).rpartition("/")[2]
    app = open_results("gates")
    app.segmented_control(key="turn_source").set_value("upload").run()
    # FER-2013's images are not committed: another face stands in for the one of that name.
    face = sample.open_sample(ROOT / sample.FOLDER).png(0)
    app.file_uploader(key="turn_upload").upload(name, face, "image/png").run()
    app.segmented_control(key="turn_kind").set_value("ones").run()
    answer = emotions.KEYS[answers[7]]
    assert f"The stored study answered **{answer}** for {name} with these gates." in texts(app)
    app.segmented_control(key="turn_kind").set_value("closed").run()
    assert_no_error(app)
    assert "The stored study answered" not in texts(app)
