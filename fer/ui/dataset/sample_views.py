"""The committed sample on the dataset page: seventy faces, and one of them in the side panel."""

from __future__ import annotations

import streamlit as st

from fer import FerError, emotions
from fer.data import sample
from fer.data.dataset import Split
from fer.inference.classification import Prediction
from fer.ui.dataset import pixels
from fer.ui.faces import face_buttons, sample_faces, side_panel
from fer.ui.shared import loaders
from fer.ui.shared.text import _

FACES = "sample"


def draw_sample() -> None:
    """Draw ten faces of each emotion to press, and the chosen one in the side panel; a damaged
    sample leaves the rest of the page as it is."""
    try:
        faces = sample_faces.faces()
        chosen = side_panel.chosen(FACES)
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
            lambda row: side_panel.choose(FACES, row),
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
            side_panel.open_panel(
                _(emotions.KEYS[faces.labels[chosen]]), lambda: _draw_face(chosen)
            )
    except FerError as error:
        st.error(_.error(error))


def _draw_face(row: int) -> None:
    """Draw a sample face enlarged, with its histogram, its votes and both models' answers."""
    faces = sample_faces.faces()
    image, name = faces.images[row], str(faces.names[row])

    def below() -> None:
        st.markdown(sample_faces.about(row))
        pixels.draw_image_histogram(image, "sample")

    side_panel.draw_face(
        image,
        faces.counts[row],
        f"{_(emotions.KEYS[faces.labels[row]])} · {Split.TRAINING} · {name.rpartition('/')[2]}",
        "sample",
        below=below,
        answer=lambda: _answers(row),
    )


def _answers(row: int) -> tuple[dict[str, Prediction], str] | None:
    if not loaders.models():
        st.caption(_("No model is installed here: see the README."))
        return None
    content, name = sample_faces.content(row)
    with st.spinner(_("Asking both models…")):
        photo = loaders.classified(content, name, False)
    note = _("Computed now. The models were trained on Training images.")
    return photo.answers[0].predictions, note
