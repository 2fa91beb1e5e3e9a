"""What if the face were turned, blurred, darker or covered? Both models' answers as it changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial

import pandas as pd
import streamlit as st

from fer import FerError, emotions
from fer.inference import turning_points
from fer.inference.classification import Prediction
from fer.inference.turning_points import TurningPoint
from fer.studies import robustness as study
from fer.studies.records import ROBUSTNESS
from fer.ui import announcer, answers, caching, charts, loaders, widgets
from fer.ui.studies import records, robustness
from fer.ui.text import _
from fer.vision import corruptions, framing
from fer.vision.corruptions import CORRUPTIONS, COVERING
from fer.vision.preprocessing import Floats, Gray

PREFIX = "what_if"
SEARCHED = f"{PREFIX}_searched"
# Each pixel of a face is drawn as so many.
ENLARGEMENT = 4
PICTURE_WIDTH = 150

_landmarks: caching.Recent[Floats | None] = caching.Recent(64, loaders.KEPT_SECONDS)
_answered: caching.Recent[dict[str, Prediction]] = caching.Recent(256, loaders.KEPT_SECONDS)
_searched: caching.Recent[dict[str, dict[str, TurningPoint]]] = caching.Recent(
    64, loaders.KEPT_SECONDS
)


@st.fragment
def show(face: Gray) -> None:
    """Sliders that change a face (48, 48), both models' answers to it, and the search for the
    smallest change that turns them; a slider runs this view alone."""
    try:
        points = _landmarks.get(
            face.tobytes(),
            lambda: framing.landmarks_of_crop(face, loaders.detector()),
            loaders.state(),
        )
        strengths = _strengths(points is not None)
        changed = corruptions.combine(face, strengths, points)
        before, after = _answer(face), _answer(changed)
        _faces(face, changed, before, after)
        _sliders(points is not None)
        _measured(strengths)
        widgets.folded_table(
            lambda: _confidence_table(before, after),
            f"{PREFIX}_confidences",
            _("Both models' confidence before and after the change"),
            f"{PREFIX}_details",
        )
        _search(face, points, before)
    except FerError as error:
        st.error(_.error(error))


def _answer(face: Gray) -> dict[str, Prediction]:
    return _answered.get(
        face.tobytes(), lambda: loaders.classifier().predict([face])[0], loaders.state()
    )


def _strengths(may_cover: bool) -> dict[str, float]:
    """Return the strength to which each slider stands, by corruption; all neutral at first.

    Read before the sliders are drawn, so that the answers, which are waited for, come first.
    """
    strengths = {}
    for key, corruption in CORRUPTIONS.items():
        chosen = st.session_state.setdefault(f"{PREFIX}_{key}", float(corruption.neutral))
        is_open = may_cover or key not in COVERING
        strengths[key] = float(chosen if is_open else corruption.neutral)
    return strengths


def _sliders(may_cover: bool) -> None:
    """Draw a slider for each corruption, and the button that sets all to neutral."""
    if not may_cover:
        st.caption(
            _("No single face was detected in this image, so eyes and mouth cannot be covered.")
        )
    names = robustness.corruptions()
    with st.grid(4, min_column_width=150, gap="small"):
        for key, corruption in CORRUPTIONS.items():
            name, unit = names[key]
            levels = corruption.levels
            opposite = tuple(-level for level in reversed(levels)) if corruption.is_signed else ()
            st.select_slider(
                f"{name} ({unit})",
                (*opposite, float(corruption.neutral), *levels),
                # The language's decimal mark, which a slider of numbers does not have.
                format_func=partial(_strength, key),
                key=f"{PREFIX}_{key}",
                disabled=key in COVERING and not may_cover,
            )
    st.button(_("As it was"), icon=":material/restart_alt:", on_click=_set, key=f"{PREFIX}_reset")


def _strength(key: str, value: float) -> str:
    """A strength with as many decimals as its corruption's steps."""
    return _.number(value, len(f"{CORRUPTIONS[key].step:g}".partition(".")[2]))


def _set(point: TurningPoint | None = None) -> None:
    """Move every slider to where it changes nothing, but one to a turning point."""
    for key, corruption in CORRUPTIONS.items():
        st.session_state[f"{PREFIX}_{key}"] = float(corruption.neutral)
    if point is not None:
        st.session_state[f"{PREFIX}_{point.corruption}"] = float(point.strength)


def _faces(
    face: Gray, changed: Gray, before: Mapping[str, Prediction], after: Mapping[str, Prediction]
) -> None:
    """The face as it was and as it is now, with what each model says of it."""
    pictures, side = st.columns([2, 3])
    # First what is waited for.
    with side:
        answers.confidences(after, PREFIX)
    with pictures:
        with st.container(horizontal=True, wrap=False, gap="small"):
            for picture, words in ((face, _("As it was")), (changed, _("Changed"))):
                st.image(
                    picture.repeat(ENLARGEMENT, axis=0).repeat(ENLARGEMENT, axis=1),
                    caption=words,
                    width=PICTURE_WIDTH,
                    alt=_("The face enlarged, pixel by pixel") + f" ({words})",
                )
        st.markdown("\n\n".join(_told(model, before[model], after[model]) for model in after))


def _told(model: str, before: Prediction, after: Prediction) -> str:
    """A model's answer, and whether it is still the one that it gave before, as Markdown."""
    told = f"{charts.swatch(model)} {model}: **{_(after.top1)}** {_.percent(after.confidence)}"
    if after.top1 == before.top1:
        was = _("before: {confidence}", confidence=_.percent(before.confidence))
    else:
        was = _(
            "turned; before: {emotion} {confidence}",
            emotion=_(before.top1),
            confidence=_.percent(before.confidence),
        )
    return f"{told}  \n:small[{was}]"


def _measured(strengths: Mapping[str, float]) -> None:
    """By how much accuracy falls on average under each change that is made, as far as measured."""
    record = loaders.record(ROBUSTNESS)
    moved = {k: s for k, s in strengths.items() if s != CORRUPTIONS[k].neutral}
    if not moved or record is None:
        return
    called = robustness.corruptions()
    lines = []
    for key, strength in moved.items():
        nearest = study.nearest(record, key, strength)
        falls = ", ".join(
            f"{model} {_.difference(row['accuracy'], record['clean'][model]['accuracy'])}"
            for model, row in nearest["models"].items()
        )
        name, unit = called[key]
        lines.append(
            _(
                "- {change} {strength}; measured at {level}: {falls} points",
                change=f"{name} ({unit})",
                strength=_strength(key, strength),
                level=_strength(key, nearest["strength"]),
                falls=falls,
            )
        )
    head = _(
        "What this costs on average: the change of accuracy on {n} PrivateTest images, each change "
        "alone, at the nearest strength that was measured:",
        n=_.number(record["images"]),
    )
    st.markdown("\n".join([head, "", *lines]))
    records.warn_of_other_weights(record["weights_sha256"])


def _confidence_table(
    before: Mapping[str, Prediction], after: Mapping[str, Prediction]
) -> pd.DataFrame:
    """A row for each model: its confidence in each emotion, before and after the change."""
    return pd.DataFrame(
        [
            {
                _("Model"): model,
                _("Face"): words,
                **{
                    _(key): round(float(share), 6)
                    for key, share in zip(emotions.KEYS, answered[model].probabilities, strict=True)
                },
            }
            for model in after
            for answered, words in ((before, _("As it was")), (after, _("Changed")))
        ]
    )


def _search(face: Gray, points: Floats | None, before: Mapping[str, Prediction]) -> None:
    """A button that searches for the smallest change that turns each model's answer, and what was
    found for this face."""
    digest = hashlib.sha256(face.tobytes()).hexdigest()
    if st.button(
        _("Find the smallest change that turns the answer"),
        icon=":material/search:",
        type="primary",
        key=f"{PREFIX}_search",
    ):
        st.session_state[SEARCHED] = digest
    if st.session_state.get(SEARCHED) != digest:
        return

    def search() -> dict[str, dict[str, TurningPoint]]:
        bar = st.progress(0.0, _("Trying every strength from weak to strong…"))

        def tell(done: float, total: float, /, **_: object) -> None:
            bar.progress(done / total)

        found = turning_points.search(face, points, loaders.classifier(), tell)
        bar.empty()
        return found

    found = _searched.get(face.tobytes(), search, loaders.state())
    told = {model: _smallest(model, kinds, before[model]) for model, kinds in found.items()}
    announcer.announce(" ".join(told.values()), SEARCHED)
    for model, sentence in told.items():
        st.markdown(f"{charts.swatch(model)} {sentence}")
    with st.container(horizontal=True):
        for model, kinds in found.items():
            point = turning_points.smallest(kinds)
            if point is not None:
                st.button(
                    _("Show what turns {model}", model=model),
                    on_click=_set,
                    args=(point,),
                    key=f"{PREFIX}_show_{model}",
                )
    widgets.table(
        pd.DataFrame(_rows(found)),
        f"{PREFIX}_turns",
        _("The first strength of each change that turns each model's answer"),
        shown=_turn_table(found),
    )
    st.caption(
        _(
            "Each change alone, from weak to strong in the sliders' steps; the smallest is the one "
            "that takes the smallest share of its slider's range."
        )
    )


def _smallest(model: str, points: Mapping[str, TurningPoint], before: Prediction) -> str:
    """A sentence on the smallest change that turns a model's answer, as Markdown."""
    point = turning_points.smallest(points)
    if point is None:
        return _("{model}: none of these changes alone turns its answer.", model=model)
    name, unit = robustness.corruptions()[point.corruption]
    return _(
        "{model}: **{change}** {strength} turns {before} into **{after}**, {share} of the "
        "slider's range.",
        model=model,
        change=f"{name} ({unit})",
        strength=_strength(point.corruption, point.strength),
        before=_(before.top1),
        after=_(point.top1),
        share=_.percent(point.share, 0),
    )


def _turn_table(found: Mapping[str, Mapping[str, TurningPoint]]) -> pd.DataFrame:
    """A row for each change: at which strength it turns each model's answer, and into what."""
    called = robustness.corruptions()
    table = []
    for key in CORRUPTIONS:
        name, unit = called[key]
        row = {_("What is done to the face"): f"{name} ({unit})"}
        for model, points in found.items():
            point = points.get(key)
            row[model] = (
                "–" if point is None else f"{_strength(key, point.strength)} → {_(point.top1)}"
            )
        table.append(row)
    return pd.DataFrame(table)


def _rows(found: Mapping[str, Mapping[str, TurningPoint]]) -> list[dict[str, object]]:
    """A row for each model and change that turns its answer, for the download."""
    return [
        {
            "model": model,
            "corruption": point.corruption,
            "unit": CORRUPTIONS[point.corruption].unit,
            "strength": point.strength,
            "share_of_range": round(point.share, 4),
            "top1": point.top1,
        }
        for model, points in found.items()
        for point in points.values()
    ]
