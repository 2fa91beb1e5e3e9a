"""Many uploaded images, answered in turns while they come in; each is let go at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.typing import UploadedFile

from fer import FerError
from fer.ui.shared import caching
from fer.ui.shared.text import _
from fer.ui.uploads import shown_uploads, visits
from fer.ui.uploads.upload_limits import Upload, intake

T = TypeVar("T")
# How many images are answered before the page is drawn anew.
TURN = 50
LOOK_SECONDS = 1.0


@st.fragment(run_every=LOOK_SECONDS)
def answer_arriving(
    results: dict[str, T],
    ask: Callable[[bytes, str], T],
    refuse: Callable[[str, FerError], T],
    most: int,
) -> None:
    """Answer what has come in while other images are on their way: Streamlit's uploader lists none
    before all are there. Arguments as `answer`'s."""
    answer(intake.arrived(visits.current())[:TURN], results, ask, refuse, most)


def answer(
    uploads: Sequence[UploadedFile] | Sequence[Upload],
    results: dict[str, T],
    ask: Callable[[bytes, str], T],
    refuse: Callable[[str, FerError], T],
    most: int,
) -> None:
    """Answer the images that have no answer yet, with a progress bar, and let go of each at once.

    Args:
        results: the answers by file id, which grow.
        ask: returns the answer for a file's content and name.
        refuse: returns what stands for a file's name in place of an answer.
        most: how many answers there may be; what comes beyond is let go without one.
    """
    waiting = [upload for upload in uploads if upload.file_id not in results]
    if not waiting:
        return
    bar = st.progress(0.0, _("Looking for faces and asking both models…"))
    for number, upload in enumerate(waiting, start=1):
        if len(results) < most:
            try:
                results[upload.file_id] = ask(shown_uploads.content(upload), upload.name)
            except FerError as error:
                results[upload.file_id] = refuse(upload.name, error)
        intake.forget(upload.file_id)
        show_progress(bar, number, len(waiting), len(results))
    caching.give_back()
    bar.empty()


def show_progress(bar: DeltaGenerator, done: int, total: int, answered: int) -> None:
    """Show how many images are answered and how many wait."""
    bar.progress(done / total, _("Classified: {n}, waiting: {left}", n=answered, left=total - done))
