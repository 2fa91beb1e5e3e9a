"""Protection of stored figures: those of one data set never silently replace those of another.

Every record that is made from images holds the digest of their data set, so the stored file tells
whether a command would replace figures of the same data set.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fer import FerError, files
from fer.data import dataset


def digest_of(path: Path) -> str | None:
    """Return the digest of the data set that a file was made from; None if there is no such file,
    or if it names no data set.

    Files other than JSON, such as votes and sample faces, are made from FER-2013 alone.
    """
    if not path.exists():
        return None
    if path.suffix != ".json":
        return dataset.KAGGLE_DIGEST
    try:
        record = files.read_json(path)
    except FerError:
        # Nothing can be read from the file, so nothing is lost with it.
        return None
    if not isinstance(record, dict):
        return None
    digest: str | None = record.get("data_sha256")
    # A record of networks in full precision has no calibration.
    return digest or (record.get("calibration") or {}).get("data_sha256")


def of_other_data(paths: Iterable[Path], digest: str) -> Path | None:
    """Return the first of the files that was made from another data set than the one of that
    digest; None if there is none. Kaggle's FER-2013 and the original table are one data set."""
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
    """Raise FerError if one of the files was made from another data set than the one of that
    digest, from which they are to be written anew.

    Args:
        option: the command's option for another folder to write to.
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
