"""The map of the test images: press a point for its image, draw around several for their
accuracy."""

from __future__ import annotations

from collections.abc import Callable
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
from fer.ui import announcer, charts, loaders, model_comparison, named_faces, vote_bars, widgets
from fer.ui.studies import records
from fer.ui.text import _

KEY = "map"
# Session state: the pressed image, and those that were drawn around, as rows of the map.
IMAGE, AREA = "map_image", "map_area"
HEIGHT = 440
# An emotion is told by more than its colour.
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star")
NONE = emotions.COUNT
# Below this a map's neighbourhoods are to be read with care.
TRUSTED = 0.85
# Of the points, so that dense places show.
OPACITY = 0.75


@dataclass(frozen=True)
class _Images:
    """The map's images: names, labels (n,) with 0-6, what each model answers (n, 7), its places
    (n, 2) from -1 to 1, and the crowd's majority (n,) with 0-6, `NONE` without one."""

    sources: NDArray[np.str_]
    labels: NDArray[np.int64]
    probabilities: dict[str, NDArray[np.float64]]
    places: dict[str, NDArray[np.float64]]
    crowd: NDArray[np.int64]

    def right(self, model: str) -> NDArray[np.bool_]:
        return np.asarray(self.probabilities[model].argmax(axis=1) == self.labels)


def show() -> None:
    """Both models' maps, and what is chosen on them.

    Raises:
        FerError: if the map, stored predictions or votes are damaged.
    """
    record = records.record(FEATURE_MAP)
    if record is None:
        return
    images = _images()
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
            _map(key, images, colour, way, record)
    left, right = st.columns(2)
    with left:
        _image(images)
    with right:
        _area(images)
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
def _images() -> _Images:
    """The stored map with what is stored of its images; shared by all visitors."""
    record = FEATURE_MAP.require(loaders.MODELS)
    split = Split(record["split"])
    stored: dict[str, Predictions] = {
        key: loaders.predictions(key).of(split)
        for key in model_comparison.evaluated()
        if key in record["models"]
    }
    for part in stored.values():
        if feature_map.digest_of(part.sources) != record["sources_sha256"]:
            raise FerError(
                "The map is of other images than the stored predictions; make it anew: "
                "fer analyse --only map"
            )
    first = next(iter(stored.values()))
    return _Images(
        first.sources,
        first.labels,
        {key: part.probabilities for key, part in stored.items()},
        {
            key: feature_map.unpacked(record["models"][key]["coordinates"], record["images"])
            for key in stored
        },
        _majorities(first.sources),
    )


def _majorities(sources: NDArray[np.str_]) -> NDArray[np.int64]:
    votes = named_faces.votes_for(sources.tolist())
    counts = np.stack([np.zeros(10, np.uint8) if v is None else v for v in votes])
    top = counts[:, : emotions.COUNT].argmax(axis=1)
    return np.where(agreement.has_majority(counts), top, NONE)


def _map(key: str, images: _Images, colour: str, way: str, record: FeatureMap) -> None:
    """A model's map and how far it can be trusted."""
    st.subheader(f"{charts.swatch(key)} {key}")
    name = f"{KEY}_{key}"
    st.plotly_chart(
        # Plotly takes a press for the end of a line as long as it draws lines.
        figure(key, images, colour).update_layout(dragmode="lasso" if way == "draw" else "pan"),
        config={
            "displaylogo": False,
            "modeBarButtons": [["lasso2d", "select2d"], ["toImage"]]
            if way == "draw"
            else [["toImage"]],
            "toImageButtonOptions": {"format": "png", "scale": 3, "filename": name},
        },
        key=f"{name}_{way}",
        alt=_("Map of the test images by the features of {model}", model=key),
        on_select=partial(_selected, f"{name}_{way}"),
        selection_mode=("box", "lasso") if way == "draw" else "points",
    )
    found = record["models"][key]
    if found["trustworthiness"] < TRUSTED:
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
            share=_.number(found["trustworthiness"], 3),
            n=record["neighbours"],
            kept=_.percent(found["variance_kept"], 0),
        )
    )


def _selected(name: str) -> None:
    """One point is an image to look at, several are an area."""
    points = st.session_state[name]["selection"]["points"]
    rows = sorted({int(point["customdata"]) for point in points})
    if len(rows) == 1:
        st.session_state[IMAGE] = rows[0] + 1
    elif rows:
        st.session_state[AREA] = rows


def figure(key: str, images: _Images, colour: str) -> go.Figure:
    """A model's map; a trace for each emotion, or for right and wrong answers."""
    answers = images.probabilities[key].argmax(axis=1)
    groups: list[tuple[str, str, str, NDArray[np.bool_]]]
    if colour == "right":
        right = images.right(key)
        groups = [
            (_("right"), charts.colour(key), "circle", right),
            (_("wrong"), charts.INK, "x", ~right),
        ]
    else:
        shown = {"label": images.labels, "answer": answers, "crowd": images.crowd}[colour]
        groups = [
            (_(emotion.key), emotion.colour, symbol, shown == emotion.label)
            for emotion, symbol in zip(emotions.EMOTIONS, SYMBOLS, strict=True)
        ]
        if (shown == NONE).any():
            groups.append((_("no majority"), charts.OTHER_CHOICE, "circle-open", shown == NONE))
    found = go.Figure()
    for name, ink, symbol, chosen in groups:
        rows = np.flatnonzero(chosen)
        found.add_scattergl(
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
    found.update_layout(legend={"itemsizing": "constant"})
    found.update_xaxes(range=[-1.05, 1.05], showgrid=False, zeroline=False, showticklabels=False)
    found.update_yaxes(range=[-1.05, 1.05], showgrid=False, zeroline=False, showticklabels=False)
    return charts.arrange(found, x=_("t-SNE 1 (no unit)"), y=_("t-SNE 2 (no unit)"), height=HEIGHT)


def _image(images: _Images) -> None:
    """The chosen image: label, what both models answered and what people saw."""
    st.subheader(_("One image"))
    st.session_state.setdefault(IMAGE, 1)
    number = st.number_input(
        _("Number, or press a point"), 1, len(images.labels), key=IMAGE, width=220
    )
    row = int(number) - 1
    source = str(images.sources[row])
    label = _(emotions.KEYS[images.labels[row]])
    counts = named_faces.votes_for([source])[0]
    face = named_faces.pixels(source)
    if face is None:
        named_faces.offer_import()
    else:
        named_faces.enlarged(face, vote_bars.spoken(label, counts), width=192)
    lines = [_("FER-2013's label: **{label}**", label=label)]
    for key, answer in named_faces.answers(source).items():
        lines.append(
            f"{charts.swatch(key)} {key}: **{_(answer.top1)}** {_.percent(answer.confidence)}"
        )
    if counts is not None:
        lines.append(_("People: {votes}", votes=vote_bars.words(counts)))
    st.markdown("  \n".join(lines))
    st.caption(source)


def _area(images: _Images) -> None:
    """The accuracy of both models on the images that were drawn around."""
    st.subheader(_("Several images"))
    _by_keyboard(images)
    rows = np.array(st.session_state.get(AREA, []), np.int64)
    if len(rows) == 0:
        st.caption(_("Draw around points on either map to compare both models there."))
        return
    labels = images.labels[rows]
    figures: widgets.Metrics = {
        _("Accuracy of {model}", model=key): (
            _.percent(float(images.right(key)[rows].mean())),
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
    st.button(_("Choose anew"), key=f"{KEY}_clear", on_click=_forget)


def _forget() -> None:
    st.session_state.pop(AREA, None)


def _by_keyboard(images: _Images) -> None:
    """A rectangle of a map, for whoever does not draw with a pointer."""
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
            on_click=_choose,
            args=(partial(within, images.places[model], ends),),
        )


def within(places: NDArray[np.float64], ends: list[tuple[int, int]]) -> list[int]:
    """The rows of the places (n, 2) that lie between two ends of each axis, in percent."""
    low, high = np.array(ends).T / 100
    inside = ((places >= low) & (places <= high)).all(axis=1)
    return [int(row) for row in np.flatnonzero(inside)]


def _choose(rows: Callable[[], list[int]]) -> None:
    st.session_state[AREA] = rows()


def image_table(images: _Images) -> pd.DataFrame:
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
