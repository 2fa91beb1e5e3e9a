"""The benchmark times every way in turn."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fer import files
from fer.artifacts import model_store
from fer.data import aggregates, dataset
from fer.lab import latency
from fer.lab.export import int8
from tests.support.making import ROOT


def test_run_on_small_models(
    small_models: Path,
    small_data: dataset.Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Path(shutil.copytree(small_models, tmp_path / "models"))
    int8.export_fast(small_data, folder, ROOT / aggregates.FOLDER, images=7)
    monkeypatch.setattr(latency, "BATCHES", (1, 2))
    starts = {"seconds": 1.0, "resident_mb": 200}
    monkeypatch.setattr(latency, "cold_start", lambda folder, way: {**starts, "way": way})
    calls: list[tuple[int, int]] = []
    estimates: list[float] = []
    record = latency.run(
        folder,
        rounds=2,
        progress=lambda *at, **details: calls.append(at),
        on_estimate=estimates.append,
    )
    assert estimates[0] > 0
    assert list(record["ways"]) == list(latency.WAYS)
    # Faces: two rounds of one and of two.
    assert calls[-1] == (6, 6)
    for by_count in record["ways"].values():
        assert list(by_count) == ["1", "2"]
        for row in by_count.values():
            assert 0 < row["p50_ms"] <= row["p95_ms"]
    assert record["ways"]["two_predict_calls"]["1"]["speedup"] == 1
    assert set(record["models"]) == {"baseline", "proposed"}
    assert record["starts"] == {way: {**starts, "way": way} for way in ("fast", "reference")}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux' /proc")
def test_a_cold_start_is_that_of_a_process_of_its_own() -> None:
    started = latency.cold_start(ROOT / "models", "fast")
    assert started["seconds"] > 0
    assert 50 < started["resident_mb"] < 1000


def test_committed_figures_belong_to_the_committed_models() -> None:
    record = files.read_json(ROOT / "models" / model_store.BENCHMARK)
    digests = {key: model.digest for key, model in model_store.available(ROOT / "models").items()}
    assert record["weights_sha256"] == digests
    assert record["machine"]["processor"]
