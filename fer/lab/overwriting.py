"""Figures of one data set never take the place of another's without a word.

Every record that is made of images names them by the digest of the data set, so one look at what
lies there tells whether a command would replace its like or somebody else's results.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fer import FerError, files
from fer.data import dataset


def digest_of(path: Path) -> str | None:
    """The digest of the data set that a file was made of; None if there is no such file, or it
    does not say.

    Votes and sample faces are made of FER-2013 alone, so they name no data set.
    """
    if not path.exists():
        return None
    if path.suffix != ".json":
        return dataset.KAGGLE_DIGEST
    try:
        record = files.read_json(path)
    except FerError:
        # Nothing can be read from it, so nothing is lost with it.
        return None
    if not isinstance(record, dict):
        return None
    digest: str | None = record.get("data_sha256")
    # Networks in full precision were calibrated on nothing.
    return digest or (record.get("calibration") or {}).get("data_sha256")


def of_other_data(paths: Iterable[Path], digest: str) -> Path | None:
    """The first of the files that was made of another data set than that digest's, None if none
    was. Kaggle's FER-2013 and the original table are one data set."""
    for path in paths:
        stored = digest_of(path)
        is_same = stored == digest or (
            stored is not None and dataset.is_official(stored) and dataset.is_official(digest)
        )
        if stored is not None and not is_same:
            return path
    return None


def require_same_data(
    paths: Iterable[Path], digest: str, *, option: str = "--models-dir", can_overwrite: bool = True
) -> None:
    """Raise FerError if one of the files, which are to be written anew from the data set of that
    digest, was made of another one.

    Args:
        option: with which the command names another folder to write to.
        can_overwrite: whether the command takes --overwrite.
    """
    path = of_other_data(paths, digest)
    if path is not None:
        raise FerError(
            "{path} was made of {stored}, and this is {given}; name another folder with "
            "{options}. Nothing was changed.",
            path=path,
            stored=dataset.name_of(digest_of(path) or ""),
            given=dataset.name_of(digest),
            options=f"{option}, or say --overwrite to replace it" if can_overwrite else option,
        )
