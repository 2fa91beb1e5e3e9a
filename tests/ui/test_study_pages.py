"""What the pages show of the studies, of doubtful labels, and of a single answer."""

from __future__ import annotations

import copy
import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer import emotions, files
from fer.artifacts import model_store, runs
from fer.artifacts.stored import Stored
from fer.data import dataset, sample
from fer.data.dataset import Split
from fer.evaluation import calibration, reviews
from fer.inference.records import BENCHMARK
from fer.lab.studies import ablation, analysis
from fer.scenarios import Phase
from fer.studies import turned_gates
from fer.studies.records import ABLATION, GATES, ROBUSTNESS, Ablation
from fer.ui.results import reliability, report
from fer.ui.results.measured_models import stored_models
from fer.ui.shared import loaders
from fer.ui.shared.text import Language, _
from fer.ui.studies import ablation as ablation_section
from fer.ui.studies import model_comparison, verdict
from tests.support.making import ROOT, jpeg
from tests.support.pages import (
    VIEWS,
    ShowStudy,
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
def test_every_view_of_the_results_has_an_address(language: str) -> None:
    app = open_page("3_Classification_Results.py", language)
    for view in VIEWS:
        open_view(app, view)
        assert_no_error(app)
        walk_alts(app, "3_Classification_Results.py")
        assert app.query_params.get("view") in ([view], view)
        group = app.segmented_control(key="view_group").value
        assert app.segmented_control(key=f"view_of_{group}").value == view


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
    found = stored_models("PublicTest")
    table = reliability.classwise_table(found)
    raw = table["proposed, before calibration (%)"].mean()
    assert raw != pytest.approx(table["proposed, calibrated (%)"].mean(), abs=0.01)
    stored = loaders.models()["proposed"].metrics["splits"]["PublicTest"]["ece_uncalibrated"]
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


@pytest.fixture
def published() -> Ablation:
    return ABLATION.require(ROOT / "models")


def with_run(record: Ablation, without: str, changes: dict[str, Any]) -> Ablation:
    """The record with these values in the run of its own seed that lacks the ingredient."""
    record = copy.deepcopy(record)
    for name, value in changes.items():
        run_of(record, without)[name] = (
            {**run_of(record, without)[name], **value} if isinstance(value, dict) else value
        )
    return record


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
    left_out = ["nothing left out", "Squeeze-and-Excitation block", "Fine-tuning"]
    assert list(table["Left out"])[:3] == left_out
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


# Without augmentation, a gain of whose loss duplicates explain a part.
BY_HEART = {
    "training_accuracy": 0.953,
    "best_epoch": 6,
    "private": {"accuracy": 0.69},
    "gain": {"gain": -0.035},
    "gain_without_twins": {"gain": -0.019},
}


@pytest.mark.parametrize(
    ("language", "tell", "without", "changes", "words"),
    [
        (
            *("en", ablation_section.regularisation, "augmentation", BY_HEART),
            (
                "(gap +26.3 points), and its best epoch is 6 of 8.",
                "gives −1.9 instead of −3.5 points: some of the duplicates were learnt by heart.",
            ),
        ),
        (
            *("id", ablation_section.regularisation, "augmentation", BY_HEART),
            (
                "(selisih +26,3 poin), dan epoch terbaiknya 6 dari 8.",
                "memberi −1,9 poin, bukan −3,5: sebagian duplikat sudah dihafal.",
            ),
        ),
        (
            *("en", ablation_section.rare_emotion, "full", {}),
            ("Of the 55 images of **disgust** in PrivateTest, the run with all ingredients",),
        ),
        ("id", ablation_section.rare_emotion, "full", {}, ("gambar **jijik**",)),
        (
            *("en", ablation_section.smoothing, "full", {"private": {"mean_confidence": 0.571}}),
            ("at a mean confidence of **57.1%**",),
        ),
        (
            *("id", ablation_section.smoothing, "full", {"private": {"mean_confidence": 0.571}}),
            ("dengan keyakinan rata-rata **57,1%**",),
        ),
    ],
    indirect=["language"],
)
def test_what_an_ingredient_does_is_said_on_the_page_and_in_the_report(
    language: Language,
    tell: Callable[[Ablation], str],
    without: str,
    changes: dict[str, Any],
    words: tuple[str, ...],
    published: Ablation,
    show_study: ShowStudy,
) -> None:
    record = with_run(published, without, changes)
    show_study(ABLATION, record)
    said = tell(record)
    assert all(part in said for part in words)
    app = open_results("ingredients", language.upper())
    assert not app.exception
    assert any(element.value == said for element in app.markdown)
    assert said in report.study_tables()[_("What each ingredient gives")].note


def test_duplicates_explain_nothing_that_is_no_smaller_without_them(published: Ablation) -> None:
    as_large = {**BY_HEART, "gain_without_twins": {"gain": -0.04}}
    said = ablation_section.regularisation(with_run(published, "augmentation", as_large))
    assert said.endswith("instead of −3.5 points.")


def test_images_of_the_rarest_emotion_are_counted(published: Ablation) -> None:
    recalls = [
        run_of(published, without)["private"]["per_class"]["disgust"]["recall"]
        for without in ("full", "class_weights")
    ]
    found = re.findall(r"\*\*(\d+)\*\*", ablation_section.rare_emotion(published))
    assert found == [str(round(55 * recall)) for recall in recalls]


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
    same_images: bool, published: Ablation, show_study: ShowStudy
) -> None:
    images = published["data_sha256"] if same_images else "of equalised copies"
    show_study(ABLATION, {**published, "data_sha256": images})
    said = " ".join(verdict.sentences())
    assert ("in the ablation" in said) == same_images
    assert ("fine-tuning" in said) == same_images


@pytest.mark.parametrize(
    ("language", "metric", "gains", "words"),
    [
        # Student's interval: t(0.975, 2) = 4.303 standard errors of 0.17 points.
        (
            *("en", "gain", (-0.006, -0.003, 0.0)),
            "brought no gain**: accuracy −0.3 (−1.0 to +0.4, 3 seeds);",
        ),
        (
            *("id", "gain", (-0.006, -0.003, 0.0)),
            "kenaikan**: akurasi −0,3 (−1,0 sampai +0,4, 3 seed);",
        ),
        (
            *("en", "gain", (0.005, 0.006, 0.007)),
            "raises accuracy** by +0.6 (+0.4 to +0.8, 3 seeds);",
        ),
        (
            *("id", "gain", (-0.005, -0.006, -0.007)),
            "menurunkan akurasi**: −0,6 (−0,8 sampai −0,4, 3 seed);",
        ),
        (
            *("en", "macro_f1_gain", (-0.012, -0.013, -0.0138)),
            "; macro F1 lower by 1.3 (1.1 to 1.5).",
        ),
        (
            *("id", "macro_f1_gain", (-0.012, -0.013, -0.0138)),
            "; F1 makro lebih rendah 1,3 (1,1 sampai 1,5).",
        ),
    ],
    indirect=["language"],
)
def test_three_pairs_of_trainings_say_what_they_allow(
    language: Language,
    metric: str,
    gains: tuple[float, ...],
    words: str,
    published: Ablation,
    show_study: ShowStudy,
) -> None:
    se = run_of(published, "se")
    pairs = [{**se, metric: {**se[metric], "gain": gain}} for gain in gains]
    others = [run for run in published["runs"] if run["without"] != "se"]
    show_study(ABLATION, {**published, "runs": others + pairs})
    assert words in " ".join(verdict.sentences())


@pytest.mark.parametrize(
    ("study", "view", "title"),
    [(BENCHMARK, "speed", "Speed"), (ROBUSTNESS, "robustness", "Accuracy on corrupted faces")],
)
def test_what_was_made_with_other_weights_is_told(
    study: Stored[Any], view: str, title: str, show_study: ShowStudy
) -> None:
    record = study.require(ROOT / "models")
    weights = {**record["weights_sha256"], "proposed": "0" * 64}
    show_study(study, {**record, "weights_sha256": weights})
    said = "Made with other weights of proposed; run it again."
    app = open_results(view)
    assert [str(warning.value) for warning in app.warning] == [said]
    assert report._tables("PrivateTest")[title].note.endswith(said)
    open_view(app, "looking")
    assert not app.exception
    assert "Not computed here yet" in texts(app)


def test_report_includes_the_studies_and_what_people_see() -> None:
    from datetime import UTC, datetime

    page = report.html("PrivateTest", datetime(2026, 1, 2, tzinfo=UTC))
    parts = report.study_tables()
    assert len(parts) >= 3
    told = html.unescape(page)
    for heading, part in parts.items():
        assert f"<h2>{heading}</h2>" in page
        assert part.note.translate(report.UNMARKED) in told
    # Each chart says what it shows to those who cannot see it, and how its marks are read.
    charts = len(re.findall(r"Plotly\.newPlot\(", told.split("</script>", 1)[1]))
    assert charts == len(re.findall(r'role="img" aria-label="[^"]{10,}"', page)) > 5
    assert "Dotted: training; solid: validation on PublicTest" in told
    assert "Error bars: 95% bootstrap intervals" in told
    assert ">NaN<" not in page
    assert "Qoid Rif'at" in told
    crowd = loaders.crowd("PrivateTest")
    assert crowd is not None
    person = f"{100 * crowd['human']['others']['share']:.1f}%"
    assert all(words in told for words in ("Majority of ten people", "Whose error is it?", person))
    # The plain answers stand before anything else, long tables after the curves.
    order = ("The SE block", "<h2>Metrics</h2>", "<h2>Learning curves</h2>")
    places = [told.index(part) for part in (*order, "<h2>Accuracy on corrupted faces</h2>")]
    assert places == sorted(places)


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
