"""The webcam page that most tutorials lead to, for `stream_benchmark.py` to compare with.

TensorFlow in the process, two `predict` calls for a frame inside the video callback, and a
fragment that draws two charts four times a second. Imports stand in the order that does not crash,
and both models and the detector are loaded once: only the design is naive.
"""

from __future__ import annotations

import time
from typing import Any

import av
import numpy as np
import plotly.graph_objects as go
import streamlit as st
from streamlit_webrtc import WebRtcMode, webrtc_streamer

from fer import emotions
from fer.artifacts import model_store
from fer.vision import faces, preprocessing
from fer.vision.faces import Detector
from tests.support import stamps


@st.cache_resource
def loaded() -> tuple[list[tuple[str, int, Any]], Detector]:
    """Key, input size and Keras network of each trained model, and the face detector."""
    from fer.lab import keras_backend

    found = model_store.available()
    return [
        (key, a.scenario.input_size, keras_backend.build_from(a)) for key, a in found.items()
    ], Detector(model_store.FOLDER / model_store.DETECTOR)


models, find = loaded()
latest: dict[str, np.ndarray] = st.session_state.setdefault("latest", {})


def callback(frame: av.VideoFrame) -> av.VideoFrame:
    """Both models on the largest face of the frame, answers drawn on the same frame."""
    rgb = np.asarray(frame.to_ndarray(format="rgb24"))
    for face in find.detect(rgb)[:1]:
        crop = faces.gray_crop(rgb, face)
        for key, size, network in models:
            logits = network.predict(preprocessing.batch([crop], size), verbose=0)[0]
            latest[key] = np.exp(logits) / np.exp(logits).sum()
    stamps.analysed.append(time.monotonic())
    stamps.region(rgb, lower=True)[:] = stamps.region(rgb)
    return av.VideoFrame.from_ndarray(rgb, format="rgb24")


context = webrtc_streamer(
    key="naive",
    mode=WebRtcMode.SENDRECV,
    rtc_configuration={"iceServers": []},
    media_stream_constraints={
        "video": {"width": 640, "height": 480, "frameRate": 30},
        "audio": False,
    },
    video_frame_callback=callback,
    media_toggle_controls=False,
)


@st.fragment(run_every=0.25)
def charts() -> None:
    """A bar chart for each model."""
    for key, values in latest.items():
        st.plotly_chart(go.Figure(go.Bar(x=list(emotions.KEYS), y=values)), key=key, alt=key)


charts()
