"""The benchmark times every way in turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer import files
from fer.artifacts import model_store
from fer.lab import latency
from tests.support.making import ROOT


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
