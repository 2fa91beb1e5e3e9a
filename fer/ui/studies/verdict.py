"""The one verdict, told alike on every page and in the report: chips that lead to their evidence,
and a plain sentence for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from fer.studies import verdict as figures
from fer.studies.contributions import Effect, Estimate, SqueezeExcitation
from fer.studies.records import ABLATION, LEAKAGE
from fer.studies.verdict import Augmentation, Fit, Overfitting, Twins, Verdict
from fer.ui.shared import address, loaders
from fer.ui.shared.text import _

Part = Literal["fine_tuning", "se", "augmentation", "twins", "overfitting"]
PAGE = "pages/3_Classification_Results.py"
CHOSEN = "verdict_chip"


@dataclass(frozen=True)
class Chip:
    """One part of the verdict: a word or two, a sentence of Markdown, and the view of the results
    with its evidence."""

    label: str
    sentence: str
    view: str


def chips() -> dict[Part, Chip]:
    """Return the parts of the verdict that were measured."""
    verdict = _figures()
    parts: dict[Part, Chip] = {}
    if verdict.helpful is not None:
        parts["fine_tuning"] = _fine_tuning(verdict.helpful)
    if verdict.squeeze_excitation is not None:
        parts["se"] = _squeeze_excitation(verdict.squeeze_excitation)
    if verdict.augmentation is not None:
        parts["augmentation"] = _augmentation(verdict.augmentation)
    if verdict.twins is not None:
        parts["twins"] = _twins(verdict.twins)
    if verdict.fits:
        parts["overfitting"] = _overfitting(verdict.fits, verdict.training_images)
    return parts


@loaders.follows
def _figures() -> Verdict:
    evaluated = loaders.evaluated()
    ablation = loaders.record(ABLATION)
    images = {model.config["data_sha256"] for model in loaders.models().values()}
    if ablation is not None and ablation["data_sha256"] not in images:
        # Of other images than the published models it says nothing about them.
        ablation = None
    return figures.read(
        {key: model.metrics for key, model in evaluated.items() if model.metrics is not None},
        loaders.comparison(),
        loaders.record(LEAKAGE),
        ablation,
        loaders.training_fit(),
    )


def draw_links() -> None:
    """Draw the chips as links to the page of results, each to the view that has its evidence."""
    for chip in chips().values():
        # The theme's badges are too faint to be read.
        st.page_link(
            PAGE,
            label=chip.label,
            icon=":material/arrow_outward:",
            query_params={"view": chip.view},
        )


def draw_chips() -> None:
    """Draw the chips on the page of results itself; each asks the address for its view.

    Links to the page that is shown look alike with and without the keyboard's focus.
    """
    by_part = chips()

    def choose() -> None:
        part: Part | None = st.session_state[CHOSEN]
        if part is not None:
            st.query_params[address.VIEW] = by_part[part].view
        # A chip opens a view; which one is open the buttons below say.
        st.session_state[CHOSEN] = None

    st.pills(
        _("Evidence"),
        list(by_part),
        format_func=lambda part: by_part[part].label,
        key=CHOSEN,
        on_change=choose,
        label_visibility="collapsed",
        wrap=True,
        width="content",
    )


def sentences(*parts: Part) -> list[str]:
    """Return the sentences of these parts in this order, of all of them if none is named."""
    by_part = chips()
    return [by_part[part].sentence for part in parts or by_part if part in by_part]


def draw_sentences(*parts: Part) -> None:
    """Draw the sentences of these parts as a list, of all of them if none is named."""
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences(*parts)))


def _ends(estimate: Estimate) -> dict[str, str]:
    return {
        "points": _.signed(100 * estimate.gain, 1),
        "low": _.signed(100 * estimate.low, 1),
        "high": _.signed(100 * estimate.high, 1),
    }


def _fine_tuning(helpful: tuple[str, ...]) -> Chip:
    if helpful:
        source = _(
            "**Beside fine-tuning**, {ingredients} raise accuracy in the ablation.",
            ingredients=", ".join(ingredients()[name] for name in helpful),
        )
    else:
        source = _(
            "**Most of the gain comes from fine-tuning**: in the ablation no other ingredient "
            "raises accuracy."
        )
    return Chip(
        _("fine-tuning"),
        source
        + " "
        + _(
            "How many points it gives by itself was not measured: the frozen run of the ablation "
            "was trained at the rate for fine-tuning, at which its head does not finish learning."
        ),
        "ingredients",
    )


def _squeeze_excitation(se: SqueezeExcitation) -> Chip:
    templates: dict[Effect, str] = {
        "gives": _("**The SE block raises accuracy** by {points} ({low} to {high}, {seeds} seeds)"),
        "costs": _("**The SE block costs accuracy**: {points} ({low} to {high}, {seeds} seeds)"),
        "unclear": _(
            "**The SE block brought no gain**: accuracy {points} ({low} to {high}, {seeds} seeds)"
        ),
    }
    ends = _ends(se.gain)
    return Chip(
        _("SE: no gain")
        if se.gain.effect == "unclear"
        else _("SE: {points}", points=ends["points"]),
        templates[se.gain.effect].format(**ends, seeds=se.seeds)
        + f"; {_macro_f1(se.macro_f1_gain)}.",
        "ingredients",
    )


def _macro_f1(estimate: Estimate) -> str:
    if estimate.effect == "unclear":
        return _("macro F1 {points} ({low} to {high})", **_ends(estimate))
    low, high = sorted(abs(end) for end in (estimate.low, estimate.high))
    sizes = {"points": abs(estimate.gain), "low": low, "high": high}
    ends = {name: _.number(100 * size, 1) for name, size in sizes.items()}
    if estimate.effect == "gives":
        return _("macro F1 higher by {points} ({low} to {high})", **ends)
    return _("macro F1 lower by {points} ({low} to {high})", **ends)


def _augmentation(augmentation: Augmentation) -> Chip:
    templates: dict[Effect, str] = {
        "gives": _("**Augmentation raises accuracy** in the ablation's short trainings"),
        "costs": _("**Augmentation costs accuracy** in the ablation's short trainings"),
        "unclear": _("**Augmentation brought no gain** in the ablation's short trainings"),
    }
    ends = _ends(augmentation.gain)
    return Chip(
        _("augmentation {points}", points=ends["points"]),
        templates[augmentation.gain.effect]
        + _(
            ": {points} points ({low} to {high}, p {p}), {without} without twins of Training "
            "images. The published model was trained for longer, where it may pay off.",
            **ends,
            p=_.p_value(augmentation.p)
            if augmentation.p < 0.001
            else f"= {_.p_value(augmentation.p)}",
            without=_.signed(100 * augmentation.without_twins.gain, 1),
        ),
        "ingredients",
    )


def _twins(twins: Twins) -> Chip:
    ends = _ends(twins.gain)

    def each(shares: dict[str, float]) -> str:
        return ", ".join(f"`{key}` {_.percent(share)}" for key, share in shares.items())

    return Chip(
        _("without twins {points}", points=ends["points"]),
        _(
            "**Without twins the gain is {points}** ({low} to {high}): {images} of the {of} "
            "PrivateTest images also stand in Training, exactly or nearly. On those, accuracy is "
            "{on_twins}; on the others {elsewhere}.",
            **ends,
            images=_.number(twins.images),
            of=_.number(twins.of),
            on_twins=each(twins.with_twin),
            elsewhere=each(twins.without_twin),
        ),
        "overfitting",
    )


def _overfitting(by_model: dict[str, Fit], training_images: tuple[int, int]) -> Chip:
    gaps = {key: _.difference(fit.training, fit.private) for key, fit in by_model.items()}
    words: dict[Overfitting, str] = {
        "none": _("hardly overfits"),
        "mild": _("overfits mildly"),
        "clear": _("overfits"),
    }
    fits = "; ".join(
        _(
            "`{model}` {overfits}: {training} on Training, {private} on PrivateTest, {gap} points "
            "({low} to {high})",
            model=key,
            overfits=words[fit.overfitting],
            training=_.percent(fit.training),
            private=_.percent(fit.private),
            gap=gaps[key],
            low=_.signed(100 * fit.gap.low, 1),
            high=_.signed(100 * fit.gap.high, 1),
        )
        for key, fit in by_model.items()
    )
    images, whole = training_images
    return Chip(
        # In the order of the line of figures above the chips.
        _("overfitting {gaps}", gaps=" → ".join(gaps.values())),
        _("**Overfitting**: {models}.", models=fits)
        + " "
        + (
            _(
                "Measured as the models answer, without augmentation and dropout, on all of "
                "Training."
            )
            if images == whole
            else _(
                "Measured as the models answer, without augmentation and dropout, on {images} of "
                "{whole} Training images, the same share of every class.",
                images=_.number(images),
                whole=_.number(whole),
            )
        ),
        "overfitting",
    )


def ingredients() -> dict[str, str]:
    """Return the name of each ingredient of `proposed`; "full" leaves none out."""
    return {
        "full": _("nothing left out"),
        "se": _("Squeeze-and-Excitation block"),
        "fine_tuning": _("Fine-tuning"),
        "augmentation": _("Augmentation"),
        "class_weights": _("Class weights"),
        "label_smoothing": _("Label smoothing"),
    }
