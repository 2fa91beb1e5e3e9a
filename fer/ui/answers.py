"""Both models' answers for one image, as every page shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer.inference.answered_face import AnsweredFace
from fer.inference.classification import Prediction
from fer.media import annotation, photos
from fer.media.photos import Photo
from fer.scenarios import PROPOSED
from fer.ui import announcer, charts, explanations, loaders, presentation, widgets
from fer.ui.text import _
from fer.vision.faces import SMALLEST_FACE
from fer.vision.preprocessing import FER_SIZE, Rgb
from fer.vision.quality import Flaw

ENLARGEMENT = 3
# The most that a photo takes of a phone's screen, in pixels.
PHONE_WIDTH, PHONE_HEIGHT = 358, 230


def photo(content: bytes, name: str, key: str, *, is_narrow: bool = False, words: str = "") -> None:
    """The image with boxed faces beside both models' confidences for the chosen face.

    Args:
        is_narrow: the picture stands above the confidences.
        words: what else is known of the image, Markdown.

    Raises:
        FerError: if the image cannot be read or no model is installed.
    """
    rgb = loaders.image(content, name)
    with st.spinner(_("Looking for faces and asking both models…")):
        found = loaders.classified(content, name, False)
    if not found.answers:
        st.warning(_("No face was found. The whole image can be classified instead."))
        if st.toggle(_("Classify the whole image"), key=f"{key}_whole"):
            found = loaders.classified(content, name, True)
    show(rgb, found, key, is_narrow=is_narrow, words=words)


def told_turn(turns: int) -> None:
    """By how much a picture was turned, where it was."""
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


def told_small(too_small: int) -> None:
    """How many faces were too small to judge, where there are any."""
    if too_small:
        st.caption(
            _(
                "Faces too small to judge (below {pixels} pixels): {n}.",
                pixels=_.number(SMALLEST_FACE),
                n=_.number(too_small),
            )
        )


def show(rgb: Rgb, found: Photo, key: str, *, is_narrow: bool = False, words: str = "") -> None:
    """A classified image and its answers, with a choice among several faces; see `photo`."""
    rgb = found.upright(rgb)
    picture, side = _places(rgb, is_narrow)
    # Below the answers, which are to be seen first; a choice is drawn before what it changes.
    with side:
        first, below = st.container(), st.container()
    chosen = found.largest
    if len(found.answers) > 1:
        chosen = below.pills(
            _("Face"),
            list(range(len(found.answers))),
            default=chosen,
            format_func=lambda position: face_name(found, position),
            required=True,
            key=face_key(key, *(answer.crop.tobytes() for answer in found.answers)),
        )
    is_crop = rgb.shape[:2] == (FER_SIZE, FER_SIZE) and not presentation.is_on()
    with picture, st.container(key="stage_view", width="content" if is_crop else "stretch"):
        _picture(rgb, found, chosen, is_narrow=is_narrow)
    with picture:
        told = [_tops(found.answers[chosen].predictions)] if found.answers else []
        told += [words] if words else []
        if is_narrow and told:
            st.markdown("\n\n".join(told))
        elif words:
            st.caption(words)
    with below:
        told_turn(found.turns)
        told_small(found.too_small)
    if not found.answers:
        return
    answer = found.answers[chosen]
    with first:
        _warn_of_doubt(answer)
        in_large_words(answer)
        confidences(answer.predictions, key)
    with below:
        _warn_of_flaws(answer)
        if presentation.is_on():
            return
        if not is_narrow:
            st.markdown(_tops(answer.predictions))
        _timing(found, answer)
    explanations.offer(answer.crop, answer.predictions, key)
    _details(found, key, is_lazy=is_narrow)


def face_key(key: str, *contents: bytes) -> str:
    """The key of a choice among the faces of that content.

    Under one key Streamlit would take the number that was chosen in one photo for a choice in the
    next; what no key asks for any more it forgets.
    """
    return f"{key}_face_{hashlib.sha256(b''.join(contents)).hexdigest()[:12]}"


def _details(found: Photo, key: str, *, is_lazy: bool) -> None:
    """The table of all confidences: where the page is about more than this answer, when opened,
    since a browser takes as long for it as for the bars. Programs read the other."""
    label, name = _("Table and download"), f"{key}_details"
    details = widgets.opened(label, name) if is_lazy else st.expander(label, key=name)
    if details:
        # A quarter of a second that the bars need not wait for.
        import pandas as pd

        with details:
            widgets.table(
                pd.DataFrame(found.rows()),
                f"{key}_confidences",
                _("Both models' confidence for each face and emotion"),
            )


def in_large_words(answer: AnsweredFace) -> None:
    """On a stage, both models' answers for a face in large words; else nothing."""
    if presentation.is_on():
        with st.container(key="stage_side"):
            st.markdown(f"{_tops(answer.predictions)}  \n{agreement(answer)}")


def agreement(answer: AnsweredFace) -> str:
    """Whether both models say the same, as a sentence; empty if there are no two."""
    if len(answer.predictions) < 2:
        return ""
    if answer.is_agreed:
        return _("Both models agree.")
    return _("The models disagree: they see different expressions.")


def confidences(predictions: Mapping[str, Prediction], key: str) -> None:
    """Both models' confidence for each emotion as bars; the highest is told to screen readers."""
    bars(predictions, key)
    announcer.announce(announcer.tops(predictions), key)


def bars(predictions: Mapping[str, Prediction], key: str) -> None:
    """Both models' confidence for each emotion as bars, where they change all the time."""
    figure = charts.confidence_bars(predictions)
    widgets.chart(
        charts.enlarged(figure) if presentation.is_on() else figure,
        key=f"{key}_confidence",
        alt=_("Bars of both models' confidence for each emotion"),
    )


def _places(rgb: Rgb, is_narrow: bool) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Where the picture goes and where what the models say of it: side by side, or below."""
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
    """A sentence on each thing that makes the face hard to read."""
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


def _picture(rgb: Rgb, found: Photo, chosen: int, *, is_narrow: bool) -> None:
    """The image with its faces; one of FER-2013's own crops enlarged, pixel by pixel."""
    if rgb.shape[:2] == (FER_SIZE, FER_SIZE):
        times = ENLARGEMENT - is_narrow
        crisp = rgb.repeat(times, axis=0).repeat(times, axis=1)
        st.image(
            crisp,
            width="stretch" if presentation.is_on() else "content",
            alt=_("The face enlarged, pixel by pixel"),
        )
        return
    faces = sum(answer.face is not None for answer in found.answers)
    shown = photos.for_display(annotation.numbered(rgb, found.answers, PROPOSED.colour, chosen))
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
    """Each model's most probable emotion, a line a model, as Markdown."""
    return "  \n".join(
        f"{charts.swatch(model)} {model}: **{_(p.top1)}** {_.percent(p.confidence)}"
        for model, p in predictions.items()
    )


def _timing(found: Photo, answer: AnsweredFace) -> None:
    predict = _.number(1000 * found.prediction_seconds / len(found.answers))
    timing = (
        _("Both models: {predict} ms, waiting included.", predict=predict)
        if found.size == (FER_SIZE, FER_SIZE)
        else _(
            "Detection {detect} ms, both models {predict} ms for each face, waiting included.",
            detect=_.number(1000 * found.detection_seconds),
            predict=predict,
        )
    )
    # Not counted in one of FER-2013's own crops, where no face is looked for.
    faces = [one for one in found.answers if one.face is not None]
    counted = _("Faces found: {n}", n=len(faces)) + ". " if faces else ""
    st.caption(f"{counted}{agreement(answer)} {timing}")


def face_name(found: Photo, position: int) -> str:
    """A face's number, with a question mark where it is doubtful."""
    face = found.answers[position].face
    return f"{position + 1} ?" if face is not None and face.is_doubtful else str(position + 1)
