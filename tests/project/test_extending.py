"""What CONTRIBUTING.md promises: a third scenario in a few lines."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fer.artifacts import model_store
from fer.data import aggregates, dataset
from fer.lab.evaluation import evaluate
from fer.lab.export import int8, publishing
from fer.lab.training import loop
from fer.scenarios import PROPOSED, SCENARIOS, Phase
from fer.ui.shared import loaders
from tests.support.command import fer, succeeded
from tests.support.making import ROOT, in_keras
from tests.support.pages import assert_no_error, open_home, open_view, texts


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
    loop.train(plain, small_data, tmp_path / "run", backbone_weights=small_backbone)
    publishing.publish(tmp_path / "run", folder, small_backbone)
    classifier = in_keras(folder)
    evaluate.save(evaluate.evaluate(classifier, small_data), classifier.models)
    int8.export_exact(folder, ROOT / aggregates.FOLDER)
    publishing.finish(folder)
    assert list(model_store.available(folder)) == ["baseline", "proposed", "plain"]
    assert model_store.verify(folder) == ([], [])
    # A folder of one's own has no detector; the repository's serves.
    photo = ROOT / "data" / "samples" / "astronaut.jpg"
    answer = succeeded(fer("predict", photo, "--json", "--models-dir", folder)).stdout
    assert list(json.loads(answer)["faces"][0]["models"]) == ["baseline", "proposed", "plain"]
    monkeypatch.setattr(loaders, "MODELS", folder)
    app = open_home()
    assert_no_error(app)
    assert "Scenario 3 · plain" in texts(app)
    app.switch_page("pages/3_Classification_Results.py").run()
    assert re.search(r"plain \*\*\d+\.\d%\*\*", texts(app))
    for view in ("metrics", "classes", "curves"):
        assert_no_error(open_view(app, view))
        columns = [list(table.value.columns) for table in app.table]
        assert view != "metrics" or "'baseline', 'proposed', 'plain'" in str(columns)
