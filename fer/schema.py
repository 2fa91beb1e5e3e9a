"""The schema of a record, a JSON file, is a TypedDict: checked once, where the file is read.

Who makes a record returns its TypedDict and who reads it gets the same one, so that mypy knows
every key on both sides. The TypedDicts of a folder stand in its `records.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from fer import FerError, files

T = TypeVar("T")


def read(path: Path, schema: type[T], command: str) -> T:
    """Return the record in a JSON file with the keys of its schema; others are left out.

    Args:
        schema: a TypedDict, or a dict or list of such.
        command: what makes the file anew, as a user types it.

    Raises:
        FerError: if the file is missing or not JSON, or if it does not fit the schema, as one that
            another version wrote.
    """
    record = files.read_json(path)
    try:
        return msgspec.convert(record, schema)
    except msgspec.ValidationError as error:
        raise FerError(
            "{path} does not fit this version of fer ({reason}); make it anew: {command}",
            path=path,
            reason=error,
            command=command,
        ) from error
