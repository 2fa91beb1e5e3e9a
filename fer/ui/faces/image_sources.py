"""Sources of an image: an upload, the camera, or a sample."""

from __future__ import annotations

import io
from collections.abc import Callable

import streamlit as st
from PIL import Image
from streamlit.typing import UploadedFile

from fer import FerError, emotions
from fer.data.dataset import Split
from fer.media import photos
from fer.ui.faces import answers, named_faces, sample_faces, vote_bars
from fer.ui.shared import caching, loaders, widgets
from fer.ui.shared.text import _
from fer.ui.uploads import shown_uploads
from fer.vision.faces import Detections, Face, largest


def choose(key: str, default: str = "sample") -> tuple[bytes, str] | None:
    """Return the chosen image's content and name, None as long as nothing is chosen.

    Raises:
        FerError: if the server did not take the file, or the data set has no such face.
    """
    kinds = {"upload": _("Upload"), "camera": _("Camera"), "sample": _("Sample")}
    kind = widgets.choice(_("Image from"), kinds, f"{key}_source", default=default)
    if kind == "sample":
        return _sample(key)
    photo = upload(f"{key}_upload") if kind == "upload" else camera(f"{key}_camera")
    if photo is None:
        return None
    promise()
    return shown_uploads.content(photo), photo.name


def upload(key: str, on_change: Callable[[], None] | None = None) -> UploadedFile | None:
    """Return a file of the visitor's, None as long as there is none. It may be of any kind: the
    gate for images says a sentence where the browser would only mark it in red."""
    photo = st.file_uploader(
        _("A photo with one or more faces (JPEG, PNG, WebP, AVIF, HEIC…; up to 40 MB)"),
        key=key,
        on_change=on_change,
    )
    shown_uploads.keep(photo)
    return photo


def uploads(key: str) -> list[UploadedFile]:
    """Return several files of the visitor's, of any kind."""
    photos = st.file_uploader(
        _("Photos (JPEG, PNG, WebP, AVIF, HEIC…; up to 40 MB each)"),
        accept_multiple_files=True,
        key=key,
    )
    shown_uploads.keep(photos)
    return photos


def camera(key: str, on_change: Callable[[], None] | None = None) -> UploadedFile | None:
    """Return a picture of the visitor's camera, None as long as there is none."""
    photo = st.camera_input(
        _("A photo from your camera (needs https or localhost)"), key=key, on_change=on_change
    )
    shown_uploads.keep(photo)
    return photo


def promise() -> None:
    """Tell what happens to a visitor's photos."""
    st.caption(
        _(
            "Photos stay in this server's memory for your visit and at most ten minutes longer, "
            "and are never stored."
        )
    )


def _sample(key: str) -> tuple[bytes, str]:
    def use_strip() -> None:
        st.session_state[f"{key}_sample"] = None

    is_marked = st.session_state.get(f"{key}_sample") is None
    row = sample_faces.strip(key, with_photo=True, is_marked=is_marked, on_press=use_strip)
    data = loaders.data()
    if data is not None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.pills(
                _("Or any Training face"),
                emotions.KEYS,
                format_func=_,
                key=f"{key}_sample",
                wrap=True,
            )
            if chosen is not None:
                rows = data.rows(Split.TRAINING, chosen)
                if not len(rows):
                    raise FerError(
                        "The imported data set has no {split} image of {emotion}; import the whole "
                        "set.",
                        split=Split.TRAINING,
                        emotion=chosen,
                    )
                number = st.number_input(
                    _("Number"), 1, len(rows), 1, key=f"{key}_sample_number", width=160
                )
                at = rows[int(number) - 1]
                stream = io.BytesIO()
                Image.fromarray(data.images[at]).save(stream, "PNG")
                return stream.getvalue(), str(data.sources[at])
    st.caption(sample_faces.about(row))
    return sample_faces.content(row)


def votes(key: str, name: str) -> None:
    """Draw what people saw in the chosen sample, beside FER-2013's label; nothing for a visitor's
    own photo, whatever it is called."""
    if st.session_state.get(f"{key}_source") != "sample":
        return
    counts = named_faces.votes_for([name])[0]
    label = name.rpartition("/")[0].rpartition("/")[2]
    if counts is None or label not in emotions.KEYS:
        return
    st.markdown(_("FER-2013's label: **{label}**", label=_(label)))
    vote_bars.chart(counts, f"{key}_votes")


_detected: caching.Recent[tuple[int, Detections]] = caching.Recent(16, loaders.KEPT_SECONDS)


def detected(content: bytes, name: str) -> tuple[int, Detections]:
    """Return the quarter turns anticlockwise that set an image upright, and its faces then.

    Raises:
        FerError: if the image cannot be read.
    """
    return _detected.get(
        content,
        lambda: photos.search(loaders.photo_rgb(content, name), loaders.detector()),
        loaders.state(),
    )


def face(content: bytes, name: str, key: str) -> tuple[int, Face | None]:
    """Return the quarter turns anticlockwise that set an image upright, and the face to look at,
    chosen by the visitor if there are several; None if there is none."""
    turns, detections = detected(content, name)
    faces = detections.faces
    answers.tell_turn(turns)
    if len(faces) <= 1:
        return turns, faces[0] if faces else None
    chosen = st.pills(
        _("Face"),
        list(range(len(faces))),
        default=largest(faces),
        format_func=lambda position: str(position + 1),
        required=True,
        key=answers.face_key(key, content),
    )
    return turns, faces[chosen]
