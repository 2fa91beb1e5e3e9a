"""Records are checked against their TypedDict where they are read, key by key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

import pytest

from fer import FerError, schema
from fer.artifacts import model_store, runs
from fer.artifacts.records import Config, Metrics
from fer.data import aggregates
from fer.scenarios import Scenario
from fer.ui import loaders
from tests.support.making import ROOT


class Part(TypedDict):
    share: float
    interval: list[float]


class Base(TypedDict, total=False):
    note: str


class Whole(Base):
    images: int
    split: Literal["PublicTest", "PrivateTest"]
    models: dict[str, Part]
    spread: float | None
    scenario: dict[str, object]
    gain: NotRequired[Part]


FITTING = {
    "images": 3,
    "split": "PublicTest",
    "models": {"baseline": {"share": 1, "interval": [0, 0.5]}},
    "spread": None,
    "scenario": {"layers": [0, 10], "se_ratio": None},
    "of a later version": [],
}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({}, None),
        ({"spread": 0.5, "note": "", "gain": {"share": -1.0, "interval": []}}, None),
        ({"images": 3.5}, "$.images"),
        ({"images": True}, "$.images"),
        ({"split": "Training"}, "$.split"),
        ({"split": ["PublicTest"]}, "$.split"),
        ({"models": []}, "$.models"),
        ({"models": {"baseline": {"share": 1}}}, "$.models.baseline.interval"),
        ({"models": {"proposed": {"share": "1", "interval": []}}}, "$.models.proposed.share"),
        ({"models": {"a": {"share": 1, "interval": [0, "x"]}}}, "$.models.a.interval[1]"),
        ({"models": {"a": {"share": 1, "interval": {"low": 0}}}}, "$.models.a.interval"),
        ({"spread": "0.5"}, "$.spread"),
        ({"scenario": 5}, "$.scenario"),
        ({"gain": {}}, "$.gain.share"),
        ({"note": None}, "$.note"),
    ],
)
def test_the_first_place_that_does_not_fit_is_named(changes: dict, place: str | None) -> None:
    assert schema.misfit({**FITTING, **changes}, Whole) == place


@pytest.mark.parametrize("key", ["images", "split", "models", "spread", "scenario"])
def test_what_is_required_must_be_there(key: str) -> None:
    record = {name: value for name, value in FITTING.items() if name != key}
    assert schema.misfit(record, Whole) == f"$.{key}"


def test_a_record_is_an_object() -> None:
    assert schema.misfit([FITTING], Whole) == "$"
    assert schema.misfit([FITTING, {}], list[Whole]) == "$[1].images"


def test_what_json_cannot_hold_is_no_schema() -> None:
    with pytest.raises(TypeError, match="no type of a JSON value"):
        schema.misfit([1, 2], tuple[int, int])


def test_the_error_names_file_place_and_command(tmp_path: Path) -> None:
    path = tmp_path / "whole.json"
    path.write_text(json.dumps(FITTING))
    assert schema.read(path, Whole, "fer evaluate") == FITTING
    path.write_text(json.dumps({**FITTING, "images": "three"}))
    with pytest.raises(FerError) as raised:
        schema.read(path, Whole, "fer evaluate")
    assert str(raised.value) == (
        f"{path} does not fit this version of fer (at $.images); make it anew: fer evaluate"
    )


@pytest.mark.parametrize("stored", loaders.RECORDS, ids=lambda stored: stored.name)
def test_committed_record_fits(stored) -> None:
    assert stored.misfit(ROOT / "models") is None
    assert stored.published(ROOT / "models") == stored.read(ROOT / "models")


def test_every_committed_json_file_has_a_schema() -> None:
    folder = ROOT / "models"
    known = {stored.name for stored in loaders.RECORDS} | {model_store.MANIFEST}
    for key, model in model_store.available(folder).items():
        assert schema.misfit(model.config, Config) is None
        assert schema.misfit(model.metrics, Metrics) is None
        known |= {f"{key}/{model_store.CONFIG}", f"{key}/{model_store.METRICS}"}
    for run in (folder / model_store.ANALYSIS).glob(f"*/*/{runs.RUN}"):
        assert (
            len(runs.read_history(run.parent))
            == Scenario.from_dict(runs.read(run.parent)["scenario"]).epochs
        )
        known.add(run.relative_to(folder).as_posix())
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*.json")} <= known
    assert aggregates.read_summary(ROOT / "data")["counts"]
    assert aggregates.read_duplicates(ROOT / "data")["exact"]["pairs"]
