"""Page 3's view "Attention": Grad-CAM by region, the check that maps can be trusted, SE gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from fer import emotions
from fer.scenarios import PROPOSED
from fer.studies.records import GATES, REGION_SHARES, SANITY, Gates, Regions, RegionShare, Sanity
from fer.ui.faces import named_faces
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.text import _
from fer.ui.studies import records
from fer.vision.preprocessing import FER_SIZE, Gray

# Side of the square marked around a channel's strongest cell, as a share of the image's side.
PATCH = 1 / 3
# Channels of an emotion in the map of gates, as many as are still legible on a phone.
EACH = 3
# Of gates that close; no model's colour, and far from that of those that open.
CLOSED = "#E2E8F0"


def draw_attention() -> None:
    """Draw Grad-CAM by region of the face, how far its maps can be trusted, and the SE gates."""
    if (regions := records.record(REGION_SHARES)) is not None:
        _draw_regions(regions)
    if (sanity := loaders.record(SANITY)) is not None:
        _draw_sanity(sanity)
    if (gates := loaders.record(GATES)) is not None:
        _draw_gates(gates)


def _draw_regions(record: Regions) -> None:
    st.subheader(_("Eyes, mouth and the rest"))
    emotion = st.pills(
        _("True emotion"),
        ["all", *emotions.KEYS],
        default="all",
        format_func=lambda key: _("all images") if key == "all" else _(key),
        required=True,
        key="region_emotion",
    )
    shares = {
        key: model["all"] if emotion == "all" else model["per_class"][emotion]
        for key, model in record["models"].items()
    }
    change = record.get("proposed_minus_baseline")
    if change is not None and emotion == "all":
        st.write(_change(change))
    widgets.chart(
        region_chart(shares, record["area"]),
        key="region_shares",
        alt=_("Bars: share of Grad-CAM of each model on eyes, mouth and the rest of the face"),
    )
    st.caption(method(record))
    with st.expander(_("Table and download"), key="region_details"):
        widgets.table(region_table(record), "regions", _("Share of Grad-CAM by class and region"))
    records.made_with(record, "fer analyse --only regions")


def method(record: Regions) -> str:
    """Return what the maps are of, and how the regions were found."""
    return _(
        "Grad-CAM (Selvaraju et al. 2017) of each model's own answer on {n} PrivateTest images; "
        "error bars: 95% intervals. Regions lie around YuNet's landmarks, found in {share} of the "
        "images; elsewhere their median stands in. Gray: what a map without preference would have. "
        "The maps have {cells} cells a side; a coarser one blurs over the borders of regions.",
        cells=" / ".join(
            f"{model.scenario.input_size // 16} ({key})" for key, model in loaders.models().items()
        ),
        n=_.number(record["images"]),
        share=_.percent(record["landmarks_detected"], 0),
    )


def _change(change: Mapping[str, RegionShare]) -> str:
    """Return what the record says of the claim that the SE block sees eyes and mouth better."""
    findings = []
    for region, name in (("eyes", _("eyes and brows")), ("mouth", _("mouth"))):
        low, high = change[region]["interval"]
        if low > 0:
            sentence = _("larger on {region} ({low} to {high} points)")
        elif high < 0:
            sentence = _("smaller on {region} ({low} to {high} points)")
        else:
            sentence = _("not measurably different on {region} ({low} to {high} points)")
        findings.append(
            sentence.format(region=name, low=_.signed(100 * low, 1), high=_.signed(100 * high, 1))
        )
    return _(
        "The thesis expects `proposed` to look at eyes and mouth more. Compared with `baseline` "
        "on the same images, its share of Grad-CAM is {first}, and {second}.",
        first=findings[0],
        second=findings[1],
    )


def _region_names() -> dict[str, str]:
    return {"eyes": _("Eyes and brows"), "mouth": _("Mouth"), "rest": _("Rest")}


def region_chart(
    shares: Mapping[str, Mapping[str, RegionShare]], area: Mapping[str, float]
) -> go.Figure:
    """A group of bars a region: its share of the face's area, and of each model's Grad-CAM."""
    names = _region_names()
    labels = list(names.values())
    figure = go.Figure()
    figure.add_bar(
        name=_("Share of the area"),
        x=labels,
        y=[100 * area[region] for region in names],
        text=[_.number(round(100 * area[region])) for region in names],
        textposition="outside",
        marker={"color": charts.BOTH, "opacity": 0.5},
        hovertemplate="%{x}: %{text}%<extra></extra>",
    )
    for key, by_region in shares.items():
        values = [by_region[region]["share"] for region in names]
        figure.add_bar(
            name=key,
            x=labels,
            y=[100 * value for value in values],
            text=[_.number(round(100 * value)) for value in values],
            textposition="outside",
            error_y=charts.error_bars(values, [by_region[region]["interval"] for region in names]),
            marker={"color": charts.colour(key), "pattern": {"shape": charts.pattern(key)}},
            hovertemplate="%{x}: %{text}%<extra>" + key + "</extra>",
        )
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_yaxes(range=[0, 100])
    return charts.arrange(figure, x=_("Region of the face"), y=_("Share of Grad-CAM (%)"))


def region_table(record: Regions) -> pd.DataFrame:
    """A row for each model, class and region: share in percent, interval, ratio to the area."""
    names = _region_names()
    return pd.DataFrame(
        [
            {
                _("Model"): key,
                _("True"): _("all images") if emotion == "all" else _(emotion),
                _("Region of the face"): names[region],
                _("Share of Grad-CAM (%)"): round(100 * row["share"], 2),
                **widgets.interval_columns(row["interval"]),
                _("Times its share of the area"): round(row["ratio"], 3),
            }
            for key, model in record["models"].items()
            for emotion, by_region in {"all": model["all"], **model["per_class"]}.items()
            for region, row in by_region.items()
        ]
    )


def _draw_sanity(record: Sanity) -> None:
    st.subheader(_("Do the maps depend on what was learnt?"))
    widgets.chart(
        sanity_chart(record),
        key="sanity",
        alt=_("Lines: rank correlation of the maps as more of each network is randomised"),
    )
    st.caption(
        _(
            "Sanity check of Adebayo et al. (2018) on {n} images: layers are given random values "
            "from the output down, in {stages} stages; a map that explains the model must lose its "
            "likeness to the trained one's.",
            n=_.number(record["images"]),
            stages=len(record["stages"]),
        )
    )
    with st.expander(_("Table and download"), key="sanity_details"):
        columns = {key: np.round(model["mean"], 4) for key, model in record["models"].items()}
        widgets.table(
            pd.DataFrame({_("Randomised so far"): record["stages"], **columns}),
            "sanity_table",
            _("Rank correlation by stage and model"),
        )


def sanity_chart(record: Sanity) -> go.Figure:
    """How like the trained network's the maps still are as the network is randomised downwards."""
    stages = [_("trained"), *record["stages"]]
    figure = go.Figure()
    for key, model in record["models"].items():
        values = [1.0, *model["mean"]]
        charts.add_line(figure, key, stages, values, "%{x}: %{y:.2f}", mode="lines+markers")
    figure.update_yaxes(range=[-0.5, 1])
    # The stages' names are long; on a phone they would take half of the figure.
    figure.update_xaxes(tickvals=stages, ticktext=[str(at) for at in range(len(stages))])
    return charts.arrange(
        figure, x=_("Stages randomised, from the output down"), y=_("Rank correlation")
    )


def _draw_gates(record: Gates) -> None:
    st.subheader(_("Gates of the SE block"))
    st.write(what_gates_give(record))
    widgets.table(gate_ablation_table(record), "gate_ablation", _("Accuracy by kind of gate"))
    st.caption(mismatch())
    channels = opening_channels(record)
    widgets.chart(
        gate_chart(record, channels),
        key="gate_map",
        alt=_("Heat map: mean gate of the channels that react most to an emotion, by emotion"),
    )
    st.caption(
        _(
            "For each emotion the {each} channels whose gate opens most for it. Numbers: standard "
            "deviations (σ) from the mean of all {n} PrivateTest images, violet above it, white "
            "below. Colours end at ±{limit} σ, beyond which one cell in twenty lies.",
            each=EACH,
            n=_.number(record["images"]),
            limit=_.number(gate_limit(record, list(channels)), 1),
        )
    )
    with st.expander(_("Table and download"), key="gate_details"):
        widgets.table(gate_table(record), "gates", _("Mean gate of a channel by emotion, in σ"))
    _draw_patches(record)
    records.made_with(record, "fer analyse --only gates")


def what_gates_give(record: Gates) -> str:
    """Return how much of the gates the emotion explains, and the gain of their own values."""
    ablation = record["ablation"]
    return _(
        "Of the gates' variance between images, the emotion explains {explained} on average. "
        "With every gate fixed to its mean over PublicTest, accuracy is {fixed} instead of {own} "
        "(the gates' own values give {gain} points, 95% {low} to {high}).",
        explained=_.percent(float(np.mean(record["explained"]))),
        fixed=_.percent(ablation["mean"]["accuracy"], 2),
        own=_.percent(ablation["own"]["accuracy"], 2),
        gain=_.difference(ablation["own"]["accuracy"], ablation["mean"]["accuracy"], 2),
        low=_.signed(100 * ablation["mean"]["gain"]["gain_interval"][0], 2),
        high=_.signed(100 * ablation["mean"]["gain"]["gain_interval"][1], 2),
    )


def mismatch() -> str:
    """Return how the row of open gates is to be read."""
    return _(
        "With all gates at 1 the features are about twice as strong as the classifier has ever "
        "seen them; that row tells of this mismatch more than of the gates."
    )


def gate_ablation_table(record: Gates) -> pd.DataFrame:
    """Accuracy, interval, macro F1 and ECE with the gates as they are, at their mean, and at 1."""
    names = {
        "own": _("as computed for each image"),
        "mean": _("fixed to their mean over PublicTest"),
        "ones": _("fixed to 1"),
    }
    return pd.DataFrame(
        [
            {
                _("Gates"): names[kind],
                _("Accuracy (%)"): round(100 * row["accuracy"], 2),
                **widgets.interval_columns(row["accuracy_interval"]),
                _("Macro F1"): round(row["macro_f1"], 4),
                "ECE (%)": round(100 * row["ece"], 2),
            }
            for kind, row in record["ablation"].items()
        ]
    )


def opening_channels(record: Gates, each: int = EACH) -> dict[int, str]:
    """Return the channels whose gates open most for an emotion, with that emotion, in the emotions'
    order; one that opens for two stands with the first."""
    channels: dict[int, str] = {}
    for emotion in emotions.KEYS:
        for row in record["channels"][emotion][:each]:
            channels.setdefault(row["channel"], emotion)
    return channels


def gate_contrasts(record: Gates, channels: Sequence[int]) -> NDArray[np.float64]:
    """Return how far the mean gate of each channel lies from its overall mean in the images of each
    class, in standard deviations, (channels, 7)."""
    rows = list(channels)
    mean, spread = np.array(record["mean"])[rows], np.array(record["standard_deviation"])[rows]
    classes = np.array(record["classes"])[:, rows]
    return np.asarray(((classes - mean) / np.maximum(spread, 1e-6)).T)


def gate_limit(record: Gates, channels: Sequence[int]) -> float:
    """Return where the map's colours end: the 95th percentile of the distances from the mean, in
    standard deviations. A few channels lie far beyond, and would leave all others pale."""
    return float(np.quantile(np.abs(gate_contrasts(record, channels)), 0.95)) or 1.0


def gate_chart(record: Gates, channels: Mapping[int, str]) -> go.Figure:
    """Mean gate of channels, a row each, with the emotion for which it opens, for each class in
    standard deviations from the overall mean. Colours end at `gate_limit`; numbers do not."""
    contrasts = gate_contrasts(record, list(channels))
    figure = charts.heat_map(
        contrasts,
        [[_.signed(value, 1) for value in row] for row in contrasts.round(1)],
        [_(key) for key in emotions.KEYS],
        [f"{_(emotion)} · {channel}" for channel, emotion in channels.items()],
        PROPOSED.colour,
        gate_limit(record, list(channels)),
        below=CLOSED,
        hover="%{y}, %{x}: %{text} σ<extra></extra>",
    )
    figure.update_xaxes(tickangle=-45)
    return charts.arrange(
        figure,
        x=_("True emotion"),
        y=_("Opens most for · channel of block5_pool"),
        height=120 + 19 * len(channels),
    )


def gate_table(record: Gates) -> pd.DataFrame:
    """A row for each channel of the record: for which emotion it opens, and how far its mean gate
    lies from the overall one in each class, in standard deviations."""
    channels = opening_channels(record, each=len(record["channels"][emotions.KEYS[0]]))
    contrasts = gate_contrasts(record, list(channels)).round(3)
    return pd.DataFrame(
        {
            _("Channel of block5_pool"): [str(channel) for channel in channels],
            _("Opens most for"): [_(emotion) for emotion in channels.values()],
            **{_(key): contrasts[:, at] for at, key in enumerate(emotions.KEYS)},
        }
    )


def _draw_patches(record: Gates) -> None:
    """Draw the images that open a channel most, the place in them marked."""
    if loaders.data() is None:
        return
    emotion = widgets.emotion(_("Channels that open most for"), "gate_emotion", "happy")
    for row in record["channels"][emotion]:
        faces = [(patch, named_faces.pixels(patch["source"])) for patch in row["patches"]]
        # Another data set may be imported than the one that was studied.
        if all(face is None for _patch, face in faces):
            continue
        st.markdown(
            _(
                "Channel {channel}, {contrast} σ above the mean:",
                channel=row["channel"],
                contrast=_.number(row["contrast"], 2),
            )
        )
        with st.grid("auto", min_column_width=84, gap="xsmall"):
            for patch, face in faces:
                if face is not None:
                    st.image(
                        _marked(face, patch["top"], patch["left"]),
                        caption=_(patch["label"]),
                        width="stretch",
                        alt=_("Face: {emotion}", emotion=_(patch["label"])),
                    )


def _marked(image: Gray, top: float, left: float) -> Gray:
    """Return the face, twice as large, with all but the patch darkened."""
    side = round(PATCH * FER_SIZE)
    row, column = (min(round(start * FER_SIZE), FER_SIZE - side) for start in (top, left))
    patch = np.s_[row : row + side, column : column + side]
    darkened = (image * np.float32(0.35)).astype(np.uint8)
    darkened[patch] = image[patch]
    return darkened.repeat(2, axis=0).repeat(2, axis=1)
