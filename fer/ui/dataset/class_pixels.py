"""What the faces of a class have in common: mean face, spread, and how bright their pixels are."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
import plotly.colors
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from fer import emotions
from fer.data import aggregates
from fer.ui import loaders, widgets
from fer.ui.dataset import dataset_charts
from fer.ui.text import Language, _, in_language

# Of Plotly's colour scales: red is brighter than the average face, white as bright, blue darker.
SIGNED, SPREAD = "RdBu_r", "Viridis"
SIZE = 192


def show() -> None:
    """The faces of each class, and how often each gray value occurs in them."""
    kinds = {
        "mean": _("Mean face"),
        "difference": _("Difference"),
        "deviation": _("Standard deviation"),
    }
    kind = widgets.choice(
        _("Show"),
        kinds,
        "class_face_kind",
        is_labelled=False,
    )
    _shown, low, high = faces(kind)
    with st.grid(4, min_column_width=104, gap="xsmall"):
        for key, png in zip(emotions.KEYS, _pngs(kind), strict=True):
            st.image(png, caption=_(key), width="stretch", alt=f"{kinds[kind]}: {_(key)}")
    if kind == "difference":
        st.image(bar(SIGNED), width=240, alt=_("Colours from blue over white to red"))
        st.caption(
            _(
                "Blue: darker than the average of all Training faces, by up to {n} gray levels; "
                "white: as bright; red: brighter by up to {n}. One scale for all seven.",
                n=_.number(high),
            )
        )
    elif kind == "deviation":
        st.image(bar(SPREAD), width=240, alt=_("Colours from violet over green to yellow"))
        st.caption(
            _(
                "How much a pixel differs from face to face: from {low} gray levels (violet) to "
                "{high} (yellow). One scale for all seven.",
                low=_.number(low),
                high=_.number(high),
            )
        )
    _histogram()


def _histogram() -> None:
    # Surprise differs most from all.
    emotion = widgets.emotion(_("Pixels of"), "histogram_emotion", "surprise")
    pixels = loaders.summary()["class_pixels"]
    widgets.chart(
        _histogram_chart(emotion, _.language),
        key="class_histogram",
        alt=_(
            "Line: how often each gray value occurs in faces of {emotion}; bars: in all faces",
            emotion=_(emotion),
        ),
    )
    st.caption(
        _(
            "Bins of {width} gray values; mean {mean}, of all Training faces {all}. The last bin "
            "holds overexposed pixels.",
            width=dataset_charts.BIN,
            mean=_.number(pixels[emotion]["mean"], 1),
            all=_.number(_overall({key: row["mean"] for key, row in pixels.items()}), 1),
        )
    )


@loaders.follows
def _histogram_chart(emotion: str, language: Language) -> go.Figure:
    pixels = loaders.summary()["class_pixels"]
    counts = {key: row["histogram"] for key, row in pixels.items()}
    with in_language(language):
        return dataset_charts.class_histogram(counts, emotion)


def _overall(by_class: dict[str, float]) -> float:
    """The mean over all Training images of a mean over those of each class."""
    return float(np.average([by_class[key] for key in emotions.KEYS], weights=_images()))


def _images() -> list[int]:
    """How many Training images each emotion has, in the emotions' order."""
    counts = loaders.summary()["counts"]["Training"]
    return [counts[key] for key in emotions.KEYS]


@loaders.follows
def faces(kind: str) -> tuple[list[NDArray[np.uint8]], float, float]:
    """A picture of each class in the emotions' order, and between which values its colours lie, in
    gray levels.

    Args:
        kind: `mean`, gray; `difference`, of the mean face from that of all classes, around zero;
            `deviation`, from the least to the greatest of all classes.
    """
    mean, deviation = aggregates.read_class_faces(loaders.figures_folder())
    if kind == "mean":
        return [_enlarged(face) for face in mean], 0.0, 255.0
    if kind == "deviation":
        low, high = float(deviation.min()), float(deviation.max())
        return _coloured(deviation, low, high, SPREAD), low, high
    average = np.average(mean, axis=0, weights=_images())
    difference = mean - average
    limit = float(np.abs(difference).max())
    return _coloured(difference, -limit, limit, SIGNED), -limit, limit


@loaders.follows
def _pngs(kind: str) -> list[bytes]:
    # Streamlit would compress the pictures anew for every rerun.
    found = []
    for picture in faces(kind)[0]:
        bgr = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        done, content = cv2.imencode(".png", bgr)
        assert done
        found.append(bytes(content))
    return found


def bar(scale: str) -> NDArray[np.uint8]:
    """A colour scale from its low end to its high one, (12, 256, 3) RGB uint8."""
    return np.broadcast_to(_table(scale), (12, 256, 3)).copy()


def _coloured(
    found: NDArray[np.float64] | NDArray[np.uint8], low: float, high: float, scale: str
) -> list[NDArray[np.uint8]]:
    levels = 255 * (np.asarray(found, dtype=np.float64) - low) / max(high - low, 1e-9)
    return [_table(scale)[_enlarged(np.rint(face).astype(np.uint8))] for face in levels]


def _enlarged(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = (SIZE, SIZE)
    large = cv2.resize(np.ascontiguousarray(face), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, dtype=np.uint8)


def _table(scale: str) -> NDArray[np.uint8]:
    """The colours of one of Plotly's scales for 256 levels, (256, 3) RGB uint8."""
    found: Sequence[tuple[float, ...]] = plotly.colors.sample_colorscale(
        scale, np.linspace(0, 1, 256).tolist(), colortype="tuple"
    )
    return np.asarray(np.rint(255 * np.array(found)), dtype=np.uint8)


def pixel_table() -> pd.DataFrame:
    """Mean, standard deviation and quartiles of each class' Training pixels."""
    return pd.DataFrame(
        [
            {
                _("Emotion"): _(key),
                _("Mean"): row["mean"],
                _("Standard deviation"): row["standard_deviation"],
                _("Quartiles"): " · ".join(map(str, row["quartiles"])),
            }
            for key, row in loaders.summary()["class_pixels"].items()
        ]
    )
