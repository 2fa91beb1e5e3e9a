"""The models that may answer: those whose files are as they were published."""

from __future__ import annotations

from pathlib import Path

from fer import FerError
from fer.artifacts import model_store
from fer.artifacts.model_store import CARD, CONFIG, METRICS, WEIGHTS, Artifact
from fer.scenarios import SCENARIOS


def models(folder: Path = model_store.FOLDER) -> tuple[dict[str, Artifact], list[FerError]]:
    """Return the trained models whose files match the manifest, and an error for every file that
    does not. A bad file that no model needs disables only what is made from it."""
    artifacts: dict[str, Artifact] = {}
    problems: list[FerError] = []
    try:
        listed = model_store.published(folder)
    except FerError as error:
        return {}, [error]
    for key in _keys(folder):
        try:
            artifacts[key] = open_model(key, folder)
        except FerError as error:
            problems.append(error)
    # Nothing is computed from a card.
    for name in sorted(name for name in listed if not name.endswith(CARD)):
        try:
            model_store.checked(folder, name)
        except FerError as error:
            if str(error) not in map(str, problems):
                problems.append(error)
    return artifacts, problems


def require(folder: Path = model_store.FOLDER, *, with_metrics: bool = True) -> dict[str, Artifact]:
    """Return every trained model by scenario key; empty if none. Raises as `open_model`."""
    return {key: open_model(key, folder, with_metrics=with_metrics) for key in _keys(folder)}


def _keys(folder: Path) -> list[str]:
    """Return the scenarios that have a model in the folder or in its manifest."""
    listed = model_store.published(folder)
    return [
        key
        for key in SCENARIOS
        if (folder / key / CONFIG).exists()
        or any(f"{key}/{name}" in listed for name in (CONFIG, WEIGHTS, METRICS))
    ]


def open_model(
    key: str, folder: Path = model_store.FOLDER, *, with_metrics: bool = True
) -> Artifact:
    """Return a scenario's trained model after checking its files against the manifest and each
    other. Raise FerError if there is none, or a file of it is missing, damaged, of another version
    or of another model."""
    listed = model_store.published(folder)
    for name in (CONFIG, WEIGHTS, METRICS) if with_metrics else (CONFIG, WEIGHTS):
        # A model that was not evaluated yet has no metrics.
        if f"{key}/{name}" in listed:
            model_store.checked(folder, f"{key}/{name}")
    model = model_store.open_artifact(key, folder)
    weights_digests = {model.digest, model.config["weights_sha256"]}
    if with_metrics and model.metrics is not None:
        weights_digests.add(model.metrics["weights_sha256"])
    if len(weights_digests) > 1:
        raise FerError(
            "The files in {path} are not of one model: a publishing was cut off; run: fer publish "
            "runs/{key}",
            path=model.folder,
            key=key,
        )
    return model
