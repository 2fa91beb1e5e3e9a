"""Pieces of the dataset page: tables, class faces, the grid of images, one image, the import."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray
from streamlit.typing import UploadedFile

from fer import FerError, emotions
from fer.artifacts import locations
from fer.data import aggregates, browsing, dataset
from fer.data.dataset import SPLITS, Dataset, Split
from fer.inference.classification import Prediction
from fer.progress import Progress
from fer.ui import (
    address,
    loaders,
    named_faces,
    permissions,
    shown_uploads,
    side_panel,
    upload_limits,
    widgets,
)
from fer.ui.dataset import dataset_charts, download
from fer.ui.dataset.label_votes import ALL
from fer.ui.text import Language, _, in_language
from fer.vision.preprocessing import Gray

FACES = "images"
ASKED = "browse_asked"
CANCELLED = "import_cancelled"
# Session state: the id of the file that was found to hold a data set.
READABLE = "archive_readable"


@loaders.follows
def duplicates() -> aggregates.Duplicates:
    """The committed counts of duplicates."""
    return aggregates.read_duplicates(loaders.figures_folder())


@st.cache_resource(show_spinner=False, max_entries=2)
def twins(digest: str, _data: Dataset) -> dict[int, list[int]]:
    """The exact twins of each row, of the data set with that digest."""
    return browsing.twins(_data)


@st.cache_resource(show_spinner=False, max_entries=64)
def rows(
    digest: str, _data: Dataset, split: str | None, chosen: tuple[str, ...], seed: int
) -> NDArray[np.int64]:
    """`browsing.chosen_rows` of the data set with that digest."""
    return browsing.chosen_rows(_data, Split(split) if split else None, chosen, seed)


def counts(data: Dataset | None) -> dict[str, dict[str, int]]:
    """Images by split and emotion: of the imported set, else the official ones."""
    found = dataset.OFFICIAL_COUNTS if data is None else data.counts
    return {str(s): dict(zip(emotions.KEYS, found[s], strict=True)) for s in SPLITS}


def distribution_chart(data: Dataset | None, is_share: bool, language: Language) -> go.Figure:
    """The bars of `counts`."""
    return _distribution_chart(None if data is None else data.digest, data, is_share, language)


@st.cache_resource(show_spinner=False, max_entries=8)
def _distribution_chart(
    digest: str | None, _data: Dataset | None, is_share: bool, language: Language
) -> go.Figure:
    with in_language(language):
        return dataset_charts.distribution(counts(_data), is_share)


def imbalance(by_class: dict[str, int]) -> float:
    """Images of the largest class for each one of the smallest."""
    return max(by_class.values()) / max(min(by_class.values()), 1)


def count_table(found: dict[str, dict[str, int]]) -> pd.DataFrame:
    """Images and share in percent of each emotion and split, a row an emotion."""
    table: dict[str, list[str] | list[int] | list[float]] = {
        _("Emotion"): [*map(_, emotions.KEYS), _("all")]
    }
    for split, by_class in found.items():
        total = sum(by_class.values())
        table[split] = [*by_class.values(), total]
        shares = [round(100 * n / max(total, 1), 2) for n in by_class.values()]
        table[f"{split} (%)"] = [*shares, 100.0]
    return pd.DataFrame(table)


def pair_table() -> pd.DataFrame:
    """Pairs of equal and of nearly equal images within and across splits."""
    found = duplicates()
    names = [*found["exact"]["pairs"]]
    return pd.DataFrame(
        {
            _("Splits"): [name.replace("/", " – ") for name in names],
            _("Exact pairs"): [found["exact"]["pairs"].get(name, 0) for name in names],
            _("Near pairs"): [found["near"]["pairs"].get(name, 0) for name in names],
        }
    )


def browse(data: Dataset) -> None:
    """Filters, the grid of a page, and the chosen image."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = address.choice(
            _("Split"),
            {ALL: _("all images"), **{str(s): str(s) for s in SPLITS}},
            "browse_split",
            is_labelled=True,
        )
        seed = st.number_input(
            _("Seed (0: original order)"), 0, 10**6, 0, key="browse_seed", width=180
        )
    chosen = st.pills(
        _("Emotion"), emotions.KEYS, selection_mode="multi", format_func=_, key="browse_emotions"
    )
    found = rows(data.digest, data, None if split == ALL else split, tuple(chosen), int(seed))
    last = browsing.pages(found)
    number = address.number(_("Page of {n}", n=_.number(last)), last, "browse_page", width=180)

    shown = browsing.page(found, number)
    votes = named_faces.votes_for(data.sources[shown].tolist())
    labels = [_(emotions.KEYS[data.labels[row]]) for row in shown]
    side_panel.grid(
        FACES,
        [
            side_panel.PressableFace(
                int(row), data.images[row], counts, label, _("Face: {emotion}", emotion=label)
            )
            for row, counts, label in zip(shown, votes, labels, strict=True)
        ],
    )
    st.caption(_("{n} images. Press the word below a face to look closer.", n=_.number(len(found))))
    row = side_panel.chosen(FACES)
    if row is not None and row < len(data):
        label = _(emotions.KEYS[data.labels[row]])
        side_panel.open_panel(label, lambda: one(data, row))


def one(data: Dataset, row: int) -> None:
    """One image enlarged, with its histogram, its twins and what each model says."""
    image, source = np.asarray(data.images[row]), str(data.sources[row])

    def below() -> None:
        others = twins(data.digest, data).get(row, [])
        st.caption(
            _("Exactly this image occurs again:")
            + " "
            + ", ".join(f"{data.splits[o]} ({_(emotions.KEYS[data.labels[o]])})" for o in others)
            if others
            else _("No other image has exactly these pixels.")
        )
        histogram(image, "image")

    side_panel.draw_face(
        image,
        named_faces.votes_for([source])[0],
        f"{_(emotions.KEYS[data.labels[row]])} · {data.splits[row]} · {source}",
        "image",
        below=below,
        answer=lambda: _answers(image, source, row),
    )


def histogram(image: Gray, key: str) -> None:
    """The gray values of an image."""
    widgets.chart(
        dataset_charts.image_histogram(image),
        key=f"{key}_histogram",
        alt=_("Histogram of the image's gray values"),
    )


def _answers(image: Gray, source: str, row: int) -> tuple[dict[str, Prediction], str] | None:
    """Each model's stored answer, or the one that the visitor asked for."""
    answers = named_faces.answers(source)
    if answers:
        return answers, _("Stored predictions.")
    if not loaders.models():
        st.caption(_("No model is installed here: see the README."))
        return None
    # The button's answer outlives whatever is pressed next.
    if st.session_state.get(ASKED) != row:
        st.button(
            _("Ask both models"),
            icon=":material/psychology:",
            key=f"ask_{row}",
            on_click=lambda: st.session_state.update({ASKED: row}),
        )
        st.caption(_("The models were trained on Training images; expect high confidence."))
        return None
    with st.spinner(_("Asking both models…")):
        predictions = loaders.classifier().predict([image])[0]
    return predictions, _("Computed now. The models were trained on Training images.")


def offer_import() -> None:
    """How to import FER-2013, and the import itself with a progress bar."""
    if not permissions.may("import"):
        st.write(_("Beyond the sample faces, FER-2013's images are not imported here."))
        st.caption(permissions.refusal("import"))
        return
    st.write(
        _(
            "Beyond the sample faces, FER-2013's images are not imported here. Download them, or "
            "choose the file below."
        )
    )
    download.offer()
    upload = st.file_uploader(
        _(
            "archive.zip, fer2013.csv, icml_face_data.csv or fer2013.tar.gz (up to {limit} MB; zip "
            "a larger table)",
            limit=upload_limits.LARGEST_FILE >> 20,
        ),
        key="archive",
    )
    shown_uploads.keep(upload, READABLE)
    try:
        content = b"" if upload is None else _archive(upload)
    except FerError as error:
        st.error(_.error(error))
        return
    start: Callable[[Progress], None] | None = None
    if upload is not None and st.button(_("Import"), icon=":material/database:", key="import"):
        name = upload.name

        def start(progress: Progress) -> None:
            from fer.data import importing

            # Read where it lies in memory: nothing is left on the disk, however the server ends.
            importing.import_dataset(
                io.BytesIO(content),
                locations.data_folder(loaders.ROOT),
                progress,
                name=name,
                require_official=True,
            )

    if start is None:
        if st.session_state.pop(CANCELLED, False):
            st.info(_("The import was cancelled. Nothing was changed."))
        return
    bar = st.progress(0.0, _("Importing…"))
    # Streamlit ends this run where it draws; nothing is written before all faces are read.
    st.button(
        _("Cancel"),
        icon=":material/close:",
        key="import_cancel",
        on_click=lambda: st.session_state.update({CANCELLED: True}),
    )
    try:
        start(
            lambda done, total, /, **details: bar.progress(
                min(done / max(total, 1), 1.0), _("Importing…")
            )
        )
    except FerError as error:
        bar.empty()
        st.error(_.error(error))
        return
    st.rerun()


def _archive(upload: UploadedFile) -> bytes:
    """Return the content of an uploaded data set.

    Raises:
        FerError: if the server did not take the file, or it holds no data set.
    """
    content = shown_uploads.content(upload)
    if st.session_state.get(READABLE) != upload.file_id:
        from fer.data.formats import archive_files

        with archive_files.opened(io.BytesIO(content), upload.name):
            st.session_state[READABLE] = upload.file_id
    return content
