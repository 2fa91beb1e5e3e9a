"""What pages keep follows the files: new ones are shown, all together, and old ones go."""

from __future__ import annotations

import gc
import os
import shutil
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from fer import files
from fer.artifacts import model_store
from fer.lab.studies import analysis
from fer.studies.records import ROBUSTNESS
from fer.ui.results import measured_models, report
from fer.ui.shared import caching, loaders
from fer.ui.training import training_sections
from tests.support.clock import Clock
from tests.support.making import PATIENCE, ROOT, jpeg


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A models folder that a running dashboard shows and `fer` writes into."""
    target = tmp_path / "models"
    shutil.copytree(ROOT / "models", target, copy_function=os.link)
    monkeypatch.setattr(loaders, "MODELS", target)
    yield target
    caching._memory.cache_clear()


def rewrite(path: Path, **changes: object) -> None:
    """A JSON file with other values, in the place of the linked one."""
    files.write_json(path, {**files.read_json(path), **changes})


def everything_shown() -> list[object]:
    """Return what pages make of a model's weights, metrics, predictions and history."""
    measured = measured_models.stored_models("PublicTest")["baseline"]
    return [
        *(loaders.classifier(), loaders.explainer(), loaders.models()["baseline"]),
        *(loaders.comparison(), loaders.predictions("baseline"), measured, measured.raw),
        training_sections.history("baseline"),
    ]


def test_an_evaluation_under_a_running_server_replaces_everything_at_once(
    server: Path, portrait: np.ndarray
) -> None:
    photo = jpeg(portrait)

    def confidence() -> float:
        answers = loaders.classified(photo, "a.jpg", False).answers
        return answers[0].predictions["baseline"].confidence

    before, sure = everything_shown(), confidence()
    shutil.copy(server / "proposed/predictions.parquet", server / "new")
    (server / "new").replace(server / "baseline/predictions.parquet")
    rewrite(server / "baseline/metrics.json", temperature=9.0)
    # Until the manifest says so, the old ones stand together.
    assert all(one is other for one, other in zip(everything_shown(), before, strict=True))
    model_store.write_manifest(server)
    assert np.array_equal(
        loaders.predictions("baseline").probabilities, loaders.predictions("proposed").probabilities
    )
    assert loaders.models()["baseline"].temperature == 9.0
    assert loaders.classifier().models["baseline"].temperature == 9.0
    assert confidence() < sure
    assert all(one is not other for one, other in zip(everything_shown(), before, strict=True))


def test_the_report_follows_studies_and_benchmark(server: Path) -> None:
    before = report._cached("PrivateTest", "en")
    assert report._cached("PrivateTest", "en") is before
    (server / "benchmark.json").unlink()
    rewrite(analysis.path_of("robustness", server), images=7)
    model_store.write_manifest(server)
    assert (loaders.record(ROBUSTNESS) or {})["images"] == 7
    assert len(report._cached("PrivateTest", "en")) < len(before)


def test_what_was_made_while_the_files_changed_goes_with_the_old_files() -> None:
    state = [0]

    @caching.following(lambda: ("changing", state[0]))
    def value() -> int:
        made, state[0] = state[0], 1
        return made

    assert [value() for _ in range(3)] == [0, 1, 1]


def test_an_image_is_shared_not_copied_and_their_bytes_are_bounded(portrait: np.ndarray) -> None:
    photo = jpeg(portrait)
    rgb = loaders.photo_rgb(photo, "a.jpg")
    assert loaders.photo_rgb(bytes(bytearray(photo)), "b.jpg") is rgb
    with pytest.raises(ValueError, match="read-only"):
        rgb[0, 0] = 0
    kept: caching.Recent[bytes] = caching.Recent(100, 600, len)
    for number in range(5):
        kept.get(bytes([number]), lambda: bytes(40))
    assert len(kept.get(b"large", lambda: bytes(101))) == 101
    assert len(kept) == 2
    # What an answer depends on besides the upload makes it anew.
    assert kept.get(b"photo", lambda: b"a", "a.jpg") == b"a"
    assert kept.get(b"photo", lambda: b"b", "b.jpg") == b"b"


def test_what_was_made_of_an_upload_goes_when_nobody_comes_any_more() -> None:
    clock = Clock()
    kept = caching.Recent[bytes](100, 600, len, clock=lambda: clock.now, later=clock.later)
    kept.get(b"first", lambda: b"1")
    clock.pass_to(400)
    kept.get(b"second", lambda: b"2")
    # One timer, for what ends first.
    assert [at for at, _call in clock.due] == [600]
    clock.pass_to(600)
    assert len(kept) == 1
    assert [at for at, _call in clock.due] == [1000]
    # What is over is not given even if no timer rang.
    clock.pass_to(999, is_ringing=False)
    assert kept.get(b"second", lambda: b"new") == b"2"
    clock.pass_to(1000, is_ringing=False)
    assert kept.get(b"second", lambda: bytes(101)) == bytes(101)
    assert len(kept) == 0


@pytest.mark.parametrize("kind", ["file", "upload"])
def test_however_many_ask_it_is_made_once(kind: str) -> None:
    together, make = threading.Barrier(8), Mock()
    kept: caching.Recent[object] = caching.Recent(8, 600)
    of_file = caching.following(lambda: "once")(lambda: make())

    def ask(_: int) -> object:
        together.wait(PATIENCE)
        return of_file() if kind == "file" else kept.get(b"photo", make, "a.jpg")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert make.call_count == 1


def test_what_was_frozen_goes_once_it_is_garbage() -> None:
    class Model:
        def __init__(self) -> None:
            # As Keras' models, which only the garbage collector frees.
            self.itself = self

    model = Model()
    is_kept = weakref.ref(model)
    caching.freeze()
    del model
    gc.collect()
    assert is_kept() is not None
    caching.freeze()
    assert is_kept() is None
