"""Page 3's view "Your images": both models on a visitor's labelled images."""

from __future__ import annotations

import io
from collections.abc import Callable

import pandas as pd
import streamlit as st

from fer import FerError, emotions, logs
from fer.data.formats import labelled_files
from fer.data.formats.labelled_files import LabelledFile
from fer.own import images
from fer.own.images import LeftOut, Outcome, OwnImages
from fer.ui.faces import announcer
from fer.ui.results import confusions, errors, metrics, reliability
from fer.ui.results.measured_models import MeasuredModels
from fer.ui.shared import caching, loaders, widgets
from fer.ui.shared.text import _, plain
from fer.ui.studies import model_comparison
from fer.ui.uploads import shown_uploads, turns
from fer.ui.uploads.upload_limits import LARGEST_FILE, intake

# Images measured in a visit.
MOST = 2000
ZIP, FOLDER = "own_zip", "own_folder"
# Session state: the outcome of each image, by its path in the ZIP or the id of its file.
OUTCOMES = "own_outcomes"
# The id of the ZIP that is chosen, whether all of it is answered, and the ids of a folder's files.
CHOSEN, ENDED, LISTED = "own_zip_chosen", "own_zip_ended", "own_folder_listed"

Outcomes = dict[str, Outcome]


def draw_own_images() -> None:
    """Draw the uploader, and both models measured on what came in."""
    st.write(
        _(
            "How good are both models on your images? Put them into a folder for each emotion "
            "({names}; anger, happiness, sadness and the like are understood), and choose that "
            "folder or a ZIP of it. Faces are found and cut out as in photos; a small image that "
            "is a face already is taken whole.",
            names=", ".join(emotions.KEYS),
        )
    )
    ways = {"zip": _("A ZIP"), "folder": _("A folder")}
    way = widgets.choice(_("Your images"), ways, "own_way", is_labelled=False)
    key = ZIP if way == "zip" else FOLDER
    if key not in st.session_state:
        # Opened anew, with an empty uploader.
        st.session_state[OUTCOMES] = {}
    outcomes: Outcomes = st.session_state[OUTCOMES]
    try:
        name = _answer_zip(outcomes) if way == "zip" else _answer_folder(outcomes)
    except FerError as error:
        st.error(_.error(error))
        name = ""
    st.caption(
        _(
            "At most {n} images; each is let go as soon as it is answered. What is left (answers, "
            "and faces of 48×48 pixels to look at) stays in this server's memory until you leave "
            "this view, and is never stored. For more, on your own machine: `{command}`",
            n=_.number(MOST),
            command="fer evaluate --images FOLDER",
        )
    )
    if not outcomes:
        return
    try:
        own = images.measure(name, outcomes.values(), loaders.models())
    except FerError as error:
        st.error(_.error(error))
        return
    _draw_figures(own)


def _answer_zip(outcomes: Outcomes) -> str:
    """Answer the images of a ZIP and return its name; it is let go when all are answered.

    Raises:
        FerError: if it was not taken, or as `labelled_files.opened`.
    """
    upload = st.file_uploader(
        _("A ZIP with a folder for each emotion (up to {limit} MB)", limit=LARGEST_FILE >> 20),
        key=ZIP,
    )
    shown_uploads.keep(upload)
    chosen = None if upload is None else upload.file_id
    if st.session_state.get(CHOSEN) != chosen:
        # Another one was chosen, or this one taken away.
        outcomes.clear()
        st.session_state.update({CHOSEN: chosen, ENDED: False})
    if upload is None or st.session_state[ENDED]:
        return "" if upload is None else upload.name
    bar = st.progress(0.0, _("Looking for faces and asking both models…"))
    content = shown_uploads.content(upload)
    with (
        logs.refusals("archive refused", content),
        labelled_files.opened(io.BytesIO(content), upload.name, MOST) as files,
    ):
        for done, file in enumerate(files, start=1):
            if file.source not in outcomes:
                outcomes[file.source] = _ask(file)
            turns.show_progress(bar, done, len(files), len(outcomes))
    bar.empty()
    st.session_state[ENDED] = True
    intake.forget(upload.file_id)
    caching.give_back()
    return str(upload.name)


def _answer_folder(outcomes: Outcomes) -> str:
    """Answer the images of a folder while they come in, and return a name for them."""
    uploads = st.file_uploader(
        _("A folder with one for each emotion in it"), accept_multiple_files="directory", key=FOLDER
    )
    shown_uploads.keep(uploads)
    listed = {upload.file_id for upload in uploads}
    for taken_away in st.session_state.get(LISTED, set()) - listed:
        outcomes.pop(taken_away, None)
    st.session_state[LISTED] = listed

    def ask(content: bytes, name: str) -> Outcome:
        return _ask(labelled_files.labelled(name.replace("\\", "/"), lambda: content))

    turns.answer_arriving(outcomes, ask, LeftOut, MOST)
    turns.answer(uploads, outcomes, ask, LeftOut, MOST)
    if len(outcomes) == MOST:
        st.warning(
            _("The first {n} images are measured; the others were let go.", n=_.number(MOST))
        )
    return _("Your folder")


def _ask(file: LabelledFile) -> Outcome:
    return images.answer(file, loaders.detector(), loaders.classifier())


def _draw_figures(own: OwnImages) -> None:
    """Draw the figures in one row, what they are of, and the view that the visitor chooses."""
    faces = {image.source: image.face for image in own.answered}
    measured = MeasuredModels(
        "own_images",
        None,
        own.models,
        own.gain,
        faces.get,
        lambda sources: [None] * len(sources),
    )
    st.markdown(f"#### {model_comparison.gain_line(measured.scores, own.gain)}")
    if own.gain is not None:
        st.markdown(model_comparison.gain_sentence(measured.scores, own.gain))
    announcer.announce(
        announcer.listed({_("Images"): (_.number(len(own.answered)), None)}), "own_images"
    )
    st.markdown("\n".join(f"- {line}" for line in _sentences(own)))
    views: dict[str, tuple[str, Callable[[MeasuredModels], None]]] = {
        "metrics": (_("Metrics"), metrics.draw_metric_tables),
        "classes": (_("Classes"), metrics.draw_classes),
        "confusion": (_("Confusion"), confusions.draw_confusions),
        "calibration": (_("Calibration"), reliability.draw_calibration),
        "errors": (_("Errors"), errors.draw_errors),
        "left_out": (_("Not measured"), lambda _measured: _draw_left_out(own)),
    }
    names = {key: name for key, (name, _draw) in views.items()}
    views[widgets.choice(_("View"), names, "own_view", is_labelled=False)][1](measured)
    st.caption(_("Every image with its label and both models' answers:"))
    widgets.download(pd.DataFrame(own.rows(), columns=list(images.COLUMNS)), "own_answers")


def _sentences(own: OwnImages) -> list[str]:
    """Return how the images compare with PrivateTest, and which of them were measured."""
    lines = []
    if usual := own.on_private_test(loaders.models()):
        accuracies = {key: own.models[key].scores["accuracy"] for key in usual}
        lines.append(
            _(
                "Compared with FER-2013's PrivateTest, were its emotions as frequent as yours: "
                "{models}.",
                models=", ".join(
                    _(
                        "`{model}` {own} here, {usual} there ({points} points)",
                        model=key,
                        own=_.percent(accuracies[key]),
                        usual=_.percent(share),
                        points=_.difference(accuracies[key], share),
                    )
                    for key, share in usual.items()
                ),
            )
        )
    lines.append(
        _(
            "Images measured: {n}, of which {whole} were taken whole and {several} show several "
            "faces, of which the largest was taken.",
            n=_.number(len(own.answered)),
            whole=_.number(own.taken_whole),
            several=_.number(own.several_faces),
        )
    )
    if own.missing:
        lines.append(
            _(
                "No image of {emotions}: left out of the means over classes (macro F1, balanced "
                "accuracy).",
                emotions=", ".join(map(_, own.missing)),
            )
        )
    if own.without_counterpart:
        lines.append(
            _(
                "Left out, since none of the seven emotions is called so: {folders}.",
                folders=", ".join(
                    f"{plain(folder)} ({_.number(count)})"
                    for folder, count in own.without_counterpart.most_common()
                ),
            )
        )
    if own.others_left_out:
        lines.append(
            _(
                "Left out, since they cannot be read or show no face: {n}.",
                n=_.number(len(own.others_left_out)),
            )
        )
    return lines


def _draw_left_out(own: OwnImages) -> None:
    """Draw the reason for every image that was left out."""
    if not own.left_out:
        st.caption(_("Nothing was left out."))
        return
    frame = pd.DataFrame(
        [
            {_("Image"): left.source, _("Why"): _(left.reason.template, **left.reason.values)}
            for left in own.left_out
        ]
    )
    widgets.table(frame, "own_left_out", _("Images that were left out, and why"))
