"""What pages show of studies, the map, doubtful labels, a single answer, and published results."""

from __future__ import annotations

import copy
import html
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer import emotions, files
from fer.artifacts import model_store
from fer.data import dataset, sample
from fer.data.dataset import Split
from fer.evaluation import calibration, reviews
from fer.evaluation.literature import PUBLISHED
from fer.evaluation.records import PROTOCOL_SCORES, Protocols, ProtocolScores
from fer.inference.records import BENCHMARK, FAST_EXPORT
from fer.lab.studies import ablation, analysis
from fer.studies import turned_gates
from fer.studies.records import ABLATION, FEATURE_MAP, GATES, Ablation
from fer.ui.results import literature, report
from fer.ui.results.measured_models import stored_models
from fer.ui.shared import loaders
from fer.ui.shared.text import _, in_language
from fer.ui.studies import ablation as ablation_section
from fer.ui.studies import model_comparison, verdict
from tests.support.making import ROOT, jpeg
from tests.support.pages import (
    ShowStudy,
    assert_no_error,
    messages,
    open_mode,
    open_results,
    open_view,
    texts,
    walk_alts,
)


@pytest.fixture
def real_pictures(real_data: dataset.Dataset, without_data: Path) -> None:
    """The dashboard with the whole FER-2013, whose names the stored predictions know."""
    (without_data / dataset.FOLDER.parent).mkdir()
    (without_data / dataset.FOLDER).symlink_to(real_data.folder)


def test_committed_studies_belong_to_the_committed_weights_and_other_images_are_named() -> None:
    for study in analysis.STUDIES:
        record = files.read_json(analysis.path_of(study, ROOT / "models"))
        assert record is not None
        assert record["commit"]
        for key, digest in record["weights_sha256"].items():
            assert model_store.open_artifact(key, ROOT / "models").digest == digest
        if study in ("regions", "robustness"):
            app = open_results({"regions": "looking"}.get(study, study))
            is_said = "Made of other images than FER-2013's" in texts(app)
            assert is_said is not dataset.is_official(record["data_sha256"])
    assert "(int8)" in texts(app)
    record = BENCHMARK.require(ROOT / "models")
    fastest = f"{record['ways']['fast']['1']['p50_ms']:.1f} ms"
    assert fastest in texts(open_view(app, "speed"))


def test_the_surest_answers_are_more_often_right_and_raw_confidences_are_kept() -> None:
    app, shown = open_results("calibration"), {}
    for share in (100, 20):
        app.slider(key="coverage").set_value(share).run()
        shown[share] = [float(metric.value.split("%")[0]) for metric in app.metric[-2:]]
    assert all(sure > every + 10 for sure, every in zip(shown[20], shown[100], strict=True))
    whole = model_comparison.metrics_of("PrivateTest").values()
    assert shown[100] == [round(100 * metrics["accuracy"], 1) for metrics in whole]
    found = stored_models("PublicTest")["proposed"]
    stored = loaders.models()["proposed"].metrics["splits"]["PublicTest"]["ece_uncalibrated"]
    raw = calibration.expected_calibration_error(found.predictions.labels, found.raw)
    assert raw == pytest.approx(stored, abs=1e-4)


@pytest.mark.fer2013
def test_an_error_is_told_in_the_panel_and_a_verdict_is_the_visits_own(
    real_pictures: None, without_data: Path
) -> None:
    def captions(app: AppTest) -> list[str]:
        assert not app.exception
        return [str(caption.value) for caption in app.caption]

    def is_judged(app: AppTest) -> bool:
        return any(words.endswith("The models") for words in captions(app))

    app = open_results("errors")
    first = next(words for words in captions(app) if "/PrivateTest_" in words)
    app.button(key="verdict_models").click().run()
    second = next(words for words in captions(app) if "/PrivateTest_" in words)
    assert (first[:4], second[:4]) == ("1 of", "2 of")
    (kept,) = app.session_state["reviews"].values()
    assert kept.verdict == "models"
    assert kept.source in first
    app.button(key="doubt_back").click().run()
    assert is_judged(app)
    # Nothing of it is the server's: another visitor begins anew, or goes on with a file.
    assert not (without_data / "runs").exists()
    other = open_results("errors")
    assert not is_judged(other)
    content = reviews.text({kept.source: kept}).encode()
    other.file_uploader(key="reviews_upload").upload("mine.csv", content).run()
    assert is_judged(other)
    for kind in ("pairs", "confident"):
        other.segmented_control(key="error_kind").set_value(kind).run()
        assert_no_error(other)
        assert len([*other.table, *other.dataframe]) == 1, kind
    other.button(key="errors_face_3").click().run()
    assert any("PrivateTest_" in words for words in captions(other))
    assert any("Bars of both models" in n.proto.alt for n in other.get("plotly_chart"))
    other.toggle(key="error_why").set_value(True).run()
    assert not other.exception
    assert any("Grad-CAM of proposed" in i.alt for n in other.get("image") for i in n.proto.imgs)


def test_an_answer_is_explained(portrait: np.ndarray) -> None:
    app = open_mode("photo")
    app.file_uploader(key="demo_upload").upload("face.jpg", jpeg(portrait)).run()
    before = len(app.get("image"))
    app.toggle(key="demo_why").set_value(True).run()
    assert not app.exception
    assert len(app.get("image")) == before + 2
    app.pills(key="demo_target").set_value("happy").run()
    assert not app.exception
    assert sum("**happy**" in str(words.value) for words in app.markdown) >= 2
    walk_alts(app, "5_Realtime_Demo.py")


@pytest.fixture
def published() -> Ablation:
    return copy.deepcopy(ABLATION.require(ROOT / "models"))


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
    assert len({seed for name, seed in ablation.plan() if name == "se"}) == 3


def test_ablation_is_shown_among_the_results(published: Ablation) -> None:
    app = open_results("ingredients")
    assert_no_error(app)
    table, gains = ablation_section.run_table(published), ablation_section.gain_table(published)
    # On the page, the columns that a phone has room for.
    for shown in (
        ablation_section.narrow_gain_table(published),
        table.drop(columns=["Training (%)", "ECE"]),
    ):
        assert any(f.value.equals(shown) for f in app.table)
    reported = report.study_tables()
    assert reported["What each ingredient gives"].frame.equals(gains)
    assert reported["Every run of the ablation"].frame.equals(table)
    # The gain in macro F1, and pairs of several seeds side by side.
    whole, without = (run_of(published, name)["private"]["macro_f1"] for name in ("full", "se"))
    assert gains["Macro F1 (points)"][0] == _.points(whole, without, 2)
    names = [f"Squeeze-and-Excitation block<br>seed {seed}" for seed in (2013, 2014, 2015)]
    for rows in ablation_section.gains(published).values():
        assert list(rows)[:4] == [*names, "Augmentation"]


# Without augmentation, a gain of whose loss duplicates explain a part.


def test_what_an_ingredient_does_is_said_on_the_page_and_in_the_report(
    published: Ablation, show_study: ShowStudy
) -> None:
    run_of(published, "full")["private"]["mean_confidence"] = 0.571
    without = run_of(published, "augmentation")
    without.update(training_accuracy=0.953, best_epoch=6)
    without["private"]["accuracy"] = 0.69
    without["gain"]["gain"], without["gain_without_twins"]["gain"] = -0.035, -0.019
    recalled = run_of(published, "full")["private"]["per_class"]["disgust"]["recall"]
    show_study(ABLATION, published)
    app = open_results("ingredients")
    assert not app.exception
    note = report.study_tables()["What each ingredient gives"].note
    for tell, words in {
        ablation_section.regularisation: "(gap +26.3 points), and its best epoch is 6 of 8.",
        ablation_section.rare_emotion: f"**{55 * recalled:.0f}**",
        ablation_section.smoothing: "at a mean confidence of **57.1%**",
    }.items():
        said = tell(published)
        assert words in said
        assert any(element.value == said for element in app.markdown)
        assert said in note
    with in_language("id"):
        said = ablation_section.regularisation(published)
    assert "memberi −1,9 poin, bukan −3,5: sebagian duplikat sudah dihafal." in said
    without["gain_without_twins"]["gain"] = -0.04
    assert ablation_section.regularisation(published).endswith("instead of −3.5 points.")


def test_the_verdict_follows_the_seeds_and_only_an_ablation_of_its_own_images(
    published: Ablation, show_study: ShowStudy
) -> None:
    se = run_of(published, "se")
    others = [run for run in published["runs"] if run["without"] != "se"]
    # Student's interval: t(0.975, 2) = 4.303 standard errors of 0.17 points.
    for gains, words in (
        ((-0.006, -0.003, 0.0), "brought no gain**: accuracy −0.3 (−1.0 to +0.4, 3 seeds);"),
        ((0.005, 0.006, 0.007), "raises accuracy** by +0.6 (+0.4 to +0.8, 3 seeds);"),
    ):
        pairs = [{**se, "gain": {**se["gain"], "gain": gain}} for gain in gains]
        show_study(ABLATION, {**published, "runs": others + pairs})
        assert words in " ".join(verdict.sentences())
    show_study(ABLATION, {**published, "data_sha256": "of equalised copies"})
    assert "in the ablation" not in " ".join(verdict.sentences())


def test_report_holds_figures_studies_and_verdict_and_needs_no_network() -> None:
    page = report.html("PrivateTest", datetime(2026, 1, 2, tzinfo=UTC))
    told = html.unescape(page)
    for heading, part in report.study_tables().items():
        assert f"<h2>{heading}</h2>" in page
        assert part.note.translate(report.UNMARKED) in told
    assert all(sentence.translate(report.UNMARKED) in told for sentence in verdict.sentences())
    # The first script is Plotly itself, which names addresses it does not open.
    own = told.split("</script>", 1)[1]
    assert 'src="http' not in own
    assert 'href="http' not in own
    # Each chart says what it shows to those who cannot see it.
    charts = len(re.findall(r"Plotly\.newPlot\(", own))
    assert charts == len(re.findall(r'role="img" aria-label="[^"]{10,}"', page)) > 5
    assert ">NaN<" not in page
    crowd, metrics = loaders.crowd("PrivateTest"), model_comparison.metrics_of("PrivateTest")
    assert crowd is not None
    shares = [crowd["human"]["others"]["share"], *(m["accuracy"] for m in metrics.values())]
    assert all(f"{100 * share:.1f}%" in told for share in shares)
    # The plain answers stand before anything else, long tables after the curves.
    order = ("The SE block", "<h2>Metrics</h2>", "<h2>Learning curves</h2>")
    places = [told.index(part) for part in (*order, "<h2>Accuracy on corrupted faces</h2>")]
    assert places == sorted(places)


def test_gates_are_turned_by_hand_and_a_test_image_is_told_with_the_studys_answer() -> None:
    app = open_results("gates")

    def turned(kind: str) -> str:
        app.segmented_control(key="turn_kind").set_value(kind).run()
        assert_no_error(app)
        return next(str(m.value) for m in app.markdown if "`proposed`" in str(m.value))

    said = {turned(kind) for kind in ("mean", "ones", "closed")}
    turned("borrowed")
    app.pills(key="turn_emotion").set_value("angry").run()
    said.add(turned("borrowed"))
    assert len(said) == 4, "each setting has its own answer"
    turned("closed")
    app.slider(key="turn_closed").set_value(0).run()
    shares = re.findall(r"[\d.,]+%", turned("closed"))
    assert shares[0] == shares[1]
    record = GATES.require(loaders.MODELS)
    sources = loaders.predictions("proposed").of(Split.PRIVATE_TEST).sources
    answers = turned_gates.unpacked_answers(record["answers"]["ones"], record["images"])
    name, answer = str(sources[7]).rpartition("/")[2], emotions.KEYS[answers[7]]
    app.segmented_control(key="turn_source").set_value("upload").run()
    # FER-2013's images are not committed: another face stands in for the one of that name.
    face = sample.open_sample(ROOT / sample.FOLDER).png(0)
    app.file_uploader(key="turn_upload").upload(name, face, "image/png").run()
    turned("ones")
    assert f"The stored study answered **{answer}** for {name} with these gates." in texts(app)


RECORD = FEATURE_MAP.require(ROOT / "models")


def test_one_image_and_several(without_data: Path) -> None:
    app = open_results("map")
    told = texts(app)
    # Without the data set, labels, answers and votes are told and the image is not.
    assert "FER-2013's label: **" in told
    assert "proposed: **" in told
    assert len(app.get("imgs")) == 0
    for found in RECORD["models"].values():
        # Half of it would be a map that was drawn by lot.
        assert found["trustworthiness"] > 0.6
        assert f"Trustworthiness {_.number(found['trustworthiness'], 3)}" in told
    # Both maps, and the chosen image's votes and answers.
    assert len(app.get("plotly_chart")) == 4
    app.number_input(key="map_image").set_value(7).run()
    part = loaders.predictions("proposed").of(Split.PRIVATE_TEST)
    assert str(part.sources[6]) in texts(app)
    assert len(app.metric) == 0
    app.slider(key="map_across").set_value((-100, 100)).run()
    app.slider(key="map_up").set_value((-100, 100)).run()
    app.button(key="map_rectangle").click().run()
    # All of them: the published accuracies.
    stored = [m.metrics["splits"]["PrivateTest"]["accuracy"] for m in loaders.models().values()]
    assert [metric.value for metric in app.metric] == [_.percent(share) for share in stored]
    app.button(key="map_clear").click().run()
    assert len(app.metric) == 0


def test_a_map_of_other_weights_or_images_says_so(show_study: ShowStudy) -> None:
    weights = {**RECORD["weights_sha256"], "proposed": "0" * 64}
    show_study(FEATURE_MAP, {**RECORD, "weights_sha256": weights})
    app = open_results("map")
    assert "Made with other weights of proposed" in texts(app)
    show_study(FEATURE_MAP, {**RECORD, "sources_sha256": "0" * 64})
    (message,) = messages(app.run())
    assert "of other images" in message
    # Studies that are not there.
    assert "Not computed here yet" in texts(open_view(app, "looking"))


def scores(accuracy: float, compute_dtype: str = "float32") -> ProtocolScores:
    return {
        "images": 3589,
        "accuracy": accuracy,
        "accuracy_interval": [accuracy - 0.015, accuracy + 0.015],
        "macro_f1": accuracy - 0.02,
        "compute_dtype": compute_dtype,
        "commit": "0123456789abcdef",
    }


def record(**models: dict[str, ProtocolScores]) -> Protocols:
    return {
        "commit": "fedcba9876543210",
        "seed": 0,
        "data_sha256": "a" * 64,
        "weights_sha256": dict.fromkeys(models, "b" * 64),
        "versions": {},
        "split": "PrivateTest",
        "crop": 44,
        "models": models,
    }


def test_what_is_measured_stands_beside_the_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders, "protocols", lambda: None)
    (line,) = literature.precisions()
    assert line.startswith("Not computed yet: baseline, ")
    half = record(
        proposed={"mirror": scores(0.98), "ten_crops": scores(0.99, "int8")},
        baseline={"mirror": scores(0.97)},
    )
    monkeypatch.setattr(loaders, "protocols", lambda: half)
    found = literature.rows()
    assert len(found) == 5 + len(PUBLISHED)
    assert [row.accuracy for row in found[:3]] == [0.99, 0.98, 0.97]
    figure = literature.chart(found)
    with_interval, others = figure.data
    assert with_interval.error_x.array == pytest.approx([1.5] * 3 + [1.6, 1.6], abs=0.11)
    assert len(others.x) == len(PUBLISHED)
    # The most accurate stands first, whichever trace it is of.
    assert figure.layout.yaxis.categoryarray[0].startswith("proposed 99.0%<br>ten crops")
    float32, int8, one_crop, missing = literature.precisions()
    assert "baseline, with the mirrored image; proposed, with the mirrored image" in float32
    assert "(proposed, ten crops): int8." in int8
    # What was averaged in int8 is compared with one crop in int8.
    shares = loaders.record(FAST_EXPORT)["fidelity"]["proposed"]["PrivateTest"]
    assert one_crop.endswith(f"proposed {_.percent(shares['accuracy'])}.")
    assert missing.endswith("baseline, ten crops.")


def test_sources_of_published_figures_can_be_followed() -> None:
    found = literature.rows()
    lines = literature.sources(found)
    assert len(lines) == len(PUBLISHED)
    for result in PUBLISHED:
        assert any(f"[{result.source}]({result.link})" in line for line in lines)
    masking = next(line for line in lines if line.startswith("**Residual Masking Network"))
    assert "Others measured [65.7% to 73.6%](" in masking
    app = open_results("literature")
    assert not app.exception
    assert masking in texts(app)
    # The table leaves them out, its download does not.
    assert "Source" not in app.table[0].value
    assert {"Note", "Source"} < set(literature.table(found))


def test_figures_of_other_weights_or_images_are_not_shown(show_study: ShowStudy) -> None:
    model = loaders.models()["proposed"]
    assert model.metrics is not None
    # Those of the other model, which was published anew, are not.
    stored = record(proposed={"mirror": scores(0.7)}, baseline={"mirror": scores(0.6)})
    stored["weights_sha256"]["proposed"] = model.digest
    stored["data_sha256"] = model.metrics["data_sha256"]
    show_study(PROTOCOL_SCORES, stored)
    assert loaders.protocols() == {
        **stored,
        "models": {"proposed": stored["models"]["proposed"]},
        "weights_sha256": {"proposed": model.digest},
    }
    show_study(PROTOCOL_SCORES, {**stored, "weights_sha256": {"proposed": "0" * 64}})
    assert loaders.protocols() is None
    show_study(PROTOCOL_SCORES, {**stored, "data_sha256": "0" * 64})
    assert loaders.protocols() is None
