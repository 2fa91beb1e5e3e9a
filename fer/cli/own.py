"""`fer evaluate --images`: both models on labelled images of one's own."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from fer import FerError, emotions
from fer.artifacts import locations
from fer.artifacts.model_store import Artifact
from fer.cli.console import note, out, progress_bar
from fer.data.formats import labelled_files
from fer.evaluation import mistakes
from fer.inference import classification
from fer.lab.evaluation.evaluate import CHECKED
from fer.own import images
from fer.own.images import OwnImages
from fer.scenarios import BASELINE, PROPOSED
from fer.vision.faces import Detector

# How many images are named that were left out for one reason, and how many errors to look at.
MOST_TOLD = 5


def evaluate_images(
    source: Path,
    keys: Sequence[str],
    models_dir: Path,
    *,
    whole: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Print how good the models are on the labelled images of a folder, an archive or a table.

    Args:
        whole: take an image whole where no face is found.

    Raises:
        FerError: as `labelled_files.opened` and `images.measure`.
    """
    if as_json and as_csv:
        raise FerError("Choose one of --json and --csv.")
    locations.require_models(models_dir)
    with labelled_files.opened(source, str(source)) as files:
        classifier = classification.load(models_dir, keys or None)
        detector = Detector(locations.detector(models_dir))
        outcomes = []
        with progress_bar("Measuring", len(files)) as update:
            for done, file in enumerate(files, start=1):
                outcomes.append(images.answer(file, detector, classifier, whole=whole))
                update(done, len(files))
    found = images.measure(str(source), outcomes, classifier.models)
    if as_json:
        print(json.dumps(found.record(classifier.models, classifier.compute_dtype)))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, images.COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(found.rows())
    else:
        _print(found, classifier.models)


def _print(found: OwnImages, models: Mapping[str, Artifact]) -> None:
    """Everything for people: figures, classes, confusion, what was left out, errors to look at."""
    _tell_taken(found)
    table = Table("metric", *found.models)
    for name in CHECKED:
        table.add_row(name, *(f"{model.scores[name]:.4f}" for model in found.models.values()))
    table.add_row(
        "95 % interval",
        *(
            "{:.4f}-{:.4f}".format(*model.scores["accuracy_interval"])
            for model in found.models.values()
        ),
    )
    out.print(table)
    if found.gain is not None:
        low, high = found.gain["gain_interval"]
        out.print(
            f"proposed - baseline {found.gain['gain']:+.4f} (95 % {low:+.4f} to {high:+.4f}), "
            f"McNemar p = {found.gain['mcnemar_p']:.3g}"
        )
    for key, share in found.on_private_test(models).items():
        accuracy = found.models[key].scores["accuracy"]
        out.print(
            f"{key}: {accuracy:.4f} here, {share:.4f} on PrivateTest if its emotions were as "
            f"frequent as here: {accuracy - share:+.4f}"
        )
    table = Table("F1", "images", *found.models)
    for emotion, count in found.support.items():
        table.add_row(
            emotion,
            f"{count:,}",
            *(
                f"{model.scores['per_class'][emotion]['f1']:.4f}" if count else "-"
                for model in found.models.values()
            ),
        )
    out.print(table)
    for key, model in found.models.items():
        table = Table(f"{key}: true, answer", *emotions.KEYS)
        for emotion, row in zip(emotions.KEYS, model.scores["confusion"], strict=True):
            table.add_row(emotion, *map(str, row))
        out.print(table)
    _print_errors(found)


def _tell_taken(found: OwnImages) -> None:
    out.print(f"{len(found.answered):,} images measured, {len(found.left_out):,} left out.")
    if found.taken_whole:
        out.print(f"Taken whole, as faces that are cut out already: {found.taken_whole:,}.")
    if found.several_faces:
        out.print(f"With several faces, of which the largest was taken: {found.several_faces:,}.")
    for folder, count in found.without_counterpart.most_common():
        out.print(f"Left out: {count:,} of {folder}, which is none of the seven emotions.")
    for left in found.others_left_out[:MOST_TOLD]:
        note(f"Left out {left.source}: {left.reason}", "warning")
    if len(found.others_left_out) > MOST_TOLD:
        note(f"And {len(found.others_left_out) - MOST_TOLD:,} more; --csv names all.", "warning")
    if found.missing:
        out.print(f"No image of {', '.join(found.missing)}: left out of the means over classes.")


def _print_errors(found: OwnImages) -> None:
    """The images that both models answer alike and otherwise than labelled, the surest first."""
    if not {BASELINE.key, PROPOSED.key} <= found.models.keys():
        return
    both = [found.models[key].predictions for key in (BASELINE.key, PROPOSED.key)]
    table = Table("both models against the label", "label", "answer", "confidence")
    for one in mistakes.against_label(both[0], both[1], MOST_TOLD):
        table.add_row(one.source, one.label, one.answer, f"{one.confidence:.1%}")
    if table.row_count:
        out.print(table)
