"""One file of models/ broken or missing: a sentence, and all that does not need it goes on."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fer import FerError, files
from fer.artifacts import model_store, runs
from fer.inference import classification
from fer.ui.app import preloading
from fer.ui.shared import caching, loaders
from tests.support.command import fer, refusal
from tests.support.making import ROOT, in_keras, jpeg
from tests.support.pages import PAGES, open_home

MODELS = ROOT / "models"
# Every file that the server checks.
READ = [
    name
    for name in files.read_json(MODELS / model_store.MANIFEST)
    if not name.endswith(model_store.CARD)
]
RUNS = f"{model_store.ANALYSIS}/ablation/"
# One of the ablation's runs stands for all: the server only checks them.
BROKEN = [
    name for name in READ if not name.startswith(RUNS) or name.startswith(f"{RUNS}full-2013/")
]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of models/ that the dashboard uses; its files are linked, not to be written into."""
    shutil.copytree(MODELS, tmp_path / "models", copy_function=os.link)
    monkeypatch.setattr(loaders, "MODELS", tmp_path / "models")
    # What loads in the background would outlive the test.
    monkeypatch.setattr(preloading, "preload", lambda: None)
    forget()
    yield tmp_path / "models"
    forget()


def forget() -> None:
    """Clears what is kept of models/: a test spoils files behind the manifest's back."""
    caching._memory.cache_clear()


def spoil(path: Path) -> None:
    """Another file of the same size takes its place: one bit in its middle is turned."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def open_everything() -> list[str]:
    """What every page says in errors and warnings, opened once."""
    app = open_home()
    assert not app.exception, "Home"
    said = [str(element.value) for element in [*app.error, *app.warning]]
    for page in PAGES:
        app.switch_page(f"pages/{page}").run()
        assert not app.exception, page
        said += [str(element.value) for element in [*app.error, *app.warning]]
    return said


# Without which a model does not answer.
NEEDED = [
    name
    for name in BROKEN
    if name.endswith((model_store.CONFIG, model_store.WEIGHTS, model_store.METRICS))
]
REST = [name for name in BROKEN if name not in NEEDED]


@pytest.mark.parametrize(
    ("names", "act"),
    [
        ([f"baseline/{model_store.WEIGHTS}"], spoil),
        ([f"proposed/{model_store.METRICS}"], Path.unlink),
        (REST[::2], spoil),
        (REST[1::2], Path.unlink),
    ],
    ids=["weights", "metrics", "half of the others", "the other half"],
)
def test_broken_files_are_told_and_every_page_opens(names: list[str], act, copy: Path) -> None:
    for name in names:
        act(copy / name)
    said = open_everything()
    for name in names:
        assert any(str(copy / name) in sentence for sentence in said), name
    silent = {name.partition("/")[0] for name in names if name in NEEDED}
    assert set(loaders.models()) == {"baseline", "proposed"} - silent
    assert len(loaders.problems()) == len(names)


def test_a_broken_manifest_is_told(copy: Path) -> None:
    (copy / model_store.MANIFEST).unlink()
    (copy / model_store.MANIFEST).write_text('{"a": 1}')
    said = open_everything()
    assert any(model_store.MANIFEST in sentence for sentence in said)
    assert loaders.models() == {}


def test_records_of_another_version_are_told_and_every_page_opens(copy: Path) -> None:
    (copy / model_store.MANIFEST).unlink()
    metrics = copy / "baseline" / model_store.METRICS
    for path in (metrics, *(copy / stored.name for stored in loaders.RECORDS)):
        path.unlink(missing_ok=True)
        path.write_text("{}")
    said = open_everything()
    for stored in loaders.RECORDS:
        sentence = f"{copy / stored.name} does not fit this version of fer"
        assert any(sentence in told and stored.command in told for told in said), stored.name
    assert any(f"{metrics} does not fit" in told and "fer evaluate" in told for told in said)
    assert list(loaders.models()) == ["proposed"]


@pytest.mark.parametrize("name", NEEDED)
def test_neither_page_nor_command_answers_with_a_broken_model(name: str, copy: Path) -> None:
    path = copy / name
    spoil(path)
    (problem,) = loaders.problems()
    assert str(path) in str(problem)
    assert {*loaders.classifier().models, path.parent.name} == {"baseline", "proposed"}
    with pytest.raises(FerError, match=re.escape(str(path))):
        classification.load(copy)
    photo = ROOT / "data" / "samples" / "astronaut.jpg"
    assert str(path) in refusal(fer("predict", "--whole", photo, "--models-dir", copy))
    if path.name == model_store.METRICS:
        # Which are made anew without them.
        classification.require_models(copy, None, with_metrics=False)


def test_a_broken_trunk_is_told_by_what_computes_with_it(copy: Path) -> None:
    spoil(copy / model_store.TRUNK)
    with pytest.raises(FerError, match=model_store.TRUNK):
        in_keras(copy)
    assert len(classification.load(copy).models) == 2


def test_broken_networks_are_told_where_an_answer_is_asked_for(
    copy: Path, portrait: np.ndarray
) -> None:
    names = [name for name in READ if name.startswith(f"{model_store.FAST}/")]
    for name in names:
        whole = (copy / name).read_bytes()
        spoil(copy / name)
        with pytest.raises(FerError, match=Path(name).name):
            loaders.classifier()
        (copy / name).write_bytes(whole)
        forget()
    for name in (names[0], model_store.DETECTOR):
        spoil(copy / name)
        forget()
        app = open_home()
        app.file_uploader(key="photo").upload("face.jpg", jpeg(portrait)).run()
        assert not app.exception
        assert any(Path(name).name in str(error.value) for error in app.error)
        assert len(app.metric) >= 4, "the stored results stay"


def test_whole_files_are_hashed_once_in_a_process_and_not_complained_of(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    real = model_store.sha256
    monkeypatch.setattr(model_store, "sha256", lambda path: hashed.append(path) or real(path))
    monkeypatch.setattr(model_store, "_digest_by_state", {})
    for _ in range(2):
        assert not any(str(copy) in sentence for sentence in open_everything())
        forget()
    assert sorted(path.relative_to(copy).as_posix() for path in hashed) == sorted(READ)
    assert (loaders.problems(), list(loaders.models())) == ([], ["baseline", "proposed"])


def test_what_is_published_holds_no_pickle() -> None:
    suffixes = {path.suffix for path in [*MODELS.rglob("*"), *(ROOT / "data").glob("*")]}
    assert not suffixes & {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".npy", ".h5"}
    assert runs.BEST.endswith(".safetensors"), "numbers alone, which are read without code"
