"""Where an image comes from: an upload, the camera, or a sample."""

from __future__ import annotations

import io
from collections.abc import Hashable

import streamlit as st
from PIL import Image

from fer import emotions, intake
from fer.dataset import Split
from fer.faces import Face
from fer.preprocessing import FER_SIZE
from fer.ui import loaders
from fer.ui.text import Translator

SAMPLE = loaders.DATA / "samples" / "astronaut.jpg"
TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "gif"]


def choose(key: str, _: Translator, default: str = "sample") -> tuple[bytes, str] | None:
    """The chosen image's content and name, None as long as nothing is chosen."""
    kinds = {"upload": _("Upload"), "camera": _("Camera"), "sample": _("Sample")}
    kind = st.segmented_control(
        _("Image from"),
        list(kinds),
        default=default,
        format_func=kinds.__getitem__,
        required=True,
        key=f"{key}_source",
    )
    if kind == "sample":
        return _sample(key, _)
    if kind == "upload":
        taken = st.file_uploader(
            _("A photo with one or more faces (JPEG, PNG, WebP, BMP; up to 40 MB)"),
            type=TYPES,
            max_upload_size=intake.IMAGE_BYTES >> 20,
            key=f"{key}_upload",
        )
    else:
        taken = st.camera_input(
            _("A photo from your camera (needs https or localhost)"), key=f"{key}_camera"
        )
    if taken is None:
        return None
    st.caption(_("The photo stays in this server's memory for ten minutes and is never stored."))
    return taken.getvalue(), taken.name


def _sample(key: str, _: Translator) -> tuple[bytes, str]:
    data = loaders.data()
    if data is not None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            options = ["photo", *emotions.KEYS]
            chosen = st.selectbox(
                _("Sample"),
                options,
                format_func=lambda name: _("NASA photo") if name == "photo" else _(name),
                key=f"{key}_sample",
                width=220,
            )
            if chosen != "photo":
                rows = data.rows(Split.TRAINING, chosen)
                number = st.number_input(
                    _("Number"), 1, len(rows), 1, key=f"{key}_sample_number", width=160
                )
                row = rows[int(number) - 1]
                stream = io.BytesIO()
                Image.fromarray(data.images[row]).save(stream, "PNG")
                return stream.getvalue(), str(data.sources[row])
    return SAMPLE.read_bytes(), SAMPLE.name


def detected(content: bytes, name: str) -> list[Face]:
    """The faces of an image, the largest first; none in one of FER-2013's own crops.

    Raises:
        FerError: if the image cannot be read.
    """
    return _detected(content, name, loaders.state())


@st.cache_data(max_entries=16, ttl=loaders.KEPT_SECONDS, show_spinner=False)
def _detected(content: bytes, name: str, state: Hashable) -> list[Face]:
    rgb = loaders.image(content, name)
    if rgb.shape[:2] == (FER_SIZE, FER_SIZE):
        return []
    return loaders.detector().detect(rgb)


def face(content: bytes, name: str, key: str, _: Translator) -> Face | None:
    """The face to look at, chosen by the visitor if there are several; None if there is none."""
    found = detected(content, name)
    if len(found) <= 1:
        return found[0] if found else None
    chosen = st.pills(
        _("Face"),
        list(range(len(found))),
        default=0,
        format_func=lambda position: str(position + 1),
        required=True,
        key=f"{key}_chosen_face",
    )
    return found[chosen]
