"""Page 2's section on augmentation: sliders, and a face changed at random within their bounds."""

from __future__ import annotations

import math
from dataclasses import asdict

import streamlit as st

from fer.scenarios import PROPOSED, Augmentation
from fer.ui.shared.text import _
from fer.vision import stages
from fer.vision.preprocessing import Gray

VARIANTS = 12
# Shown three columns wide on a phone, where more pixels than this are not seen.
VARIANT_SIZE = 112
PREFIX = "augment"
# On the sliders in percent, in `Augmentation` as fractions. Gamma is in percent above 1, and there
# a logarithm.
FRACTIONS = ("flip", "shift", "zoom", "contrast", "erasing", "erased_area")


def draw_augmentation(face: Gray) -> None:
    """Draw sliders of the augmentation, and twelve faces as it makes them, with each change."""
    st.header(_("Augmentation"), anchor="augmentation")
    st.write(
        _(
            "`proposed` never sees the same picture twice: each time, it is changed at random "
            "within these bounds. `baseline` sees every picture as it is."
        )
    )
    augmentation, seed = _sliders()
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


def _sliders() -> tuple[Augmentation, int]:
    """Return the augmentation and the seed that the visitor set; at first, those of training."""
    if f"{PREFIX}_rotation" not in st.session_state:
        _reset()
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
            on_click=_reset,
            key=f"{PREFIX}_reset",
        )
    for name in FRACTIONS:
        values[name] /= 100
    values["gamma"] = math.log1p(values["gamma"] / 100)
    return Augmentation(**values), int(seed)


def _reset() -> None:
    """Set all sliders to where training had them."""
    values = asdict(PROPOSED.augmentation or Augmentation())
    for name in FRACTIONS:
        values[name] *= 100
    values["gamma"] = round(100 * math.expm1(values["gamma"]))
    for name, value in values.items():
        st.session_state[f"{PREFIX}_{name}"] = float(value)
