"""The gain of each ingredient of `proposed`, found by training the scenario again without it.

All runs have the same budget; runs of one seed see the same images in the same order. The budget
is below the published model's, so the gain of ingredients that pay off late (augmentation, label
smoothing) is underestimated. Importing this module imports TensorFlow.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import keras
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from fer import FerError, files
from fer.artifacts import runs
from fer.data.dataset import Dataset, Split
from fer.evaluation import metrics
from fer.evaluation.calibration import Probabilities
from fer.inference.calibrate import softmax
from fer.lab import provenance
from fer.lab.networks import vgg16
from fer.lab.training import callbacks, loop
from fer.progress import Progress, with_details
from fer.scenarios import PROPOSED, Phase, Scenario
from fer.studies import leakage
from fer.studies.records import Ablation, AblationRun, Budget
from fer.vision import preprocessing

FULL = "full"
# `proposed` without one ingredient, by its name.
WITHOUT: dict[str, Scenario] = {
    FULL: PROPOSED,
    "se": replace(PROPOSED, se_ratio=None),
    "fine_tuning": replace(PROPOSED, frozen_layers=(0, 18), trainable_layers=None),
    "augmentation": replace(PROPOSED, augmentation=None),
    "class_weights": replace(PROPOSED, class_weights="none"),
    "label_smoothing": replace(PROPOSED, label_smoothing=0.0),
}
SEEDS = (2013, 2014, 2015)
# The variants that are trained with every seed; the others are trained with the first seed only.
REPEATED = (FULL, "se")
# The published model's first phase, brought to its end: enough passes for regularisers to have an
# effect.
BUDGET = Phase(image_size=64, epochs=8, learning_rate=1e-4, batch_size=64, warmup_steps=300)
BATCH = 64
PRIVATE = "private.safetensors"
# The files that are kept of a finished run.
KEPT = (runs.RUN, runs.HISTORY, PRIVATE)
PROBABILITIES = "probabilities"


def variant(
    without: str, seed: int, budget: Phase = BUDGET, compute_dtype: str | None = None
) -> Scenario:
    """Return `proposed` without one ingredient (with all for `FULL`), trained for the budget."""
    return replace(
        WITHOUT[without],
        input_size=budget.image_size,
        phases=(budget,),
        seed=seed,
        compute_dtype=compute_dtype or PROPOSED.compute_dtype,
    )


def plan(seeds: Sequence[int] = SEEDS) -> list[tuple[str, int]]:
    """Return the ingredient left out and the seed of every run, in the order of training."""
    first, *others = seeds
    return [(name, first) for name in WITHOUT] + [
        (name, seed) for seed in others for name in REPEATED
    ]


def run(
    data: Dataset,
    out: Path,
    *,
    finished: Path,
    seeds: Sequence[int] = SEEDS,
    budget: Phase = BUDGET,
    compute_dtype: str | None = None,
    backbone_weights: vgg16.Weights = "imagenet",
    progress: Progress | None = None,
) -> Ablation:
    """Train every variant and return accuracies, macro F1 and gains.

    A killed ablation goes on where it ended when called again with the same folders. Raises as
    `loop.train`.

    Args:
        out: a folder for the runs.
        finished: a folder for the small files that are kept of each finished run beside the record.
            Runs found there are not trained again, so that the study may be spread over machines.
        compute_dtype: the precision of seeds that are not begun, None for that of `proposed`; a
            seed that is begun goes on in its own, so that its runs differ in the ingredient alone.
        progress: as in `loop.train`, with the name of the run as `run`.
    """
    full_by_seed: dict[int, Probabilities] = {}
    outcomes = []
    for without, seed in plan(seeds):
        name = f"{without}-{seed}"
        begun = (runs.compute_dtype(place / f"{FULL}-{seed}") for place in (finished, out))
        precision = next(filter(None, begun), compute_dtype)
        scenario = variant(without, seed, budget, precision)
        folder = finished / name
        if not _is_finished(folder, scenario, data):
            folder = out / name
            loop.train(
                scenario,
                data,
                folder,
                resume=True,
                backbone_weights=backbone_weights,
                progress=with_details(progress, run=name),
            )
        probabilities = _predict(scenario, folder, data)
        if folder != finished / name:
            for file in KEPT:
                with files.replacing(finished / name / file) as temporary:
                    shutil.copyfile(folder / file, temporary)
        if without == FULL:
            full_by_seed[seed] = probabilities
        history = runs.read_history(folder)
        outcomes.append(
            _outcome(without, scenario, history, data, probabilities, full_by_seed[seed])
        )
    images = len(data.rows(Split.TRAINING))
    return {
        **provenance.record(data, seeds[0]),
        "budget": cast(Budget, budget.to_dict()),
        "passes": budget.epochs * (budget.images_per_epoch or images) / images,
        "runs": outcomes,
    }


def _is_finished(folder: Path, scenario: Scenario, data: Dataset) -> bool:
    """Return whether the folder holds a finished run. Raise FerError if that was one of another
    scenario or on other data."""
    if not all((folder / name).exists() for name in KEPT):
        return False
    stored = runs.read(folder)
    if stored["data"] != data.digest or Scenario.from_dict(stored["scenario"]) != scenario:
        raise FerError(
            "The finished run in {folder} was made with other data or values; delete it to train "
            "it again.",
            folder=folder,
        )
    return True


def _outcome(
    without: str,
    scenario: Scenario,
    history: list[runs.Row],
    data: Dataset,
    probabilities: Probabilities,
    full: Probabilities,
) -> AblationRun:
    """Return the record of a run: the scores of its best epoch on PrivateTest and, without an
    ingredient, the gains of putting that back with the same seed: on all images, in accuracy and in
    macro F1, and on those without a twin in Training."""
    rows = data.rows(Split.PRIVATE_TEST)
    labels = data.labels[rows]
    report, best = metrics.report(labels, probabilities), runs.best_epoch(history)
    outcome: AblationRun = {
        "without": without,
        "seed": scenario.seed,
        "compute_dtype": scenario.compute_dtype,
        "public_accuracy": best["val_accuracy"],
        "training_accuracy": best["accuracy"],
        "best_epoch": int(best["epoch"]),
        "private": {
            "images": report["images"],
            "accuracy": report["accuracy"],
            "accuracy_interval": report["accuracy_interval"],
            "macro_f1": report["macro_f1"],
            "log_loss": report["log_loss"],
            "ece": report["ece"],
            "per_class": report["per_class"],
            "mean_confidence": float(probabilities.max(axis=1).mean()),
        },
        "seconds": round(sum(row["seconds"] for row in history)),
    }
    if without != FULL:
        twins = leakage.sources_with_twins(data)
        has_no_twin = np.array([str(source) not in twins for source in data.sources[rows]], bool)
        outcome["gain"] = metrics.compare(labels, probabilities, full)
        outcome["macro_f1_gain"] = metrics.macro_f1_gain(labels, probabilities, full)
        outcome["gain_without_twins"] = metrics.compare(
            labels[has_no_twin], probabilities[has_no_twin], full[has_no_twin]
        )
    return outcome


def _predict(scenario: Scenario, folder: Path, data: Dataset) -> Probabilities:
    """Return the probabilities (n, 7) of the run's best weights on PrivateTest, not calibrated:
    the stored ones if there are any, else computed and stored."""
    path = folder / PRIVATE
    if path.exists():
        try:
            return np.asarray(load_file(path)[PROBABILITIES], dtype=np.float64)
        except (OSError, KeyError, SafetensorError) as error:
            raise FerError("{path} is damaged; delete it and run: fer ablate", path=path) from error
    keras.utils.clear_session()
    model = vgg16.build(scenario, None)
    callbacks.load_weights(model, folder / runs.BEST)
    images = data.images[data.rows(Split.PRIVATE_TEST)]
    logits = [
        vgg16.run(model, preprocessing.batch(images[start : start + BATCH], scenario.input_size))
        for start in range(0, len(images), BATCH)
    ]
    probabilities = softmax(np.concatenate(logits))
    with files.replacing(path) as temporary:
        temporary.write_bytes(save({PROBABILITIES: probabilities}))
    return probabilities
