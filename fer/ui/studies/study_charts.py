"""Figures of what an examiner asks next: where models look, gates, doubt, spoilt faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fer import emotions
from fer.evaluation.calibration import Coverage, RightAndWrong
from fer.evaluation.records import Difference
from fer.scenarios import PROPOSED, SCENARIOS
from fer.studies.records import Gates, RegionShare, Robustness, Sanity
from fer.ui.charts import BOTH, INK, arrange, colour, dash, heat_map, name_lines
from fer.ui.text import _

# Of gates that close; no model's colour, and far from that of those that open.
CLOSED = "#E2E8F0"


def error_bars(values: Sequence[float], intervals: Sequence[Sequence[float]]) -> dict[str, object]:
    """Plotly's error bars from the ends of intervals, both in percent of 1."""
    return {
        # Half of each interval lies beside its bar, on the dark page, where Plotly's gray is lost.
        "color": INK,
        "type": "data",
        "symmetric": False,
        "array": [100 * (high - v) for v, (_, high) in zip(values, intervals, strict=True)],
        "arrayminus": [100 * (v - low) for v, (low, _) in zip(values, intervals, strict=True)],
        "thickness": 1,
        "width": 3,
    }


def region_shares(
    shares: Mapping[str, Mapping[str, RegionShare]],
    area: Mapping[str, float],
    names: Mapping[str, str],
) -> go.Figure:
    """A group of bars a region: its share of the face's area, and of each model's Grad-CAM.

    Args:
        shares: for each model and region, `share` and `interval`.
        names: what each region is called.
    """
    figure = go.Figure()
    labels = list(names.values())
    figure.add_bar(
        name=_("Share of the area"),
        x=labels,
        y=[100 * area[region] for region in names],
        text=[_.percent(area[region], 0) for region in names],
        textposition="outside",
        marker={"color": BOTH, "opacity": 0.5},
        hovertemplate="%{x}: %{text}<extra></extra>",
    )
    for key, found in shares.items():
        values = [found[region]["share"] for region in names]
        figure.add_bar(
            name=key,
            x=labels,
            y=[100 * value for value in values],
            text=[_.percent(value, 0) for value in values],
            textposition="outside",
            error_y=error_bars(values, [found[region]["interval"] for region in names]),
            marker={"color": SCENARIOS[key].colour, "pattern": {"shape": SCENARIOS[key].pattern}},
            hovertemplate="%{x}: %{text}<extra>" + key + "</extra>",
        )
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_yaxes(range=[0, 100])
    return arrange(figure, x=_("Region of the face"), y=_("Share of Grad-CAM (%)"))


def randomisation(record: Sanity) -> go.Figure:
    """How like the trained network's the maps still are as the network is randomised downwards."""
    stages = [_("trained"), *record["stages"]]
    figure = go.Figure()
    for key, found in record["models"].items():
        figure.add_scatter(
            x=stages,
            y=[1.0, *found["mean"]],
            mode="lines+markers",
            name=key,
            line={"color": SCENARIOS[key].colour, "dash": dash(key), "width": 2},
            hovertemplate="%{x}: %{y:.2f}<extra>" + key + "</extra>",
        )
    figure.update_yaxes(range=[-0.5, 1])
    # The stages' names are long; on a phone they would take half of the figure.
    figure.update_xaxes(tickvals=stages, ticktext=["0", *map(str, range(1, len(stages)))])
    return arrange(figure, x=_("Stages randomised, from the output down"), y=_("Rank correlation"))


def gate_contrasts(record: Gates, channels: Sequence[int]) -> NDArray[np.float64]:
    """How far the mean gate of each channel lies from its overall mean in the images of each class,
    in standard deviations, (channels, 7)."""
    mean, spread = np.array(record["mean"]), np.array(record["standard_deviation"])
    chosen = list(channels)
    classes = np.array(record["classes"])[:, chosen]
    contrasts: NDArray[np.float64] = (classes - mean[chosen]) / np.maximum(spread[chosen], 1e-6)
    return contrasts.T


def gate_limit(record: Gates, channels: Sequence[int]) -> float:
    """Where the map's colours end: the 95th percentile of the distances from the mean, in standard
    deviations. A few channels lie far beyond, and would leave all others without colour."""
    found = np.quantile(np.abs(gate_contrasts(record, channels)), 0.95)
    return float(found) or 1.0


def gate_map(record: Gates, channels: Mapping[int, str]) -> go.Figure:
    """Mean gate of some channels for each class, in standard deviations from the overall mean.

    Colours end at `gate_limit`; the numbers in the cells do not.

    Args:
        channels: for each channel, a row of the map, the emotion for which it opens.
    """
    contrasts = gate_contrasts(record, list(channels))
    figure = heat_map(
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
    height = 120 + 19 * len(channels)
    return arrange(
        figure, x=_("True emotion"), y=_("Opens most for · channel of block5_pool"), height=height
    )


def confidences(bins: Mapping[str, Sequence[RightAndWrong]]) -> go.Figure:
    """How many images are answered with each confidence, a line for each model."""
    figure = go.Figure()
    for key, rows in bins.items():
        figure.add_scatter(
            x=[100 * (row["low"] + row["high"]) / 2 for row in rows],
            y=[row["right"] + row["wrong"] for row in rows],
            customdata=[[row["right"], row["wrong"]] for row in rows],
            mode="lines",
            name=key,
            line={"shape": "hvh", "color": colour(key), "dash": dash(key), "width": 2},
            hovertemplate="%{x:.0f}%: %{y} (%{customdata[0]} ✓, %{customdata[1]} ✗)<extra>"
            + key
            + "</extra>",
        )
    figure.update_xaxes(range=[0, 100])
    return arrange(figure, x=_("Confidence (%)"), y=_("Images"), height=240)


def coverage(
    curves: Mapping[str, Coverage], marked: Mapping[str, tuple[float, float]]
) -> go.Figure:
    """Accuracy of the answers that are given against how many are.

    Args:
        marked: of each model a point of its curve, coverage and accuracy of 1.
    """
    figure = go.Figure()
    for key, curve in curves.items():
        kept = curve.coverage > 0
        figure.add_scatter(
            x=100 * curve.coverage[kept],
            y=100 * curve.accuracy[kept],
            customdata=100 * curve.threshold[kept],
            mode="lines",
            name=key,
            line={"color": colour(key), "dash": dash(key), "width": 2},
            hovertemplate="%{x:.1f}% → %{y:.1f}% (≥ %{customdata:.0f}%)<extra>" + key + "</extra>",
        )
        share, accuracy = marked[key]
        figure.add_scatter(
            x=[100 * share],
            y=[100 * accuracy],
            mode="markers",
            marker={"color": colour(key), "size": 12, "symbol": "diamond"},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(range=[0, 100])
    figure = arrange(figure, x=_("Coverage (% of images)"), y=_("Accuracy (%)"))
    return name_lines(figure)


def corruption(record: Robustness, key: str, unit: str) -> go.Figure:
    """Both models' accuracy under one corruption, from the clean images to the strongest."""
    results = record["corruptions"][key]["results"]
    names = [_("none"), *(_.number(row["strength"], _decimals(row["strength"])) for row in results)]
    figure = go.Figure()
    for model in record["clean"]:
        found = [record["clean"][model], *(row["models"][model] for row in results)]
        values = [row["accuracy"] for row in found]
        figure.add_scatter(
            x=names,
            y=[100 * value for value in values],
            error_y=error_bars(values, [row["interval"] for row in found]),
            mode="lines+markers",
            name=model,
            line={"color": SCENARIOS[model].colour, "dash": dash(model), "width": 2},
            hovertemplate="%{x}: %{y:.1f}%<extra>" + model + "</extra>",
        )
    figure.add_hline(
        y=100 / emotions.COUNT,
        line={"dash": "dot", "width": 1, "color": BOTH},
        annotation={"text": _("random guessing"), "font": {"color": BOTH}},
        annotation_position="bottom left",
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(range=[0, 100])
    return name_lines(arrange(figure, x=unit, y=_("Accuracy (%)")))


def _decimals(value: float) -> int:
    """As many decimals as the value has, at most two."""
    return next((n for n in (0, 1) if round(value, n) == value), 2)


def ablation(measures: Mapping[str, Mapping[str, Difference]]) -> go.Figure:
    """A bar for each metric and ingredient: what the ingredient gives in percentage points, with
    its interval.

    Args:
        measures: by name of the metric, and then of the ingredient; the first metric has all.
    """
    ingredients = list(next(iter(measures.values()), {}))
    # The values stand in the label: on a bar its interval would cross them out.
    labels = {
        name: "<br>".join(
            [name]
            + [
                f"{metric} {_.signed(100 * rows[name]['gain'], 1)}"
                for metric, rows in measures.items()
                if name in rows
            ]
        )
        for name in ingredients
    }
    figure = go.Figure()
    for number, (metric, rows) in enumerate(measures.items()):
        values = [row["gain"] for row in rows.values()]
        figure.add_bar(
            orientation="h",
            name=metric,
            y=[labels[name] for name in rows],
            x=[100 * value for value in values],
            error_x=error_bars(values, [row["gain_interval"] for row in rows.values()]),
            # Hollow, since both are of the same model, whose colour stays its own.
            marker={
                "color": PROPOSED.colour if number == 0 else "rgba(0, 0, 0, 0)",
                "line": {"color": PROPOSED.colour, "width": 1.5},
            },
            hovertemplate="%{y}<extra></extra>",
        )
    figure.add_vline(x=0, line={"width": 1, "color": BOTH})
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_yaxes(autorange="reversed")
    return arrange(
        figure,
        x=_("Gain (percentage points)"),
        height=110 + sum(20 + 14 * len(label.split("<br>")) for label in labels.values()),
    )
