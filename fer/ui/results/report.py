"""The whole comparison as one HTML file that needs no network and prints well."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import jinja2
import pandas as pd
import plotly.graph_objects as go
import plotly.offline
import streamlit as st

from fer.artifacts.records import MadeWith
from fer.artifacts.stored import Stored
from fer.inference.records import BENCHMARK
from fer.scenarios import BASELINE, PROPOSED
from fer.studies.records import ABLATION, GATES, REGION_SHARES, ROBUSTNESS
from fer.ui.results import confusions, crowd, crowd_tables, curves, metrics, reliability, speed
from fer.ui.results.measured_models import stored
from fer.ui.shared import charts, data_origin, loaders, widgets
from fer.ui.shared.text import Language, _, in_language
from fer.ui.studies import (
    ablation,
    about,
    attention,
    model_comparison,
    records,
    robustness,
    verdict,
)
from fer.ui.training import training_charts, training_sections

T = TypeVar("T", bound=MadeWith)
TEMPLATE = Path(__file__).parent / "report.html.j2"
# Rows of a table that fit on a page.
PAGE = 30
# Of Markdown's marks, which plain text does without.
UNMARKED = str.maketrans("", "", "*`")


@dataclass(frozen=True)
class Table:
    """A table of the report and the sentences that it is read with."""

    frame: pd.DataFrame
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart of the report, its words for those who cannot see it, and how it is read."""

    figure: go.Figure
    alt: str
    note: str = ""


def draw_button(split: str) -> None:
    """Draw two clicks to the report: one makes it, one saves it; it is made only on request."""
    if st.button(_("Make the report"), icon=":material/description:", key="make_report"):
        with st.spinner(_("Writing the report…")):
            page = _cached(split, _.language)
        st.download_button(
            _("Download the report (HTML)"),
            page,
            file_name=f"fer2013-{split}-{_.language}.html",
            mime="text/html",
            icon=":material/download:",
            key="report",
            on_click="ignore",
        )
    st.caption(
        _(
            "Charts can be saved: here as PNG, with the camera icon of the chart that you point "
            "at; in the report as SVG, black on white, for print."
        )
    )


@loaders.follows
def _cached(split: str, language: Language) -> str:
    with in_language(language):
        return html(split, datetime.now(UTC))


def html(split: str, now: datetime) -> str:
    """Return the report on one split in one language.

    Raises:
        FerError: if stored predictions are damaged.
    """
    tables = _tables(split)
    # What does not fit a page comes after the charts.
    short = {title: table for title, table in tables.items() if len(table.frame) <= PAGE}
    long = {title: table for title, table in tables.items() if title not in short}
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        language=_.language,
        title=_("Facial Expression Analysis System"),
        split=split,
        made=_("Made on {date} from stored results.", date=now.strftime("%Y-%m-%d %H:%M UTC")),
        sources=[f"{key}: SHA-256 {model.digest}" for key, model in loaders.evaluated().items()],
        data=" ".join([f"{data_origin.sources()}.", *map(_.error, data_origin.notices())]),
        thesis=f"{about.credit()} {about.departures()}".translate(UNMARKED),
        gain=model_comparison.gain_in_words(split).translate(UNMARKED),
        answers=[sentence.translate(UNMARKED) for sentence in verdict.sentences()],
        script=plotly.offline.get_plotlyjs(),
        tables=_sections(short),
        charts=_sections(_charts(split)),
        long_tables=_sections(long),
        saving=_("Point at a chart and press its camera to save it as SVG, for print."),
    )


def _sections(parts: Mapping[str, Table | Chart]) -> list[dict[str, str]]:
    """Return title, body as HTML, note and alt of each part, as the template reads them."""
    return [
        {
            "title": title,
            "body": part.frame.to_html(
                index=False, border=0, na_rep="–", decimal="," if _.language == "id" else "."
            )
            if isinstance(part, Table)
            else _chart_html(part.figure, title),
            "note": part.note.translate(UNMARKED),
            "alt": "" if isinstance(part, Table) else part.alt,
        }
        for title, part in parts.items()
    ]


def _charts(split: str) -> dict[str, Chart]:
    """Return the report's charts by title."""
    measured = stored(split)
    scores = measured.scores
    parts = {
        _("F1 of each class"): Chart(
            metrics.class_chart(scores, "f1", "F1"),
            _("Bars of {metric} for each emotion and model", metric="F1"),
        ),
    }
    for key, of_model in scores.items():
        parts[f"{_('Confusion')}: {key}"] = Chart(
            confusions.confusion_chart(of_model["confusion"], key, True),
            _("Confusion matrix of {model}: true against predicted emotion", model=key),
        )
    if {BASELINE.key, PROPOSED.key} <= scores.keys():
        parts[_("What `proposed` changes").translate(UNMARKED)] = Chart(
            confusions.difference_chart(
                scores[BASELINE.key]["confusion"], scores[PROPOSED.key]["confusion"]
            ),
            _("Difference of the two confusion matrices in percentage points"),
        )
    parts[_("Calibration")] = Chart(
        reliability.reliability_chart(
            {key: model.reliability for key, model in measured.models.items()},
            {key: of_model["ece"] for key, of_model in scores.items()},
        ),
        _("Accuracy against confidence for both models"),
    )
    people = crowd.figures(split)
    if people is not None:
        parts[_("What people see")] = Chart(
            crowd.level_chart(people["levels"]),
            _("Lines: agreement with the majority over the number of voters who make it"),
            crowd.method(),
        )
        parts[_("Whose error is it?")] = Chart(
            crowd.side_chart(people["models"]),
            _("Bars: with whom the crowd sides where a model's answer is not the label"),
        )
    parts[_("Learning curves")] = Chart(
        training_charts.curves({key: training_sections.history(key) for key in scores}, "accuracy"),
        _("Lines: {quantity} of each run by epoch", quantity=_("Accuracy")),
        training_charts.marks(),
    )
    return parts


def _tables(split: str) -> dict[str, Table]:
    """Return the report's tables by title."""
    measured = stored(split)
    parts = {
        _("Metrics"): Table(metrics.metric_table(measured.scores)),
        _("Method"): Table(about.methodology()),
        _("Parameters"): Table(model_comparison.parameter_table()),
        _("Metrics of each class"): Table(metrics.class_table(measured.scores)),
        _("ROC and PR"): Table(curves.curve_table(measured.models)),
    }
    people = crowd.figures(split)
    if people is not None:
        parts |= {title: Table(frame) for _k, title, frame, _n in crowd_tables.tables(people)}
    parts |= study_tables()
    timed = loaders.record(BENCHMARK)
    if timed is not None:
        parts[_("Speed")] = Table(
            speed.speed_table(timed), records.of_other_weights(timed["weights_sha256"])
        )
    if measured.gain is not None:
        parts[_("Where one model is right and the other wrong")] = Table(
            metrics.disagreement_table(measured.gain)
        )
    return parts


def study_tables() -> dict[str, Table]:
    """Return the tables of the studies that were made, by title."""
    parts: dict[str, Table] = {}

    def add(
        title: str,
        study: Stored[T],
        table: Callable[[T], pd.DataFrame],
        note: Callable[[T], str] = lambda _record: "",
    ) -> None:
        record = loaders.record(study)
        if record is not None:
            warning = records.of_other_weights(record["weights_sha256"])
            parts[title] = Table(table(record), f"{note(record)} {warning}".strip())

    add(
        _("What each ingredient gives"),
        ABLATION,
        ablation.gain_table,
        lambda record: " ".join([*ablation.sentences(record), ablation.budget(record)]),
    )
    add(_("Every run of the ablation"), ABLATION, ablation.run_table)
    add(
        _("Gates of the SE block"),
        GATES,
        attention.gate_ablation_table,
        lambda _record: attention.mismatch(),
    )
    add(
        _("Accuracy on corrupted faces"),
        ROBUSTNESS,
        robustness.robustness_table,
        robustness.method,
    )
    add(
        _("Share of Grad-CAM by class and region"),
        REGION_SHARES,
        attention.region_table,
        attention.method,
    )
    return parts


def _chart_html(figure: go.Figure, name: str) -> str:
    figure = go.Figure(figure).update_layout(template="plotly_white", width=640)
    figure.update_traces(textfont={"color": "black"}, selector={"type": "heatmap"})
    is_white = {"type": "scatter", "line.color": charts.INK}
    figure.update_traces(line={"color": "black"}, selector=is_white)
    for error in ("error_x", "error_y"):
        is_white = {f"{error}.color": charts.INK}
        figure.update_traces({f"{error}.color": "black"}, selector=is_white)
    figure.update_annotations(font={"color": "black"})
    config = widgets.toolbar(re.sub(r"\W+", "-", name.lower()).strip("-"), "svg")
    return str(figure.to_html(full_html=False, include_plotlyjs=False, config=config))
