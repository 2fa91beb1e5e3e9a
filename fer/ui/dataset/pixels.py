"""Pixels on page 1: mean face and spread of each class, and histograms of gray values."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import plotly.colors
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from fer import emotions
from fer.data import aggregates
from fer.scenarios import PROPOSED
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.text import Language, _, in_language
from fer.vision.preprocessing import Gray

# Of Plotly's colour scales: red is brighter than the average face, white as bright, blue darker.
SIGNED, SPREAD = "RdBu_r", "Viridis"
SIZE = 192
# Gray values in a bin of a histogram.
BIN = 8


def draw_class_faces() -> None:
    """Draw the mean face of each class, its difference from the average, or its spread."""
    kinds = {
        "mean": _("Mean face"),
        "difference": _("Difference"),
        "deviation": _("Standard deviation"),
    }
    kind = widgets.choice(_("Show"), kinds, "class_face_kind", is_labelled=False)
    _pictures, low, high = class_faces(kind)
    with st.grid(4, min_column_width=104, gap="xsmall"):
        for key, png in zip(emotions.KEYS, _pngs(kind), strict=True):
            st.image(png, caption=_(key), width="stretch", alt=f"{kinds[kind]}: {_(key)}")
    if kind == "difference":
        st.image(colour_bar(SIGNED), width=240, alt=_("Colours from blue over white to red"))
        st.caption(
            _(
                "Blue: darker than the average of all Training faces, by up to {n} gray levels; "
                "white: as bright; red: brighter by up to {n}. One scale for all seven.",
                n=_.number(high),
            )
        )
    elif kind == "deviation":
        st.image(colour_bar(SPREAD), width=240, alt=_("Colours from violet over green to yellow"))
        st.caption(
            _(
                "How much a pixel differs from face to face: from {low} gray levels (violet) to "
                "{high} (yellow). One scale for all seven.",
                low=_.number(low),
                high=_.number(high),
            )
        )


def draw_class_histogram() -> None:
    """Draw how often each gray value occurs in the faces of a class, beside that in all faces."""
    # Surprise differs most from all.
    emotion = widgets.emotion(_("Pixels of"), "histogram_emotion", "surprise")
    pixels = loaders.summary()["class_pixels"]
    widgets.chart(
        class_histogram(emotion, _.language),
        key="class_histogram",
        alt=_(
            "Line: how often each gray value occurs in faces of {emotion}; bars: in all faces",
            emotion=_(emotion),
        ),
    )
    means = [pixels[key]["mean"] for key in emotions.KEYS]
    st.caption(
        _(
            "Bins of {width} gray values; mean {mean}, of all Training faces {all}. The last bin "
            "holds overexposed pixels.",
            width=BIN,
            mean=_.number(pixels[emotion]["mean"], 1),
            all=_.number(float(np.average(means, weights=_training_counts())), 1),
        )
    )

    def table() -> pd.DataFrame:
        rows = pixels.values()
        return pd.DataFrame(
            {
                _("Emotion"): [_(key) for key in pixels],
                _("Mean"): [row["mean"] for row in rows],
                _("Standard deviation"): [row["standard_deviation"] for row in rows],
                _("Quartiles"): [" · ".join(map(str, row["quartiles"])) for row in rows],
            }
        )

    widgets.folded_table(table, "pixels", _("Pixel statistics of each emotion"), "pixel_details")


def _training_counts() -> list[int]:
    """Return how many Training images each emotion has, in the emotions' order."""
    counts = loaders.summary()["counts"]["Training"]
    return [counts[key] for key in emotions.KEYS]


@loaders.follows
def class_faces(kind: str) -> tuple[list[NDArray[np.uint8]], float, float]:
    """Return a picture of each class in the emotions' order, and between which values its colours
    lie, in gray levels: of the kind `mean`, gray; `difference`, of the mean face from that of all
    classes, around zero; `deviation`, from the least to the greatest of all classes."""
    mean, deviation = aggregates.read_class_faces(loaders.figures_folder())
    if kind == "mean":
        return [_enlarged(face) for face in mean], 0.0, 255.0
    if kind == "deviation":
        low, high = float(deviation.min()), float(deviation.max())
        return _coloured(deviation, low, high, SPREAD), low, high
    difference = mean - np.average(mean, axis=0, weights=_training_counts())
    limit = float(np.abs(difference).max())
    return _coloured(difference, -limit, limit, SIGNED), -limit, limit


@loaders.follows
def _pngs(kind: str) -> list[bytes]:
    # Streamlit would compress the pictures anew for every rerun.
    files = []
    for picture in class_faces(kind)[0]:
        bgr = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        files.append(cv2.imencode(".png", bgr)[1].tobytes())
    return files


def colour_bar(scale: str) -> NDArray[np.uint8]:
    """Return a colour scale from its low end to its high one, (12, 256, 3) RGB uint8."""
    return np.broadcast_to(_colours(scale), (12, 256, 3)).copy()


def _coloured(
    faces: NDArray[np.float64] | NDArray[np.uint8], low: float, high: float, scale: str
) -> list[NDArray[np.uint8]]:
    levels = 255 * (np.asarray(faces, dtype=np.float64) - low) / max(high - low, 1e-9)
    return [_colours(scale)[_enlarged(np.rint(face).astype(np.uint8))] for face in levels]


def _enlarged(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = (SIZE, SIZE)
    large = cv2.resize(np.ascontiguousarray(face), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, dtype=np.uint8)


def _colours(scale: str) -> NDArray[np.uint8]:
    """Return the colours of one of Plotly's scales for 256 levels, (256, 3) RGB uint8."""
    colours = plotly.colors.sample_colorscale(
        scale, np.linspace(0, 1, 256).tolist(), colortype="tuple"
    )
    return np.asarray(np.rint(255 * np.array(colours)), dtype=np.uint8)


@loaders.follows
def class_histogram(emotion: str, language: Language) -> go.Figure:
    """Return how often each gray value occurs in the Training faces of an emotion, a line, and of
    all, bars, in percent. The axis fits all emotions, so that they can be compared."""
    histograms = loaders.summary()["class_pixels"]
    counts = np.array([histograms[key]["histogram"] for key in emotions.KEYS], dtype=np.float64)
    shares = 100 * counts / counts.sum(axis=1, keepdims=True)
    all_shares = 100 * counts.sum(axis=0) / counts.sum()
    middles = np.arange(counts.shape[1]) * BIN + BIN / 2
    hover = "%{x:.0f}: %{y:.2f}%<extra>"
    label = emotions.LABEL_OF[emotion]
    with in_language(language):
        figure = go.Figure()
        figure.add_bar(
            name=_("all faces"),
            x=middles,
            y=all_shares,
            # Faint, so that the lightest and the darkest line stand out from it.
            marker={"color": charts.BOTH, "opacity": 0.35},
            hovertemplate=hover + _("all faces") + "</extra>",
        )
        figure.add_scatter(
            name=_(emotion),
            x=middles,
            y=shares[label],
            mode="lines",
            line={"color": emotions.EMOTIONS[label].colour, "width": 3, "shape": "hvh"},
            hovertemplate=hover + _(emotion) + "</extra>",
        )
        figure.update_yaxes(range=[0, charts.last_tick(float(shares.max()))])
        return _arrange(figure, y=_("Share of the pixels (%)"), height=280)


def _arrange(figure: go.Figure, *, y: str, height: int) -> go.Figure:
    """Arrange a histogram of gray values, whose axis runs from black to white, with quarters."""
    figure.update_layout(bargap=0.1)
    figure = charts.arrange(figure, x=_("Gray value (0–255)"), y=y, height=height)
    return figure.update_xaxes(range=[0, 256], tickvals=[0, 64, 128, 192, 255])


def draw_image_histogram(image: Gray, key: str) -> None:
    """Draw how often each gray value occurs in an image."""
    alt = _("Histogram of the image's gray values")
    widgets.chart(image_histogram(image), f"{key}_histogram", alt)


def image_histogram(image: Gray) -> go.Figure:
    """Return how often each gray value occurs in one image, in bins of eight values."""
    counts = np.bincount(image.ravel() // BIN, minlength=256 // BIN)
    figure = go.Figure()
    figure.add_bar(
        x=np.arange(len(counts)) * BIN + BIN / 2,
        y=counts,
        marker={"color": PROPOSED.colour},
        hovertemplate="%{x:.0f}: %{y}<extra></extra>",
    )
    # In a dark or overexposed image one bar would leave nothing of the others.
    top = charts.last_tick(1.3 * float(np.sort(counts)[-2]))
    if counts.max() > top > 0:
        index = int(counts.argmax())
        figure.update_yaxes(range=[0, top])
        figure.add_annotation(
            x=BIN * index + BIN / 2,
            y=top,
            text=f"↑ {_.number(int(counts.max()))}",
            font={"size": charts.FONT_SIZE},
            showarrow=False,
            yanchor="top",
            xanchor="left" if index < len(counts) / 2 else "right",
        )
    return _arrange(figure, y=_("Pixels"), height=240)
