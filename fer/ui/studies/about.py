"""The two scenarios in a sentence each, and the thesis they come from."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import streamlit as st

from fer.scenarios import PROPOSED, SCENARIOS, TOP_BLOCK_LAYERS, Scenario
from fer.ui.shared import widgets
from fer.ui.shared.text import _
from fer.ui.studies import model_comparison

CITATION = """@thesis{rifat2025fer,
  author = {Qoid Rif'at},
  title  = {Sistem Analisis Ekspresi Wajah: Transfer Learning VGG16
            dengan Squeeze-and-Excitation (SE-Block)},
  school = {Teknik Informatika, Fakultas Teknik, Universitas Trunojoyo Madura},
  year   = {2025},
  type   = {Skripsi}
}"""
# What the thesis feeds its networks, in pixels, and how it augments.
THESIS_SIZE = 224
THESIS_AUGMENTATION = {"rotation", "flip"}


def describe(scenario: Scenario) -> str:
    """Return the scenario in one sentence."""
    if scenario.trainable_layers is None:
        return _(
            "VGG16 with its ImageNet weights frozen; only a small head is trained, without "
            "augmentation, with cross-entropy."
        )
    first, last = scenario.trainable_layers
    if scenario.key != PROPOSED.key:
        return _(
            "VGG16 with layers {first}–{last} fine-tuned; the table below says how.",
            first=first,
            last=last,
        )
    return _(
        "VGG16 with layers {first}–{last} fine-tuned and an SE block, augmented faces, class "
        "weights, and cross-entropy with label smoothing {smoothing}.",
        first=first,
        last=last,
        smoothing=_.number(scenario.label_smoothing, 1),
    )


def methodology() -> pd.DataFrame:
    """Return the comparison's design, a row an aspect and a column a scenario."""

    def training(scenario: Scenario) -> str:
        if scenario.trainable_layers is None:
            return _("backbone frozen, head only")
        first, last = scenario.trainable_layers
        if scenario.trainable_layers != TOP_BLOCK_LAYERS:
            return _("fine-tuning of Keras layers {first}–{last}", first=first, last=last)
        return _(
            "fine-tuning of Keras layers {first}–{last} (blocks 4 and 5)", first=first, last=last
        )

    kinds = {
        "rotation": _("rotation"),
        "flip": _("flip"),
        "shift": _("shift"),
        "zoom": _("zoom"),
        "contrast": _("contrast"),
        "brightness": _("brightness"),
        "gamma": _("gamma"),
        "erasing": _("erasing"),
    }

    def data(scenario: Scenario) -> str:
        if scenario.augmentation is None:
            if scenario.class_weights == "none":
                return _("no augmentation")
            return _("class weights, no augmentation")
        changes = ", ".join(
            word for kind, word in kinds.items() if getattr(scenario.augmentation, kind)
        )
        if scenario.class_weights == "none":
            return _("augmentation ({changes})", changes=changes)
        return _("augmentation ({changes}) and class weights", changes=changes)

    properties = model_comparison.hyperparameters()
    aspects = {
        _("Backbone"): properties[_("Backbone")],
        _("Input (px)"): lambda s: f"{s.input_size}×{s.input_size}",
        _("Squeeze-and-Excitation block"): lambda s: _("yes") if s.se_ratio else _("no"),
        _("Training"): training,
        _("Data"): data,
        _("Loss"): properties[_("Loss")],
    }
    return pd.DataFrame(
        {
            _("Aspect"): list(aspects),
            **{s.key: [words(s) for words in aspects.values()] for s in SCENARIOS.values()},
        }
    )


def credit() -> str:
    """Return the thesis, its author and supervisors, as Markdown."""
    return _(
        "After the thesis *Sistem Analisis Ekspresi Wajah: Transfer Learning VGG16 dengan "
        "Squeeze-and-Excitation (SE-Block)* by **Qoid Rif'at**, Teknik Informatika, Fakultas "
        "Teknik, Universitas Trunojoyo Madura, 2025; supervised by Prof. Dr. Arif Muntasa, "
        "S.Si., M.T. and Fifin Ayu Mufarroha, M.Kom. MIT licence."
    )


def departures(scenario: Scenario = PROPOSED) -> str:
    """Return how the scenario departs from the thesis; empty where it does not."""
    departures = []
    if scenario.input_size != THESIS_SIZE:
        departures.append(
            _(
                "the input of `{key}` is {size}×{size} pixels instead of {thesis}×{thesis}, which "
                "take {times} times the computing",
                key=scenario.key,
                size=scenario.input_size,
                thesis=THESIS_SIZE,
                times=_.number((THESIS_SIZE / scenario.input_size) ** 2, 1),
            )
        )
    kinds = asdict(scenario.augmentation) if scenario.augmentation else {}
    if any(kinds[name] for name in kinds.keys() - THESIS_AUGMENTATION - {"erased_area"}):
        departures.append(_("its augmentation has more than rotation and flip"))
    return (
        _("Departures from the thesis: {what}.", what="; ".join(departures)) if departures else ""
    )


def show_thesis() -> None:
    """Draw the thesis, its method, how to cite it, and what this implementation is."""
    st.header(_("About"), anchor="about")
    st.markdown(credit())
    st.table(
        methodology(),
        hide_index=True,
        border="horizontal",
        alt=_("The method of both scenarios, aspect by aspect"),
    )
    st.markdown(
        _(
            "This is an independent implementation: its models were trained anew, and every "
            "number shown is its own, not the thesis'."
        )
        + f" {departures()}"
    )
    if citation := widgets.opened(_("How to cite"), "citation"):
        citation.code(CITATION, language="bibtex", wrap_lines=True)
