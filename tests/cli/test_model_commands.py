"""`fer evaluate`, `export`, `benchmark` and `analyse` on small models and seventy real faces."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fer import files
from fer.artifacts import model_store, runs
from fer.data import aggregates, dataset, importing, sample, votes
from fer.inference import openvino_backend
from fer.lab import latency
from fer.lab.studies import analysis, robustness
from fer.scenarios import BASELINE
from tests.support.command import fer, refusal, succeeded
from tests.support.making import ROOT, contents, csv_table, sample_archive

KEYS = ("baseline", "proposed")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    importing.import_dataset(sample_archive(folder / "archive.zip"), folder / "data")
    return folder / "data"


@pytest.fixture(scope="module")
def made(
    small_models: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """Models that `fer evaluate` has measured on the faces and `fer export` has put the dashboard's
    backend beside, and what both printed."""
    folder = tmp_path_factory.mktemp("made") / "models"
    shutil.copytree(small_models, folder)
    shutil.copy(ROOT / "models" / model_store.DETECTOR, folder)
    for path in (*folder.rglob(model_store.METRICS), folder / model_store.COMPARISON):
        path.unlink()
    commands = ("evaluate", "export")
    printed = [succeeded(fer(name, *places(folder, data_dir))).stdout for name in commands]
    return folder, "".join(printed)


@pytest.fixture
def models(made: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made[0], tmp_path / "models"))


def places(models_dir: Path, data_dir: Path) -> list[object]:
    return ["--models-dir", models_dir, "--data-dir", data_dir]


def test_evaluate_writes_what_it_prints(made: tuple[Path, str], data_dir: Path) -> None:
    folder, printed = made
    for key in KEYS:
        record = files.read_json(folder / key / model_store.METRICS)
        assert record["data_sha256"] == dataset.open_dataset(data_dir).digest
        for split in ("PublicTest", "PrivateTest"):
            assert f"{key} {split}" in printed
            assert record["splits"][split]["images"] == 21
            assert f"{record['splits'][split]['accuracy']:.4f}" in printed
    assert "PrivateTest: proposed - baseline" in printed
    assert (folder / model_store.COMPARISON).exists()
    assert model_store.verify(folder) == ([], [])


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Another data set than the one that the models were measured on."""
    (tmp_path / "mine.csv").write_text(csv_table())
    importing.import_dataset(tmp_path / "mine.csv", tmp_path / "mine")
    return tmp_path / "mine"


def test_figures_of_other_images_are_printed_and_not_stored(models: Path, mine: Path) -> None:
    command = ("evaluate", *places(models, mine))
    before = contents(models)
    result = succeeded(fer(*command))
    assert "baseline PrivateTest" in result.stdout
    measured = f"{models / 'baseline' / model_store.METRICS} was measured on"
    assert all(words in result.stderr for words in (measured, "--overwrite", "--models-dir"))
    one = refusal(fer(*command, "--overwrite", "--model", "baseline"))
    assert "proposed was evaluated on other images" in one
    assert contents(models) == before
    succeeded(fer(*command, "--overwrite"))
    record = files.read_json(models / "baseline" / model_store.METRICS)
    assert record["data_sha256"] == dataset.open_dataset(mine).digest
    card = (models / "baseline" / model_store.CARD).read_text(encoding="utf-8")
    assert "of other images than FER-2013's (mine.csv)" in card


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("export {data} {models}", f"{model_store.FAST}/{openvino_backend.RECORD}"),
        ("evaluate --training 14 {data} {models}", model_store.TRAINING_FIT),
        ("analyse --only leakage {data} {models}", "analysis/leakage.json"),
        ("ablate {data} {models}", "analysis/ablation.json"),
        ("data aggregate --out {folder} {data} {models}", aggregates.SUMMARY),
        ("data sample --out {folder} {data}", sample.TABLE),
        ("data votes votes.csv --out {folder} {data}", votes.VOTES),
        ("publish {run} {models}", f"baseline/{model_store.CONFIG}"),
    ],
)
def test_what_was_made_of_fer2013_is_not_replaced_by_ones_own(
    command: str, name: str, mine: Path, tmp_path: Path
) -> None:
    models, run = tmp_path / "models", tmp_path / "run"
    kept = {"data_sha256": dataset.KAGGLE_DIGEST}
    files.write_json(models / name, kept)
    files.write_json(models / "baseline" / model_store.CONFIG, kept)
    trained = {"scenario": BASELINE.to_dict(), "data": dataset.open_dataset(mine).digest}
    files.write_json(run / runs.RUN, trained)
    places = {"data": f"--data-dir {mine}", "models": f"--models-dir {models}"}
    sentence = refusal(fer(*command.format(**places, folder=models, run=run).split()))
    assert f"{models / name} was made of FER-2013" in sentence
    assert ("--overwrite" in sentence) is not command.startswith("ablate")
    assert files.read_json(models / name) == kept


def test_check_compares_with_the_stored_metrics_and_writes_nothing(
    models: Path, data_dir: Path
) -> None:
    command = ("evaluate", "--check", *places(models, data_dir))
    assert "The stored metrics are reproduced within ±0.002." in succeeded(fer(*command)).stdout
    path = models / "proposed" / model_store.METRICS
    record = files.read_json(path)
    record["splits"]["PrivateTest"]["accuracy"] += 0.1
    files.write_json(path, record)
    (models / "baseline" / model_store.METRICS).unlink()
    before = contents(models)
    result = fer(*command)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    parts = "not reproduced", "baseline has no stored metrics", "proposed PrivateTest accuracy is"
    assert all(part in line for part in parts)
    assert contents(models) == before


@pytest.mark.parametrize(
    ("wish", "other_wish", "name", "missing"),
    [
        ("--protocol mirror", "--protocol ten_crops --int8", model_store.PROTOCOLS, "ten_crops"),
        ("--training 14", "--training 21", model_store.TRAINING_FIT, "on these Training images"),
    ],
)
def test_protocols_and_accuracy_on_training_are_written_and_found_again(
    wish: str, other_wish: str, name: str, missing: str, models: Path, data_dir: Path
) -> None:
    command = ("evaluate", *places(models, data_dir))
    printed = succeeded(fer(*command, *wish.split())).stdout
    record = files.read_json(models / name)
    for key in KEYS:
        figures = record["models"][key]
        assert f"{figures.get('mirror', figures)['accuracy']:.4f}" in printed
    assert model_store.verify(models) == ([], [])
    again = succeeded(fer(*command, *wish.split(), "--check"))
    assert "The stored metrics are reproduced" in again.stdout
    other = fer(*command, *other_wish.split(), "--check")
    assert other.exit_code == 1
    assert missing in other.stderr
    assert "is not stored" in other.stderr
    assert files.read_json(models / name) == record


def test_export_puts_the_dashboards_backend_beside_the_models_and_measures_it_again(
    made: tuple[Path, str], models: Path, data_dir: Path
) -> None:
    before = contents(models / model_store.FAST)
    names = {"int8-32.xml", "int8-32.bin", openvino_backend.RECORD, openvino_backend.PROBE}
    assert set(before) == names
    path = models / model_store.FAST / openvino_backend.RECORD
    record = files.read_json(path)
    # All there are, four of each emotion: fewer than it would take.
    assert record["calibration"]["images"] == 28
    for key in KEYS:
        for row in record["fidelity"][key].values():
            assert f"{row['top1_agreement']:.4f}" in made[1]
    files.write_json(path, {**record, "fidelity": {}})
    succeeded(fer("export", "--measure", *places(models, data_dir)))
    assert contents(models / model_store.FAST) == before


def test_export_for_others_needs_no_data_and_overwrites_nothing(
    small_models: Path, tmp_path: Path
) -> None:
    target = tmp_path / "served" / "fer.tflite"
    command = ("export", "--format", "tflite", "--out", target, "--models-dir", small_models)
    printed = succeeded(fer(*command, "--data-dir", tmp_path / "none")).stdout
    assert printed.splitlines()[-1] == f"Wrote {target}."
    before = contents(target.parent)
    assert list(before) == ["fer.tflite"]
    assert f"{target} exists; choose another --out or remove it." in refusal(fer(*command))
    assert contents(target.parent) == before


def test_a_quick_benchmark_is_only_printed_and_a_whole_one_is_in_the_manifest(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Few faces and no fresh processes: `tests/lab/test_latency.py` times those.
    monkeypatch.setattr(latency, "BATCHES", (1, 2))
    monkeypatch.setattr(latency, "cold_start", lambda folder, way: {})
    monkeypatch.chdir(models.parent)
    target = models / model_store.BENCHMARK
    # The folder is the same by either name.
    command = ("benchmark", "--models-dir", models.name)
    result = succeeded(fer(*command, "--quick"))
    assert list(json.loads(result.stdout)["ways"]) == list(latency.WAYS)
    assert all(way in result.stderr for way in latency.WAYS)
    assert "--quick is for a look" in refusal(fer(*command, "--quick", "--out", target))
    assert not target.exists()
    printed = succeeded(fer(*command, "--rounds", 1, "--out", target)).stdout
    for way, by_count in files.read_json(target)["ways"].items():
        assert way in printed
        assert f"{by_count['2']['faces_per_second']:.0f}" in printed
    assert model_store.verify(models) == ([], [])


def test_analyse_makes_every_study_or_only_what_is_asked_for(
    models: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "CORRUPTIONS", {"blur": robustness.CORRUPTIONS["blur"]})
    command = ("analyse", *places(models, data_dir))
    succeeded(fer(*command, "--only", "leakage", "--only", "gates"))
    made = {path.stem for path in (models / model_store.ANALYSIS).iterdir()}
    assert made == {"leakage", "gates"}
    assert succeeded(fer(*command)).stdout.splitlines() == [
        *(f"{study}: done" for study in analysis.STUDIES),
        f"Wrote {models / model_store.ANALYSIS}.",
    ]
    records = {s: files.read_json(analysis.path_of(s, models)) for s in analysis.STUDIES}
    assert all(set(record["weights_sha256"]) == set(KEYS) for record in records.values())
    # The committed faces are real ones, so YuNet has landmarks for most of them.
    assert records["regions"]["landmarks_detected"] > 0.5
    assert records["robustness"]["backend"] == "fast"
    assert model_store.verify(models) == ([], [])


def test_without_data_or_a_model_a_command_says_how_to_get_it(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missing = tmp_path / "none"
    for command in ("evaluate", "export", "analyse", "ablate", "train baseline", "data info"):
        sentence = refusal(fer(*command.split(), "--data-dir", missing))
        assert "fer data import" in sentence
        assert str(missing) in sentence
    data = ("--data-dir", data_dir)
    for command in (("evaluate", *data), ("export", *data), ("analyse", *data), ("benchmark",)):
        sentence = refusal(fer(*command, "--models-dir", missing))
        assert f"There is no trained model in {missing}" in sentence
        assert "--models-dir" in sentence
    assert list(tmp_path.iterdir()) == []


def test_options_that_do_not_go_together_are_told(small_models: Path, data_dir: Path) -> None:
    for command, says in (
        ("export --format onnx --measure", "--measure belongs to the format fast"),
        ("export --out mine", "--out belongs to the other formats"),
        ("evaluate --int8", "--int8 belongs to --protocol;"),
        ("evaluate --training 9 --bfloat16", "--training measures every model in"),
    ):
        assert says in refusal(fer(*command.split(), *places(small_models, data_dir)))


def test_data_aggregate_writes_the_figures_of_ones_own_set_beside_it(
    data_dir: Path, made: tuple[Path, str], tmp_path: Path
) -> None:
    own = Path(shutil.copytree(data_dir, tmp_path / "own"))
    printed = succeeded(fer("data", "aggregate", *places(made[0], own))).stdout
    names = (aggregates.SUMMARY, aggregates.FACES, aggregates.DUPLICATES)
    assert printed == f"Wrote {', '.join(names)} to {own}.\n"
    assert set(names) < set(contents(own))
    summary = aggregates.read_summary(own)
    assert summary["data_sha256"] == dataset.open_dataset(own).digest
    assert summary["counts"]["Training"]["fear"] == 4
    assert summary["framing"]["images"] == 28
