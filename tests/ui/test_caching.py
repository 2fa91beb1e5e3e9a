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

import numpy as np
import pytest

from fer import files
from fer.artifacts import model_store
from fer.lab.studies import analysis
from fer.studies.records import ROBUSTNESS
from fer.ui.faces import image_sources
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
    return [
        *(loaders.classifier(), loaders.explainer(), loaders.models()["baseline"]),
        *(loaders.comparison(), loaders.predictions("baseline")),
        measured_models.stored_models("PublicTest")["baseline"],
        measured_models.stored_models("PublicTest")["baseline"].raw,
        training_sections.history("baseline"),
    ]


def test_an_evaluation_under_a_running_server_replaces_everything_at_once(server: Path) -> None:
    before = everything_shown()
    assert loaders.models()["baseline"].temperature != 1.25
    shutil.copy(server / "proposed/predictions.parquet", server / "new")
    (server / "new").replace(server / "baseline/predictions.parquet")
    rewrite(server / "baseline/metrics.json", temperature=1.25)
    # Until the manifest says so, the old ones stand together.
    assert all(one is other for one, other in zip(everything_shown(), before, strict=True))
    model_store.write_manifest(server)
    assert np.array_equal(
        loaders.predictions("baseline").probabilities, loaders.predictions("proposed").probabilities
    )
    assert loaders.models()["baseline"].temperature == 1.25
    assert loaders.classifier().models["baseline"].temperature == 1.25
    assert all(one is not other for one, other in zip(everything_shown(), before, strict=True))


@pytest.mark.parametrize("name", ["analysis/robustness.json", "benchmark.json", "comparison.json"])
def test_the_report_follows_studies_and_benchmark(name: str, server: Path) -> None:
    before = report._cached("PrivateTest", "en")
    assert report._cached("PrivateTest", "en") is before
    (server / name).unlink()
    model_store.write_manifest(server)
    assert len(report._cached("PrivateTest", "en")) < len(before)


def test_a_new_study_is_read(server: Path) -> None:
    assert (loaders.record(ROBUSTNESS) or {})["images"] != 7
    rewrite(analysis.path_of("robustness", server), images=7)
    model_store.write_manifest(server)
    assert (loaders.record(ROBUSTNESS) or {})["images"] == 7


def test_new_figures_of_the_data_set_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("fer2013"))
    monkeypatch.setattr(loaders, "DATA", tmp_path / "data")
    assert loaders.summary()["data_sha256"] != "f" * 64
    rewrite(tmp_path / "data/summary.json", data_sha256="f" * 64)
    assert loaders.summary()["data_sha256"] == "f" * 64


def test_answers_for_a_photo_are_those_of_the_present_models(
    server: Path, portrait: np.ndarray
) -> None:
    photo = jpeg(portrait)
    before = loaders.classified(photo, "a.jpg", False).answers[0].predictions["baseline"]
    rewrite(server / "baseline/metrics.json", temperature=9.0)
    model_store.write_manifest(server)
    after = loaders.classified(photo, "a.jpg", False).answers[0].predictions["baseline"]
    assert after.confidence < before.confidence


def test_what_was_made_while_the_files_changed_goes_with_the_old_files() -> None:
    state = [0]
    follows = caching.following(lambda: ("changing", state[0]))
    made = []

    @follows
    def value() -> int:
        made.append(state[0])
        if len(made) == 1:
            state[0] = 1
        return made[-1]

    assert [value() for _ in range(3)] == [0, 1, 1]
    assert made == [0, 1]


def test_an_image_is_shared_not_copied_and_their_bytes_are_bounded(portrait: np.ndarray) -> None:
    photo = jpeg(portrait)
    rgb = loaders.photo_rgb(photo, "a.jpg")
    assert loaders.photo_rgb(bytes(bytearray(photo)), "b.jpg") is rgb
    with pytest.raises(ValueError, match="read-only"):
        rgb[0, 0] = 0
    assert image_sources.detected(photo, "a.jpg")

    kept: caching.Recent[bytes] = caching.Recent(100, 600, len)
    for number in range(5):
        kept.get(bytes([number]), lambda: bytes(40))
    assert len(kept) == 2
    assert len(kept.get(b"large", lambda: bytes(101))) == 101
    assert len(kept) == 2


def recent(clock: Clock) -> caching.Recent[bytes]:
    return caching.Recent(100, 600, len, clock=lambda: clock.now, later=clock.later)


def test_what_was_made_of_an_upload_goes_when_nobody_comes_any_more() -> None:
    clock = Clock()
    kept = recent(clock)
    kept.get(b"first", lambda: b"1")
    clock.pass_to(400)
    kept.get(b"second", lambda: b"2")
    # One timer, for what ends first.
    assert [at for at, _call in clock.due] == [600]
    clock.pass_to(600)
    assert len(kept) == 1
    assert [at for at, _call in clock.due] == [1000]
    clock.pass_to(1000)
    assert (len(kept), clock.due) == (0, [])
    kept.get(b"third", lambda: b"3")
    assert [at for at, _call in clock.due] == [1600]


def test_what_is_over_is_not_given_and_goes_even_if_no_timer_rang() -> None:
    clock = Clock()
    kept = recent(clock)
    kept.get(b"one", lambda: b"old")
    kept.get(b"other", lambda: b"old")
    clock.pass_to(599, is_ringing=False)
    assert kept.get(b"one", lambda: b"new") == b"old"
    clock.pass_to(600, is_ringing=False)
    assert kept.get(b"one", lambda: bytes(101)) == bytes(101)
    assert len(kept) == 0


def test_a_timer_of_its_own_forgets_and_keeps_no_server_from_ending() -> None:
    gone = threading.Event()

    class Upload:
        def __del__(self) -> None:
            gone.set()

    kept: caching.Recent[Upload] = caching.Recent(1, 0.05)
    kept.get(b"", Upload)
    assert all(t.daemon for t in threading.enumerate() if t.name == "forget-uploads")
    assert gone.wait(PATIENCE)


@pytest.mark.parametrize("kind", ["file", "upload"])
def test_however_many_ask_it_is_made_once(kind: str) -> None:
    together, made = threading.Barrier(8), []
    kept: caching.Recent[object] = caching.Recent(8, 600)

    def make() -> object:
        made.append(1)
        return object()

    of_file = caching.following(lambda: "once")(make)

    def ask(_: int) -> object:
        together.wait(PATIENCE)
        return of_file() if kind == "file" else kept.get(b"photo", make, "a.jpg")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert made == [1]


def test_what_an_answer_depends_on_besides_the_upload_makes_it_anew() -> None:
    kept: caching.Recent[str] = caching.Recent(8, 600)
    assert kept.get(b"photo", lambda: "a", "a.jpg") == "a"
    assert kept.get(b"photo", lambda: "b", "b.jpg") == "b"
    assert kept.get(b"photo", lambda: "c", "a.jpg") == "a"


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
