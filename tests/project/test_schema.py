"""Records are checked against their TypedDict where they are read, key by key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NotRequired, TypedDict

import pytest

from fer import FerError, schema
from fer.artifacts import model_store, runs
from fer.data import aggregates
from fer.scenarios import Scenario
from fer.ui.shared import loaders
from tests.support.making import ROOT


class Part(TypedDict):
    share: float


class Whole(TypedDict):
    images: int
    models: dict[str, Part]
    gain: NotRequired[Part]


FITTING = {"images": 3, "models": {"baseline": {"share": 1}}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"images": "three"}, "Expected `int`, got `str` - at `$.images`"),
        ({"models": {"a": {}}}, "Object missing required field `share` - at `$.models[...]`"),
        ({"gain": {}}, "Object missing required field `share` - at `$.gain`"),
    ],
)
def test_the_error_names_file_place_and_command(
    changes: dict[str, object], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "whole.json"
    path.write_text(json.dumps({**FITTING, "of a later version": []}))
    assert schema.read(path, Whole, "fer evaluate") == FITTING
    path.write_text(json.dumps({**FITTING, **changes}))
    with pytest.raises(FerError) as raised:
        schema.read(path, Whole, "fer evaluate")
    assert str(raised.value) == (
        f"{path} does not fit this version of fer ({reason}); make it anew: fer evaluate"
    )


def test_every_committed_json_file_has_a_schema_and_fits_it() -> None:
    folder = ROOT / "models"
    known = {stored.name for stored in loaders.RECORDS} | {model_store.MANIFEST}
    for stored in loaders.RECORDS:
        assert stored.misfit(folder) is None
        assert stored.published(folder) == stored.read(folder)
    for key, model in model_store.available(folder).items():
        assert model.metrics is not None
        known |= {f"{key}/{model_store.CONFIG}", f"{key}/{model_store.METRICS}"}
    for run in (folder / model_store.ANALYSIS).glob(f"*/*/{runs.RUN}"):
        scenario = Scenario.from_dict(runs.read(run.parent)["scenario"])
        assert len(runs.read_history(run.parent)) == scenario.epochs
        known.add(run.relative_to(folder).as_posix())
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*.json")} <= known
    assert aggregates.read_summary(ROOT / "data")["counts"]
    assert aggregates.read_duplicates(ROOT / "data")["exact"]["pairs"]
