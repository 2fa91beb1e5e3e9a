"""The same plain sentences on every page: what gives the gain, and what the SE block does."""

from __future__ import annotations

import streamlit as st

from fer.scenarios import BASELINE, PROPOSED
from fer.studies import contributions
from fer.studies.contributions import Estimate, LargestIngredient, SqueezeExcitation
from fer.studies.records import ABLATION, GATES, LEAKAGE, Ablation
from fer.ui import data_origin, loaders, model_comparison
from fer.ui.text import Translator


def sentences(_: Translator) -> list[str]:
    """What gives the gain and what SE gives, as far as it was studied."""
    found = contributions.read(
        loaders.comparison(),
        loaders.study(LEAKAGE),
        _ablation(),
        loaders.study(GATES),
    )
    said = []
    if found.gain is not None:
        said.append(_gain(found.gain, found.gain_without_twins, _))
    if found.largest is not None:
        said.append(_largest(found.largest, _))
    if found.squeeze_excitation is not None:
        said.append(_squeeze_excitation(found.squeeze_excitation, _))
    if found.gates is not None:
        said.append(_gates(found.gates, _))
    return said


def _ablation() -> Ablation | None:
    """The ablation, unless it was made from other images than the published models: then it says
    nothing about them."""
    record = loaders.study(ABLATION)
    images = {model.config["data_sha256"] for model in loaders.models().values()}
    return record if record is not None and record["data_sha256"] in images else None


def show(_: Translator) -> None:
    """The sentences as a list."""
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences(_)))


def _figures(estimate: Estimate, _: Translator, decimals: int = 1) -> dict[str, str]:
    return {
        "points": _.signed(100 * estimate.gain, decimals),
        "low": _.signed(100 * estimate.low, decimals),
        "high": _.signed(100 * estimate.high, decimals),
    }


def _gain(gain: Estimate, without_twins: Estimate | None, _: Translator) -> str:
    metrics = model_comparison.metrics_of("PrivateTest")
    accuracies = (metrics[PROPOSED.key]["accuracy"], metrics[BASELINE.key]["accuracy"])
    said = _(
        "On {images} `proposed` gains **{points} points** over `baseline` (95% {low} to {high}).",
        images=data_origin.images_of("PrivateTest", _),
        **{**_figures(gain, _), "points": _.difference(*accuracies)},
    )
    if without_twins is not None:
        said += " " + _(
            "On the images without a duplicate in Training it is {points} ({low} to {high}).",
            **_figures(without_twins, _),
        )
    return said


def _largest(found: LargestIngredient, _: Translator) -> str:
    said = _(
        "Of its ingredients **{ingredient}** gives most: {points} points ({low} to {high}) in the "
        "ablation, whose runs are shorter than the published model's.",
        ingredient=ingredients(_)[found.ingredient],
        **_figures(found.gain, _),
    )
    if found.ingredient == "fine_tuning":
        said += " " + _(
            "That is an upper bound: at the learning rate for fine-tuning, the head of a frozen "
            "backbone has not finished learning."
        )
    return said


def _squeeze_excitation(found: SqueezeExcitation, _: Translator) -> str:
    sentence = {
        "gives": _(
            "**The SE block gives {points} points** ({low} to {high} over {seeds} seeds): "
            "`proposed` trained with it and without it."
        ),
        "costs": _(
            "**The SE block costs accuracy**: {points} points ({low} to {high} over {seeds} "
            "seeds), `proposed` trained with it and without it."
        ),
        "unclear": _(
            "**The SE block makes no difference in accuracy that {seeds} seeds could show**: "
            "{points} points ({low} to {high}), `proposed` trained with it and without it."
        ),
    }[found.gain.effect]
    return " ".join(
        (
            sentence.format(seeds=found.seeds, **_figures(found.gain, _)),
            _(
                "Without duplicates of Training images: {points} ({low} to {high}).",
                **_figures(found.gain_without_twins, _),
            ),
            _(
                "In macro F1: {points} points ({low} to {high}).",
                **_figures(found.macro_f1_gain, _),
            ),
        )
    )


def _gates(found: Estimate, _: Translator) -> str:
    record = loaders.study(GATES)
    figures = _figures(found, _, 2)
    if record is not None:
        own, mean = (record["ablation"][gates]["accuracy"] for gates in ("own", "mean"))
        figures["points"] = _.difference(own, mean, 2)
    return _(
        "In the published model, the SE block's gates give {points} points ({low} to {high}) over "
        "gates fixed to their mean.",
        **figures,
    )


def ingredients(_: Translator) -> dict[str, str]:
    """What each ingredient of `proposed` is called; "full" leaves none out."""
    return {
        "full": _("nothing left out"),
        "se": _("Squeeze-and-Excitation block"),
        "fine_tuning": _("Fine-tuning"),
        "augmentation": _("Augmentation"),
        "class_weights": _("Class weights"),
        "label_smoothing": _("Label smoothing"),
    }
