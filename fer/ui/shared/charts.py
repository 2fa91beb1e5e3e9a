"""Plotly figures: data in, figure out. Margins, fonts and colours are set here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Plotly asks whatever pandas it finds among the modules, one that another visit's thread has only
# begun to import, too, and fails: whoever draws waits for the whole of it.
import pandas  # noqa: F401
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.colors import hex_to_rgb

from fer import emotions
from fer.scenarios import SCENARIOS
from fer.ui.shared.text import _

HEIGHT = 320
# Of all texts in a chart, in pixels.
FONT_SIZE = 13
# The left margin, which longer names widen; the right one, in which half of the last tick's number
# stands; the room of the upright axis' title.
LEFT, RIGHT, TITLE_HEIGHT = 64, 16, 30
# For the back row.
STAGE_HEIGHT, STAGE_FONT_SIZE = 620, 24
INK, DARK_INK = "white", "black"
# Of the pages, as `.streamlit/config.toml` has it.
BACKGROUND = "#0F172A"
# Of a visitor's own model.
OWN_COLOUR, OWN_PATTERN = "#34D399", "x"
# What belongs to both models together.
BOTH = "#94A3B8"
# What a voter can say besides the seven emotions.
OTHER_CHOICE = "#64748B"
# Lines of the models differ by more than colour: by the dash that goes with their bars' pattern.
DASHES = {"": "solid", "/": "dash", "x": "dot"}
# In text, what stands for a bar's pattern.
MARKS = {"": "■", "/": "▨"}
# Markdown's own names for the scenarios' colours; `.streamlit/config.toml` gives them their values.
MARKDOWN_COLOURS = {"#F59E0B": "orange", "#818CF8": "violet"}


def colour(key: str) -> str:
    """Return the colour of a scenario, or of the visitor's own model."""
    return SCENARIOS[key].colour if key in SCENARIOS else OWN_COLOUR


def pattern(key: str) -> str:
    """Return Plotly's name for how a model's bars are hatched."""
    return SCENARIOS[key].pattern if key in SCENARIOS else OWN_PATTERN


def dash(key: str) -> str:
    """Return Plotly's name for how a model's line is dashed."""
    return DASHES.get(pattern(key), "dashdot")


def swatch(key: str) -> str:
    """Return a small square in the model's colour, hatched like its bars, as Markdown; gray where
    the theme has no name for the colour."""
    mark = MARKS.get(pattern(key), "▩")
    return f":{MARKDOWN_COLOURS.get(colour(key), 'gray')}[{mark}]"


def heat_map(
    values: ArrayLike,
    texts: Sequence[Sequence[str]],
    columns: Sequence[str],
    rows: Sequence[str],
    colour: str,
    limit: float,
    *,
    below: str | None = None,
    hover: str | None = None,
) -> go.Figure:
    """Draw a grid of cells, each with its value in words, black or white, whichever can be read.

    Args:
        values: (rows, columns); what is beyond `limit` has the colour at the limit.
        texts: what stands in each cell.
        colour: of a cell at `limit`; at zero the background shows.
        below: of a cell at `-limit`; None if no value is negative.
        hover: Plotly's template of what stands at the pointer; None if nothing does.
    """
    cells = np.asarray(values, dtype=np.float64)
    scale = [[0, _faded(colour)], [1, colour]]
    if below is not None:
        scale = [[0, below], [0.5, _faded(below)], [0.5, _faded(colour)], [1, colour]]
    figure = go.Figure()
    is_bright = _luminance(cells / limit, colour, below or colour) > _MIDDLE
    for ink, chosen in ((INK, ~is_bright), (DARK_INK, is_bright)):
        if not chosen.any():
            continue
        # All texts of a trace have one colour, and are drawn even where it has no cell.
        figure.add_heatmap(
            z=np.where(chosen, cells, np.nan),
            x=list(columns),
            y=list(rows),
            text=np.where(chosen, np.array(texts, dtype=object), ""),
            texttemplate="%{text}",
            textfont={"color": ink},
            colorscale=scale,
            zmin=0 if below is None else -limit,
            zmax=limit,
            showscale=False,
            hoverongaps=False,
            hoverinfo="skip" if hover is None else None,
            hovertemplate=hover,
            xgap=2,
            ygap=2,
        )
    # Markers on the cells would take half a cell more on each side.
    figure.update_xaxes(type="category", showgrid=False, range=[-0.5, len(columns) - 0.5])
    figure.update_yaxes(type="category", showgrid=False, range=[len(rows) - 0.5, -0.5])
    return figure


# Where black and white are read equally well on a colour, by WCAG's contrast; both have 4.58.
_MIDDLE = 0.179


def _faded(colour: str) -> str:
    """Return the colour, fully transparent: towards another one, colours between were darker."""
    return "rgba({}, {}, {}, 0)".format(*hex_to_rgb(colour))


def _luminance(share: NDArray[np.float64], colour: str, below: str) -> NDArray[np.float64]:
    """Return the relative luminance (WCAG 2.2) of the background covered with that share of a
    colour, -1 to 1; of `below` where it is negative."""
    ends = np.where(share[..., None] < 0, hex_to_rgb(below), hex_to_rgb(colour))
    alpha = np.clip(np.abs(share), 0, 1)[..., None]
    mixed = (alpha * ends + (1 - alpha) * np.array(hex_to_rgb(BACKGROUND))) / 255
    linear = np.where(mixed <= 0.03928, mixed / 12.92, ((mixed + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ (0.2126, 0.7152, 0.0722))


def add_line(
    figure: go.Figure,
    key: str,
    x: Sequence[object] | NDArray[np.float64],
    y: Sequence[float] | NDArray[np.float64],
    hover: str,
    **style: object,
) -> None:
    """Add a model's line in its colour and dash; `hover` is Plotly's template of what stands at the
    pointer beside the model's name, `style` what else the line has."""
    line = {"color": colour(key), "dash": dash(key), "width": 2}
    figure.add_scatter(
        x=x,
        y=y,
        line=line,
        hovertemplate=f"{hover}<extra>{key}</extra>",
        **{"mode": "lines", "name": key, **style},
    )


def add_diagonal(figure: go.Figure, name: str) -> None:
    """Add the dotted line from 0 to 100% on both axes."""
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        name=name,
        line={"dash": "dot", "width": 1, "color": emotions.EMOTIONS[-1].colour},
        hoverinfo="skip",
    )


def enlarged(figure: go.Figure, height: int = STAGE_HEIGHT) -> go.Figure:
    """Return the figure as a projector needs it."""
    # Streamlit's theme has sizes of its own for ticks, titles and legends.
    font = {"size": STAGE_FONT_SIZE}
    right = figure.layout.margin.r * STAGE_FONT_SIZE / FONT_SIZE
    figure.update_layout(
        height=height, margin={"r": right}, font=font, legend={"font": font}, title={"font": font}
    )
    figure.update_annotations(font=font)
    figure.update_xaxes(tickfont=font, title={"font": font})
    return figure.update_yaxes(tickfont=font)


def arrange(
    figure: go.Figure, *, x: str, y: str = "", height: int = HEIGHT, right: int = RIGHT
) -> go.Figure:
    """Return the figure with axis titles that are read without turning the head, ticks at the ends
    of its axes, the language's decimal mark, no zoom, narrow margins and the legend above.

    Args:
        x: title of the horizontal axis. y: of the upright one, above it; empty where the names on
            it, as of emotions, say what they are.
        height: in pixels. right: the right margin, which texts beside bars need.
    """
    title = TITLE_HEIGHT if y else 0
    # As in `enlarged`, in each place that has a size of its own.
    font = {"size": FONT_SIZE}
    axis = {"fixedrange": True, "automargin": True, "tickfont": font}
    given = figure.layout.to_plotly_json()
    # Plotly takes ten times as long to update what stands in the layout as to replace it.
    figure.update_layout(
        overwrite=True,
        height=height,
        margin={"l": LEFT, "r": right, "t": 8 + title, "b": 0},
        separators=",." if _.language == "id" else ".,",
        font=font,
        title={
            "text": y,
            "x": 0,
            "xref": "container",
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "pad": {"b": 12},
            "font": font,
        },
        legend=given.get("legend", {})
        | {
            "orientation": "h",
            "y": 1.02 + title / max(height - 90, 90),
            "yanchor": "bottom",
            "x": 0,
            "title": None,
            "font": font,
        },
        xaxis=given.get("xaxis", {}) | axis | {"title": {"text": x, "font": font}},
        yaxis=given.get("yaxis", {}) | axis,
    )
    for name in ("x", "y"):
        _end_with_ticks(figure, name)
    return figure


def _end_with_ticks(figure: go.Figure, name: str) -> None:
    """Give an axis of numbers round ticks, the first and the last at its ends; ends that the chart
    set itself stay."""
    axis = figure.layout[f"{name}axis"]
    if axis.type in ("category", "log") or axis.tickvals is not None or axis.dtick is not None:
        return
    ends = axis.range or _extent(figure, name)
    if ends is None:
        return
    low, high = ends if axis.rangemode != "tozero" else (min(ends[0], 0), max(ends[1], 0))
    step = _step(high - low, is_whole=axis.tickformat == "d")
    first, last = step * np.floor(low / step + 1e-9), step * np.ceil(high / step - 1e-9)
    if axis.range is None:
        axis.update(range=[first, last])
    elif not np.allclose((first, last), ends):
        return
    axis.update(tick0=first, dtick=step)


def _step(span: float, *, is_whole: bool) -> float:
    """Return 1, 2, 2.5 or 5 times a power of ten, so that five steps span a range at least."""
    least = max(span, 1e-12) / 5
    power = 10.0 ** np.floor(np.log10(least))
    step = next(float(power * n) for n in (1, 2, 2.5, 5, 10) if power * n >= least * (1 - 1e-9))
    return max(1.0, float(np.ceil(step))) if is_whole else step


def last_tick(most: float) -> float:
    """Return where an axis from 0 to that number ends."""
    step = _step(most, is_whole=False)
    return float(step * np.ceil(most / step - 1e-9))


def _extent(figure: go.Figure, name: str) -> tuple[float, float] | None:
    """Return the least and the largest number that is drawn along an axis, intervals included; None
    where there are no numbers, or bars stand beside each other."""
    drawn: list[float] = []
    for trace in figure.data:
        values = list(trace[name]) if trace[name] is not None else []
        is_bar = trace.type == "bar"
        if is_bar and (trace.orientation == "h") is not (name == "x"):
            return None
        if any(isinstance(value, str) for value in values):
            return None
        numbers = np.array(values, dtype=np.float64)
        spread = trace[f"error_{name}"]
        above = 0 if spread.array is None else np.array(spread.array, dtype=np.float64)
        below = above if spread.arrayminus is None else np.array(spread.arrayminus)
        ends = np.concatenate([numbers + above, numbers - below, [0.0] if is_bar else []])
        drawn += ends[np.isfinite(ends)].tolist()
    return (min(drawn), max(drawn)) if drawn else None


def name_lines(figure: go.Figure) -> go.Figure:
    """Write each line's name at its end, in its colour, in place of a legend; of lines that end
    close together the higher one's name moves up."""
    named = [trace for trace in figure.data if trace.name and trace.showlegend is not False]
    # Categories stand at their numbers.
    is_category = figure.layout.xaxis.type == "category"
    last = [-1 if is_category else int(np.argmax(trace.x)) for trace in named]
    ends = {trace.name: float(trace.y[at]) for trace, at in zip(named, last, strict=True)}
    right = len(named[0].x) - 1 if is_category else max(named[0].x)
    low, high = figure.layout.yaxis.range
    if is_category:
        # Plotly would make room for the names within the axis, beside the margin that they have.
        figure.update_xaxes(range=[-0.25, right + 0.25])
    named.sort(key=lambda trace: ends[trace.name])
    is_close = bool(np.diff(sorted(ends.values())).min(initial=np.inf) < 0.08 * (high - low))
    for at, trace in enumerate(named):
        figure.add_annotation(
            x=right,
            y=ends[trace.name],
            text=trace.name,
            xanchor="left",
            xshift=8,
            yshift=(16 * at - 8 * (len(named) - 1)) if is_close else 0,
            showarrow=False,
            font={"color": trace.line.color, "size": FONT_SIZE},
        )
    return figure.update_layout(showlegend=False, margin={"r": 80})


def error_bars(values: Sequence[float], intervals: Sequence[Sequence[float]]) -> dict[str, object]:
    """Return Plotly's error bars in percent, from shares and the ends of their intervals."""
    return {
        # Half of each interval lies beside its bar, on the dark page, where Plotly's gray is lost.
        "color": INK,
        "type": "data",
        "symmetric": False,
        "array": [100 * (high - v) for v, (_low, high) in zip(values, intervals, strict=True)],
        "arrayminus": [100 * (v - low) for v, (low, _high) in zip(values, intervals, strict=True)],
        "thickness": 1,
        "width": 3,
    }
