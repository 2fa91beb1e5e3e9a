"""Page 2's view from photo to network input: every stage, the three channels they end in, and a
face as augmentation changes it."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer.scenarios import PROPOSED, Augmentation
from fer.ui.shared import caching, charts, loaders, widgets
from fer.ui.shared.text import _
from fer.vision import orientation, scales, stages
from fer.vision.faces import Face
from fer.vision.preprocessing import FER_SIZE, NETWORK_SIZE, Floats, Gray
from fer.vision.stages import Stage

VARIANTS = 12
# Shown three columns wide on a phone, where more pixels than this are not seen.
VARIANT_SIZE = 112
PREFIX = "augment"
# On the sliders in percent, in `Augmentation` as fractions. Gamma is in percent above 1, and there
# a logarithm.
FRACTIONS = ("flip", "shift", "zoom", "contrast", "erasing", "erased_area")


def _names_and_reasons() -> dict[str, tuple[str, str]]:
    """Return each stage's name, and what it is for, by key."""
    return {
        "original": (_("Original"), _("As it was taken: any size, in colour, upright.")),
        "face": (
            _("Face crop"),
            _(
                "The detector finds the face; a square around it is cut out as FER-2013's "
                "images were, so that the network sees what it was trained on."
            ),
        ),
        "grayscale": (
            _("Grayscale"),
            _(
                "Colour is left out, because FER-2013 is gray and an expression lies in shape, "
                "not in colour."
            ),
        ),
        "fer_resolution": (
            _("48×48, as in FER-2013"),
            _(
                "Reduced to FER-2013's own resolution: a sharper face would be a kind of "
                "picture that the network never saw."
            ),
        ),
        "resized": (
            _("Enlarged"),
            _(
                "Enlarged to the input size of VGG16 by bilinear interpolation; it adds no "
                "detail, only pixels."
            ),
        ),
        "three_channels": (
            _("Three channels (RGB)"),
            _(
                "The gray value is repeated in red, green and blue, because VGG16's first layer"
                " takes three channels."
            ),
        ),
        "network_input": (
            _("Network input (BGR − mean)"),
            _(
                "Channels in the order blue, green, red, with ImageNet's mean subtracted, as "
                "VGG16's weights expect."
            ),
        ),
    }


_recorded: caching.Recent[tuple[Stage, ...]] = caching.Recent(4, loaders.KEPT_SECONDS)


def recorded(content: bytes, name: str, turns: int, face: Face | None) -> tuple[Stage, ...]:
    """Return the stages of an image set upright by so many quarter turns; kept for ten minutes."""
    return _recorded.get(
        content,
        lambda: stages.record(orientation.turned(loaders.photo_rgb(content, name), turns), face),
        turns,
        None if face is None else face.box,
    )


def face_at(key: Literal["grayscale", "fer_resolution"], record: tuple[Stage, ...]) -> Gray:
    """Return the gray face after a stage: as it was cropped, or (48, 48), uint8."""
    return next(stage.array for stage in record if stage.key == key)


def draw_stages(record: tuple[Stage, ...]) -> None:
    """Draw every stage with its table, its code and its download, and the three channels."""
    st.header(_("Stage by stage"), anchor="stages")
    _draw_pictures(record)
    st.caption(_("The network's input has values below 0; its picture has the means added back."))
    other_sizes = ", ".join(
        f"{key} {size}×{size}"
        for key, model in loaders.models().items()
        if (size := model.scenario.input_size) != NETWORK_SIZE
    )
    if other_sizes:
        st.caption(
            _(
                "Installed models that take another size: {models}. All stages up to 48×48 are the "
                "same.",
                models=other_sizes,
            )
        )
    with st.container(horizontal=True):
        # Made at a press: a large photo takes seconds.
        st.download_button(
            _("Download all stages (zip)"),
            lambda: stages.archive(record),
            file_name="stages.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            key="stages_zip",
            on_click="ignore",
        )
    texts = _names_and_reasons()
    with st.expander(_("Table of stages"), key="stage_details"):
        rows = [
            {
                _("Stage"): texts[stage.key][0],
                _("Shape"): stage.shape,
                _("Type"): str(stage.array.dtype),
                _("Minimum"): round(stage.low, 2),
                _("Maximum"): round(stage.high, 2),
                _("Time (ms)"): round(stage.milliseconds, 3),
                _("Function"): f"{stage.function.__module__}.{stage.function.__name__}",
            }
            for stage in record
        ]
        alt = _("Shape, type, range and time of each stage")
        widgets.table(pd.DataFrame(rows), "stages", alt)
    if code := widgets.opened(_("The code of a stage"), "code"):
        with code:
            by_key = {stage.key: stage for stage in record}
            key = st.pills(
                _("Stage"),
                list(by_key),
                default=list(by_key)[-1],
                format_func=lambda key: texts[key][0],
                required=True,
                key="code_stage",
            )
            st.code(by_key[key].source, language="python", wrap_lines=True)

    _draw_channels(record[-1].array)


def _draw_pictures(record: tuple[Stage, ...]) -> None:
    texts = _names_and_reasons()
    with st.grid(4, min_column_width=150, gap="small"):
        for number, stage in enumerate(record, start=1):
            name, reason = texts[stage.key]
            with st.container():
                picture = scales.shrunk(stage.picture, 800)[0]
                if min(picture.shape[:2]) <= FER_SIZE:
                    # Repeated pixels stay crisp in the browser, which smooths what it enlarges.
                    picture = picture.repeat(6, axis=0).repeat(6, axis=1)
                st.image(picture, width="stretch", alt=name)
                st.markdown(f"**{number} · {name}**  \n{reason}")
                took = f" · {_.number(stage.milliseconds, 2)} ms" if number > 1 else ""
                st.caption(
                    f"{stage.shape} {stage.array.dtype} · {_.number(stage.low)} – "
                    f"{_.number(stage.high)}{took}"
                )


def _draw_channels(network_input: Floats) -> None:
    """Draw a bar from the smallest to the largest value of each channel of the input."""
    st.subheader(_("The network's three channels"))
    st.write(
        _(
            "VGG16 was trained on colour images in the order blue, green, red with ImageNet's "
            "mean subtracted; a gray face has the same value three times, minus three means."
        )
    )
    channels = stages.channel_statistics(network_input)
    names = {"blue": _("Blue"), "green": _("Green"), "red": _("Red")}
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=[names[row["channel"]] for row in channels],
        x=[row["maximum"] - row["minimum"] for row in channels],
        base=[row["minimum"] for row in channels],
        text=[
            f"{_.number(row['minimum'], 1)} … {_.number(row['maximum'], 1)}"
            f"<br>{_('Mean')} {_.number(row['mean'], 1)}"
            for row in channels
        ],
        textposition="outside",
        cliponaxis=False,
        marker={"color": PROPOSED.colour},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    # Room for the numbers to the right of the longest bar, on a phone too.
    figure.update_xaxes(range=[-200, 400])
    figure.update_yaxes(autorange="reversed")
    widgets.chart(
        charts.arrange(figure, x=_("Pixel value minus ImageNet's mean"), height=200),
        key="channels",
        alt=_("Smallest, mean and largest value of the three channels"),
    )
    table = pd.DataFrame(channels).round(3)
    table.columns = pd.Index([_("Channel"), _("Minimum"), _("Mean"), _("Maximum")])
    widgets.download(table, "channels_table")


def draw_augmentation(face: Gray) -> None:
    """Draw sliders of the augmentation, and twelve faces as it makes them, with each change."""
    st.header(_("Augmentation"), anchor="augmentation")
    st.write(
        _(
            "`proposed` never sees the same picture twice: each time, it is changed at random "
            "within these bounds. `baseline` sees every picture as it is."
        )
    )
    augmentation, seed = _augmentation_sliders()
    with st.grid(6, min_column_width=100, gap="xsmall"):
        for picture, change in stages.variants(face, augmentation, seed, VARIANTS, VARIANT_SIZE):
            caption = [f"{_.signed(change.rotation)}°", f"{_.number(100 * change.zoom)}%"]
            if change.is_flipped:
                caption.append(_("mirrored"))
            if change.erased is not None:
                caption.append(_("partly erased"))
            in_words = [
                *caption,
                f"→ {_.signed(100 * change.shift_x)}%",
                f"↓ {_.signed(100 * change.shift_y)}%",
                f"×{_.number(change.contrast, 2)}",
                _.signed(change.brightness),
                f"γ {_.number(change.gamma, 2)}",
            ]
            st.image(
                picture,
                caption=" · ".join(caption),
                alt=_("Augmented face: {change}", change=", ".join(in_words)),
                width="stretch",
            )


def _augmentation_sliders() -> tuple[Augmentation, int]:
    """Return the augmentation and the seed that the visitor set; at first, those of training."""
    if f"{PREFIX}_rotation" not in st.session_state:
        _set_as_in_training()
    sliders = {
        "rotation": (_("Rotation (± degrees)"), 90.0, 1.0),
        "flip": (_("Flip (% of images)"), 100.0, 5.0),
        "shift": (_("Shift (± % of the side)"), 30.0, 1.0),
        "zoom": (_("Zoom (± %)"), 50.0, 1.0),
        "contrast": (_("Contrast (± %)"), 80.0, 1.0),
        "brightness": (_("Brightness (± of 255)"), 100.0, 1.0),
        "gamma": (_("Gamma (exponent up to + %)"), 150.0, 1.0),
        "erasing": (_("Erasing (% of images)"), 100.0, 5.0),
        "erased_area": (_("Erased area (up to % of the image)"), 50.0, 1.0),
    }
    values = {}
    with st.grid(3, min_column_width=180):
        for name, (label, most, step) in sliders.items():
            # Whole numbers: a slider's decimal mark is a point in every language.
            values[name] = st.slider(
                label, 0.0, most, step=step, format="%.0f", key=f"{PREFIX}_{name}"
            )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(_("Seed"), 0, 10**6, 2013, key=f"{PREFIX}_seed", width=160)
        st.button(
            _("As in training"),
            icon=":material/restart_alt:",
            on_click=_set_as_in_training,
            key=f"{PREFIX}_reset",
        )
    for name in FRACTIONS:
        values[name] /= 100
    values["gamma"] = math.log1p(values["gamma"] / 100)
    return Augmentation(**values), int(seed)


def _set_as_in_training() -> None:
    values = asdict(PROPOSED.augmentation or Augmentation())
    for name in FRACTIONS:
        values[name] *= 100
    values["gamma"] = round(100 * math.expm1(values["gamma"]))
    for name, value in values.items():
        st.session_state[f"{PREFIX}_{name}"] = float(value)
