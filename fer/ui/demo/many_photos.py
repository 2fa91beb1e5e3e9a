"""Many photos at once: classified one after another, shown as one table."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fer import FerError
from fer.media.photos import Photo
from fer.scenarios import SCENARIOS
from fer.ui import announcer, loaders, widgets
from fer.ui.answers import face_name, told_small
from fer.ui.text import Translator

MOST = 50


def show(uploads: Sequence[UploadedFile], _: Translator) -> None:
    """Classifies the photos with a progress bar; a bad one gives a sentence."""
    if len(uploads) > MOST:
        st.warning(_("Only the first {n} photos are classified at once.", n=MOST))
    found: list[Photo] = []
    bar = st.progress(0.0, _("Looking for faces and asking both models…"))
    chosen = uploads[:MOST]
    for number, upload in enumerate(chosen, start=1):
        try:
            found.append(loaders.classified(upload.getvalue(), upload.name, False))
        except FerError as error:
            st.error(_.error(error))
        bar.progress(number / len(chosen), f"{number} / {len(chosen)}")
    bar.empty()
    answers = [answer for photo in found for answer in photo.answers]
    agreed = sum(answer.is_agreed for answer in answers)
    counted: widgets.Metrics = {
        _("Photos"): (_.number(len(found)), None),
        _("Faces"): (_.number(len(answers)), None),
        _("Models agree"): (_.percent(agreed / len(answers)) if answers else "–", None),
    }
    widgets.metrics(counted, "batch_metrics")
    announcer.announce(announcer.listed(counted), "batch")
    faceless = sum(not photo.answers for photo in found)
    if faceless:
        st.caption(_("Photos without a face, left out below: {n}.", n=faceless))
    turned = sum(photo.turns != 0 for photo in found)
    if turned:
        st.caption(_("Photos that were sideways or upside down and were turned: {n}.", n=turned))
    told_small(sum(photo.too_small for photo in found), _)
    if not answers:
        return
    if any(answer.face is not None and answer.face.is_doubtful for answer in answers):
        st.caption(_("A question mark: it is doubtful that this is a face."))
    flawed = sum(bool(answer.flaws) for answer in answers)
    if flawed:
        st.caption(
            _(
                "Faces that are very dark, blurred, covered or drawn, whose answers are less "
                "certain: {n}. The download's column flaws names them.",
                n=_.number(flawed),
            )
        )
    st.dataframe(
        summary(found, _),
        hide_index=True,
        key="batch",
        alt=_("Top-1 and confidence of both models for each face"),
    )
    rows = [row for photo in found for row in photo.rows()]
    widgets.download(pd.DataFrame(rows), "batch_confidences", _)


def summary(found: Sequence[Photo], _: Translator) -> pd.DataFrame:
    """A row a face: both models' top-1 with confidence, and whether they agree."""
    rows = []
    for photo in found:
        for position, answer in enumerate(photo.answers):
            row = {_("Photo"): photo.name, _("Face"): face_name(photo, position)}
            for key in SCENARIOS:
                if key in answer.predictions:
                    prediction = answer.predictions[key]
                    row[key] = f"{_(prediction.top1)} {_.percent(prediction.confidence)}"
            row[_("Agree")] = _("yes") if answer.is_agreed else _("no")
            rows.append(row)
    return pd.DataFrame(rows)
