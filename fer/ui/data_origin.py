"""Which data set what is shown comes from: FER-2013, or one of the operator's own."""

from __future__ import annotations

from fer import FerError
from fer.data import dataset
from fer.ui import loaders, model_comparison
from fer.ui.text import _


def is_fer2013() -> bool:
    """Whether all stored metrics were measured on FER-2013."""
    return all(dataset.is_official(digest) for digest in _measured_on())


def images_of(split: str) -> str:
    """What the images of a split are called that the models were measured on."""
    if is_fer2013():
        return _("FER-2013's {split}", split=split)
    return _("{split} of {data} (not FER-2013)", split=split, data=own_name())


def own_name() -> str:
    """What the data set is called that metrics were measured on and that is not FER-2013."""
    names = [name for digest, name in _measured_on().items() if not dataset.is_official(digest)]
    return ", ".join(name or _("another data set") for name in names)


def sources() -> str:
    """The data sets that figures and metrics come from, with their digests."""
    found = {loaders.summary()["data_sha256"]: "", **_measured_on()}
    return " · ".join(
        _("FER-2013 (Goodfellow et al. 2013), data SHA-256 {data}", data=digest[:12])
        if dataset.is_official(digest)
        else _(
            "{name}, which is not FER-2013, data SHA-256 {data}",
            name=name or _("another data set"),
            data=digest[:12],
        )
        for digest, name in found.items()
    )


def notices() -> list[FerError]:
    """In words which of the images and stored results here are not FER-2013's; empty if all are."""
    try:
        imported = loaders.data()
    except FerError:
        # The page that shows images says what is wrong with them.
        imported = None
    models = loaders.models()
    trained = {key: model.config["data_sha256"] for key, model in models.items()}
    measured = {k: model.metrics["data_sha256"] for k, model in models.items() if model.metrics}
    return [
        *([] if imported is None or imported.notice is None else [imported.notice]),
        *(
            FerError(
                "{models}: trained on other images than FER-2013's (data SHA-256 {digest}).",
                models=", ".join(keys),
                digest=digest[:12],
            )
            for digest, keys in _elsewhere(trained).items()
        ),
        *(
            FerError(
                "The figures of {models} were measured on other images than FER-2013's (data "
                "SHA-256 {digest}), so they are not FER-2013's.",
                models=", ".join(keys),
                digest=digest[:12],
            )
            for digest, keys in _elsewhere(measured).items()
        ),
    ]


def _measured_on() -> dict[str, str]:
    """The name of each data set that models were measured on, by digest; empty where it was not
    recorded."""
    metrics = [model.metrics for model in model_comparison.evaluated().values()]
    return {m["data_sha256"]: m.get("data_source", "") for m in metrics if m is not None}


def _elsewhere(digests: dict[str, str]) -> dict[str, list[str]]:
    """Models by the digest of data that is not FER-2013's."""
    found: dict[str, list[str]] = {}
    for key, digest in digests.items():
        if not dataset.is_official(digest):
            found.setdefault(digest, []).append(key)
    return found
