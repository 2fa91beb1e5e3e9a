"""Page 3's view "Map": press a point for its image, draw around several for their accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from fer import FerError, emotions
from fer.artifacts.model_store import Predictions
from fer.crowd import agreement
from fer.data.dataset import Split
from fer.evaluation import metrics
from fer.studies import feature_map
from fer.studies.records import FEATURE_MAP, FeatureMap
from fer.ui.faces import announcer, named_faces
from fer.ui.results.measured_models import draw_face, stored
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.text import _
from fer.ui.studies import records

KEY = "map"
# Session state: the pressed image, and those that were drawn around, as rows of the map.
IMAGE, AREA = "map_image", "map_area"
HEIGHT = 440
# Emotions differ by more than colour.
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star")
NO_MAJORITY = emotions.COUNT
# Below this trustworthiness a map's neighbourhoods are to be read with care.
TRUSTED = 0.85
# Of the points, so that dense places show.
OPACITY = 0.75


@dataclass(frozen=True)
class MapImages:
    """The map's images: names, labels (n,) with 0-6, each model's probabilities (n, 7) and places
    (n, 2) from -1 to 1, and the crowd's majority (n,) with 0-6 or `NO_MAJORITY`."""

    sources: NDArray[np.str_]
    labels: NDArray[np.int64]
    probabilities: dict[str, NDArray[np.float64]]
    places: dict[str, NDArray[np.float64]]
    crowd: NDArray[np.int64]

    def is_right(self, model: str) -> NDArray[np.bool_]:
        """Mark the images that a model gets right, (n,)."""
        return np.asarray(self.probabilities[model].argmax(axis=1) == self.labels)


def draw_map() -> None:
    """Draw both models' maps, and the image or the area that is chosen on them.

    Raises:
        FerError: if the map, stored predictions or votes are damaged.
    """
    record = records.record(FEATURE_MAP)
    if record is None:
        return
    images = map_images()
    st.write(
        _(
            "Each point is one of {n} PrivateTest images. What lies close together looks alike to "
            "that model, before it answers. Press a point, or draw around several.",
            n=_.number(record["images"]),
        )
    )
    kinds = {
        "label": _("label"),
        "answer": _("answer"),
        "crowd": _("people's majority"),
        "right": _("right or wrong"),
    }
    ways = {"press": _("press a point"), "draw": _("draw around several")}
    with st.container(horizontal=True):
        colour = widgets.choice(_("Coloured by"), kinds, f"{KEY}_colour", wrap=True)
        way = widgets.choice(_("On a map"), ways, f"{KEY}_way", wrap=True)
    for column, key in zip(st.columns(len(images.places)), images.places, strict=True):
        with column:
            _draw_model(key, images, colour, way, record)
    sections = [_draw_image, _draw_area]
    # First the one that a press or a line on a map changes.
    for draw in sections if way == "press" else reversed(sections):
        draw(images)
    with st.expander(_("Table and download"), key=f"{KEY}_details"):
        widgets.table(
            image_table(images), f"{KEY}_table", _("Every image of the map with its places")
        )
    st.caption(
        _(
            "Pooled features of the int8 networks → PCA ({components} components) → t-SNE (van der "
            "Maaten & Hinton 2008, perplexity {perplexity}). Distances between far groups, and "
            "their sizes, mean nothing on such a map.",
            components=feature_map.COMPONENTS,
            perplexity=_.number(feature_map.PERPLEXITY),
        )
    )
    records.made_with(record, FEATURE_MAP.command)


@loaders.follows
def map_images() -> MapImages:
    """The stored map with what is stored of its images; shared by all visitors."""
    record = FEATURE_MAP.require(loaders.MODELS)
    split = Split(record["split"])
    parts: dict[str, Predictions] = {
        key: loaders.predictions(key).of(split)
        for key in loaders.evaluated()
        if key in record["models"]
    }
    for part in parts.values():
        if feature_map.digest_of(part.sources) != record["sources_sha256"]:
            raise FerError(
                "The map is of other images than the stored predictions; make it anew: "
                "fer analyse --only map"
            )
    first = next(iter(parts.values()))
    votes = named_faces.votes_for(first.sources.tolist())
    counts = np.stack([np.zeros(10, np.uint8) if v is None else v for v in votes])
    top = counts[:, : emotions.COUNT].argmax(axis=1)
    return MapImages(
        first.sources,
        first.labels,
        {key: part.probabilities for key, part in parts.items()},
        {
            key: feature_map.unpacked(record["models"][key]["coordinates"], record["images"])
            for key in parts
        },
        np.where(agreement.has_majority(counts), top, NO_MAJORITY),
    )


def _draw_model(key: str, images: MapImages, colour: str, way: str, record: FeatureMap) -> None:
    """Draw a model's map and how far it can be trusted."""
    st.subheader(f"{charts.swatch(key)} {key}")
    name = f"{KEY}_{key}"
    st.plotly_chart(
        # Plotly takes a press for the end of a line as long as it draws lines.
        chart(key, images, colour).update_layout(dragmode="lasso" if way == "draw" else "pan"),
        config={
            "displaylogo": False,
            "modeBarButtons": [["lasso2d", "select2d"], ["toImage"]]
            if way == "draw"
            else [["toImage"]],
            "toImageButtonOptions": {"format": "png", "scale": 3, "filename": name},
        },
        key=f"{name}_{way}",
        alt=_("Map of the test images by the features of {model}", model=key),
        on_select=partial(_keep_selection, f"{name}_{way}"),
        selection_mode=("box", "lasso") if way == "draw" else "points",
    )
    quality = record["models"][key]
    if quality["trustworthiness"] < TRUSTED:
        st.caption(
            _(
                "Many neighbours on this map are none among the features: they do not fit into two "
                "dimensions. Read it with care."
            )
        )
    st.caption(
        _(
            "Trustworthiness {share} (1: all of the {n} nearest on the map are near among the "
            "features, too); PCA kept {kept} of the variance.",
            share=_.number(quality["trustworthiness"], 3),
            n=record["neighbours"],
            kept=_.percent(quality["variance_kept"], 0),
        )
    )


def _keep_selection(name: str) -> None:
    """Keep one selected point as the image to look at, several as the area."""
    points = st.session_state[name]["selection"]["points"]
    rows = sorted({int(point["customdata"]) for point in points})
    if len(rows) == 1:
        st.session_state[IMAGE] = rows[0] + 1
    elif rows:
        st.session_state[AREA] = rows


def chart(key: str, images: MapImages, colour: str) -> go.Figure:
    """A model's map; a trace for each emotion, or for right and wrong answers."""
    answers = images.probabilities[key].argmax(axis=1)
    groups: list[tuple[str, str, str, NDArray[np.bool_]]]
    if colour == "right":
        right = images.is_right(key)
        groups = [
            (_("right"), charts.colour(key), "circle", right),
            (_("wrong"), charts.INK, "x", ~right),
        ]
    else:
        choices = {"label": images.labels, "answer": answers, "crowd": images.crowd}[colour]
        groups = [
            (_(emotion.key), emotion.colour, symbol, choices == emotion.label)
            for emotion, symbol in zip(emotions.EMOTIONS, SYMBOLS, strict=True)
        ]
        if (is_none := choices == NO_MAJORITY).any():
            groups.append((_("no majority"), charts.OTHER_CHOICE, "circle-open", is_none))
    figure = go.Figure()
    for name, ink, symbol, chosen in groups:
        rows = np.flatnonzero(chosen)
        figure.add_scattergl(
            x=images.places[key][rows, 0],
            y=images.places[key][rows, 1],
            # A list: of an array each point would come back as an object.
            customdata=rows.tolist(),
            text=[
                f"{_(emotions.KEYS[images.labels[row]])} → {_(emotions.KEYS[answers[row]])}"
                for row in rows
            ],
            mode="markers",
            name=name,
            marker={"color": ink, "symbol": symbol, "size": 5, "opacity": OPACITY},
            hovertemplate="%{text}<extra></extra>",
        )
    figure.update_layout(legend={"itemsizing": "constant"})
    figure.update_xaxes(range=[-1.05, 1.05], showgrid=False, zeroline=False, showticklabels=False)
    figure.update_yaxes(range=[-1.05, 1.05], showgrid=False, zeroline=False, showticklabels=False)
    return charts.arrange(figure, x=_("t-SNE 1 (no unit)"), y=_("t-SNE 2 (no unit)"), height=HEIGHT)


def _draw_image(images: MapImages) -> None:
    """Draw the chosen image closely."""
    st.subheader(_("One image"))
    st.session_state.setdefault(IMAGE, 1)
    most = len(images.labels)
    row = st.number_input(_("Number, or press a point"), 1, most, key=IMAGE, width=220) - 1
    label = emotions.KEYS[images.labels[row]]
    draw_face(stored(Split.PRIVATE_TEST), str(images.sources[row]), label, f"{KEY}_face")


def _draw_area(images: MapImages) -> None:
    """Draw the accuracy of both models on the images that were drawn around."""
    st.subheader(_("Several images"))
    _draw_rectangle_choice(images)
    rows = np.array(st.session_state.get(AREA, []), np.int64)
    if len(rows) == 0:
        st.caption(_("Draw around points on either map to compare both models there."))
        return
    labels = images.labels[rows]
    figures: widgets.Metrics = {
        _("Accuracy of {model}", model=key): (
            _.percent(float(images.is_right(key)[rows].mean())),
            _.interval(metrics.accuracy_interval(labels, probabilities[rows])),
        )
        for key, probabilities in images.probabilities.items()
    }
    st.markdown(_("**{n} images**; below each accuracy its 95% interval.", n=_.number(len(rows))))
    widgets.metrics(figures, f"{KEY}_metrics", narrowest=160)
    announcer.announce(announcer.listed(figures), KEY)
    counts = np.bincount(labels, minlength=emotions.COUNT)
    st.caption(
        _(
            "Labels: {labels}.",
            labels=", ".join(
                f"{_(key)} {_.number(int(count))}"
                for key, count in zip(emotions.KEYS, counts, strict=True)
                if count
            ),
        )
    )
    st.button(
        _("Choose anew"), key=f"{KEY}_clear", on_click=lambda: st.session_state.pop(AREA, None)
    )


def _draw_rectangle_choice(images: MapImages) -> None:
    """Offer a rectangle of a map to whoever does not draw with a pointer."""
    with st.expander(_("Choose by keyboard"), key=f"{KEY}_keyboard"):
        model = widgets.choice(_("Map of"), {key: key for key in images.places}, f"{KEY}_model")
        ends: list[tuple[int, int]] = [
            st.slider(label, -100, 100, (-20, 20), key=f"{KEY}_{axis}")
            for axis, label in (
                ("across", _("From left to right (%)")),
                ("up", _("From bottom to top (%)")),
            )
        ]
        st.button(
            _("Choose this rectangle"),
            key=f"{KEY}_rectangle",
            on_click=lambda: st.session_state.update({AREA: within(images.places[model], ends)}),
        )


def within(places: NDArray[np.float64], ends: list[tuple[int, int]]) -> list[int]:
    """Return the rows of the places (n, 2) that lie between two ends of each axis, in percent."""
    low, high = np.array(ends).T / 100
    inside = ((places >= low) & (places <= high)).all(axis=1)
    return [int(row) for row in np.flatnonzero(inside)]


def image_table(images: MapImages) -> pd.DataFrame:
    """A row for each image: name, label, people's majority, and each model's answer and place."""
    names = [*map(_, emotions.KEYS), _("no majority")]
    columns: dict[str, object] = {
        _("Image"): images.sources,
        _("True"): [names[label] for label in images.labels],
        _("People's majority"): [names[choice] for choice in images.crowd],
    }
    for key, places in images.places.items():
        columns[key] = [names[at] for at in images.probabilities[key].argmax(axis=1)]
        columns[f"{key} x"], columns[f"{key} y"] = places.T.round(4)
    return pd.DataFrame(columns)
