"""Many photos at once: classified in turns while they come in, shown as one table.

Only answers are kept: a photo goes as soon as it is classified, so that a folder of any size passes
through the room that a visit has (`upload_limits`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fer import FerError
from fer.media.photos import Photo
from fer.scenarios import SCENARIOS
from fer.ui.faces import announcer, image_sources
from fer.ui.faces.answers import face_name, tell_too_small
from fer.ui.shared import loaders, widgets
from fer.ui.shared.text import _
from fer.ui.uploads import turns

# The most photos that the table has, and the most errors that are named.
MOST, MOST_ERRORS = 1000, 10
KEY = "batch_upload"
# Session state: each classified photo or its error by file id; and the ids of the files that the
# uploader listed last.
DONE, LISTED = "batch_done", "batch_listed"
COMMAND = "fer predict FOLDER --csv > answers.csv"

Results = dict[str, Photo | FerError]


def draw_photos() -> None:
    """Draw the uploader, and the answers for what came in as one table."""
    if KEY not in st.session_state:
        # Opened anew, with an empty uploader.
        st.session_state.update({DONE: {}, LISTED: []})
    uploads = image_sources.uploads(KEY)
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
    turns.answer_arriving(results, loaders.classified_once, _refuse, MOST)
    turns.answer(uploads, results, loaders.classified_once, _refuse, MOST)
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


def _refuse(name: str, error: FerError) -> FerError:
    return error


def _draw_answers(photos: Sequence[Photo]) -> None:
    """Draw how many faces there are, how often the models agree, and the table."""
    answers = [answer for photo in photos for answer in photo.answers]
    agreed = sum(answer.is_agreed for answer in answers)
    metrics: widgets.Metrics = {
        _("Photos"): (_.number(len(photos)), None),
        _("Faces"): (_.number(len(answers)), None),
        _("Models agree"): (_.percent(agreed / len(answers)) if answers else "–", None),
    }
    widgets.metrics(metrics, "batch_metrics")
    announcer.announce(announcer.listed(metrics), "batch")
    faceless = sum(not photo.answers for photo in photos)
    if faceless:
        st.caption(_("Photos without a face, left out below: {n}.", n=faceless))
    turned = sum(photo.turns != 0 for photo in photos)
    if turned:
        st.caption(_("Photos that were sideways or upside down and were turned: {n}.", n=turned))
    tell_too_small(sum(photo.too_small for photo in photos))
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
        _summary(photos),
        hide_index=True,
        key="batch",
        alt=_("Top-1 and confidence of both models for each face"),
    )
    rows = [row for photo in photos for row in photo.rows()]
    widgets.download(pd.DataFrame(rows), "batch_confidences")


def _summary(photos: Sequence[Photo]) -> pd.DataFrame:
    """Return a row a face: both models' top-1 with confidence, and whether they agree."""
    rows = []
    for photo in photos:
        for position, answer in enumerate(photo.answers):
            row = {_("Photo"): photo.name, _("Face"): face_name(photo, position)}
            for key in SCENARIOS:
                if key in answer.predictions:
                    prediction = answer.predictions[key]
                    row[key] = f"{_(prediction.top1)} {_.percent(prediction.confidence)}"
            row[_("Agree")] = _("yes") if answer.is_agreed else _("no")
            rows.append(row)
    return pd.DataFrame(rows)
