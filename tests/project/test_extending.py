"""What CONTRIBUTING.md promises: a third scenario and another data set, each in a few lines."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer import files
from fer.artifacts import locations, model_store
from fer.data import aggregates, dataset, importing
from fer.lab.evaluation import evaluate
from fer.lab.export import int8, publishing
from fer.lab.training import loop
from fer.scenarios import BASELINE, PROPOSED, SCENARIOS, Phase, Scenario
from fer.ui.shared import loaders
from tests.support.command import fer, succeeded
from tests.support.making import ROOT, csv_table, in_keras

VIEWS = ("metrics", "parameters", "classes", "confusion", "curves", "calibration", "speed")


def learn(scenario: Scenario, data: dataset.Dataset, backbone: Path, folder: Path) -> None:
    """From images to a published and evaluated model, as `fer` does it."""
    run = folder.parent / "run"
    loop.train(scenario, data, run, backbone_weights=backbone)
    publishing.publish(run, folder, backbone)
    classifier = in_keras(folder)
    evaluate.save(evaluate.evaluate(classifier, data), classifier.models)
    int8.export_exact(folder, ROOT / aggregates.FOLDER)
    publishing.finish(folder)


def shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What Home and every view of the results' page say of the models in the folder."""
    monkeypatch.setattr(loaders, "MODELS", folder)
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=120)
    app.query_params["lang"] = "EN"
    app.run()
    assert not app.exception
    found = {"home": "\n".join(e.value for e in [*app.subheader, *app.markdown])}
    app.switch_page("pages/3_Classification_Results.py").run()
    found["sources"] = "\n".join(e.value for e in app.caption)
    found["headline"] = "\n".join(e.value for e in app.markdown)
    for view in VIEWS:
        app.query_params["view"] = view
        app.run()
        assert not app.exception, view
        assert not app.error, view
        found[view] = " ".join(str(list(frame.value.columns)) for frame in app.table)
    return found


def test_third_scenario_is_a_record_and_nothing_else(
    small_models: Path,
    small_backbone: Path,
    small_data: dataset.Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = replace(
        PROPOSED,
        key="plain",
        colour="#34D399",
        pattern="x",
        se_ratio=None,
        augmentation=None,
        class_weights="none",
        input_size=32,
        compute_dtype="float32",
        phases=(Phase(image_size=32, epochs=1, learning_rate=1e-3, batch_size=28),),
    )
    monkeypatch.setitem(SCENARIOS, plain.key, plain)
    folder = Path(shutil.copytree(small_models, tmp_path / "models"))
    learn(plain, small_data, small_backbone, folder)
    assert list(model_store.available(folder)) == ["baseline", "proposed", "plain"]
    assert model_store.verify(folder) == ([], [])
    assert (folder / model_store.COMPARISON).exists()
    found = shown(folder, monkeypatch)
    assert "Scenario 3 · plain" in found["home"]
    metrics = model_store.open_artifact("plain", folder).metrics
    assert metrics is not None
    accuracy = metrics["splits"]["PrivateTest"]["accuracy"]
    assert f"plain **{100 * accuracy:.1f}%**" in found["headline"]
    assert "'baseline', 'proposed', 'plain'" in found["metrics"]


def test_another_data_set_is_a_table_with_three_columns(
    small_models: Path, small_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.csv").write_text(csv_table(rows=63))
    report = importing.import_dataset(tmp_path / "mine.csv", tmp_path / "data")
    assert report.images == 63
    data = dataset.open_dataset(tmp_path / "data")
    head = replace(
        BASELINE,
        input_size=32,
        compute_dtype="float32",
        phases=(Phase(image_size=32, epochs=2, learning_rate=1e-3, batch_size=21),),
    )
    folder = tmp_path / "models"
    learn(head, data, small_backbone, folder)
    model = model_store.open_artifact("baseline", folder)
    assert model.metrics is not None
    assert model.metrics["data_sha256"] == model.config["data_sha256"] == data.digest
    assert model.metrics["splits"]["PrivateTest"]["images"] == 21
    # A folder of one's own has no detector; the repository's serves.
    photo = ROOT / "data" / "samples" / "astronaut.jpg"
    answer = succeeded(fer("predict", photo, "--json", "--models-dir", folder)).stdout
    assert list(json.loads(answer)["faces"][0]["models"]) == ["baseline"]
    # The dashboard shows both folders where two variables name them, and says whose they are.
    # No face is found in noise, so `fer data aggregate` would refuse it.
    shutil.copy(loaders.DATA / aggregates.FACES, data.folder)
    for name in (aggregates.SUMMARY, aggregates.DUPLICATES):
        record = {**files.read_json(loaders.DATA / name), "data_sha256": data.digest}
        files.write_json(data.folder / name, record)
    monkeypatch.setenv(locations.VARIABLES[dataset.FOLDER], str(data.folder))
    assert loaders.figures_folder() == data.folder
    found = shown(folder, monkeypatch)
    accuracy = model.metrics["splits"]["PrivateTest"]["accuracy"]
    assert f" {100 * accuracy:.1f}%" in found["headline"]
    assert "→" not in found["headline"]
    assert "mine.csv, which is not FER-2013, data SHA-256" in found["sources"]
    assert "Goodfellow" not in found["sources"]
