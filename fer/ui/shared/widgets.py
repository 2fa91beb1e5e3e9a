"""Parts that every page is put together from: metrics, chart, table with download, sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Literal, ParamSpec, TypeAlias, TypeVar

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer import FerError, emotions
from fer.ui.shared import data_origin, loaders
from fer.ui.shared.text import _, plain

P = ParamSpec("P")
K = TypeVar("K", bound=str)
# What each figure is called, the figure, and a line below it.
Metrics: TypeAlias = Mapping[str, tuple[str, str | None]]
_CALLBACK_ERROR = "callback_error"
_NOTED = "noted_sources"
# Rows of a table beyond which it scrolls.
MOST_ROWS = 30
# Cells of a table beyond which the browser writes the numbers: styles cost a millisecond for ten.
MOST_STYLED = 5_000


def chart(figure: go.Figure, key: str, alt: str) -> None:
    """Draw a figure with full screen and a picture to download; `alt` says what it shows."""
    st.plotly_chart(figure, config=toolbar(key), key=key, alt=alt)


def toolbar(name: str, picture: Literal["png", "svg"] = "png") -> dict[str, object]:
    """Return Plotly's settings for a chart: of its toolbar only the picture of that name, a PNG
    three times as fine as the screen for slides, or an SVG for print; Streamlit adds full screen.

    A button for a second format would be a function of JavaScript, which these settings cannot
    hold on their way to the browser.
    """
    return {
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {
            "format": picture,
            "scale": 3 if picture == "png" else 1,
            "filename": name,
        },
    }


def clickable(
    figure: go.Figure, key: str, alt: str, on_click: Callable[[tuple[int, ...]], None]
) -> None:
    """Draw a figure that calls `on_click` with the whole numbers of the custom data of the point
    that is clicked, before the page is drawn anew."""

    def clicked() -> None:
        points = st.session_state[key]["selection"]["points"]
        # A selection is lost when the figure changes, which is no click.
        if points:
            on_click(tuple(value for value in points[0]["customdata"] if isinstance(value, int)))

    st.plotly_chart(
        figure,
        config=toolbar(key),
        key=key,
        alt=alt,
        on_select=clicked,
        selection_mode="points",
    )


def table(
    frame: pd.DataFrame,
    key: str,
    alt: str,
    hidden: Sequence[str] = (),
    shown: pd.DataFrame | None = None,
) -> None:
    """Draw a table with its CSV download, named after `key`; decimals follow the language.

    Intervals are two columns of numbers in the download, and one of words on the page. A short
    table stands on the page as text, which a phone shows whole. A long one scrolls.

    Args:
        hidden: columns that only the download has.
        shown: what stands on the page in place of `frame`, which is then for the download alone.
    """
    if shown is None:
        shown = _intervals_in_words(frame.drop(columns=list(hidden)))
    if len(shown) <= MOST_ROWS:
        with st.container(key=key):
            st.table(localised(shown), hide_index=True, alt=alt)
    else:
        st.dataframe(
            localised(shown),
            hide_index=True,
            column_config={str(shown.columns[0]): st.column_config.Column(pinned=True)},
            placeholder="–",
            key=key,
            alt=alt,
        )
    download(frame, key)


def interval_columns(ends: Sequence[float] | None) -> dict[str, float]:
    """Return the ends of a share's interval, in percent, by column; NaN where there is none."""
    low, high = (float("nan"),) * 2 if ends is None else ends
    return {_("95% from (%)"): round(100 * low, 2), _("95% to (%)"): round(100 * high, 2)}


def points_interval_columns(ends: Sequence[float]) -> dict[str, float]:
    """Return the ends of a difference's interval, in percentage points, by column."""
    low, high = (round(100 * end, 2) for end in ends)
    return {_("95% from (points)"): low, _("95% to (points)"): high}


def _intervals_in_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the columns of `interval_columns`, if it has them, as one of words."""
    low, high = _("95% from (%)"), _("95% to (%)")
    if not {low, high} <= {*frame.columns}:
        return frame
    words = [
        "–" if pd.isna(start) else _.interval((start / 100, end / 100))
        for start, end in zip(frame[low], frame[high], strict=True)
    ]
    in_words = _("95% interval")
    return frame.drop(columns=high).rename(columns={low: in_words}).assign(**{in_words: words})


def localised(frame: pd.DataFrame) -> pd.DataFrame | pd.io.formats.style.Styler:
    """Return the table with its numbers in the language's marks and its words as no Markdown; the
    values stay as they are.

    A column of floats has as many decimals as its longest value, six at most. A number that is a
    name, a seed or a year, comes as text.
    """
    if frame.size > MOST_STYLED:
        return frame
    numeric = frame.select_dtypes("number").columns
    return frame.style.format(
        {
            name: partial(_.number, decimals=_decimals(frame[name])) if name in numeric else plain
            for name in frame
        },
        na_rep="–",
    )


def _decimals(column: pd.Series[float]) -> int:
    if column.dtype.kind != "f":
        return 0
    digits = [f"{value:.6f}".rstrip("0").partition(".")[2] for value in column.dropna()]
    return max(map(len, digits), default=0)


def opened(label: str, key: str) -> DeltaGenerator | None:
    """Return an expander if the visitor has opened it, else None: what stands in one is made on
    every rerun, seen or not, and a table costs as much as a page's text."""
    expander = st.expander(label, key=key, on_change="rerun")
    return expander if expander.open else None


def folded_table(make: Callable[[], pd.DataFrame], key: str, alt: str, expander_key: str) -> None:
    """Draw `table` of what `make` returns in an expander, once the visitor has opened it."""
    if details := opened(_("Table and download"), expander_key):
        with details:
            table(make(), key, alt)


def choice(
    label: str,
    kinds: Mapping[K, str],
    key: str,
    *,
    default: K | None = None,
    is_labelled: bool = True,
    wrap: bool | None = None,
    help: str | None = None,
) -> K:
    """Return the key of the kind that is chosen by buttons in a row.

    Args:
        kinds: what each kind is called, by its key.
        default: the first one's key if None.
        is_labelled: whether the label is shown, or told to screen readers only.
    """
    return st.segmented_control(
        label,
        list(kinds),
        default=default or next(iter(kinds)),
        format_func=kinds.__getitem__,
        required=True,
        key=key,
        label_visibility="visible" if is_labelled else "collapsed",
        wrap=wrap,
        help=help,
    )


def emotion(label: str, key: str, default: str) -> str:
    """Return the key of the emotion that is chosen by buttons in a row."""
    return st.pills(label, emotions.KEYS, default=default, format_func=_, required=True, key=key)


def download(frame: pd.DataFrame, key: str) -> None:
    """Draw the CSV download of a table.

    The CSV is made now: what Streamlit makes at a press goes with the second run after that of
    whichever visitor, before a slow network has fetched it.
    """
    st.download_button(
        _("Download as CSV"),
        frame.to_csv(index=False),
        file_name=f"{key}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"{key}_csv",
        on_click="ignore",
    )


def metrics(values: Metrics, key: str, *, narrowest: int = 150) -> None:
    """Draw labelled values in a row, each with a line below it or none; in two columns on a phone.

    Args:
        narrowest: pixels that the longest value needs.
    """
    with st.grid(len(values), min_column_width=narrowest, gap="small", key=key):
        for label, (value, below) in values.items():
            with st.container(border=True, height="stretch", gap="xxsmall"):
                # A metric cuts a label that is wider than its card; these words wrap.
                st.markdown(f":small[{label}]")
                st.metric(label, value, label_visibility="collapsed")
                if below is not None:
                    st.caption(below)


def catch_errors(callback: Callable[P, object]) -> Callable[P, None]:
    """Wrap a widget's callback, which runs before the page and outside of what the page catches: a
    FerError that it raises is shown by `show_callback_error`."""

    @wraps(callback)
    def safe(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except FerError as error:
            st.session_state[_CALLBACK_ERROR] = error

    return safe


def show_callback_error() -> None:
    """Show the error that a callback raised before this run, once."""
    error = st.session_state.pop(_CALLBACK_ERROR, None)
    if error is not None:
        st.error(_.error(error))


def problems() -> None:
    """Warn of what is missing or damaged of the installed models."""
    if errors := loaders.problems():
        st.warning("  \n".join(map(_.error, errors)), icon=":material/broken_image:")


def notices() -> None:
    """Tell which of the images and results here are not FER-2013's."""
    if errors := data_origin.notices():
        st.info("  \n".join(map(_.error, errors)), icon=":material/report:")


def begin_sources() -> None:
    """Forget what the page before noted."""
    st.session_state[_NOTED] = {}


def note_source(sentence: str) -> None:
    """Keep a sentence on where a section's figures come from, for the page's `sources`."""
    # A dictionary: a fragment that is drawn anew says it again.
    st.session_state.setdefault(_NOTED, {})[sentence] = True


def sources(imported: str | None = None) -> None:
    """Draw a button that tells which data, models and commands the page's figures come from, by
    digest; what is broken stands on the page.

    Args:
        imported: the digest of the imported data set, where the page shows counts or images of it.
    """
    problems()
    with st.popover(_("Sources"), type="tertiary", icon=":material/info:", key="sources"):
        if imported is not None and imported != loaders.summary()["data_sha256"]:
            st.caption(
                _(
                    "Counts and images: the data set imported here, SHA-256 {data}. All other "
                    "figures come from the data below.",
                    data=imported[:12],
                )
            )
        models = loaders.models()
        digests = " · ".join(f"{key} {model.digest[:12]}" for key, model in models.items())
        st.caption(
            _("Source: {data}; models {models}.", data=data_origin.sources(), models=digests or "–")
        )
        for sentence in st.session_state.pop(_NOTED, {}):
            st.caption(sentence)
