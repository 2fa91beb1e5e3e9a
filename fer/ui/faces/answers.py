"""Both models' answers for one image, as every page shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer.inference.answered_face import AnsweredFace
from fer.inference.classification import Prediction
from fer.media import annotation
from fer.media.photos import Photo
from fer.scenarios import PROPOSED
from fer.ui.faces import announcer, confidence_bars, explanations
from fer.ui.shared import charts, loaders, presentation, widgets
from fer.ui.shared.text import _
from fer.vision import scales
from fer.vision.faces import SMALLEST_FACE
from fer.vision.preprocessing import FER_SIZE, Rgb
from fer.vision.quality import Flaw

ENLARGEMENT = 3
# The most that a photo takes of a phone's screen, in pixels.
PHONE_WIDTH, PHONE_HEIGHT = 358, 230
# A larger photo is shrunk to so many pixels for a screen.
LONGEST = 1280


def answer_photo(
    content: bytes, name: str, key: str, *, is_narrow: bool = False, words: str = ""
) -> None:
    """Classify an image and draw it with its answers; see `show_photo`.

    Raises:
        FerError: if the image cannot be read or no model is installed.
    """
    with st.spinner(_("Looking for faces and asking both models…")):
        photo = loaders.classified(content, name, bool(st.session_state.get(f"{key}_whole")))
    if photo.size != (FER_SIZE, FER_SIZE) and all(one.face is None for one in photo.answers):
        st.warning(_("No face was found. The whole image can be classified instead."))
        st.toggle(_("Classify the whole image"), key=f"{key}_whole")
    show_photo(loaders.photo_rgb(content, name), photo, key, is_narrow=is_narrow, words=words)


def tell_turn(turns: int) -> None:
    """Tell by how much a picture was turned, if it was."""
    if turns:
        st.info(
            _(
                "The picture was sideways or upside down without being marked so. Its faces are "
                "detected more surely when it is turned by {degrees}° clockwise, so it was "
                "turned.",
                degrees=90 * (-turns % 4),
            ),
            icon=":material/rotate_right:",
        )


def tell_too_small(too_small: int) -> None:
    """Tell how many faces were too small to judge, if any."""
    if too_small:
        st.caption(
            _(
                "Faces too small to judge (below {pixels} pixels): {n}.",
                pixels=SMALLEST_FACE,
                n=too_small,
            )
        )


def show_photo(
    rgb: Rgb, photo: Photo, key: str, *, is_narrow: bool = False, words: str = ""
) -> None:
    """Draw a classified image with boxed faces beside both models' confidences for the chosen one.

    Args:
        is_narrow: the picture stands above the confidences.
        words: what else is known of the image, Markdown.
    """
    rgb = photo.upright(rgb)
    picture, side = _places(rgb, is_narrow)
    # Below the answers, which are to be seen first; a choice is drawn before what it changes.
    with side:
        first, below = st.container(), st.container()
    chosen = photo.largest
    if len(photo.answers) > 1:
        chosen = below.pills(
            _("Face"),
            list(range(len(photo.answers))),
            default=chosen,
            format_func=lambda position: face_name(photo, position),
            required=True,
            key=face_key(key, *(answer.crop.tobytes() for answer in photo.answers)),
        )
    answer = photo.answers[chosen] if photo.answers else None
    if answer is not None:
        with first:
            _warn_of_doubt(answer)
            in_large_words(answer)
            confidences(answer.predictions, key)
    is_crop = rgb.shape[:2] == (FER_SIZE, FER_SIZE) and not presentation.is_on()
    with picture:
        with st.container(key="stage_view", width="content" if is_crop else "stretch"):
            _picture(rgb, photo, chosen, is_narrow=is_narrow)
        if is_narrow and answer is not None:
            words = "\n\n".join(filter(None, [_tops(answer.predictions), words]))
        if words:
            (st.markdown if is_narrow else st.caption)(words)
    with below:
        tell_turn(photo.turns)
        tell_too_small(photo.too_small)
        if answer is None:
            return
        _warn_of_flaws(answer)
        if presentation.is_on():
            return
        if not is_narrow:
            st.markdown(_tops(answer.predictions))
        _timing(photo, answer)
    explanations.offer(answer.crop, answer.predictions, key)
    _confidence_table(photo, key, is_lazy=is_narrow)


def face_key(key: str, *contents: bytes) -> str:
    """Return the key of a choice among the faces of that content: under one key Streamlit would
    take the number that was chosen in one photo for a choice in the next."""
    return f"{key}_face_{hashlib.sha256(b''.join(contents)).hexdigest()[:12]}"


def _confidence_table(photo: Photo, key: str, *, is_lazy: bool) -> None:
    """Draw the table of all confidences, on Home only when opened: a browser takes as long for it
    as for the bars. On other pages it always is there for programs to read."""
    frame = pd.DataFrame(photo.rows())
    name, alt = f"{key}_confidences", _("Both models' confidence for each face and emotion")
    if is_lazy:
        widgets.folded_table(lambda: frame, name, alt, f"{key}_details")
        return
    with st.expander(_("Table and download"), key=f"{key}_details"):
        widgets.table(frame, name, alt)


def in_large_words(answer: AnsweredFace) -> None:
    """Draw both models' answers for a face in large words, on a stage only."""
    if presentation.is_on():
        with st.container(key="stage_side"):
            st.markdown(f"{_tops(answer.predictions)}  \n{agreement(answer)}")


def agreement(answer: AnsweredFace) -> str:
    """Return a sentence on whether both models say the same; empty if there are no two."""
    if len(answer.predictions) < 2:
        return ""
    if answer.is_agreed:
        return _("Both models agree.")
    return _("The models disagree: they see different expressions.")


def confidences(predictions: Mapping[str, Prediction], key: str) -> None:
    """Draw both models' confidence bars; the highest one is told to screen readers."""
    bars(predictions, key)
    announcer.announce(announcer.tops(predictions), key)


def bars(predictions: Mapping[str, Prediction], key: str) -> None:
    """Draw both models' confidence for each emotion as bars."""
    figure = confidence_bars.confidence_bars(predictions)
    widgets.chart(
        charts.enlarged(figure) if presentation.is_on() else figure,
        key=f"{key}_confidence",
        alt=_("Bars of both models' confidence for each emotion"),
    )


def _places(rgb: Rgb, is_narrow: bool) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return where the picture goes and where what the models say of it: beside or below it."""
    if not is_narrow:
        picture, side = st.columns(presentation.COLUMNS if presentation.is_on() else 2)
        return picture, side
    # A small face leaves room for words beside it, on a phone, too.
    is_crop = rgb.shape[:2] == (FER_SIZE, FER_SIZE)
    picture = (
        st.container(horizontal=True, wrap=False, vertical_alignment="center")
        if is_crop
        else st.container()
    )
    return picture, st.container()


def _warn_of_doubt(answer: AnsweredFace) -> None:
    if answer.face is not None and answer.is_doubtful:
        st.warning(
            _(
                "It is doubtful that this is a face (detection score {score}): the answer may "
                "mean nothing.",
                score=_.number(answer.face.score, 2),
            )
        )


def _warn_of_flaws(answer: AnsweredFace) -> None:
    """Warn of each thing that makes the face hard to read."""
    sentences: dict[Flaw, str] = {
        "dark": _("This face is very dark: in better light the answer may be another."),
        "blurred": _("This face is blurred: in a sharp photo the answer may be another."),
        "covered": _(
            "The lower half of this face seems to be covered: the models were not trained on masks."
        ),
        "drawn": _("This face seems to be drawn: the models were trained on photos only."),
    }
    for flaw in answer.flaws:
        st.warning(sentences[flaw])


def _picture(rgb: Rgb, photo: Photo, chosen: int, *, is_narrow: bool) -> None:
    """Draw the image with its faces; one of FER-2013's own crops enlarged, pixel by pixel."""
    if rgb.shape[:2] == (FER_SIZE, FER_SIZE):
        times = ENLARGEMENT - is_narrow
        crisp = rgb.repeat(times, axis=0).repeat(times, axis=1)
        st.image(
            crisp,
            width="stretch" if presentation.is_on() else "content",
            alt=_("The face enlarged, pixel by pixel"),
        )
        return
    faces = sum(answer.face is not None for answer in photo.answers)
    shown = annotation.numbered(rgb, photo.answers, PROPOSED.colour, chosen)
    shown = scales.shrunk(shown, LONGEST)[0]
    height, width = shown.shape[:2]
    st.image(
        shown,
        alt=_("The photo with a box around each of {n} faces", n=faces),
        # On a phone the answers are to be in the first screen, too.
        width=min(PHONE_WIDTH, PHONE_HEIGHT * width // height)
        if presentation.is_phone()
        else "stretch",
    )


def _tops(predictions: Mapping[str, Prediction]) -> str:
    """Return each model's most probable emotion, a line a model, as Markdown."""
    return "  \n".join(
        f"{charts.swatch(model)} {model}: **{_(p.top1)}** {_.percent(p.confidence)}"
        for model, p in predictions.items()
    )


def _timing(photo: Photo, answer: AnsweredFace) -> None:
    predict = _.number(1000 * photo.prediction_seconds / len(photo.answers))
    timing = (
        _("Both models: {predict} ms, waiting included.", predict=predict)
        if photo.size == (FER_SIZE, FER_SIZE)
        else _(
            "Detection {detect} ms, both models {predict} ms for each face, waiting included.",
            detect=_.number(1000 * photo.detection_seconds),
            predict=predict,
        )
    )
    # Not counted in one of FER-2013's own crops, where no face is looked for.
    faces = sum(one.face is not None for one in photo.answers)
    counted = _("Faces found: {n}", n=faces) + ". " if faces else ""
    st.caption(f"{counted}{agreement(answer)} {timing}")


def face_name(photo: Photo, position: int) -> str:
    """Return a face's number, with a question mark where it is doubtful."""
    face = photo.answers[position].face
    return f"{position + 1} ?" if face is not None and face.is_doubtful else str(position + 1)
