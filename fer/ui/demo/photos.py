"""Page 5's modes "Photo" and "Many photos": one image closely, or many in one table.

Of many only answers are kept: a photo goes as soon as it is classified, so that a folder of any
size passes through the room that a visit has (`upload_limits`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer import FerError
from fer.media.photos import Photo
from fer.ui.faces import announcer, answers, image_sources
from fer.ui.shared import loaders, presentation, widgets
from fer.ui.shared.text import _
from fer.ui.uploads import turns

# The most photos that the table has, and the most errors that are named.
MOST, MOST_ERRORS = 1000, 10
ONE, MANY = "demo", "batch_upload"
# Session state: each classified photo or its error by file id; and the ids of the files that the
# uploader listed last.
DONE, LISTED = "batch_done", "batch_listed"
COMMAND = "fer predict FOLDER --csv > answers.csv"

Results = dict[str, Photo | FerError]


def draw_photo(row: DeltaGenerator) -> None:
    """Draw the choice of an image, on a stage in that row, and both models' answers for it; on a
    phone, those for a visitor's own image stand above what it was chosen with.

    Raises:
        FerError: if the image cannot be read or no model is installed.
    """
    is_own = st.session_state.get(f"{ONE}_source") != "sample"
    above = st.container() if presentation.is_phone() and is_own else None
    with presentation.aside(row, _("Choose a photo"), "stage_photo"):
        chosen = image_sources.choose(ONE, default="upload")
    if chosen is None:
        return
    with above or st.container():
        answers.answer_photo(*chosen, ONE)
        if not presentation.is_on():
            image_sources.votes(ONE, chosen[1])


def draw_photos() -> None:
    """Draw the uploader, and the answers for what came in as one table."""
    if MANY not in st.session_state:
        # Opened anew, with an empty uploader.
        st.session_state.update({DONE: {}, LISTED: []})
    uploads = image_sources.uploads(MANY)
    st.caption(
        _(
            "Photos are classified in turns while they come in. Each one is let go as soon as it "
            "is classified, and none is stored. A table has up to {n} of them; for more, on your "
            "own machine: `{command}`",
            n=_.number(MOST),
            command=COMMAND,
        )
    )
    results: Results = st.session_state[DONE]
    listed = [upload.file_id for upload in uploads]
    for file in set(st.session_state[LISTED]).difference(listed):
        # Taken away by the visitor.
        results.pop(file, None)
    st.session_state[LISTED] = listed

    def keep(_name: str, error: FerError) -> FerError:
        return error

    turns.answer_arriving(results, loaders.classified_once, keep, MOST)
    turns.answer(uploads, results, loaders.classified_once, keep, MOST)
    # They came in as the network would have it.
    in_order = [results[file] for file in listed if file in results]
    in_order += [result for file, result in results.items() if file not in listed]
    errors = [_.error(result) for result in in_order if isinstance(result, FerError)]
    if len(errors) > MOST_ERRORS:
        errors[MOST_ERRORS:] = [_("And {n} more.", n=len(errors) - MOST_ERRORS)]
    if errors:
        st.error("  \n".join(errors))
    if len(results) == MOST:
        st.warning(_("The table is full: it has the first {n} photos.", n=_.number(MOST)))
    if results:
        _draw_answers([result for result in in_order if isinstance(result, Photo)])


def _draw_answers(photos: Sequence[Photo]) -> None:
    faces = [face for photo in photos for face in photo.answers]
    agreed = sum(face.is_agreed for face in faces)
    metrics: widgets.Metrics = {
        _("Photos"): (_.number(len(photos)), None),
        _("Faces"): (_.number(len(faces)), None),
        _("Models agree"): (_.percent(agreed / len(faces)) if faces else "–", None),
    }
    widgets.metrics(metrics, "batch_metrics")
    announcer.announce(announcer.listed(metrics), "batch")
    faceless = sum(not photo.answers for photo in photos)
    if faceless:
        st.caption(_("Photos without a face, left out below: {n}.", n=faceless))
    turned = sum(photo.turns != 0 for photo in photos)
    if turned:
        st.caption(_("Photos that were sideways or upside down and were turned: {n}.", n=turned))
    answers.tell_too_small(sum(photo.too_small for photo in photos))
    if not faces:
        return
    if any(face.is_doubtful for face in faces):
        st.caption(_("A question mark: it is doubtful that this is a face."))
    flawed = sum(bool(face.flaws) for face in faces)
    if flawed:
        st.caption(
            _(
                "Faces that are very dark, blurred, covered or drawn, whose answers are less "
                "certain: {n}. The download's column flaws names them.",
                n=_.number(flawed),
            )
        )
    summary = [
        {
            _("Photo"): photo.name,
            _("Face"): answers.face_name(photo, position),
            **{
                key: f"{_(prediction.top1)} {_.percent(prediction.confidence)}"
                for key, prediction in face.predictions.items()
            },
            _("Agree"): _("yes") if face.is_agreed else _("no"),
        }
        for photo in photos
        for position, face in enumerate(photo.answers)
    ]
    st.dataframe(
        pd.DataFrame(summary),
        hide_index=True,
        key="batch",
        alt=_("Top-1 and confidence of both models for each face"),
    )
    rows = [row for photo in photos for row in photo.rows()]
    widgets.download(pd.DataFrame(rows), "batch_confidences")
