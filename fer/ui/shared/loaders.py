"""Models, records, detector and classified photos, made once for all pages.

Everything made of `models/` and `data/` follows the state of their files: after `fer publish`,
`evaluate` or `analyse` under a running server the next rerun shows the new ones, all of them.
"""

from __future__ import annotations

import time
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from fer import FerError, logs
from fer.artifacts import intact, locations, model_store
from fer.artifacts.model_store import Artifact, Predictions
from fer.artifacts.stored import Stored
from fer.crowd import study
from fer.crowd.records import CrowdSplit
from fer.data import aggregates, dataset
from fer.data.dataset import Dataset, Split
from fer.data.votes import VOTES, Votes, open_votes
from fer.evaluation.records import (
    COMPARISON,
    PROTOCOL_SCORES,
    TRAINING_FIT,
    Comparison,
    Protocols,
    TrainingFit,
)
from fer.inference import classification, openvino_backend
from fer.inference.classification import Classifier
from fer.inference.records import BENCHMARK, FAST_EXPORT
from fer.media import photos
from fer.scenarios import SCENARIOS
from fer.studies.records import (
    ABLATION,
    FEATURE_MAP,
    GATES,
    LEAKAGE,
    REGION_SHARES,
    ROBUSTNESS,
    SANITY,
)
from fer.ui.shared import caching
from fer.vision import preprocessing
from fer.vision.faces import LONGEST_SIDE, Detector

if TYPE_CHECKING:
    from fer.inference.feature_maps import FeatureMaps
    from fer.inference.gradcam import Explainer, Explanation
    from fer.inference.heads import Head

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]
MODELS = (locations.from_environment(model_store.FOLDER) or ROOT / model_store.FOLDER).absolute()
DATA = ROOT / "data"
RUNS = ROOT / "runs"
# What pages show of the models' folder besides the models themselves.
RECORDS = (
    *(COMPARISON, PROTOCOL_SCORES, TRAINING_FIT, BENCHMARK, FAST_EXPORT),
    *(REGION_SHARES, SANITY, GATES, ROBUSTNESS, LEAKAGE, FEATURE_MAP, ABLATION),
)
# How long what was made of an upload is kept in memory; pages say so.
KEPT_SECONDS = 600


def state() -> Hashable:
    """Return the state of what `fer` published and of the committed figures.

    The manifest is written last and names every file, so its state is that of all of them; without
    one it is that of every file.
    """
    manifest = MODELS / model_store.MANIFEST
    published: Hashable = caching.file_state(manifest)
    if published is None and MODELS.is_dir():
        published = tuple((p.as_posix(), caching.file_state(p)) for p in sorted(MODELS.rglob("*")))
    folder = figures_folder()
    names = (aggregates.SUMMARY, aggregates.FACES, aggregates.DUPLICATES)
    figures = [*(folder / name for name in names), DATA / VOTES]
    return MODELS, published, folder, *map(caching.file_state, figures)


follows = caching.following(state)


def figures_folder() -> Path:
    """Return the folder of the figures that may be shown without the data set's images: beside the
    data set that an environment variable names, else the committed ones of FER-2013."""
    own = locations.from_environment(dataset.FOLDER)
    return DATA if own is None or not (own / aggregates.SUMMARY).is_file() else own.absolute()


def data() -> Dataset | None:
    """Return the imported data set, None if there is none; opened again after another import.

    Raises:
        FerError: if its files are damaged.
    """
    folder = locations.data_folder(ROOT)
    if not dataset.is_imported(folder):
        return None
    return _data(folder, caching.file_state(folder / dataset.MANIFEST))


@st.cache_resource(show_spinner=False, max_entries=2)
def _data(folder: Path, state: Hashable) -> Dataset:
    return dataset.open_dataset(folder)


@follows
def summary() -> aggregates.Summary:
    """Return the figures about FER-2013, or about the data set that the operator named."""
    return aggregates.read_summary(figures_folder())


def models() -> dict[str, Artifact]:
    """Return the trained models whose files are whole, by scenario key; read-only."""
    return _intact()[0]


def evaluated() -> dict[str, Artifact]:
    """Return the trained models whose metrics are stored, by scenario key."""
    return {key: model for key, model in models().items() if model.metrics is not None}


def problems() -> list[FerError]:
    """Return a sentence on each missing, damaged or unreadable file of the models' folder."""
    return _intact()[1] + _misfits()


@follows
def _intact() -> tuple[dict[str, Artifact], list[FerError]]:
    return intact.models(MODELS)


@follows
def comparison() -> Comparison | None:
    """Return what `fer evaluate` found comparing the models, None without two of them."""
    return COMPARISON.published(MODELS) if len(models()) == len(SCENARIOS) else None


@follows
def _misfits() -> list[FerError]:
    """Return a sentence on each record that is as published and yet cannot be read."""
    return [error for stored in RECORDS if (error := stored.misfit(MODELS)) is not None]


@follows
def predictions(key: str) -> Predictions:
    """Return a model's stored probabilities for both test splits; read-only.

    Raises:
        FerError: if it is not evaluated yet or the file is missing or damaged.
    """
    model_store.checked(MODELS, f"{key}/{model_store.PREDICTIONS}")
    return models()[key].predictions()


@follows
def votes() -> Votes:
    """Return the FER+ votes; read-only.

    Raises:
        FerError: if they are missing or damaged.
    """
    return open_votes(DATA)


@follows
def crowd(split: str) -> CrowdSplit | None:
    """Return how evaluated models, labels and single voters agree with the crowd on a test split;
    None if none of its images has votes. Raises as `votes` and `predictions`."""
    evaluated = [key for key, model in models().items() if model.metrics is not None]
    return study.study({key: predictions(key) for key in evaluated}, votes(), Split(split))


@follows
def classifier() -> Classifier:
    """Return all networks, loaded once for all visitors.

    Raises:
        FerError: if they cannot answer here; see `classification.load`.
    """
    started = time.perf_counter()
    # The record has the digests of the networks themselves.
    for name in (openvino_backend.RECORD, openvino_backend.PROBE):
        model_store.checked(MODELS, f"{model_store.FAST}/{name}")
    loaded = classification.load(MODELS, list(models()))
    logs.event("models loaded", load_ms=round(1000 * (time.perf_counter() - started)))
    caching.freeze()
    return loaded


@follows
def protocols() -> Protocols | None:
    """Return what `fer evaluate --protocol` found of these weights and images; None if nothing."""
    record = PROTOCOL_SCORES.published(MODELS)
    if record is None:
        return None
    made_from = {
        key: (model.digest, model.metrics["data_sha256"])
        for key, model in models().items()
        if model.metrics is not None
    }
    fits = {
        key: digest
        for key, digest in record["weights_sha256"].items()
        if made_from.get(key) == (digest, record["data_sha256"])
    }
    if not fits:
        return None
    models_that_fit = {key: record["models"].get(key, {}) for key in fits}
    return {**record, "weights_sha256": fits, "models": models_that_fit}


@follows
def training_fit() -> TrainingFit | None:
    """Return what `fer evaluate --training` found of these weights; None if nothing."""
    fit = TRAINING_FIT.published(MODELS)
    here = {key: model.digest for key, model in models().items()}
    return fit if fit is not None and fit["weights_sha256"].items() <= here.items() else None


@follows
def detector(longest: int = LONGEST_SIDE) -> Detector:
    """Return the face detector for images of that size, shared by all visitors.

    Raises:
        FerError: if its file is missing or damaged.
    """
    return Detector(locations.detector(MODELS), longest)


# The largest image takes 150 MB.
_images: caching.Recent[preprocessing.Rgb] = caching.Recent(
    160 << 20, KEPT_SECONDS, lambda rgb: rgb.nbytes
)


def photo_rgb(content: bytes, name: str) -> preprocessing.Rgb:
    """Return an uploaded image, upright RGB, read-only; kept for ten minutes, never on disk."""

    def read() -> preprocessing.Rgb:
        with logs.refusals("photo refused", content):
            rgb = preprocessing.read_image(content, name)
        rgb.flags.writeable = False
        return rgb

    return _images.get(content, read)


_answered: caching.Recent[photos.Photo] = caching.Recent(64, KEPT_SECONDS)


def classified(content: bytes, name: str, whole: bool) -> photos.Photo:
    """Return both models' answers for an uploaded photo; kept for ten minutes, never on disk."""

    def classify() -> photos.Photo:
        rgb = photo_rgb(content, name)
        return _log_times(photos.classify(rgb, name, detector(), classifier(), whole=whole))

    return _answered.get(content, classify, name, whole, state())


def classified_once(content: bytes, name: str) -> photos.Photo:
    """Return both models' answers for a photo that is shown no more; neither is kept."""
    with logs.refusals("photo refused", content):
        rgb = preprocessing.read_image(content, name)
    return _log_times(photos.classify(rgb, name, detector(), classifier()))


def _log_times(photo: photos.Photo) -> photos.Photo:
    logs.event(
        "photo classified",
        faces=len(photo.answers),
        detection_ms=round(1000 * photo.detection_seconds, 1),
        prediction_ms=round(1000 * photo.prediction_seconds, 1),
    )
    return photo


@follows
def record(stored: Stored[T]) -> T | None:
    """Return a record that a command wrote into the models' folder, None if there is none or it is
    not as published."""
    return stored.published(MODELS)


@follows
def explainer() -> Explainer:
    """Return Grad-CAM of the networks; their heads are read when first asked for."""
    from fer.inference import gradcam

    return gradcam.Explainer(classifier())


@follows
def exact_explainer(model: str) -> Explainer:
    """Gates and Grad-CAM of one model in float32, compiled when first asked for; a model of 128
    pixels takes 170 MB."""
    from fer.inference import exact_backend, gradcam

    return gradcam.Explainer(exact_backend.load(MODELS, [model]))


_exact_maps: caching.Recent[preprocessing.Floats] = caching.Recent(64, KEPT_SECONDS)


def exact_maps(model: str, face: preprocessing.Gray) -> tuple[Head, preprocessing.Floats]:
    """A model's head, and its last convolution's maps (1, h, w, 512) for a gray face in float32;
    kept for ten minutes, never written to disk."""
    ready = exact_explainer(model)
    maps = _exact_maps.get(
        face.tobytes(), lambda: ready.maps([face])[model], face.shape, model, state()
    )
    return ready.heads[model], maps


@follows
def feature_maps() -> FeatureMaps:
    """Return every layer of the networks, compiled once more when first asked for: 250 MB."""
    from fer.inference import feature_maps

    return feature_maps.FeatureMaps(classifier(), MODELS)


@follows
def trunk_weights(layer: str) -> tuple[preprocessing.Floats, preprocessing.Floats]:
    """Return the float32 kernels (3, 3, C, K) and biases (K,) of a convolution of blocks 1-3.

    Raises:
        FerError: if the weights are missing or damaged.
    """
    weights = next(iter(models().values())).weights()
    return weights[f"{layer}/kernel"], weights[f"{layer}/bias"]


_explained: caching.Recent[tuple[dict[str, Explanation], float]] = caching.Recent(64, KEPT_SECONDS)


def explained(face: preprocessing.Gray, target: int | None) -> tuple[dict[str, Explanation], float]:
    """Return both models' Grad-CAM for a gray face and the seconds it took, waiting included; kept
    for ten minutes, never on disk."""

    def explain() -> tuple[dict[str, Explanation], float]:
        ready = explainer()
        started = time.perf_counter()
        return ready.explain(face, target), time.perf_counter() - started

    return _explained.get(face.tobytes(), explain, face.shape, target, state())
