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
from fer.cli.console import format_gain, metrics_table, note, out, progress_bar
from fer.data.formats import labelled_files
from fer.evaluation import mistakes
from fer.inference import classification
from fer.own import images
from fer.own.images import OwnImages
from fer.scenarios import BASELINE, PROPOSED
from fer.vision.faces import Detector

# How many images are named that were left out, and how many that both models answer wrongly.
MAX_PRINTED = 5


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
    Raises as `labelled_files.opened` and `images.measure`."""
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
    result = images.measure(str(source), outcomes, classifier.models)
    if as_json:
        print(json.dumps(result.record(classifier.models, classifier.compute_dtype)))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, images.COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(result.rows())
    else:
        _print(result, classifier.models)


def _print(result: OwnImages, models: Mapping[str, Artifact]) -> None:
    """Print figures, classes, confusion, what was left out, and errors to look at, for people."""
    out.print(f"{len(result.answered):,} images measured, {len(result.left_out):,} left out.")
    if result.taken_whole:
        out.print(f"Taken whole, as faces that are cut out already: {result.taken_whole:,}.")
    if result.several_faces:
        out.print(f"With several faces, of which the largest was taken: {result.several_faces:,}.")
    for folder, count in result.without_counterpart.most_common():
        out.print(f"Left out: {count:,} of {folder}, which is none of the seven emotions.")
    for image in result.others_left_out[:MAX_PRINTED]:
        note(f"Left out {image.source}: {image.reason}", "warning")
    if len(result.others_left_out) > MAX_PRINTED:
        note(f"And {len(result.others_left_out) - MAX_PRINTED:,} more; --csv names all.", "warning")
    if result.missing:
        out.print(f"No image of {', '.join(result.missing)}: left out of the means over classes.")
    out.print(metrics_table({key: model.scores for key, model in result.models.items()}))
    if result.gain is not None:
        out.print(format_gain(result.gain))
    for key, share in result.on_private_test(models).items():
        accuracy = result.models[key].scores["accuracy"]
        out.print(
            f"{key}: {accuracy:.4f} here, {share:.4f} on PrivateTest if its emotions were as "
            f"frequent as here: {accuracy - share:+.4f}"
        )
    table = Table("F1", "images", *result.models)
    for emotion, count in result.support.items():
        table.add_row(
            emotion,
            f"{count:,}",
            *(
                f"{model.scores['per_class'][emotion]['f1']:.4f}" if count else "-"
                for model in result.models.values()
            ),
        )
    out.print(table)
    for key, model in result.models.items():
        table = Table(f"{key}: true, answer", *emotions.KEYS)
        for emotion, row in zip(emotions.KEYS, model.scores["confusion"], strict=True):
            table.add_row(emotion, *map(str, row))
        out.print(table)
    if {BASELINE.key, PROPOSED.key} <= result.models.keys():
        baseline, proposed = (result.models[it.key].predictions for it in (BASELINE, PROPOSED))
        table = Table("both models against the label", "label", "answer", "confidence")
        for error in mistakes.against_label(baseline, proposed, MAX_PRINTED):
            table.add_row(error.source, error.label, error.answer, f"{error.confidence:.1%}")
        if table.row_count:
            out.print(table)
