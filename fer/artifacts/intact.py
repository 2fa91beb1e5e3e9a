"""Which models may answer: those whose files are as they were published."""

from __future__ import annotations

from pathlib import Path

from fer import FerError
from fer.artifacts import model_store
from fer.artifacts.model_store import CARD, CONFIG, METRICS, WEIGHTS, Artifact
from fer.scenarios import SCENARIOS


def models(folder: Path = model_store.FOLDER) -> tuple[dict[str, Artifact], list[FerError]]:
    """The trained models whose files are those in the manifest, and what is wrong with all else.

    A model answers with its weights and the temperature among its metrics; without either it is
    left out. Every other file disables only what is made of it, where `model_store.checked` tells
    so.
    """
    found: dict[str, Artifact] = {}
    problems: list[FerError] = []
    try:
        listed = model_store.published(folder)
    except FerError as error:
        return {}, [error]
    for key in _keys(folder):
        try:
            found[key] = open_model(key, folder)
        except FerError as error:
            problems.append(error)
    for name in sorted(listed):
        # Nothing is made of it.
        if name.endswith(CARD):
            continue
        try:
            model_store.checked(folder, name)
        except FerError as error:
            if str(error) not in map(str, problems):
                problems.append(error)
    return found, problems


def require(folder: Path = model_store.FOLDER, *, with_metrics: bool = True) -> dict[str, Artifact]:
    """Every trained model by scenario key; empty if there is none. Raises as `open_model`."""
    return {key: open_model(key, folder, with_metrics=with_metrics) for key in _keys(folder)}


def _keys(folder: Path) -> list[str]:
    """The scenarios of which there is a model in the folder or in its manifest."""
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
    """The trained model of a scenario, if its files are those in the manifest and of one model.

    Args:
        with_metrics: whether the metrics count, too; they hold the temperature.

    Raises:
        FerError: if there is none, or a file of it is missing, damaged, of another version or of
            another model.
    """
    listed = model_store.published(folder)
    for name in (CONFIG, WEIGHTS, METRICS) if with_metrics else (CONFIG, WEIGHTS):
        # A model that was not evaluated yet has no metrics.
        if f"{key}/{name}" in listed:
            model_store.checked(folder, f"{key}/{name}")
    model = model_store.open_artifact(key, folder)
    made_of = {model.digest, model.config["weights_sha256"]}
    if with_metrics and model.metrics is not None:
        made_of.add(model.metrics["weights_sha256"])
    if len(made_of) > 1:
        raise FerError(
            "The files in {path} are not of one model: a publishing was cut off; run: fer publish "
            "runs/{key}",
            path=model.folder,
            key=key,
        )
    return model
