"""Every study of `fer analyse`, and the files they fill under `models/analysis/`.

Studies of the networks' inside use the exact float32 networks, that of the gates under OpenVINO: a
visitor who turns them there gets the study's answers. Robustness, which needs forty passes, uses
the fast backend and says so, and so does the map, to be quickly made anew. Importing this module is
cheap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fer import FerError, files
from fer.artifacts import locations, model_store
from fer.artifacts.model_store import Artifact
from fer.data.dataset import Dataset
from fer.lab import provenance
from fer.progress import Progress, with_details
from fer.vision.faces import Detector

SEED = 2013
STUDIES = ("regions", "sanity", "gates", "robustness", "leakage", "map")


def path_of(study: str, folder: Path = model_store.FOLDER) -> Path:
    """Return the path of a study's record."""
    return folder / model_store.ANALYSIS / f"{study}.json"


def run(
    data: Dataset,
    folder: Path = model_store.FOLDER,
    studies: Sequence[str] = STUDIES,
    *,
    progress: Progress | None = None,
) -> None:
    """Make the named studies and write each when it is done. Raise FerError if there is no trained
    model or a file cannot be written.

    Args:
        progress: called with how much of a study is done, and its name as `study`.
    """
    models = list(model_store.available(folder).values())
    if not models:
        raise FerError("There is no trained model in {folder}; run: fer train", folder=folder)
    for name in studies:
        origin = provenance.record(data, SEED, models)
        figures = _study(name, data, folder, models, with_details(progress, study=name))
        files.write_json(path_of(name, folder), {**origin, **figures})
    model_store.write_manifest(folder)


def _study(
    name: str, data: Dataset, folder: Path, models: list[Artifact], progress: Progress | None
) -> Mapping[str, object]:
    """Return the content of a study's record, besides its provenance."""
    from fer.inference import classification, exact_backend, gradcam
    from fer.lab import keras_backend
    from fer.lab.studies import attention, feature_map, robustness, se_gates
    from fer.studies import leakage

    if name == "sanity":
        return attention.sanity(data, models, seed=SEED, progress=progress)
    if name == "leakage":
        return leakage.study(data, models, seed=SEED)
    if name == "robustness":
        classifier, detector = classification.load(folder), Detector(locations.detector(folder))
        return robustness.study(data, classifier, detector, seed=SEED, progress=progress)
    if name == "map":
        explainer = gradcam.Explainer(classification.load(folder))
        return feature_map.study(data, explainer, seed=SEED, progress=progress)
    if name == "regions":
        explainer = gradcam.Explainer(keras_backend.load(folder))
        detector = Detector(locations.detector(folder))
        return attention.study(data, explainer, detector, seed=SEED, progress=progress)
    gated = [model for model in models if model.scenario.se_ratio is not None]
    if not gated:
        raise FerError("No trained model has an SE block; run: fer train proposed")
    explainer = gradcam.Explainer(exact_backend.load(folder, [gated[0].key]))
    return se_gates.study(data, explainer, gated[0], seed=SEED, progress=progress)
