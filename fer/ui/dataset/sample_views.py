"""The committed sample on the dataset page: seventy faces, and one of them closely."""

from __future__ import annotations

import streamlit as st

from fer import FerError, emotions
from fer.data import sample
from fer.data.dataset import Split
from fer.inference.classification import Prediction
from fer.ui import face_buttons, loaders, sample_faces, side_panel
from fer.ui.dataset import dataset_sections
from fer.ui.text import _

FACES = "sample"


def show() -> None:
    """Ten faces of each emotion to press, and the chosen one's pixels, votes and answers."""
    st.header(_("Sample faces"), anchor="sample")
    try:
        found = sample_faces.faces()
        chosen = side_panel.chosen(FACES)
        rows = [
            (
                _(key),
                [
                    sample_faces.button(found, int(row), int(row), caption=False)
                    for row in found.rows(key)
                ],
            )
            for key in emotions.KEYS
        ]
        face_buttons.draw_rows(
            sample_faces.pictures(range(len(found))),
            len(found),
            rows,
            chosen,
            "sample_grid",
            _("Sample faces of FER-2013"),
            choose,
            columns=sample.EACH,
        )
        st.caption(
            _(
                "{n} Training images, ten of each emotion. Press one for its pixels, its votes "
                "and both models' answers. Dashed frame: ten voters disagreed about it.",
                n=len(found),
            )
        )
        if chosen is not None:
            label = _(emotions.KEYS[found.labels[chosen]])
            side_panel.open_panel(label, lambda: one(chosen))
    except FerError as error:
        st.error(_.error(error))


def choose(row: int) -> None:
    """Makes a face the one that is looked at closely."""
    side_panel.choose(FACES, row)


def one(row: int) -> None:
    """A sample face enlarged, with its histogram, its votes and what each model says.

    Raises:
        FerError: if the sample is damaged or no model is installed.
    """
    found = sample_faces.faces()
    image, name = found.images[row], str(found.names[row])

    def below() -> None:
        st.markdown(sample_faces.about(row))
        dataset_sections.histogram(image, "sample")

    side_panel.draw_face(
        image,
        found.counts[row],
        f"{_(emotions.KEYS[found.labels[row]])} · {Split.TRAINING} · {name.rpartition('/')[2]}",
        "sample",
        below=below,
        answer=lambda: _answers(row),
    )


def _answers(row: int) -> tuple[dict[str, Prediction], str] | None:
    """Both models' answers, computed now."""
    if not loaders.models():
        st.caption(_("No model is installed here: see the README."))
        return None
    content, name = sample_faces.content(row)
    with st.spinner(_("Asking both models…")):
        photo = loaders.classified(content, name, False)
    note = _("Computed now. The models were trained on Training images.")
    return photo.answers[0].predictions, note
