"""The data set that what is shown comes from: FER-2013, or one of the operator's own."""

from __future__ import annotations

from fer import FerError
from fer.data import dataset
from fer.ui.shared import loaders
from fer.ui.shared.text import _


def is_fer2013() -> bool:
    """Return whether all stored metrics were measured on FER-2013."""
    return all(map(dataset.is_official, _measured_on()))


def images_of(split: str) -> str:
    """Return what to call the images of a split that the models were measured on."""
    if is_fer2013():
        return _("FER-2013's {split}", split=split)
    return _("{split} of {data} (not FER-2013)", split=split, data=own_name())


def own_name() -> str:
    """Return the name of the data set that is not FER-2013 and that metrics were measured on."""
    names = [name for digest, name in _measured_on().items() if not dataset.is_official(digest)]
    return ", ".join(name or _("another data set") for name in names)


def sources() -> str:
    """Return the data sets that figures and metrics come from, with their digests."""
    name_of = {loaders.summary()["data_sha256"]: "", **_measured_on()}
    return " · ".join(
        _("FER-2013 (Goodfellow et al. 2013), data SHA-256 {data}", data=digest[:12])
        if dataset.is_official(digest)
        else _(
            "{name}, which is not FER-2013, data SHA-256 {data}",
            name=name or _("another data set"),
            data=digest[:12],
        )
        for digest, name in name_of.items()
    )


def notices() -> list[FerError]:
    """Return a sentence on each of the images and stored results here that are not FER-2013's."""
    notices = []
    try:
        imported = loaders.data()
    except FerError:
        # The page that shows images says what is wrong with them.
        imported = None
    if imported is not None and imported.notice is not None:
        notices.append(imported.notice)
    models = loaders.models()
    trained = {key: model.config["data_sha256"] for key, model in models.items()}
    measured = {k: model.metrics["data_sha256"] for k, model in models.items() if model.metrics}
    notices += [
        FerError(
            "{models}: trained on other images than FER-2013's (data SHA-256 {digest}).",
            models=keys,
            digest=digest[:12],
        )
        for digest, keys in _own_data(trained).items()
    ]
    notices += [
        FerError(
            "The figures of {models} were measured on other images than FER-2013's (data "
            "SHA-256 {digest}), so they are not FER-2013's.",
            models=keys,
            digest=digest[:12],
        )
        for digest, keys in _own_data(measured).items()
    ]
    return notices


def _measured_on() -> dict[str, str]:
    """Return the name of each data set that models were measured on, by digest; empty where it was
    not recorded."""
    metrics = [model.metrics for model in loaders.models().values() if model.metrics is not None]
    return {m["data_sha256"]: m.get("data_source", "") for m in metrics}


def _own_data(digest_of: dict[str, str]) -> dict[str, str]:
    """Return the keys of models by the digest of their data, where that is not FER-2013's."""
    own = dict.fromkeys(data for data in digest_of.values() if not dataset.is_official(data))
    return {
        digest: ", ".join(key for key, data in digest_of.items() if data == digest)
        for digest in own
    }
