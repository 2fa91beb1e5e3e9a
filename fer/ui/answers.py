"""Both models' answers for one image, as every page shows them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer import photos
from fer.faces import gray_crop
from fer.photos import Photo
from fer.preprocessing import Rgb
from fer.scenarios import PROPOSED
from fer.ui import charts, explanations, loaders, parts
from fer.ui.text import Translator


def photo(content: bytes, name: str, key: str, _: Translator) -> None:
    """The image with boxed faces beside both models' confidences for the chosen face.

    Raises:
        FerError: if the image cannot be read or no model is installed.
    """
    rgb = loaders.image(content, name)
    with st.spinner(_("Looking for faces and asking both models…")):
        found = parts.patiently(lambda: loaders.classified(content, name, False), _)
    if not found.answers:
        st.warning(_("No face was found. The whole image can be classified instead."))
        if st.toggle(_("Classify the whole image"), key=f"{key}_whole"):
            found = parts.patiently(lambda: loaders.classified(content, name, True), _)
    show(rgb, found, key, _)


def show(rgb: Rgb, found: Photo, key: str, _: Translator) -> None:
    """A classified image and its answers, with a choice among several faces."""
    picture, side = st.columns(2)
    chosen = 0
    if len(found.answers) > 1:
        chosen = side.pills(
            _("Face"),
            list(range(len(found.answers))),
            default=0,
            format_func=lambda position: str(position + 1),
            required=True,
            key=f"{key}_face",
        )
    faces = sum(answer.face is not None for answer in found.answers)
    picture.image(
        photos.for_display(photos.annotated(rgb, found, PROPOSED.colour, chosen)),
        caption=_("Faces found: {n}", n=faces),
        alt=_("The photo with a box around each of {n} faces", n=faces),
        width="stretch",
    )
    if not found.answers:
        return
    answer = found.answers[chosen]
    with side:
        parts.chart(
            charts.confidence_bars(answer.predictions, _),
            key=f"{key}_confidence",
            alt=_("Bars of both models' confidence for each emotion"),
        )
        st.markdown(
            "  \n".join(
                f"{charts.swatch(model)} {model}: **{_(p.top1)}** {_.percent(p.confidence)}"
                for model, p in answer.predictions.items()
            )
        )
        agreement = ""
        if len(answer.predictions) > 1:
            agreement = (
                _("Both models agree.")
                if answer.is_agreed
                else _("The models disagree: they see different expressions.")
            )
        st.caption(
            agreement
            + " "
            + _(
                "Detection {detect} ms, both models {predict} ms for each face.",
                detect=_.number(1000 * found.detection_seconds),
                predict=_.number(1000 * found.prediction_seconds / len(found.answers)),
            )
        )
        backend_notice(_)
    explanations.offer(gray_crop(rgb, answer.face), answer.predictions, key, _)
    with st.expander(_("Table and download"), key=f"{key}_details"):
        parts.table(
            pd.DataFrame(found.rows()),
            f"{key}_confidences",
            _("Both models' confidence for each face and emotion"),
            _,
        )


def backend_notice(_: Translator) -> None:
    """Why a slower backend answers than there could be; nothing where the fast one does."""
    notice = loaders.classifier().notice
    if notice is not None:
        st.caption(_("The exact, slower networks answered: {reason}", reason=_.error(notice)))
