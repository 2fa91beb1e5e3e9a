"""Pieces of the preprocessing page: the row of stages, the sliders, the grid of variants."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer.media import photos
from fer.scenarios import PROPOSED, Augmentation
from fer.ui import caching, charts, loaders, widgets
from fer.ui.text import _
from fer.vision import orientation, stages
from fer.vision.faces import Face
from fer.vision.preprocessing import FER_SIZE, NETWORK_SIZE, Gray
from fer.vision.stages import Stage

VARIANTS = 12
# Shown three columns wide on a phone, where more pixels than this are not seen.
VARIANT_SIZE = 112
PREFIX = "augment"


def names() -> dict[str, str]:
    """What each stage is called."""
    return {
        "original": _("Original"),
        "face": _("Face crop"),
        "grayscale": _("Grayscale"),
        "fer_resolution": _("48×48, as in FER-2013"),
        "resized": _("Enlarged"),
        "three_channels": _("Three channels (RGB)"),
        "network_input": _("Network input (BGR − mean)"),
    }


def reasons() -> dict[str, str]:
    """What happens in each stage, and why."""
    return {
        "original": _("As it was taken: any size, in colour, upright."),
        "face": _(
            "The detector finds the face; a square around it is cut out as FER-2013's "
            "images were, so that the network sees what it was trained on."
        ),
        "grayscale": _(
            "Colour is left out, because FER-2013 is gray and an expression lies in shape, "
            "not in colour."
        ),
        "fer_resolution": _(
            "Reduced to FER-2013's own resolution: a sharper face would be a kind of "
            "picture that the network never saw."
        ),
        "resized": _(
            "Enlarged to the input size of VGG16 by bilinear interpolation; it adds no "
            "detail, only pixels."
        ),
        "three_channels": _(
            "The gray value is repeated in red, green and blue, because VGG16's first layer"
            " takes three channels."
        ),
        "network_input": _(
            "Channels in the order blue, green, red, with ImageNet's mean subtracted, as "
            "VGG16's weights expect."
        ),
    }


_recorded: caching.Recent[tuple[Stage, ...]] = caching.Recent(4, loaders.KEPT_SECONDS)


def recorded(content: bytes, name: str, turns: int, face: Face | None) -> tuple[Stage, ...]:
    """The stages of an image set upright by so many quarter turns; kept for ten minutes."""
    return _recorded.get(
        content,
        lambda: stages.record(orientation.turned(loaders.image(content, name), turns), face),
        turns,
        None if face is None else face.box,
    )


def small_face(found: tuple[Stage, ...]) -> Gray:
    """The face at FER-2013's resolution, (48, 48) uint8."""
    (small,) = (stage.array for stage in found if stage.key == "fer_resolution")
    return small


def show_way(found: tuple[Stage, ...]) -> None:
    """Every stage with its table, its code and its download, and the three channels they end in."""
    st.header(_("Stage by stage"), anchor="stages")
    show_stages(found)
    st.caption(_("The network's input has values below 0; its picture has the means added back."))
    sizes = served_sizes()
    if sizes is not None:
        st.caption(sizes)
    with st.container(horizontal=True):
        # Made at a press: a large photo takes seconds.
        st.download_button(
            _("Download all stages (zip)"),
            lambda: stages.archive(found),
            file_name="stages.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            key="stages_zip",
            on_click="ignore",
        )
    with st.expander(_("Table of stages"), key="stage_details"):
        widgets.table(stage_table(found), "stages", _("Shape, type, range and time of each stage"))
    code = st.expander(_("The code of a stage"), key="code", on_change="rerun")
    if code.open:
        with code:
            by_key = {stage.key: stage for stage in found}
            key = st.pills(
                _("Stage"),
                list(by_key),
                default=list(by_key)[-1],
                format_func=names().__getitem__,
                required=True,
                key="code_stage",
            )
            st.code(by_key[key].source, language="python", wrap_lines=True)

    st.subheader(_("The network's three channels"))
    st.write(
        _(
            "VGG16 was trained on colour images in the order blue, green, red with ImageNet's "
            "mean subtracted; a gray face has the same value three times, minus three means."
        )
    )
    widgets.chart(
        channels(found),
        key="channels",
        alt=_("Smallest, mean and largest value of the three channels"),
    )
    widgets.download(channel_table(found), "channels_table")


def show_augmentation(found: tuple[Stage, ...]) -> None:
    """Sliders of the augmentation, and what it makes of the face."""
    st.header(_("Augmentation"), anchor="augmentation")
    st.write(
        _(
            "`proposed` never sees the same picture twice: each time, it is changed at random "
            "within these bounds. `baseline` sees every picture as it is."
        )
    )
    augmentation, seed = sliders()
    show_variants(found[2].array, augmentation, seed)


def stage_table(found: tuple[Stage, ...]) -> pd.DataFrame:
    """A row a stage: shape, dtype, range, milliseconds, the library's function."""
    called = names()
    return pd.DataFrame(
        [
            {
                _("Stage"): called[stage.key],
                _("Shape"): stage.shape,
                _("Type"): str(stage.array.dtype),
                _("Minimum"): round(stage.low, 2),
                _("Maximum"): round(stage.high, 2),
                _("Time (ms)"): round(stage.milliseconds, 3),
                _("Function"): f"{stage.function.__module__}.{stage.function.__name__}",
            }
            for stage in found
        ]
    )


def show_stages(found: tuple[Stage, ...]) -> None:
    """Every stage's picture with shape, range and time, side by side."""
    called, why = names(), reasons()
    with st.grid(4, min_column_width=150, gap="small"):
        for number, stage in enumerate(found, start=1):
            with st.container():
                picture = photos.for_display(stage.picture, 800)
                if min(picture.shape[:2]) <= FER_SIZE:
                    # Repeated pixels stay crisp in the browser, which smooths what it enlarges.
                    picture = picture.repeat(6, axis=0).repeat(6, axis=1)
                st.image(picture, width="stretch", alt=called[stage.key])
                st.markdown(f"**{number} · {called[stage.key]}**  \n{why[stage.key]}")
                took = f" · {_.number(stage.milliseconds, 2)} ms" if number > 1 else ""
                st.caption(
                    f"{stage.shape} {stage.array.dtype} · {_.number(stage.low)} – "
                    f"{_.number(stage.high)}{took}"
                )


def channels(found: tuple[Stage, ...]) -> go.Figure:
    """Range and mean of each channel of the network's input."""
    rows = stages.channel_statistics(found[-1].array)
    called = {"blue": _("Blue"), "green": _("Green"), "red": _("Red")}
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=[called[row["channel"]] for row in rows],
        x=[row["maximum"] - row["minimum"] for row in rows],
        base=[row["minimum"] for row in rows],
        text=[
            f"{_.number(row['minimum'], 1)} … {_.number(row['mean'], 1)} … "
            f"{_.number(row['maximum'], 1)}"
            for row in rows
        ],
        textposition="outside",
        cliponaxis=False,
        marker={"color": PROPOSED.colour},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    # Room for the numbers to the right of the longest bar.
    figure.update_xaxes(range=[-200, 300])
    figure.update_yaxes(autorange="reversed")
    return charts.arrange(figure, x=_("Pixel value minus ImageNet's mean"), height=200)


def channel_table(found: tuple[Stage, ...]) -> pd.DataFrame:
    """Minimum, mean and maximum of each channel of the network's input."""
    frame = pd.DataFrame(stages.channel_statistics(found[-1].array)).round(3)
    frame.columns = pd.Index([_("Channel"), _("Minimum"), _("Mean"), _("Maximum")])
    return frame


def sliders() -> tuple[Augmentation, int]:
    """The augmentation and the seed that the visitor set; at first, those of training."""
    if f"{PREFIX}_rotation" not in st.session_state:
        _reset()
    labels = {
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
        for name, (label, most, step) in labels.items():
            # Whole numbers: a slider's decimal mark is a point in every language.
            values[name] = st.slider(
                label, 0.0, most, step=step, format="%.0f", key=f"{PREFIX}_{name}"
            )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(_("Seed"), 0, 10**6, 2013, key=f"{PREFIX}_seed", width=160)
        st.button(
            _("As in training"),
            icon=":material/restart_alt:",
            on_click=_reset,
            key=f"{PREFIX}_reset",
        )
    return _augmentation(values), int(seed)


def _reset() -> None:
    """Puts all sliders where training had them."""
    for name, value in _values(PROPOSED.augmentation or Augmentation()).items():
        st.session_state[f"{PREFIX}_{name}"] = float(value)


def _values(augmentation: Augmentation) -> dict[str, float]:
    """Where the sliders stand for an augmentation: shares in percent."""
    return {
        "rotation": augmentation.rotation,
        "flip": 100 * augmentation.flip,
        "shift": 100 * augmentation.shift,
        "zoom": 100 * augmentation.zoom,
        "contrast": 100 * augmentation.contrast,
        "brightness": augmentation.brightness,
        "gamma": round(100 * (math.exp(augmentation.gamma) - 1)),
        "erasing": 100 * augmentation.erasing,
        "erased_area": 100 * augmentation.erased_area,
    }


def _augmentation(values: dict[str, float]) -> Augmentation:
    """The augmentation for which the sliders stand there."""
    return Augmentation(
        rotation=values["rotation"],
        flip=values["flip"] / 100,
        shift=values["shift"] / 100,
        zoom=values["zoom"] / 100,
        contrast=values["contrast"] / 100,
        brightness=values["brightness"],
        gamma=math.log1p(values["gamma"] / 100),
        erasing=values["erasing"] / 100,
        erased_area=values["erased_area"] / 100,
    )


def show_variants(gray: Gray, augmentation: Augmentation, seed: int) -> None:
    """Twelve augmented pictures, each with the change that was drawn."""
    with st.grid(6, min_column_width=100, gap="xsmall"):
        for variant in stages.variants(gray, augmentation, seed, VARIANTS, VARIANT_SIZE):
            change = variant.change
            drawn = [f"{_.signed(change.rotation)}°", f"{_.number(100 * change.zoom)}%"]
            if change.is_flipped:
                drawn.append(_("mirrored"))
            if change.erased is not None:
                drawn.append(_("partly erased"))
            moved = (100 * change.shift_x, 100 * change.shift_y)
            told = [*drawn, f"→ {_.signed(moved[0])}%", f"↓ {_.signed(moved[1])}%"]
            told += [f"×{_.number(change.contrast, 2)}", f"{_.signed(change.brightness)}"]
            told.append(f"γ {_.number(change.gamma, 2)}")
            st.image(
                variant.picture,
                caption=" · ".join(drawn),
                alt=_("Augmented face: {change}", change=", ".join(told)),
                width="stretch",
            )


def served_sizes() -> str | None:
    """A sentence on models that take another size than 224 pixels, None if there is none."""
    other = {
        key: model.scenario.input_size
        for key, model in loaders.models().items()
        if model.scenario.input_size != NETWORK_SIZE
    }
    if not other:
        return None
    return _(
        "Installed models that take another size: {models}. All stages up to 48×48 are the same.",
        models=", ".join(f"{key} {size}×{size}" for key, size in other.items()),
    )
