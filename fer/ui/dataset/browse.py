"""Page 1's sections of faces, each in the side panel when it is pressed: the committed sample, and
the images of an imported data set, a page at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer import FerError, emotions
from fer.data import browsing, sample
from fer.data.dataset import SPLITS, Dataset, Split
from fer.inference.classification import Prediction
from fer.ui.dataset import pixels
from fer.ui.faces import face_buttons, named_faces, sample_faces, side_panel
from fer.ui.shared import address, loaders
from fer.ui.shared.text import _
from fer.vision.preprocessing import Gray

# Which faces the panel's one belongs to.
SAMPLE, IMAGES = "sample", "images"
ASKED = "browse_asked"
ALL = "all"

Answers = tuple[dict[str, Prediction], str]


def draw_sample() -> None:
    """Draw ten faces of each emotion to press, and the chosen one in the side panel; a damaged
    sample leaves the rest of the page as it is."""
    try:
        faces = sample_faces.faces()
        chosen = side_panel.chosen(SAMPLE)
        rows = []
        for key in emotions.KEYS:
            places = map(int, faces.rows(key))
            buttons = [sample_faces.button(faces, row, row, caption=False) for row in places]
            rows.append((_(key), buttons))
        face_buttons.draw_rows(
            sample_faces.pictures(range(len(faces))),
            len(faces),
            rows,
            chosen,
            "sample_grid",
            _("Sample faces of FER-2013"),
            lambda row: side_panel.choose(SAMPLE, row),
            columns=sample.EACH,
        )
        st.caption(
            _(
                "{n} Training images, ten of each emotion. Press one for its pixels, its votes "
                "and both models' answers. Dashed frame: ten voters disagreed about it.",
                n=len(faces),
            )
        )
        if chosen is not None:
            label = _(emotions.KEYS[faces.labels[chosen]])
            side_panel.open_panel(label, lambda: _draw_sample_face(chosen))
    except FerError as error:
        st.error(_.error(error))


def _draw_sample_face(row: int) -> None:
    faces = sample_faces.faces()
    image, name = faces.images[row], str(faces.names[row])

    def below() -> None:
        st.markdown(sample_faces.about(row))
        pixels.draw_image_histogram(image, "sample")

    def answer() -> Answers | None:
        if _has_no_model():
            return None
        return _compute(
            lambda: loaders.classified(*sample_faces.content(row), False).answers[0].predictions
        )

    side_panel.draw_face(
        image,
        faces.counts[row],
        f"{_(emotions.KEYS[faces.labels[row]])} · {Split.TRAINING} · {name.rpartition('/')[2]}",
        "sample",
        below=below,
        answer=answer,
    )


def _has_no_model() -> bool:
    """Draw that no model is installed, if that is so."""
    if loaders.models():
        return False
    st.caption(_("No model is installed here: see the README."))
    return True


def _compute(predict: Callable[[], dict[str, Prediction]]) -> Answers:
    with st.spinner(_("Asking both models…")):
        return predict(), _("Computed now. The models were trained on Training images.")


@st.cache_resource(show_spinner=False, max_entries=2)
def _twins(digest: str, _data: Dataset) -> dict[int, list[int]]:
    return browsing.twins(_data)


@st.cache_resource(show_spinner=False, max_entries=64)
def _rows(
    digest: str, _data: Dataset, split: str, chosen: tuple[str, ...], seed: int
) -> NDArray[np.int64]:
    return browsing.chosen_rows(_data, None if split == ALL else Split(split), chosen, seed)


def draw_images(data: Dataset) -> None:
    """Draw filters, the grid of a page, and the chosen image."""
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
    rows = _rows(data.digest, data, split, tuple(chosen), int(seed))
    last = browsing.pages(rows)
    number = address.number(_("Page of {n}", n=_.number(last)), last, "browse_page", width=180)

    page_rows = browsing.page(rows, number)
    votes = named_faces.votes_for(data.sources[page_rows].tolist())
    labels = [_(emotions.KEYS[data.labels[row]]) for row in page_rows]
    side_panel.grid(
        IMAGES,
        [
            side_panel.PressableFace(
                int(row), data.images[row], counts, label, _("Face: {emotion}", emotion=label)
            )
            for row, counts, label in zip(page_rows, votes, labels, strict=True)
        ],
    )
    st.caption(_("{n} images. Press the word below a face to look closer.", n=_.number(len(rows))))
    row = side_panel.chosen(IMAGES)
    if row is not None and row < len(data):
        label = _(emotions.KEYS[data.labels[row]])
        side_panel.open_panel(label, lambda: _draw_image(data, row))


def _draw_image(data: Dataset, row: int) -> None:
    image, source = np.asarray(data.images[row]), str(data.sources[row])

    def below() -> None:
        twins = _twins(data.digest, data).get(row, [])
        st.caption(
            _("Exactly this image occurs again:")
            + " "
            + ", ".join(f"{data.splits[o]} ({_(emotions.KEYS[data.labels[o]])})" for o in twins)
            if twins
            else _("No other image has exactly these pixels.")
        )
        pixels.draw_image_histogram(image, "image")

    side_panel.draw_face(
        image,
        named_faces.votes_for([source])[0],
        f"{_(emotions.KEYS[data.labels[row]])} · {data.splits[row]} · {source}",
        "image",
        below=below,
        answer=lambda: _answers(image, source, row),
    )


def _answers(image: Gray, source: str, row: int) -> Answers | None:
    """Return both models' answers with their origin, stored or asked for with a button."""
    answers = named_faces.answers(source)
    if answers:
        return answers, _("Stored predictions.")
    if _has_no_model():
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
    return _compute(lambda: loaders.classifier().predict([image])[0])
