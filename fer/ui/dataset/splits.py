"""Page 1's sections on splits: images of each class, imbalance, duplicates across splits."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer import emotions
from fer.data import aggregates, dataset
from fer.data.dataset import SPLITS, Dataset
from fer.ui.shared import charts, loaders, widgets
from fer.ui.shared.text import Language, _, in_language

# Images by split and emotion.
Counts = dict[str, dict[str, int]]


@loaders.follows
def _duplicates() -> aggregates.Duplicates:
    return aggregates.read_duplicates(loaders.figures_folder())


def image_counts(data: Dataset | None) -> Counts:
    """Return the counts of the imported set, else the official ones."""
    by_split = dataset.OFFICIAL_COUNTS if data is None else data.counts
    return {str(s): dict(zip(emotions.KEYS, by_split[s], strict=True)) for s in SPLITS}


def _imbalance(by_class: Mapping[str, int]) -> str:
    """Return how many images the largest class has for each one of the smallest: 16.6×."""
    return f"{_.number(max(by_class.values()) / max(min(by_class.values()), 1), 1)}×"


def draw_metrics(data: Dataset | None) -> None:
    """Draw the page's answer: images, classes, imbalance, leaked test images."""
    counts, leaked = image_counts(data), _duplicates()["exact_or_near"]["leaked"]
    images = sum(sum(by_class.values()) for by_class in counts.values())
    imbalance, leaks = _imbalance(counts["Training"]), _.number(sum(leaked.values()))
    metrics: widgets.Metrics = {
        _("Images"): (_.number(images), _("48×48 pixels, gray")),
        _("Classes"): ("7", _("one label for each image")),
        _("Imbalance"): (imbalance, _("largest to smallest class of Training")),
        _("Leaked test images"): (leaks, _("also in Training, exactly or nearly")),
    }
    widgets.metrics(metrics, "dataset_metrics")


def draw_distribution(data: Dataset | None) -> None:
    """Draw how many images of each emotion the splits have, as shares or counts."""
    counts = image_counts(data)
    units = {"share": _("Share"), "count": _("Images")}
    unit = widgets.choice(_("Unit"), units, "distribution_unit", is_labelled=False)
    widgets.chart(
        _distribution_chart(counts, unit == "share", _.language),
        key="distribution",
        alt=_("Bars: how many images of each emotion the three splits have"),
    )
    if details := widgets.opened(_("Table and download"), "distribution_details"):
        with details:
            widgets.table(count_table(counts), "counts", _("Images of each emotion and split"))
            ratios = [f"{split} {_imbalance(by_class)}" for split, by_class in counts.items()]
            st.caption(_("Imbalance ratio:") + " " + " · ".join(ratios))


@st.cache_resource(show_spinner=False, max_entries=8)
def _distribution_chart(counts: Counts, is_share: bool, language: Language) -> go.Figure:
    """Return a bar for each emotion and split, in images or in percent of the split; those of one
    emotion have its colour, the splits differ by pattern."""
    with in_language(language):
        figure = go.Figure()
        for (split, by_class), pattern in zip(counts.items(), ("", "/", "."), strict=True):
            total = max(sum(by_class.values()), 1)
            values = [100 * n / total if is_share else float(n) for n in by_class.values()]
            figure.add_bar(
                name=split,
                x=[_(key) for key in emotions.KEYS],
                y=values,
                customdata=[_.number(value, 1 if is_share else 0) for value in values],
                marker={
                    "color": [emotion.colour for emotion in emotions.EMOTIONS],
                    "pattern": {"shape": pattern},
                },
                hovertemplate="%{x}: %{customdata}<extra>" + split + "</extra>",
            )
        figure.update_layout(barmode="group")
        unit = _("Share of the split (%)") if is_share else _("Images")
        return charts.arrange(figure, x=_("Emotion"), y=unit)


def count_table(counts: Counts) -> pd.DataFrame:
    """Return images and share in percent of each emotion and split, a row an emotion."""
    table: dict[str, list[str] | list[int] | list[float]] = {
        _("Emotion"): [*map(_, emotions.KEYS), _("all")]
    }
    for split, by_class in counts.items():
        total = sum(by_class.values())
        table[split] = [*by_class.values(), total]
        shares = [round(100 * n / max(total, 1), 2) for n in by_class.values()]
        table[f"{split} (%)"] = [*shares, 100.0]
    return pd.DataFrame(table)


def draw_duplicates() -> None:
    """Draw how many images occur twice within and across splits, and what that is worth."""
    duplicates = _duplicates()
    leaked = duplicates["exact_or_near"]["leaked"]
    private_images = sum(loaders.summary()["counts"]["PrivateTest"].values())
    st.write(
        _(
            "{private} PrivateTest and {public} PublicTest images have an exact or near duplicate "
            "in Training, so a model that memorises gains up to {share} of PrivateTest for free; "
            "{conflicts} duplicate pairs carry two different labels.",
            private=_.number(leaked["PrivateTest"]),
            public=_.number(leaked["PublicTest"]),
            share=_.percent(leaked["PrivateTest"] / private_images),
            conflicts=_.number(duplicates["exact_or_near"]["pairs_with_different_labels"]),
        )
    )
    exact, near = duplicates["exact"]["pairs"], duplicates["near"]["pairs"]
    names = sorted(exact | near)
    pairs = pd.DataFrame(
        {
            _("Splits"): [splits.replace("/", " – ") for splits in names],
            _("Exact pairs"): [exact.get(splits, 0) for splits in names],
            _("Near pairs"): [near.get(splits, 0) for splits in names],
        }
    )
    widgets.table(pairs, "duplicates", _("Pairs of duplicates within and across splits"))
    st.caption(
        _(
            "Exact: equal pixels. Near: perceptual hashes that differ in at most {bits} of 63 bits "
            "and pixels that correlate by at least {correlation}; exact pairs are not counted "
            "again.",
            bits=duplicates["hash_distance"],
            correlation=_.number(duplicates["correlation"], 1),
        )
    )
