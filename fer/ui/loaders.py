"""What pages share, made once: models, detector, classified photos."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from fer import (
    FerError,
    __version__,
    aggregates,
    analysis,
    artifacts,
    dataset,
    fast,
    files,
    inference,
    logs,
    photos,
    preprocessing,
)
from fer.artifacts import Artifact, Predictions
from fer.dataset import Dataset
from fer.faces import LONGEST_SIDE, Detector
from fer.inference import Classifier
from fer.scenarios import SCENARIOS
from fer.ui import permissions

if TYPE_CHECKING:
    from fer.explain import Explainer, Explanation

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / artifacts.FOLDER
DATA = ROOT / "data"
RUNS = ROOT / "runs"


def data() -> Dataset | None:
    """The imported data set, None if there is none; opened again when another is imported.

    Raises:
        FerError: if its files are damaged.
    """
    folder = ROOT / dataset.FOLDER
    if not dataset.is_imported(folder):
        return None
    return _data(folder, (folder / dataset.MANIFEST).stat().st_mtime_ns)


@st.cache_resource(show_spinner=False, max_entries=2)
def _data(folder: Path, changed: int) -> Dataset:
    return dataset.open_dataset(folder)


@st.cache_resource(show_spinner=False)
def settle() -> None:
    """Freezes what start-up imported, once for the whole server.

    Streamlit collects garbage after every rerun; frozen objects are not walked through each time.
    """
    gc.collect()
    gc.freeze()


@st.cache_resource(show_spinner=False)
def preload() -> None:
    """Begins to load the models, once for the whole server; called when the first page is drawn.

    They are ready by the time a visitor has chosen a photo. Where the reference backend would
    answer, TensorFlow waits until it is asked for.

    Raises:
        FerError: if an environment variable asks for something that there is not.
    """
    logs.begin()
    permissions.check()
    logs.tell("start", version=__version__, models={k: m.digest for k, m in models().items()})
    if inference.wished() != "reference" and _is_fast_whole():
        threading.Thread(target=classifier, name="load-models", daemon=True).start()


@st.cache_data(show_spinner=False)
def summary() -> dict[str, Any]:
    """The committed figures about FER-2013."""
    return aggregates.read_summary(DATA)


def models() -> dict[str, Artifact]:
    """The trained models by scenario key whose files are whole; read-only, shared by all
    visitors."""
    return _intact()[0]


def problems() -> list[FerError]:
    """What is missing or damaged in the models' folder, a sentence a file."""
    return _intact()[1]


@st.cache_resource(show_spinner=False)
def _intact() -> tuple[dict[str, Artifact], list[FerError]]:
    return artifacts.intact(MODELS)


@st.cache_data(show_spinner=False)
def comparison() -> dict[str, Any] | None:
    """What `fer evaluate` found comparing the models, None if there is nothing to compare."""
    return _record(artifacts.COMPARISON) if len(models()) == len(SCENARIOS) else None


def _record(name: str) -> dict[str, Any] | None:
    """A JSON file of the models' folder, None if there is none or it is not as published."""
    if not (MODELS / name).exists():
        return None
    try:
        return dict(files.read_json(artifacts.checked(MODELS, name)))
    except FerError:
        # `problems` has the sentence.
        return None


@st.cache_resource(show_spinner=False)
def predictions(key: str) -> Predictions:
    """A model's stored probabilities for both test splits; read-only.

    Raises:
        FerError: if it is not evaluated yet or the file is missing or damaged.
    """
    artifacts.checked(MODELS, f"{key}/{artifacts.PREDICTIONS}")
    return models()[key].predictions()


@st.cache_resource(show_spinner=False)
def prediction_rows(key: str) -> dict[str, int]:
    """Where each source name stands in a model's stored predictions."""
    return {str(name): row for row, name in enumerate(predictions(key).sources)}


def rows_by_source() -> dict[str, int]:
    """The imported data set's row of each source name; empty if none is imported."""
    found = data()
    return {} if found is None else _rows_by_source(found.digest)


@st.cache_resource(show_spinner=False, max_entries=2)
def _rows_by_source(digest: str) -> dict[str, int]:
    found = data()
    return {} if found is None else {str(name): row for row, name in enumerate(found.sources)}


@st.cache_resource(show_spinner=False)
def classifier() -> Classifier:
    """All networks, loaded once for all visitors; without TensorFlow unless nothing else works."""
    started = time.perf_counter()
    loaded = inference.load(
        MODELS, list(models()), before_fast=_check_fast, before_reference=_before_reference
    )
    logs.tell(
        "models loaded",
        backend=loaded.backend,
        reason=None if loaded.notice is None else loaded.notice.template,
        load_ms=round(1000 * (time.perf_counter() - started)),
    )
    # With TensorFlow's objects unfrozen, the collection after each rerun takes half a second and
    # holds up every other thread.
    gc.collect()
    gc.freeze()
    return loaded


def _check_fast() -> None:
    # The record has the digests of the networks themselves.
    for name in (fast.RECORD, fast.PROBE):
        artifacts.checked(MODELS, f"{artifacts.FAST}/{name}")


def _is_fast_whole() -> bool:
    try:
        _check_fast()
    except FerError:
        return False
    return bool(models()) and fast.is_current(models().values(), MODELS)


def _before_reference() -> None:
    artifacts.checked(MODELS, artifacts.TRUNK)
    # aiortc must be imported before TensorFlow: TensorFlow exports BoringSSL's symbols, aiortc's
    # pylibsrtp would bind to them and crash the server when a webcam starts.
    import streamlit_webrtc  # noqa: F401


@st.cache_data(show_spinner=False)
def benchmark() -> dict[str, Any] | None:
    """What `fer benchmark` measured, None if it has not been run."""
    return _record(artifacts.BENCHMARK)


@st.cache_data(show_spinner=False)
def fast_export() -> dict[str, Any] | None:
    """What `fer export` recorded of the fast backend, None if there is none."""
    return _record(f"{artifacts.FAST}/{fast.RECORD}")


@st.cache_resource(show_spinner=False)
def detector(longest: int = LONGEST_SIDE) -> Detector:
    """The face detector for images of that size, shared by all visitors.

    Raises:
        FerError: if its file is missing or damaged.
    """
    return Detector(artifacts.checked(MODELS, artifacts.DETECTOR), longest)


# The largest image takes 150 MB.
@st.cache_data(max_entries=6, ttl=600, show_spinner=False)
def image(content: bytes, name: str) -> preprocessing.Rgb:
    """An uploaded image, upright RGB; kept for ten minutes, never written to disk."""
    return preprocessing.read_image(content, name)


# As many as a batch has, and some more.
@st.cache_data(max_entries=64, ttl=600, show_spinner=False)
def classified(content: bytes, name: str, whole: bool) -> photos.Photo:
    """Both models' answers for an uploaded photo; kept for ten minutes, never written to disk."""
    try:
        found = photos.classify(image(content, name), name, detector(), classifier(), whole=whole)
    except FerError as error:
        logs.refused("photo refused", error)
        raise
    logs.tell(
        "photo classified",
        faces=len(found.answers),
        detection_ms=round(1000 * found.detection_seconds, 1),
        prediction_ms=round(1000 * found.prediction_seconds, 1),
    )
    return found


def study(name: str) -> dict[str, Any] | None:
    """A study's record as `fer analyse` or `fer ablate` wrote it, None if there is none or it is
    not as published; read again when it changes."""
    path = analysis.path_of(name, MODELS)
    return _study(path, path.stat().st_mtime_ns) if path.exists() else None


@st.cache_data(show_spinner=False, max_entries=16)
def _study(path: Path, changed: int) -> dict[str, Any] | None:
    return _record(path.relative_to(MODELS).as_posix())


@st.cache_resource(show_spinner=False)
def explainer() -> Explainer:
    """Grad-CAM of all networks on the backend that answers, loaded when first asked for."""
    from fer import explain

    return explain.load(MODELS, list(models().values()), classifier().backend)


@st.cache_data(max_entries=64, ttl=600, show_spinner=False)
def explained(face: preprocessing.Gray, target: int | None) -> tuple[dict[str, Explanation], float]:
    """Both models' Grad-CAM for a gray face and the seconds it took; kept for ten minutes, never
    written to disk."""
    ready = explainer()
    started = time.perf_counter()
    return ready.explain(face, target), time.perf_counter() - started
