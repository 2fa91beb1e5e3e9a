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
from fer.studies.records import ROBUSTNESS
from fer.ui.faces import announcer, answers
from fer.ui.shared import caching, charts, loaders, widgets
from fer.ui.shared.text import _
from fer.ui.studies import records, robustness
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
def draw_what_if(face: Gray) -> None:
    """Draw sliders that change a face (48, 48), both models' answers to it, and the search for the
    smallest change that turns them; a slider runs this view alone."""
    try:
        points = _landmarks.get(
            face.tobytes(),
            lambda: framing.landmarks_of_crop(face, loaders.detector()),
            loaders.state(),
        )
        # Read before the sliders are drawn, so that the answers, which are waited for, come first.
        strengths = {}
        for key, corruption in CORRUPTIONS.items():
            neutral = float(corruption.neutral)
            chosen = float(st.session_state.setdefault(f"{PREFIX}_{key}", neutral))
            strengths[key] = neutral if points is None and key in COVERING else chosen
        changed = corruptions.combine(face, strengths, points)
        before, after = _answer(face), _answer(changed)
        _draw_faces(face, changed, before, after)
        _draw_sliders(points is not None)
        _draw_measured_falls(strengths)
        widgets.folded_table(
            lambda: _confidence_table(before, after),
            f"{PREFIX}_confidences",
            _("Both models' confidence before and after the change"),
            f"{PREFIX}_details",
        )
        _draw_search(face, points, before)
    except FerError as error:
        st.error(_.error(error))


def _answer(face: Gray) -> dict[str, Prediction]:
    return _answered.get(
        face.tobytes(), lambda: loaders.classifier().predict([face])[0], loaders.state()
    )


def _draw_sliders(may_cover: bool) -> None:
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
    st.button(
        _("As it was"), icon=":material/restart_alt:", on_click=_set_sliders, key=f"{PREFIX}_reset"
    )


def _strength(key: str, value: float) -> str:
    """Return a strength with as many decimals as its corruption's steps."""
    return _.number(value, len(f"{CORRUPTIONS[key].step:g}".partition(".")[2]))


def _set_sliders(point: TurningPoint | None = None) -> None:
    """Set every slider to where it changes nothing, but one to a turning point."""
    for key, corruption in CORRUPTIONS.items():
        st.session_state[f"{PREFIX}_{key}"] = float(corruption.neutral)
    if point is not None:
        st.session_state[f"{PREFIX}_{point.corruption}"] = float(point.strength)


def _draw_faces(
    face: Gray, changed: Gray, before: Mapping[str, Prediction], after: Mapping[str, Prediction]
) -> None:
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
        lines = []
        for model, answer in after.items():
            top1, confidence = before[model].top1, _.percent(before[model].confidence)
            was = (
                _("before: {confidence}", confidence=confidence)
                if answer.top1 == top1
                else _(
                    "turned; before: {emotion} {confidence}", emotion=_(top1), confidence=confidence
                )
            )
            now = f"{model}: **{_(answer.top1)}** {_.percent(answer.confidence)}"
            lines.append(f"{charts.swatch(model)} {now}  \n:small[{was}]")
        st.markdown("\n\n".join(lines))


def _draw_measured_falls(strengths: Mapping[str, float]) -> None:
    """Draw by how much accuracy falls on average under each change that is made."""
    record = loaders.record(ROBUSTNESS)
    moved = {k: s for k, s in strengths.items() if s != CORRUPTIONS[k].neutral}
    if not moved or record is None:
        return
    names = robustness.corruptions()
    lines = []
    for key, strength in moved.items():
        # A strength is negative for the other way; of two, the milder.
        results = record["corruptions"][key]["results"]
        nearest = min(results, key=lambda row: abs(row["strength"] - abs(strength)))
        falls = ", ".join(
            f"{model} {_.difference(row['accuracy'], record['clean'][model]['accuracy'])}"
            for model, row in nearest["models"].items()
        )
        name, unit = names[key]
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
    """Return two rows for each model: its confidences before and after the change."""
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


def _draw_search(face: Gray, points: Floats | None, before: Mapping[str, Prediction]) -> None:
    """Draw a button that searches for the smallest change that turns each model's answer, and the
    result for this face."""
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
        words = _("Trying every strength from weak to strong…")
        bar = st.progress(0.0, words)

        def progress(done: float, total: float, /, **_: object) -> None:
            bar.progress(done / total, words)

        turns = turning_points.search(face, points, loaders.classifier(), progress)
        bar.empty()
        return turns

    turns = _searched.get(face.tobytes(), search, loaders.state())
    sentences = {
        model: _smallest(model, by_change, before[model]) for model, by_change in turns.items()
    }
    announcer.announce(" ".join(sentences.values()), SEARCHED)
    for model, sentence in sentences.items():
        st.markdown(f"{charts.swatch(model)} {sentence}")
    with st.container(horizontal=True):
        for model, by_change in turns.items():
            if point := turning_points.smallest(by_change):
                st.button(
                    _("Show what turns {model}", model=model),
                    on_click=_set_sliders,
                    args=(point,),
                    key=f"{PREFIX}_show_{model}",
                )
    _draw_turn_table(turns)


def _smallest(model: str, points: Mapping[str, TurningPoint], before: Prediction) -> str:
    """Return a sentence on the smallest change that turns a model's answer, as Markdown."""
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


def _draw_turn_table(turns: Mapping[str, Mapping[str, TurningPoint]]) -> None:
    """Draw the strength of each change that turns each model's answer, and into what."""
    names = robustness.corruptions()
    shown = {_("What is done to the face"): [f"{name} ({unit})" for name, unit in names.values()]}
    for model, points in turns.items():
        shown[model] = [
            f"{_strength(key, points[key].strength)} → {_(points[key].top1)}"
            if key in points
            else "–"
            for key in names
        ]
    rows = [
        {
            "model": model,
            "corruption": point.corruption,
            "unit": CORRUPTIONS[point.corruption].unit,
            "strength": point.strength,
            "share_of_range": round(point.share, 4),
            "top1": point.top1,
        }
        for model, points in turns.items()
        for point in points.values()
    ]
    alt = _("The first strength of each change that turns each model's answer")
    widgets.table(pd.DataFrame(rows), f"{PREFIX}_turns", alt, shown=pd.DataFrame(shown))
    st.caption(
        _(
            "Each change alone, from weak to strong in the sliders' steps; the smallest is the one "
            "that takes the smallest share of its slider's range."
        )
    )
