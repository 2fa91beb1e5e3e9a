"""`fer evaluate`, `export`, `benchmark` and `analyse` on small models and seventy real faces."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fer import files
from fer.artifacts import locations, model_store, runs
from fer.data import aggregates, dataset, importing, sample, votes
from fer.inference import openvino_backend
from fer.lab import latency
from fer.lab.studies import analysis, robustness
from fer.scenarios import BASELINE
from tests.support.command import fer, refusal, succeeded
from tests.support.making import ROOT, contents, csv_table, sample_archive

KEYS = ("baseline", "proposed")
EVALUATED = (
    model_store.COMPARISON,
    *(f"{key}/{name}" for key in KEYS for name in (model_store.METRICS, model_store.CARD)),
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    importing.import_dataset(sample_archive(folder / "archive.zip"), folder / "data")
    return folder / "data"


@pytest.fixture(scope="module")
def evaluated(
    small_models: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """Models that `fer evaluate` has measured on the faces, and what it printed."""
    folder = tmp_path_factory.mktemp("evaluated") / "models"
    shutil.copytree(small_models, folder)
    shutil.copy(ROOT / "models" / model_store.DETECTOR, folder)
    for name in EVALUATED:
        (folder / name).unlink()
    return folder, succeeded(fer("evaluate", *places(folder, data_dir))).stdout


@pytest.fixture(scope="module")
def exported(
    evaluated: tuple[Path, str], data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The evaluated models with what `fer export` has put beside them, and what it printed."""
    folder = tmp_path_factory.mktemp("exported") / "models"
    shutil.copytree(evaluated[0], folder)
    return folder, succeeded(fer("export", *places(folder, data_dir))).stdout


@pytest.fixture
def models(exported: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(exported[0], tmp_path / "models"))


def places(models_dir: Path, data_dir: Path) -> list[object]:
    return ["--models-dir", models_dir, "--data-dir", data_dir]


def test_evaluate_writes_what_it_prints(evaluated: tuple[Path, str], data_dir: Path) -> None:
    folder, printed = evaluated
    assert all((folder / name).exists() for name in EVALUATED)
    for key in KEYS:
        record = files.read_json(folder / key / model_store.METRICS)
        assert record["data_sha256"] == dataset.open_dataset(data_dir).digest
        for split in ("PublicTest", "PrivateTest"):
            assert f"{key} {split}" in printed
            assert record["splits"][split]["images"] == 21
            assert f"{record['splits'][split]['accuracy']:.4f}" in printed
        assert "Not evaluated" not in (folder / key / model_store.CARD).read_text(encoding="utf-8")
    assert "PrivateTest: proposed - baseline" in printed
    assert model_store.verify(folder) == ([], [])


def test_evaluate_of_one_model_leaves_the_other(models: Path, data_dir: Path) -> None:
    before = contents(models / "proposed")
    (models / "baseline" / model_store.METRICS).unlink()
    printed = succeeded(fer("evaluate", "--model", "baseline", *places(models, data_dir))).stdout
    assert "baseline PrivateTest" in printed
    assert "proposed PrivateTest" not in printed
    assert (models / "baseline" / model_store.METRICS).exists()
    assert contents(models / "proposed") == before


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Another data set than the one that the models were measured on."""
    (tmp_path / "mine.csv").write_text(csv_table())
    importing.import_dataset(tmp_path / "mine.csv", tmp_path / "mine")
    return tmp_path / "mine"


def test_figures_of_other_images_are_printed_and_not_stored(models: Path, mine: Path) -> None:
    before = contents(models)
    result = succeeded(fer("evaluate", *places(models, mine)))
    assert "baseline PrivateTest" in result.stdout
    measured = f"{models / 'baseline' / model_store.METRICS} was measured on"
    assert all(words in result.stderr for words in (measured, "--overwrite", "--models-dir"))
    assert contents(models) == before
    one = fer("evaluate", "--overwrite", "--model", "baseline", *places(models, mine))
    assert "proposed was evaluated on other images" in refusal(one)
    assert contents(models) == before
    succeeded(fer("evaluate", "--overwrite", *places(models, mine)))
    record = files.read_json(models / "baseline" / model_store.METRICS)
    assert record["data_sha256"] == dataset.open_dataset(mine).digest
    assert record["data_source"] == "mine.csv"
    card = (models / "baseline" / model_store.CARD).read_text(encoding="utf-8")
    assert "of other images than FER-2013's (mine.csv)" in card


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("export DATA MODELS", f"{model_store.FAST}/{openvino_backend.RECORD}"),
        ("export --measure DATA MODELS", f"{model_store.FAST}/{openvino_backend.RECORD}"),
        ("evaluate --training 14 DATA MODELS", model_store.TRAINING_FIT),
        ("analyse --only leakage DATA MODELS", "analysis/leakage.json"),
        ("ablate DATA MODELS", "analysis/ablation.json"),
        ("data aggregate --out FOLDER DATA MODELS", aggregates.SUMMARY),
        ("data sample --out FOLDER DATA", sample.TABLE),
        ("data votes votes.csv --out FOLDER DATA", votes.VOTES),
        ("publish RUN MODELS", f"baseline/{model_store.CONFIG}"),
    ],
)
def test_what_was_made_of_fer2013_is_not_replaced_by_ones_own(
    command: str, name: str, mine: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    kept = {"data_sha256": dataset.KAGGLE_DIGEST}
    files.write_json(models / name, kept)
    files.write_json(models / "baseline" / model_store.CONFIG, kept)
    run = tmp_path / "run"
    trained = {"scenario": BASELINE.to_dict(), "data": dataset.open_dataset(mine).digest}
    files.write_json(run / runs.RUN, trained)
    places = {
        "DATA": ["--data-dir", mine],
        "MODELS": ["--models-dir", models],
        "FOLDER": [models],
        "RUN": [run],
    }
    words = [part for word in command.split() for part in places.get(word, [word])]
    sentence = refusal(fer(*words))
    assert f"{models / name} was made of FER-2013" in sentence
    assert ("--overwrite" in sentence) is not command.startswith("ablate")
    assert files.read_json(models / name) == kept


def test_check_finds_stored_metrics_again_and_writes_nothing(models: Path, data_dir: Path) -> None:
    before = contents(models)
    printed = succeeded(fer("evaluate", "--check", *places(models, data_dir))).stdout
    assert "The stored metrics are reproduced within ±0.002." in printed
    assert contents(models) == before


def test_check_names_what_it_does_not_find_again(models: Path, data_dir: Path) -> None:
    path = models / "proposed" / model_store.METRICS
    record = files.read_json(path)
    record["splits"]["PrivateTest"]["accuracy"] += 0.1
    files.write_json(path, record)
    (models / "baseline" / model_store.METRICS).unlink()
    before = contents(models)
    result = fer("evaluate", "--check", *places(models, data_dir))
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    parts = "not reproduced", "baseline has no stored metrics", "proposed PrivateTest accuracy is"
    assert all(part in line for part in parts)
    assert contents(models) == before


def test_protocols_are_written_call_by_call_and_found_again(models: Path, data_dir: Path) -> None:
    there = places(models, data_dir)
    path = models / model_store.PROTOCOLS
    printed = succeeded(fer("evaluate", "--protocol", "mirror", *there)).stdout
    first = files.read_json(path)
    for key in KEYS:
        assert f"{first['models'][key]['mirror']['accuracy']:.4f}" in printed
        # The image as it is comes from the stored predictions, its mirror image is asked for.
        assert first["models"][key]["mirror"]["compute_dtype"] == "float32"
    succeeded(fer("evaluate", "--model", KEYS[0], "--protocol", "ten_crops", "--int8", *there))
    both = files.read_json(path)
    assert both["models"][KEYS[0]]["mirror"] == first["models"][KEYS[0]]["mirror"]
    assert both["models"][KEYS[0]]["ten_crops"]["compute_dtype"] == "int8"
    assert both["models"][KEYS[1]] == first["models"][KEYS[1]]
    assert model_store.verify(models) == ([], [])
    again = fer("evaluate", "--protocol", "mirror", "--check", *there)
    assert "The stored metrics are reproduced" in succeeded(again).stdout
    missing = fer("evaluate", "--protocol", "ten_crops", "--int8", "--check", *there)
    assert missing.exit_code == 1
    assert f"{KEYS[1]} ten_crops accuracy is not stored" in missing.stderr
    assert files.read_json(path) == both


def test_accuracy_on_training_is_written_and_found_again(models: Path, data_dir: Path) -> None:
    there = places(models, data_dir)
    path = models / model_store.TRAINING_FIT
    printed = succeeded(fer("evaluate", "--training", "14", *there)).stdout
    record = files.read_json(path)
    for key in KEYS:
        assert f"{record['models'][key]['accuracy']:.4f}" in printed
        assert record["models"][key]["images"] == record["images"]
    assert record["images"] < record["images_of_split"]
    assert f"{record['images']} of {record['images_of_split']} Training images" in printed
    assert model_store.verify(models) == ([], [])
    again = fer("evaluate", "--training", "14", "--check", *there)
    assert "The stored metrics are reproduced" in succeeded(again).stdout
    others = fer("evaluate", "--training", "21", "--check", *there)
    assert others.exit_code == 1
    assert f"{KEYS[0]} accuracy on these Training images is not stored" in others.stderr
    assert files.read_json(path) == record
    files.write_json(path, {"data_sha256": dataset.KAGGLE_DIGEST})
    succeeded(fer("evaluate", "--training", "14", "--overwrite", *there))
    assert files.read_json(path)["data_sha256"] == record["data_sha256"]


def test_export_puts_the_dashboards_backend_beside_the_models(
    exported: tuple[Path, str], data_dir: Path
) -> None:
    folder, printed = exported
    names = {path.name for path in (folder / model_store.FAST).iterdir()}
    assert names == {"int8-32.xml", "int8-32.bin", openvino_backend.RECORD, openvino_backend.PROBE}
    record = files.read_json(folder / model_store.FAST / openvino_backend.RECORD)
    # All there are, four of each emotion: fewer than it would take.
    assert record["calibration"]["images"] == 28
    assert record["calibration"]["data_sha256"] == dataset.open_dataset(data_dir).digest
    for key in KEYS:
        for row in record["fidelity"][key].values():
            assert f"{row['top1_agreement']:.4f}" in printed
    assert model_store.verify(folder) == ([], [])


def test_export_measures_again_without_making_anew(models: Path, data_dir: Path) -> None:
    before = contents(models / model_store.FAST)
    path = models / model_store.FAST / openvino_backend.RECORD
    files.write_json(path, {**files.read_json(path), "fidelity": {}})
    succeeded(fer("export", "--measure", *places(models, data_dir)))
    assert contents(models / model_store.FAST) == before


def test_export_for_others_needs_no_data_and_overwrites_nothing(
    small_models: Path, tmp_path: Path
) -> None:
    target = tmp_path / "served" / "fer.tflite"
    command = ("export", "--format", "tflite", "--out", target, "--models-dir", small_models)
    printed = succeeded(fer(*command, "--data-dir", tmp_path / "none")).stdout
    assert printed.splitlines()[-1] == f"Wrote {target}."
    assert [path.name for path in target.parent.iterdir()] == ["fer.tflite"]
    before = target.read_bytes()
    result = fer(*command)
    assert refusal(result) == f"Error: {target} exists; choose another --out or remove it."
    assert target.read_bytes() == before


@pytest.fixture
def quick_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few faces and no fresh processes: `tests/benchmark` times those."""
    monkeypatch.setattr(latency, "BATCHES", (1, 2))
    monkeypatch.setattr(latency, "cold_start", lambda folder, way: {})


@pytest.mark.usefixtures("quick_clock")
def test_a_quick_benchmark_prints_json_and_a_table_and_stores_nothing(models: Path) -> None:
    before = contents(models)
    result = succeeded(fer("benchmark", "--quick", "--models-dir", models))
    ways = json.loads(result.stdout)["ways"]
    assert list(ways) == list(latency.WAYS)
    assert all(list(by_count) == ["1"] for by_count in ways.values())
    assert all(way in result.stderr for way in latency.WAYS)
    assert result.stderr.startswith("This takes less than a minute.")
    assert "The rounds will take about" in result.stderr
    assert "retracing" not in result.stderr
    target = ("--out", models / model_store.BENCHMARK)
    assert "--quick is for a look" in refusal(fer("benchmark", "--quick", *target))
    assert contents(models) == before


@pytest.mark.usefixtures("quick_clock")
def test_benchmark_in_the_models_folder_is_in_the_manifest(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(models.parent)
    target = models / model_store.BENCHMARK
    command = ("benchmark", "--rounds", 1, "--models-dir", models.name, "--out", target)
    printed = succeeded(fer(*command)).stdout
    record = files.read_json(target)
    assert record["rounds"] == 1
    for way, by_count in record["ways"].items():
        assert way in printed
        assert f"{by_count['2']['faces_per_second']:.0f}" in printed
    # The folder is the same by either name.
    assert model_store.verify(models) == ([], [])
    assert model_store.BENCHMARK in model_store.published(models)


def test_analyse_makes_every_study(
    models: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "CORRUPTIONS", {"blur": robustness.CORRUPTIONS["blur"]})
    printed = succeeded(fer("analyse", *places(models, data_dir))).stdout
    assert printed.splitlines() == [
        *(f"{study}: done" for study in analysis.STUDIES),
        f"Wrote {models / model_store.ANALYSIS}.",
    ]
    made = {s: files.read_json(analysis.path_of(s, models)) for s in analysis.STUDIES}
    for record in made.values():
        assert record["data_sha256"] == dataset.open_dataset(data_dir).digest
        assert set(record["weights_sha256"]) == set(KEYS)
    # The committed faces are real ones, so YuNet has landmarks for most of them.
    assert made["regions"]["landmarks_detected"] > 0.5
    assert made["robustness"]["backend"] == "fast"
    assert model_store.verify(models) == ([], [])


def test_analyse_makes_only_what_is_asked_for(models: Path, data_dir: Path) -> None:
    command = ("analyse", "--only", "leakage", "--only", "gates", *places(models, data_dir))
    succeeded(fer(*command))
    made = {path.stem for path in (models / model_store.ANALYSIS).iterdir()}
    assert made == {"leakage", "gates"}


def test_analyse_of_noise_says_that_there_is_no_face(
    models: Path, small_data: dataset.Dataset
) -> None:
    command = ("analyse", "--only", "regions", *places(models, small_data.folder))
    assert "No face was detected" in refusal(fer(*command))
    assert not (models / model_store.ANALYSIS).exists()


@pytest.mark.parametrize(
    "command",
    [
        *("evaluate", "evaluate --check", "export", "analyse", "ablate", "train baseline"),
        *("data aggregate", "data info"),
    ],
)
def test_without_data_a_command_says_how_to_get_it(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sentence = refusal(fer(*command.split(), "--data-dir", tmp_path / "none"))
    assert "fer data import" in sentence
    assert str(tmp_path / "none") in sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["evaluate", "export", "benchmark", "analyse", "models"])
def test_without_a_model_a_command_says_where_they_come_from(
    command: str, data_dir: Path, tmp_path: Path
) -> None:
    data = ("--data-dir", data_dir) if command not in ("benchmark", "models") else ()
    sentence = refusal(fer(command, "--models-dir", tmp_path / "none", *data))
    assert f"There is no trained model in {tmp_path / 'none'}" in sentence
    assert "--models-dir" in sentence
    assert not (tmp_path / "none").exists()


def test_publishing_where_there_is_no_run_says_how_to_make_one(tmp_path: Path) -> None:
    sentence = refusal(fer("publish", tmp_path / "run", "--models-dir", tmp_path / "models"))
    said = f"Error: There is no run in {tmp_path / 'run'}; run: fer train baseline|proposed"
    assert sentence == said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("train nobody", "'nobody' is not one of 'baseline', 'proposed'"),
        ("evaluate --model nobody", "'nobody' is not one of 'baseline', 'proposed'"),
        ("analyse --only gaits", "'gaits' is not one of 'regions', 'sanity', 'gates'"),
        ("export --format h5", "'h5' is not one of 'fast', 'savedmodel'"),
        ("publish", "Missing argument 'RUN_DIR'"),
        ("benchmark --rounds many", "'many' is not a valid integer"),
        ("benchmark --rounds 0", "0 is not in the range x>=1"),
        ("train baseline --seed -1", "-1 is not in the range 0<=x<=4294967295"),
        ("train baseline --seed 4294967296", "is not in the range 0<=x<=4294967295"),
        ("ablate --seed -1", "-1 is not in the range 0<=x<=4294967295"),
        ("data sample --seed -1", "-1 is not in the range 0<=x<=4294967295"),
    ],
)
def test_a_mistake_in_the_command_line_is_told_with_the_choices(command: str, says: str) -> None:
    result = fer(*command.split())
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("export --format onnx --measure", "--measure belongs to the format fast"),
        ("export --out mine", "--out belongs to the other formats"),
        ("evaluate --int8", "--int8 belongs to --protocol;"),
        ("evaluate --training 9 --bfloat16", "--training measures every model in"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    command: str, says: str, small_models: Path, data_dir: Path
) -> None:
    before = contents(small_models)
    assert says in refusal(fer(*command.split(), *places(small_models, data_dir)))
    assert contents(small_models) == before


def test_data_aggregate_writes_the_figures_of_ones_own_set_beside_it(
    data_dir: Path, evaluated: tuple[Path, str], tmp_path: Path
) -> None:
    out = Path(shutil.copytree(data_dir, tmp_path / "own"))
    printed = succeeded(fer("data", "aggregate", *places(evaluated[0], out))).stdout
    names = (aggregates.SUMMARY, aggregates.FACES, aggregates.DUPLICATES)
    assert printed == f"Wrote {', '.join(names)} to {out}.\n"
    assert set(names) < {path.name for path in out.iterdir()}
    data = dataset.open_dataset(out)
    summary = aggregates.read_summary(out)
    assert summary["data_sha256"] == data.digest
    assert summary["counts"]["Training"]["fear"] == 4
    assert summary["framing"]["images"] == 28
    assert 0 < summary["framing"]["share_with_one_face"] <= 1
    mean, deviation = aggregates.read_class_faces(out)
    assert mean.shape == deviation.shape == (7, 48, 48)


def test_data_aggregate_without_the_detector_names_the_file(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The repository's would do.
    monkeypatch.setattr(locations, "ROOT", tmp_path)
    command = ("data", "aggregate", "--out", tmp_path / "out", *places(tmp_path, data_dir))
    assert model_store.DETECTOR in refusal(fer(*command))
    assert not (tmp_path / "out").exists()
