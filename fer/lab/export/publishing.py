"""From a finished run to `models/`: packed weights, configuration, history; and the model cards.
Importing this module imports Keras."""

from __future__ import annotations

import math
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal, get_args

import keras

from fer import FerError, emotions, files, layer_names
from fer.artifacts import model_store, runs
from fer.artifacts.model_store import Artifact
from fer.artifacts.packing import Tensors
from fer.artifacts.records import Metrics, RunConfig
from fer.artifacts.runs import Row, Run
from fer.data import dataset
from fer.data.dataset import Split
from fer.lab import keras_backend
from fer.lab.networks import vgg16
from fer.lab.training import callbacks
from fer.scenarios import Scenario

CardMetric = Literal[
    "accuracy",
    "accuracy_interval",
    "balanced_accuracy",
    "macro_f1",
    "log_loss",
    "brier_score",
    "ece",
    "ece_uncalibrated",
]
# The rows of the card's table of metrics.
CARD_METRICS: tuple[CardMetric, ...] = get_args(CardMetric)
LABEL_NOISE = (
    "FER-2013's labels are noisy: people agree with them on about 65% of the images "
    "(Goodfellow et al. 2013). Some images occur in more than one split; "
    "`data/duplicates.json` has the counts. "
)
LIMITS = (
    "The classes are posed or searched-for expressions, not felt emotions; do not judge people by "
    "them."
)


def publish(
    run_dir: Path, folder: Path = model_store.FOLDER, backbone_weights: str | Path = "imagenet"
) -> Artifact:
    """Put the weights of a run's best epoch (`runs.best_epoch`) into `models/<scenario>/`, without
    any metrics, and return the artifact. Raise FerError if the run is missing or has no finished
    epoch at the served size, if its head was trained on another backbone, or if `folder` cannot be
    written.

    Args:
        backbone_weights: where the frozen convolutions of a head-only run come from.
    """
    if not (run_dir / runs.RUN).exists():
        raise FerError(
            "There is no run in {run_dir}; run: fer train baseline|proposed", run_dir=run_dir
        )
    record = runs.read(run_dir)
    scenario = Scenario.from_dict(record["scenario"])
    history = runs.read_history(run_dir)
    is_served = bool(history) and history[-1]["image_size"] == scenario.input_size
    if not is_served or not (run_dir / runs.BEST).exists():
        raise FerError(
            "The run in {run_dir} has no finished epoch at {input_size} pixels, where the "
            "model is served; run: fer train {scenario} --resume --run-dir {run_dir}",
            run_dir=run_dir,
            input_size=scenario.input_size,
            scenario=scenario.key,
        )
    tensors, trainable = _best_tensors(scenario, run_dir, backbone_weights)
    parameters = sum(value.size for value in tensors.values())
    config = _config(scenario, record, history, int(parameters), trainable)
    text = (run_dir / runs.HISTORY).read_text(encoding="utf-8")
    model_store.write_model(folder, scenario, tensors, text, config)
    finish(folder)
    return model_store.open_artifact(scenario.key, folder)


def _best_tensors(
    scenario: Scenario, run_dir: Path, backbone_weights: str | Path
) -> tuple[Tensors, int]:
    """Return the network's weights by name after the run's best epoch, and how many of these
    numbers are trainable. Raises as `runs.require_backbone`."""

    def tensors(network: keras.Model) -> Tensors:
        return {name: v.numpy() for name, v in keras_backend.variables(network).items()}

    trains_backbone = scenario.trainable_layers is not None
    model = vgg16.build(scenario, None if trains_backbone else backbone_weights)
    trainable = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    if trains_backbone:
        callbacks.load_weights(model, run_dir / runs.BEST)
        return tensors(model), trainable
    runs.require_backbone(run_dir, vgg16.backbone_digest(model))
    inputs = keras.Input(model.get_layer(layer_names.NORM).input.shape[1:])
    head = keras.Model(inputs, vgg16.classify(inputs, scenario))
    callbacks.load_weights(head, run_dir / runs.BEST)
    return tensors(model) | tensors(head), trainable


def _config(
    scenario: Scenario,
    record: Run,
    history: list[Row],
    parameters: int,
    trainable: int,
) -> RunConfig:
    """Return the content of `config.json` for a run, with the network's number of parameters."""
    best = runs.best_epoch(history)
    return {
        "seed": scenario.seed,
        "data_sha256": record["data"],
        # Missing in runs that were begun before it was recorded.
        "backbone_sha256": record.get(runs.BACKBONE),
        "epochs_run": len(history),
        "best_epoch": int(best["epoch"]),
        "best_val_accuracy": best["val_accuracy"],
        "training_seconds": round(sum(row["seconds"] for row in history)),
        "published": datetime.now(UTC).date().isoformat(),
        "parameters": parameters,
        "trainable_parameters": trainable,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", "tensorflow", "numpy")},
        },
    }


def finish(folder: Path = model_store.FOLDER) -> None:
    """Write the cards of all models and the manifest anew."""
    for artifact in model_store.available(folder).values():
        files.write_text(artifact.folder / model_store.CARD, card(artifact))
    model_store.write_manifest(folder)


def card(artifact: Artifact) -> str:
    """Return the model card in Markdown, made from configuration and metrics alone."""
    scenario = artifact.scenario
    lines = [
        *_introduction(artifact),
        "",
        "## Hyperparameters",
        "",
        "| name | value |",
        "|---|---|",
    ]
    for name, value in scenario.to_dict().items():
        if name not in ("key", "phases"):
            lines.append(f"| {name} | {_format(value)} |")
    for number, phase in enumerate(scenario.phases, start=1):
        lines.append(f"| phase {number} | {_format(phase.to_dict())} |")
    if artifact.metrics is None:
        lines += ["", "Not evaluated yet: run `fer evaluate`."]
    else:
        noise = LABEL_NOISE if dataset.is_official(artifact.metrics["data_sha256"]) else ""
        lines += [*_measured(artifact.metrics), "", "## Limits", "", noise + LIMITS]
    return "\n".join(lines) + "\n"


def _introduction(artifact: Artifact) -> list[str]:
    """Input, output, weights and origin of the model."""
    scenario, config = artifact.scenario, artifact.config
    is_head_only = scenario.trainable_layers is None
    return [
        f"# `{scenario.key}`: VGG16 on {_data_name(config['data_sha256'])}",
        "",
        "Written by `fer publish` and `fer evaluate`; do not edit.",
        "",
        f"- Input: a face of 48×48 gray pixels, enlarged bilinearly to {scenario.input_size}×"
        f"{scenario.input_size}, three equal channels, Keras' VGG16 preprocessing",
        f"- Output: confidences for {', '.join(emotions.KEYS)}",
        f"- Weights: SHA-256 `{artifact.digest}`, {artifact.size / 1e6:.1f} MB of its own beside "
        f"the shared blocks 1-3; large kernels in half precision",
        f"- Parameters: {config['parameters']:,}, trained: {config['trainable_parameters']:,}",
        f"- Data: {_data_name(config['data_sha256'])}, SHA-256 `{config['data_sha256']}`; "
        "trained on Training, chosen on PublicTest, reported on PrivateTest",
        f"- Seed {config['seed']}; {config['epochs_run']} epochs in "
        f"{config['training_seconds'] / 60:.0f} minutes"
        + (" (head only, after the features were computed once)" if is_head_only else "")
        + f"; best epoch {config['best_epoch']} "
        f"(PublicTest accuracy {config['best_val_accuracy']:.1%} in training)",
        f"- Published {config['published']} with "
        + ", ".join(f"{name} {number}" for name, number in config["versions"].items()),
    ]


def _measured(metrics: Metrics) -> list[str]:
    """Metrics of both test splits, and of each class on PrivateTest."""
    lines = [
        "",
        "## Metrics",
        "",
        "Single crop, no test-time augmentation. Confidences are softmax(logits / T) with "
        f"T = {metrics['temperature']:.3f}, fitted on PublicTest by log loss. Computed in "
        f"{metrics['compute_dtype']}, of "
        f"{_data_name(metrics['data_sha256'], metrics.get('data_source'))}, SHA-256 "
        f"`{metrics['data_sha256']}`.",
        "",
        "| metric | " + " | ".join(metrics["splits"]) + " |",
        "|---|---|---|",
    ]
    split_metrics = list(metrics["splits"].values())
    for name in CARD_METRICS:
        cells = " | ".join(_format(split[name]) for split in split_metrics)
        lines.append(f"| {name} | {cells} |")
    private = metrics["splits"][Split.PRIVATE_TEST.value]
    lines += ["", "| PrivateTest | precision | recall | F1 | images |", "|---|---|---|---|---|"]
    for key, row in private["per_class"].items():
        lines.append(
            f"| {key} | {row['precision']:.3f} | {row['recall']:.3f} | {row['f1']:.3f} | "
            f"{row['support']} |"
        )
    return lines


def _data_name(digest: str, source: str | None = None) -> str:
    if dataset.is_official(digest):
        return "FER-2013"
    return "other images than FER-2013's" + (f" ({source})" if source else "")


def _format(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_format(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return " to ".join(_format(item) for item in value)
    return "no" if value is None else str(value)
