"""Both models side by side: the evaluated ones' metrics, and hyperparameters as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pandas as pd

from fer.artifacts.model_store import Artifact
from fer.artifacts.records import SplitScores
from fer.evaluation.records import PairedGain
from fer.inference import complexity
from fer.inference.records import BENCHMARK
from fer.scenarios import BASELINE, PROPOSED, Augmentation, Phase, Scenario
from fer.ui.shared import charts, loaders, text
from fer.ui.shared.text import _


def metrics_of(split: str) -> dict[str, SplitScores]:
    """Return each model's stored metrics on a split."""
    metrics = {key: model.metrics for key, model in loaders.models().items()}
    return {key: m["splits"][split] for key, m in metrics.items() if m is not None}


def compared(split: str) -> PairedGain | None:
    """Return the gain of `proposed` over `baseline` on a split; None without two of them."""
    stored = loaders.comparison()
    return None if stored is None else stored["splits"][split]


def headline(split: str) -> str:
    """Return `gain_line` of the stored metrics of a split."""
    return gain_line(metrics_of(split), compared(split))


def gain_line(scores: Mapping[str, SplitScores], pair: PairedGain | None) -> str:
    """Return both accuracies, the gain in points and its 95% interval as one line of Markdown;
    without two models the accuracies alone."""
    accuracies = {key: m["accuracy"] for key, m in scores.items()}
    if pair is None:
        return " · ".join(
            f"{charts.swatch(key)} {_.percent(share)}" for key, share in accuracies.items()
        )
    before, after = accuracies[BASELINE.key], accuracies[PROPOSED.key]
    return _(
        "{first} {before} → {second} {after} · {gain} ({interval})",
        first=charts.swatch(BASELINE.key),
        before=_.number(100 * before, 1),
        second=charts.swatch(PROPOSED.key),
        after=_.percent(after),
        gain=f"**{_.difference(after, before)}**",
        interval=_.gain_interval(pair["gain_interval"]),
    )


def gain_in_words(split: str) -> str:
    """Return what `headline` shows as a sentence, for the report; empty without two models."""
    pair = compared(split)
    return "" if pair is None else gain_sentence(metrics_of(split), pair)


def gain_sentence(scores: Mapping[str, SplitScores], pair: PairedGain) -> str:
    """Return what `gain_line` shows as a sentence, with McNemar's test."""
    before, after = (scores[one.key]["accuracy"] for one in (BASELINE, PROPOSED))
    low, high = (_.signed(100 * end, 1) for end in pair["gain_interval"])
    return _(
        "`proposed` is right in {after} of the {n} images, `baseline` in {before}: {gain} points "
        "(95% interval {low} to {high}, McNemar's exact p {p}).",
        after=_.percent(after),
        before=_.percent(before),
        n=_.number(pair["images"]),
        gain=_.difference(after, before),
        low=low,
        high=high,
        p=_.p_value(pair["mcnemar_p"]),
    )


def hyperparameters() -> dict[str, Callable[[Scenario], str]]:
    """Return a function that tells a scenario's property, by what the property is called."""
    return {
        _("Backbone"): lambda s: _("VGG16, ImageNet weights"),
        _("Trained layers of the backbone"): lambda s: (
            _("none") if s.trainable_layers is None else "–".join(map(str, s.trainable_layers))
        ),
        _("Squeeze-and-Excitation block"): lambda s: (
            _("no") if s.se_ratio is None else _("yes, reduction {ratio}", ratio=s.se_ratio)
        ),
        _("Pooling"): lambda s: (
            _("average of each quadrant") if s.pooling == "grid" else _("global average")
        ),
        _("Hidden layer"): lambda s: (
            _("none") if s.hidden_units is None else _.number(s.hidden_units)
        ),
        _("Dropout"): lambda s: _.number(s.dropout, 1),
        _("Input"): lambda s: f"{s.input_size}×{s.input_size}×3",
        _("Computation for one face"): lambda s: _(
            "{n} GFLOPs", n=_.number(2 * complexity.multiply_adds(s) / 1e9, 2)
        ),
        _("Loss"): lambda s: (
            _(
                "cross-entropy with label smoothing {smoothing}",
                smoothing=_.number(s.label_smoothing, 1),
            )
            if s.label_smoothing
            else _("categorical cross-entropy")
        ),
        _("Class weights"): lambda s: (
            _("none") if s.class_weights == "none" else _("square root of inverse frequency")
        ),
        _("Augmentation"): lambda s: _augmentation(s.augmentation),
        _("Optimiser"): lambda s: _(
            "AdamW, weight decay {decay}, gradient norm at most {norm}",
            decay=_.number(s.weight_decay, 3),
            norm="–" if s.clipnorm is None else _.number(s.clipnorm, 1),
        ),
        _("Averaged weights (EMA)"): lambda s: (
            _("no") if s.ema_momentum is None else _.number(s.ema_momentum, 3)
        ),
        _("Schedule"): lambda s: "; ".join(_phase(phase) for phase in s.phases),
        _("Seed"): lambda s: str(s.seed),
    }


def parameter_table() -> pd.DataFrame:
    """Return the scenarios as they were trained, a row for each property, from their records."""
    models = loaders.models()
    of_model: dict[str, Callable[[Artifact], str]] = {
        _("Parameters"): lambda a: _.number(a.config["parameters"]),
        _("Trainable parameters"): lambda a: _.number(a.config["trainable_parameters"]),
        _("Epochs run, best epoch"): lambda a: (
            f"{a.config['epochs_run']}, {a.config['best_epoch']}"
        ),
        _("Training time"): lambda a: text.duration(a.config["training_seconds"]),
        _("Size of its own weights"): lambda a: f"{_.number(a.size / 1e6, 1)} MB",
        _("Latency for one face, int8"): lambda a: _latency(a.key),
        _("Temperature"): lambda a: _.number(a.temperature, 3),
        _("Published"): lambda a: str(a.config["published"]),
        "SHA-256": lambda a: a.digest[:12],
    }
    of_scenario = hyperparameters()
    return pd.DataFrame(
        {
            _("Property"): [*of_scenario, *of_model],
            **{
                key: [
                    *(tell(model.scenario) for tell in of_scenario.values()),
                    *(tell(model) for tell in of_model.values()),
                ]
                for key, model in models.items()
            },
        }
    )


def _phase(phase: Phase) -> str:
    words = _(
        "{length} at {size} px, batch {batch}, cosine from {rate} to {end}",
        length=_length(phase),
        size=phase.image_size,
        batch=phase.batch_size,
        rate=_.scientific(phase.learning_rate),
        end=_.scientific(phase.final_learning_rate) if phase.final_learning_rate else "0",
    )
    if phase.augmentation is None:
        return words
    return f"{words} ({_augmentation(phase.augmentation)})"


def _length(phase: Phase) -> str:
    """Return a phase's length in passes over Training, or in images if its epochs are shorter."""
    if phase.images_per_epoch is None:
        return _("{n} epoch", n=1) if phase.epochs == 1 else _("{n} epochs", n=phase.epochs)
    images = _.number(phase.images_per_epoch)
    if phase.epochs == 1:
        return _("1 epoch of {images} images", images=images)
    return _("{n} epochs of {images} images each", n=phase.epochs, images=images)


def _augmentation(changes: Augmentation | None) -> str:
    """Return the changes that are made at all."""
    if changes is None:
        return _("none")
    strength_of = {
        _("rotation ±{degrees}°", degrees=_.number(changes.rotation)): changes.rotation,
        _("flip {share}", share=_.percent(changes.flip, 0)): changes.flip,
        _("shift ±{share}", share=_.percent(changes.shift)): changes.shift,
        _("zoom ±{share}", share=_.percent(changes.zoom, 0)): changes.zoom,
        _("contrast ±{share}", share=_.percent(changes.contrast, 0)): changes.contrast,
        _("brightness ±{levels}", levels=_.number(changes.brightness)): changes.brightness,
        _(
            "gamma {low} to {high}",
            low=_.number(math.exp(-changes.gamma), 2),
            high=_.number(math.exp(changes.gamma), 2),
        ): changes.gamma,
        _(
            "erasing {share} of the images, up to {area} of the area",
            share=_.percent(changes.erasing, 0),
            area=_.percent(changes.erased_area, 0),
        ): changes.erasing,
    }
    return ", ".join(words for words, strength in strength_of.items() if strength) or _("none")


def _latency(key: str) -> str:
    record = loaders.record(BENCHMARK)
    if record is None or record["weights_sha256"].get(key) != loaders.models()[key].digest:
        return "–"
    return f"{_.number(record['models'][key]['fast_ms'], 1)} ms"
