"""What pages share, made once: models, detector, classified photos."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import streamlit as st

from fer import artifacts, dataset, files, photos, preprocessing
from fer.artifacts import Artifact
from fer.faces import Detector
from fer.inference import Classifier

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / artifacts.FOLDER
DATA = ROOT / "data"


@st.cache_data(ttl=60, show_spinner=False)
def imported_images() -> int:
    """How many images of FER-2013 are imported, 0 if none."""
    folder = ROOT / dataset.FOLDER
    return len(dataset.open_dataset(folder)) if dataset.is_imported(folder) else 0


@st.cache_resource(show_spinner=False)
def models() -> dict[str, Artifact]:
    """The trained models by scenario key; read-only, shared by all visitors."""
    return artifacts.available(MODELS)


@st.cache_data(show_spinner=False)
def comparison() -> dict[str, Any] | None:
    """What `fer evaluate` found comparing the models, None if there is nothing to compare."""
    path = MODELS / artifacts.COMPARISON
    return dict(files.read_json(path)) if path.exists() else None


@st.cache_resource(show_spinner=False)
def classifier() -> Classifier:
    """Both networks, loaded once for all visitors."""
    # aiortc must be imported before TensorFlow: TensorFlow exports BoringSSL's symbols, aiortc's
    # pylibsrtp would bind to them and crash the server when a webcam starts.
    import streamlit_webrtc  # noqa: F401

    from fer import inference

    loaded = inference.load(MODELS)
    # Streamlit collects garbage after every rerun. Frozen, TensorFlow's objects are not walked
    # through each time, which otherwise takes half a second and holds up every other thread.
    gc.collect()
    gc.freeze()
    return loaded


@st.cache_resource(show_spinner=False)
def detector() -> Detector:
    """The face detector, shared by all visitors."""
    return Detector(MODELS / artifacts.DETECTOR)


@st.cache_data(max_entries=16, ttl=600, show_spinner=False)
def image(content: bytes, name: str) -> preprocessing.Rgb:
    """An uploaded image, upright RGB; kept for ten minutes, never written to disk."""
    return preprocessing.read_image(content, name)


@st.cache_data(max_entries=16, ttl=600, show_spinner=False)
def classified(content: bytes, name: str, whole: bool) -> photos.Photo:
    """Both models' answers for an uploaded photo; kept for ten minutes, never written to disk."""
    return photos.classify(image(content, name), name, detector(), classifier(), whole=whole)
