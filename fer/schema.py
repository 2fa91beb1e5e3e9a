"""Checking records, which are JSON files, against their schema, a TypedDict, when they are read.

The function that makes a record returns the same TypedDict that its reader gets, so that mypy knows
every key on both sides. The TypedDicts of a folder are in its `records.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from fer import FerError, files

T = TypeVar("T")


def read(path: Path, schema: type[T], command: str) -> T:
    """Return the record in a JSON file with the keys of its schema; other keys are left out. Raise
    FerError if the file is missing or not JSON, or does not fit the schema, as when another version
    wrote it.

    Args:
        schema: a TypedDict, or a dict or list of TypedDicts.
        command: the command that makes the file again, as a user types it.
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
