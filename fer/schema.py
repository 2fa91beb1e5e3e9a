"""The schema of a record, a JSON file, is a TypedDict: checked once, where the file is read.

Who makes a record returns its TypedDict and who reads it gets the same one, so that mypy knows
every key on both sides. The TypedDicts of a folder stand in its `records.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Literal,
    NotRequired,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from fer import FerError, files

T = TypeVar("T")
# What JSON has for each plain type; a whole number may stand where a fraction may.
PLAIN: dict[object, tuple[type, ...]] = {
    str: (str,),
    bool: (bool,),
    int: (int,),
    float: (int, float),
    NoneType: (NoneType,),
}


def read(path: Path, schema: type[T], command: str) -> T:
    """The record in a JSON file, whose keys and types are those of the schema.

    Args:
        schema: a TypedDict, or a dict or list of such.
        command: what makes the file anew, as a user types it.

    Raises:
        FerError: if the file is missing or not JSON, or if it does not fit the schema, as one that
            another version wrote.
    """
    record: T = files.read_json(path)
    place = misfit(record, schema)
    if place is not None:
        raise FerError(
            "{path} does not fit this version of fer (at {place}); make it anew: {command}",
            path=path,
            place=place,
            command=command,
        )
    return record


def misfit(value: object, schema: object, place: str = "$") -> str | None:
    """Where a JSON value first lacks a key of its schema or is of another type, as a JSONPath; None
    if it fits. Keys that the schema does not name may be there.

    Args:
        schema: a TypedDict, `dict[str, …]`, `list[…]`, `Literal[…]`, a union, a plain
            type, or `object` for what its own reader checks.
        place: where the value itself stands; "$" is the whole record.
    """
    if schema is object:
        return None
    if schema in PLAIN:
        # A bool is an int to Python and none to JSON.
        fits = isinstance(value, PLAIN[schema]) and (schema is bool) == isinstance(value, bool)
        return None if fits else place
    if is_typeddict(schema):
        return _misfit_of_record(value, schema, place)
    origin, of = get_origin(schema), get_args(schema)
    if origin is Literal:
        return None if value in of else place
    if origin in (Union, UnionType):
        return None if any(misfit(value, one) is None for one in of) else place
    if origin is dict and isinstance(value, dict):
        return _first(misfit(part, of[1], f"{place}.{key}") for key, part in value.items())
    if origin is list and isinstance(value, list):
        return _first(misfit(part, of[0], f"{place}[{at}]") for at, part in enumerate(value))
    if origin in (dict, list):
        return place
    raise TypeError(f"{schema!r} is no type of a JSON value")


def _misfit_of_record(value: object, schema: object, place: str) -> str | None:
    if not isinstance(value, dict):
        return place
    required, of_key = _keys(schema)
    missing = next((f"{place}.{key}" for key in required if key not in value), None)
    return missing or _first(
        misfit(value[key], of, f"{place}.{key}") for key, of in of_key.items() if key in value
    )


def _first(misfits: Iterable[str | None]) -> str | None:
    return next((found for found in misfits if found is not None), None)


@cache
def _keys(schema: object) -> tuple[list[str], dict[str, object]]:
    """A TypedDict's required keys, and the schema of the value of every key."""
    hints = get_type_hints(schema, include_extras=True)
    # Where annotations are strings, `__required_keys__` alone does not see NotRequired.
    optional = {key for key, hint in hints.items() if get_origin(hint) is NotRequired}
    required = [k for k in hints if k in vars(schema)["__required_keys__"] and k not in optional]
    return required, {k: get_args(v)[0] if k in optional else v for k, v in hints.items()}
