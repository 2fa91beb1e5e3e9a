"""The one verdict, told alike on every page and in the report: chips that lead to their evidence,
and a plain sentence for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from fer.studies import verdict as figures
from fer.studies.contributions import Effect, Estimate
from fer.studies.records import ABLATION, LEAKAGE, Ablation
from fer.studies.verdict import Overfitting, Verdict
from fer.ui import address, loaders, model_comparison
from fer.ui.text import _

Part = Literal["fine_tuning", "se", "augmentation", "twins", "overfitting"]
PAGE = "pages/3_Classification_Results.py"
CHOSEN = "verdict_chip"


@dataclass(frozen=True)
class Chip:
    """What is said of one part: in a word or two, in a sentence of Markdown, and in which view of
    the results its evidence lies."""

    label: str
    sentence: str
    view: str


def chips() -> dict[Part, Chip]:
    """Return what is said, as far as it was measured."""
    found = _figures()
    tell: dict[Part, Callable[[Verdict], Chip | None]] = {
        "fine_tuning": _fine_tuning,
        "se": _squeeze_excitation,
        "augmentation": _augmentation,
        "twins": _twins,
        "overfitting": _overfitting,
    }
    told = {part: make(found) for part, make in tell.items()}
    return {part: chip for part, chip in told.items() if chip is not None}


@loaders.follows
def _figures() -> Verdict:
    evaluated = model_comparison.evaluated()
    return figures.read(
        {key: model.metrics for key, model in evaluated.items() if model.metrics is not None},
        loaders.comparison(),
        loaders.record(LEAKAGE),
        _ablation(),
        loaders.training_fit(),
    )


def _ablation() -> Ablation | None:
    """The ablation, unless it was made from other images than the published models: then it says
    nothing about them."""
    record = loaders.record(ABLATION)
    images = {model.config["data_sha256"] for model in loaders.models().values()}
    return record if record is not None and record["data_sha256"] in images else None


def show_chips() -> None:
    """Draw the chips; each opens the page of results with the view that has its evidence."""
    for chip in chips().values():
        # The theme's badges are too faint to be read.
        st.page_link(
            PAGE,
            label=chip.label,
            icon=":material/arrow_outward:",
            query_params={"view": chip.view},
        )


def choose_view() -> None:
    """Draw the chips on the page of results itself; each asks the address for its view.

    Links to the page that is shown look alike with and without the keyboard's focus.
    """
    told = chips()

    def choose() -> None:
        part: Part | None = st.session_state[CHOSEN]
        if part is not None:
            st.query_params[address.VIEW] = told[part].view
        # A chip opens a view; which one is open the buttons below say.
        st.session_state[CHOSEN] = None

    st.pills(
        _("Evidence"),
        list(told),
        format_func=lambda part: told[part].label,
        key=CHOSEN,
        on_change=choose,
        label_visibility="collapsed",
        wrap=True,
        width="content",
    )


def sentences(*parts: Part) -> list[str]:
    """Return the sentences of these parts in this order, of all of them if none is named."""
    told = chips()
    return [told[part].sentence for part in parts or told if part in told]


def show(*parts: Part) -> None:
    """Draw the sentences of these parts as a list, of all of them if none is named."""
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences(*parts)))


def _ends(estimate: Estimate) -> dict[str, str]:
    return {
        "points": _.signed(100 * estimate.gain, 1),
        "low": _.signed(100 * estimate.low, 1),
        "high": _.signed(100 * estimate.high, 1),
    }


def _fine_tuning(found: Verdict) -> Chip | None:
    if found.helpful is None:
        return None
    others = [ingredients()[name] for name in found.helpful]
    source = (
        _(
            "**Most of the gain comes from fine-tuning**: in the ablation no other ingredient "
            "raises accuracy."
        )
        if not others
        else _(
            "**Beside fine-tuning**, {ingredients} raise accuracy in the ablation.",
            ingredients=", ".join(others),
        )
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


def _squeeze_excitation(found: Verdict) -> Chip | None:
    se = found.squeeze_excitation
    if se is None:
        return None
    labels: dict[Effect, str] = {
        "gives": _("SE: {points}"),
        "costs": _("SE: {points}"),
        "unclear": _("SE: no gain"),
    }
    said: dict[Effect, str] = {
        "gives": _("**The SE block raises accuracy** by {points} ({low} to {high}, {seeds} seeds)"),
        "costs": _("**The SE block costs accuracy**: {points} ({low} to {high}, {seeds} seeds)"),
        "unclear": _(
            "**The SE block brought no gain**: accuracy {points} ({low} to {high}, {seeds} seeds)"
        ),
    }
    ends = _ends(se.gain)
    return Chip(
        labels[se.gain.effect].format(**ends),
        f"{said[se.gain.effect].format(**ends, seeds=se.seeds)}; {_macro_f1(se.macro_f1_gain)}.",
        "ingredients",
    )


def _macro_f1(estimate: Estimate) -> str:
    if estimate.effect == "unclear":
        return _("macro F1 {points} ({low} to {high})", **_ends(estimate))
    low, high = sorted(abs(100 * end) for end in (estimate.low, estimate.high))
    shown = {
        "points": _.number(abs(100 * estimate.gain), 1),
        "low": _.number(low, 1),
        "high": _.number(high, 1),
    }
    if estimate.effect == "gives":
        return _("macro F1 higher by {points} ({low} to {high})", **shown)
    return _("macro F1 lower by {points} ({low} to {high})", **shown)


def _augmentation(found: Verdict) -> Chip | None:
    augmentation = found.augmentation
    if augmentation is None:
        return None
    said: dict[Effect, str] = {
        "gives": _("**Augmentation raises accuracy** in the ablation's short trainings"),
        "costs": _("**Augmentation costs accuracy** in the ablation's short trainings"),
        "unclear": _("**Augmentation brought no gain** in the ablation's short trainings"),
    }
    ends = _ends(augmentation.gain)
    return Chip(
        _("augmentation {points}", points=ends["points"]),
        said[augmentation.gain.effect]
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


def _twins(found: Verdict) -> Chip | None:
    twins = found.twins
    if twins is None:
        return None
    ends = _ends(twins.gain)
    return Chip(
        _("without twins {points}", points=ends["points"]),
        _(
            "**Without twins the gain is {points}** ({low} to {high}): {images} of the {of} "
            "PrivateTest images also stand in Training, exactly or nearly. On those, accuracy is "
            "{on_twins}; on the others {elsewhere}.",
            **ends,
            images=_.number(twins.images),
            of=_.number(twins.of),
            on_twins=_each(twins.with_twin),
            elsewhere=_each(twins.without_twin),
        ),
        "overfitting",
    )


def _each(shares: dict[str, float]) -> str:
    return ", ".join(f"`{key}` {_.percent(share)}" for key, share in shares.items())


def _overfitting(found: Verdict) -> Chip | None:
    if not found.fits:
        return None
    gaps = {key: _.difference(fit.training, fit.private) for key, fit in found.fits.items()}
    words: dict[Overfitting, str] = {
        "none": _("hardly overfits"),
        "mild": _("overfits mildly"),
        "clear": _("overfits"),
    }
    told = "; ".join(
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
        for key, fit in found.fits.items()
    )
    images, whole = found.training_images
    return Chip(
        # In the order of the line of figures above the chips.
        _("overfitting {gaps}", gaps=" → ".join(gaps.values())),
        _("**Overfitting**: {models}.", models=told)
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
    """What each ingredient of `proposed` is called; "full" leaves none out."""
    return {
        "full": _("nothing left out"),
        "se": _("Squeeze-and-Excitation block"),
        "fine_tuning": _("Fine-tuning"),
        "augmentation": _("Augmentation"),
        "class_weights": _("Class weights"),
        "label_smoothing": _("Label smoothing"),
    }
