"""The benchmark times every way in turn and counts what it compares with rightly."""

from __future__ import annotations

import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from fer import files
from fer.artifacts import model_store
from fer.benchmark import hardware_ceiling, latency, peers
from fer.data import aggregates, dataset
from fer.export import int8
from fer.networks import complexity
from fer.scenarios import BASELINE, PROPOSED
from tests.support.making import ROOT

COMMITTED = ROOT / "models" / model_store.BENCHMARK


def test_convolutions_are_vgg16s() -> None:
    shapes = complexity.convolution_shapes(224)
    assert len(shapes) == 13
    assert shapes[0] == (224, 3, 64)
    assert shapes[-1] == (14, 512, 512)
    counted = sum(side * side * 9 * a * b for side, a, b in shapes)
    assert counted == complexity.multiply_adds(BASELINE, 224) - sum(
        a * b for a, b in complexity._dense(BASELINE)
    )


def test_trunk_is_61_percent_of_the_convolutions() -> None:
    whole = complexity.multiply_adds(PROPOSED, 224)
    assert complexity.trunk_multiply_adds(224) / whole == pytest.approx(0.61, abs=0.005)


def test_run_on_small_models(
    small_models: Path,
    small_data: dataset.Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "models"
    shutil.copytree(small_models, folder)
    int8.export_fast(small_data, folder, ROOT / aggregates.FOLDER, images=7)
    monkeypatch.setattr(latency, "BATCHES", (1, 2))
    # Products of the usual size take minutes on a busy machine.
    monkeypatch.setattr(hardware_ceiling, "SIDE", 256)
    calls: list[tuple[int, int]] = []
    record = latency.run(folder, rounds=2, progress=lambda *at, **details: calls.append(at))
    assert list(record["ways"]) == list(latency.WAYS)
    assert calls[-1] == (4, 4)
    for by_count in record["ways"].values():
        assert list(by_count) == ["1", "2"]
        for row in by_count.values():
            assert 0 < row["p50_ms"] <= row["p95_ms"]
            assert row["share_of_ceiling"] > 0
    assert record["ways"]["two_predict_calls"]["1"]["speedup"] == 1
    assert set(record["models"]) == {"baseline", "proposed"}
    started = record["starts"]["fast"]
    assert started["resident_mb"] < record["starts"]["reference"]["resident_mb"]


def test_committed_figures_belong_to_the_committed_models() -> None:
    record = files.read_json(COMMITTED)
    digests = {key: model.digest for key, model in model_store.available(ROOT / "models").items()}
    assert record["weights_sha256"] == digests
    assert record["machine"]["processor"]


def test_peers_are_timed_where_they_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    class Recognizer:
        def __init__(self, model_name: str) -> None:
            assert model_name

        def predict_emotions(self, face: np.ndarray, logits: bool) -> None:
            seen.append(face.shape)

    stand_in = types.ModuleType("hsemotion_onnx.facial_emotions")
    stand_in.HSEmotionRecognizer = Recognizer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hsemotion_onnx", types.ModuleType("hsemotion_onnx"))
    monkeypatch.setitem(sys.modules, "hsemotion_onnx.facial_emotions", stand_in)
    monkeypatch.setitem(sys.modules, "deepface", None)
    found = peers.compare(rounds=3)
    assert found["deepface"] == {"skipped": "not installed"}
    assert found["hsemotion-onnx"]["p50_ms"] >= 0
    assert seen == [(224, 224, 3)] * 4


def test_a_peer_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = types.ModuleType("deepface")
    monkeypatch.setitem(sys.modules, "deepface", broken)
    assert "AttributeError" in peers.compare(rounds=1)["deepface"]["skipped"]
