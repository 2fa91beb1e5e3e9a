"""The whole comparison as one HTML file that needs no network and prints well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import jinja2
import pandas as pd
import plotly.graph_objects as go
import plotly.offline
import streamlit as st

from fer import emotions
from fer.inference.benchmark import BENCHMARK
from fer.scenarios import BASELINE, PROPOSED
from fer.ui import about, charts, data_origin, loaders, model_comparison, widgets
from fer.ui.results import crowd_sections, result_charts, result_tables
from fer.ui.results.shown import stored
from fer.ui.studies import crowd_charts, records, report_tables, verdict
from fer.ui.studies.report_tables import Part
from fer.ui.text import Language, _, in_language
from fer.ui.training import training_charts, training_sections

TEMPLATE = Path(__file__).parent / "report.html.j2"
# Rows of a table that fit on a page.
PAGE = 30
# Markdown's marks, which plain text does without.
UNMARKED = str.maketrans("", "", "*`")


@dataclass(frozen=True)
class Drawn:
    """A chart of the report, what it shows for those who cannot see it, and how it is read."""

    figure: go.Figure
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the report: its heading, a table or chart as HTML, and the words around it."""

    title: str
    body: str
    note: str = ""
    alt: str = ""


def button(split: str) -> None:
    """Two clicks to the report: one makes it, one saves it; the file is made only on request."""
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
    """The report on one split in one language.

    Raises:
        FerError: if stored predictions are damaged.
    """
    parts = _tables(split)
    tables = {
        name: Section(name, _markup(part.table), part.note.translate(UNMARKED))
        for name, part in parts.items()
    }
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        language=_.language,
        title=_("Facial Expression Analysis System"),
        split=split,
        made=_("Made on {date} from stored results.", date=now.strftime("%Y-%m-%d %H:%M UTC")),
        sources=[
            f"{key}: SHA-256 {model.digest}" for key, model in model_comparison.evaluated().items()
        ],
        data=" ".join([f"{data_origin.sources()}.", *map(_.error, data_origin.notices())]),
        thesis=f"{about.credit()} {about.departures()}".translate(UNMARKED),
        gain=model_comparison.gain_in_words(split).translate(UNMARKED),
        answers=[sentence.translate(UNMARKED) for sentence in verdict.sentences()],
        script=plotly.offline.get_plotlyjs(),
        # What does not fit a page comes after the curves.
        tables=[section for name, section in tables.items() if len(parts[name].table) <= PAGE],
        long_tables=[section for name, section in tables.items() if len(parts[name].table) > PAGE],
        figures=[
            Section(name, _plot(drawn.figure, name), drawn.note, drawn.alt)
            for name, drawn in _figures(split).items()
        ],
        saving=_("Point at a chart and press its camera to save it as SVG, for print."),
    )


def _figures(split: str) -> dict[str, Drawn]:
    """The report's charts by title."""
    shown = stored(split)
    found = shown.scores
    figures: dict[str, Drawn] = {
        _("F1 of each class"): Drawn(
            charts.emotion_bars(
                {k: [m["per_class"][e]["f1"] for e in emotions.KEYS] for k, m in found.items()},
                "F1 (%)",
            ),
            _("Bars of {metric} for each emotion and model", metric="F1"),
        ),
    }
    for key, metrics in found.items():
        figures[f"{_('Confusion')}: {key}"] = Drawn(
            result_charts.confusion(metrics["confusion"], key, True),
            _("Confusion matrix of {model}: true against predicted emotion", model=key),
        )
    if {BASELINE.key, PROPOSED.key} <= found.keys():
        figures[_("What `proposed` changes").translate(UNMARKED)] = Drawn(
            result_charts.confusion_difference(
                found[BASELINE.key]["confusion"], found[PROPOSED.key]["confusion"]
            ),
            _("Difference of the two confusion matrices in percentage points"),
        )
    figures[_("Calibration")] = Drawn(
        result_charts.reliability(
            {key: model.reliability for key, model in shown.models.items()},
            {key: m["ece"] for key, m in found.items()},
        ),
        _("Accuracy against confidence for both models"),
    )
    figures |= _against_people(split)
    histories = {key: training_sections.history(key) for key in found}
    figures[_("Learning curves")] = Drawn(
        training_charts.curves(histories, "accuracy"),
        _("Lines: {quantity} of each run by epoch", quantity=_("Accuracy")),
        training_charts.marks().translate(UNMARKED),
    )
    return figures


def _against_people(split: str) -> dict[str, Drawn]:
    found = crowd_sections.figures(split)
    if found is None:
        return {}
    return {
        _("What people see"): Drawn(
            crowd_charts.by_agreement(found["levels"]),
            _("Lines: agreement with the majority over the number of voters who make it"),
            crowd_sections.measured(),
        ),
        _("Whose error is it?"): Drawn(
            crowd_charts.sides(found["models"]),
            _("Bars: with whom the crowd sides where a model's answer is not the label"),
        ),
    }


def _tables(split: str) -> dict[str, Part]:
    """The report's tables by title."""
    shown = stored(split)
    roc = {key: model.roc for key, model in shown.models.items()}
    precision = {key: model.precision_recall for key, model in shown.models.items()}
    tables = {
        _("Metrics"): result_tables.metric_table(shown.scores),
        _("Method"): about.methodology(),
        _("Parameters"): model_comparison.parameter_table(),
        _("Metrics of each class"): result_tables.class_table(shown.scores),
        _("ROC and PR"): result_tables.curve_table(roc, precision),
    }
    tables |= crowd_sections.report_tables(split)
    parts = {name: Part(table, "") for name, table in tables.items()}
    parts |= report_tables.report_tables()
    timed = loaders.record(BENCHMARK)
    if timed is not None:
        parts[_("Speed")] = Part(
            result_tables.speed_table(timed),
            records.of_other_weights(timed["weights_sha256"]),
        )
    if shown.gain is not None:
        parts[_("Where one model is right and the other wrong")] = Part(
            result_tables.disagreement_table(shown.gain), ""
        )
    return parts


def _markup(frame: pd.DataFrame) -> str:
    return frame.to_html(
        index=False, border=0, na_rep="–", decimal="," if _.language == "id" else "."
    )


def _plot(figure: go.Figure, name: str) -> str:
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
