"""Page 2's view layer by layer: the maps of every convolution and pooling for a face."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from fer import FerError
from fer.inference import feature_maps
from fer.inference.complexity import LAYERS
from fer.inference.feature_maps import FeatureMaps, KernelStep
from fer.scenarios import PROPOSED
from fer.ui.faces import announcer, face_buttons
from fer.ui.faces.face_buttons import FaceButton
from fer.ui.shared import caching, charts, loaders, widgets
from fer.ui.shared.text import _
from fer.vision import preprocessing
from fer.vision.preprocessing import Floats, Gray

PREFIX = "layers"
# The layer and the channel that are shown large, the channel None for the strongest.
CHOSEN = f"{PREFIX}_chosen"
# Channels of a layer that are shown beside each other.
CHANNELS = 16
# Pixels of a map that is shown large.
SIDE = 448
# Input channels whose products are shown one by one.
TAKEN_APART = 3
# Maps (h, w, C) by model and layer.
Maps = Mapping[str, Mapping[str, Floats]]
# The maps of a face take 62 MB.
_maps: caching.Recent[Maps] = caching.Recent(
    150 << 20,
    loaders.KEPT_SECONDS,
    lambda by_model: sum(one.nbytes for maps in by_model.values() for one in maps.values()),
)


@st.fragment
def draw_layers(face: Gray) -> None:
    """Draw the walk of a face (48, 48) through the layers; a layer's strongest channels; one of
    them large, and in block 1 its kernel at work."""
    try:
        networks = loaders.feature_maps()
        with st.spinner(_("Asking every layer…")):
            all_maps = _maps.get(face.tobytes(), lambda: networks.of(face), loaders.state())
        st.write(
            _(
                "The first layers answer to edges, later ones to parts of a face, the last to what "
                "tells expressions apart. Bright is where a channel answers strongly; every "
                "picture is scaled to its own largest value. Press one to see it large."
            )
        )
        layer, channel = st.session_state.get(CHOSEN, (LAYERS[0], None))
        by_model = _maps_of_layer(all_maps, layer)
        if channel is None:
            channel = feature_maps.strongest(next(iter(by_model.values())), 1)[0]
        _draw_walk(all_maps, layer)
        st.caption(
            _(
                "The maps are those of the networks that answer. Blocks 1–3 have the same frozen "
                "weights in both models and are shown for the input of {model}.",
                model=networks.trunk,
            )
        )
        (channels,) = {maps.shape[2] for maps in by_model.values()}
        sizes = dict.fromkeys(f"{maps.shape[0]}×{maps.shape[1]}" for maps in by_model.values())
        size = _("{n} channels of {sizes}", n=channels, sizes=" / ".join(sizes))
        st.subheader(f"{_name(layer)} · {size}")
        announcer.announce(
            f"{_name(layer)}, "
            + "; ".join(f"{model}: {_words(channel, m)}" for model, m in by_model.items()),
            PREFIX,
        )
        _draw_channels(by_model, layer, channel)
        _draw_channel(face, all_maps, networks, layer, channel)
        widgets.folded_table(
            lambda: _channel_table(by_model),
            f"{PREFIX}_channels",
            _("Mean and largest value of every channel of the layer"),
            f"{PREFIX}_details",
        )
    except FerError as error:
        st.error(_.error(error))


def _maps_of_layer(all_maps: Maps, layer: str) -> dict[str, Floats]:
    """Return a layer's maps by model; of one alone where all are the same."""
    return {model: maps[layer] for model, maps in all_maps.items() if layer in maps}


def _name(layer: str) -> str:
    """Return a layer in words: block 3 · convolution 2."""
    block, part = layer.removeprefix("block").split("_")
    if part == "pool":
        return _("Block {block} · pooling", block=block)
    return _("Block {block} · convolution {number}", block=block, number=part.removeprefix("conv"))


def _draw_walk(all_maps: Maps, chosen: str) -> None:
    """Draw the strongest channel of every layer: of what all models share, then of each model."""
    together, *each = st.columns(1 + len(all_maps))
    for place, (model, maps) in zip(each, all_maps.items(), strict=True):
        shared = {layer: maps[layer] for layer in maps if feature_maps.is_shared(layer)}
        if shared:
            with together:
                st.markdown("**" + _("Blocks 1–3, both models") + "**")
                _draw_part(shared, chosen, _("both models"), "shared")
        with place:
            st.markdown(f"{charts.swatch(model)} **{model}**")
            own = {layer: maps[layer] for layer in maps if layer not in shared}
            _draw_part(own, chosen, model, model)


def _draw_part(maps: Mapping[str, Floats], chosen: str, whose: str, key: str) -> None:
    """Draw the strongest channel of each of these layers, a row for a block, to press."""
    layers = list(maps)
    channels = [feature_maps.strongest(values, 1)[0] for values in maps.values()]
    pictures: list[Gray] = []
    rows: dict[str, list[FaceButton]] = {}
    for at, (layer, channel) in enumerate(zip(layers, channels, strict=True)):
        pictures.append(feature_maps.tile(maps[layer][..., channel]))
        block, part = layer.removeprefix("block").split("_")
        words = f"{_name(layer)}, {whose}, {_words(channel, maps[layer])}"
        rows.setdefault(_("Block {block}", block=block), []).append(FaceButton(at, words, part))
    face_buttons.draw_rows(
        face_buttons.side_by_side(pictures),
        len(pictures),
        list(rows.items()),
        layers.index(chosen) if chosen in layers else None,
        f"{PREFIX}_walk_{key}",
        _("The strongest channel of every layer"),
        lambda at: st.session_state.update({CHOSEN: (layers[at], channels[at])}),
        columns=4,
    )


def _words(channel: int, maps: Floats) -> str:
    """Return a channel in words, for those who cannot see it."""
    values = maps[..., channel]
    return _(
        "channel {channel}, mean {mean}, largest {largest}",
        channel=channel,
        mean=_.number(float(values.mean()), 1),
        largest=_.number(float(values.max()), 1),
    )


def _draw_channels(by_model: Mapping[str, Floats], layer: str, chosen: int) -> None:
    pictures: list[Gray] = []
    places: list[int] = []
    rows = []
    for model, maps in by_model.items():
        buttons = []
        for channel in feature_maps.strongest(maps, CHANNELS):
            pictures.append(feature_maps.tile(maps[..., channel]))
            places.append(channel)
            words = f"{model}, {_words(channel, maps)}"
            buttons.append(FaceButton(len(places) - 1, words, str(channel)))
        rows.append(("" if len(by_model) == 1 else model, buttons))
    face_buttons.draw_rows(
        face_buttons.side_by_side(pictures),
        len(pictures),
        rows,
        places.index(chosen) if chosen in places else None,
        f"{PREFIX}_strongest",
        _("The layer's strongest channels, by their mean"),
        lambda at: st.session_state.update({CHOSEN: (layer, places[at])}),
        columns=CHANNELS,
    )


def _draw_channel(
    face: Gray, all_maps: Maps, networks: FeatureMaps, layer: str, channel: int
) -> None:
    """Draw a channel large, of both models where they differ; in block 1 with one value of it taken
    apart."""
    by_model = _maps_of_layer(all_maps, layer)
    has_kernel = layer.startswith("block1_conv")
    places = st.columns(max(len(by_model), 1 + has_kernel))
    mark = None
    if has_kernel:
        with places[1]:
            mark = _draw_kernel(face, all_maps, networks, layer, channel)
    for place, (model, maps) in zip(places, by_model.items(), strict=False):
        with place:
            st.image(
                feature_maps.enlarged(maps[..., channel], SIDE, mark, PROPOSED.colour),
                width="stretch" if len(places) > 1 else SIDE,
                alt=f"{_name(layer)}, {model}, {_words(channel, maps)}",
            )
            name = "" if feature_maps.is_shared(layer) else f"{charts.swatch(model)} {model}: "
            st.caption(name + _words(channel, maps))


def _draw_kernel(
    face: Gray, all_maps: Maps, networks: FeatureMaps, layer: str, channel: int
) -> tuple[int, int]:
    """Draw the products of a chosen position that add up to the map's value; return its row and
    column from 0."""
    maps = all_maps[networks.trunk][layer]
    height, width = maps.shape[:2]
    top, left = np.unravel_index(int(maps[..., channel].argmax()), (height, width))
    digest = hashlib.sha256(face.tobytes()).hexdigest()[:8]
    key = f"{PREFIX}_{layer}_{channel}_{digest}"
    st.markdown(_("**The kernel at work**: 3×3 values of each input channel times their weights."))
    with st.container(horizontal=True):
        row = st.number_input(_("Row"), 1, height, int(top) + 1, key=f"{key}_row", width=140)
        column = st.number_input(
            _("Column"), 1, width, int(left) + 1, key=f"{key}_column", width=140
        )
    at = (int(row) - 1, int(column) - 1)
    kernels, biases = loaders.trunk_weights(layer)
    first = LAYERS.index(layer) == 0
    inputs = (
        preprocessing.batch([face], width)[0]
        if first
        else all_maps[networks.trunk][LAYERS[LAYERS.index(layer) - 1]]
    )
    step = feature_maps.take_apart(inputs, kernels, biases, channel, *at)
    if first:
        names = {0: _("Blue"), 1: _("Green"), 2: _("Red")}
    else:
        order = np.argsort(-np.abs(step.products.sum(axis=(0, 1))), kind="stable")
        names = {int(place): _("Channel {n}", n=place) for place in order[:TAKEN_APART]}
    table = {_("Place"): [f"{y + 1}, {x + 1}" for y, x in np.ndindex(3, 3)]}
    for place, name in names.items():
        pairs = zip(step.patch[..., place].flat, step.kernel[..., place].flat, strict=True)
        table[name] = [
            f"{_.number(value, 1)} × {_.number(weight, 3)} = {_.number(value * weight, 2)}"
            for value, weight in pairs
        ]
    rows, columns, channels = (places.ravel() for places in np.indices(step.patch.shape))
    every_product = {
        "row": rows + 1,
        "column": columns + 1,
        "input_channel": channels,
        "value": step.patch.ravel(),
        "weight": step.kernel.ravel(),
        "product": step.products.ravel(),
    }
    widgets.table(
        pd.DataFrame(every_product),
        f"{PREFIX}_products",
        _("Input values times weights at the chosen position"),
        shown=pd.DataFrame(table),
    )
    st.markdown(_sum(step, list(names), float(maps[*at, channel])))
    return at


def _sum(step: KernelStep, largest: list[int], served: float) -> str:
    """Return how the products add up to the map's value, and the served network's value there."""
    sums = step.products.sum(axis=(0, 1))
    parts = [_.number(float(sums[at]), 2) for at in largest]
    others = len(sums) - len(largest)
    if others:
        rest = _.number(float(sums.sum() - sums[largest].sum()), 2)
        parts.append(_("{rest} (the other {n} channels)", rest=rest, n=others))
    sentence = _(
        "Sums of the columns {parts}, bias {bias}: together {sum}; ReLU makes **{value}** of it.",
        parts=" + ".join(parts),
        bias=_.number(step.bias, 2),
        sum=_.number(step.sum, 2),
        value=_.number(step.value, 2),
    )
    if abs(step.value - served) < 0.01:
        exact = _("The network that answers has the same value there.")
    else:
        exact = _(
            "The network that answers has {served} there: it computes this layer in int8, which "
            "rounds its input and its weights.",
            served=_.number(served, 2),
        )
    return f"{sentence} {exact}"


def _channel_table(by_model: Mapping[str, Floats]) -> pd.DataFrame:
    """Return a row for each channel and model, the strongest first."""
    return pd.DataFrame(
        [
            {
                _("Model"): model,
                _("Channel"): int(row["channel"]),
                _("Mean"): row["mean"],
                _("Largest value"): row["largest"],
                _("Above 0 (% of the places)"): round(100 * row["active"], 2),
            }
            for model, maps in by_model.items()
            for row in feature_maps.rows(maps)
        ]
    )
